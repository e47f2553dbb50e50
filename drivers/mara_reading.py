"""From what MARA's firmware told to a Reading. Pure; what was not told stays None.

Its configuration says whether it sleeps, and which mode it is in. In one page a rate is TH/s and its ideal GH/s; power
is an estimate.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from drivers.antminer_web import Document, rows
from drivers.figures import hottest, number, watts, whole, words
from drivers.interface import Board, DeviceFault, Fan, Pool, Reading, State
from drivers.models import Model

STANDS, FALLS, WARM = 0.01, 0.9, 0.15
BINDS = 0.99
"""A target of at least this share of nominal power is full."""
SAME_UNIT = 0.05
"""A rate above this share of its ideal is of the ideal's unit: builds differ, and a thousandth lies between them."""
STARTUP_S = 600
GHS_PER_THS = 1e3
SLEEP, STOCK, FIXED, AUTO = "Sleep", "Stock", "Fixed", "Auto"
SELECTORS = {name.lower(): name for name in (SLEEP, STOCK, FIXED, AUTO)}
BY_POWER, BY_RATE = "PowerTarget", "Hashrate"
OF_FIXED, OF_RATE = "fixed", "hashrate"
MOST_EVENTS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """The mode of a configuration: its selector, and the tuner's aim, which counts where the selector is Auto."""

    selector: str | None = None
    aim: str | None = None
    target_w: float | None = None

    @property
    def sleeps(self) -> bool:
        """Whether it was told to sleep."""
        return self.selector == SLEEP

    @property
    def limit_w(self) -> float | None:
        """The power target in force, W."""
        return self.target_w if self.selector == AUTO and self.aim == BY_POWER else None

    @property
    def own(self) -> str | None:
        """Its level when it hashes, as a way back to it is named; None for stock, and for what is not known."""
        if self.limit_w is not None:
            return f"limit:{self.limit_w:.0f}"
        if self.selector == FIXED:
            return f"profile:{OF_FIXED}"
        return f"profile:{OF_RATE}" if self.selector == AUTO and self.aim == BY_RATE else None

    def level(self, model: Model | None) -> str | None:
        """Return the level that it is set to; a clock or a rate of its owner's choice is what he calls full."""
        if self.sleeps:
            return "sleep"
        binds = self.limit_w is not None and (model is None or self.limit_w < BINDS * model.power_w)
        return self.own if binds else None if self.selector is None else "full"


def mode_of(config: Document) -> Mode:
    """Read the mode of a configuration; letters count for nothing."""
    told = section(config, "mode")
    tuner = section(told, "concorde")
    aims = {aim.lower(): aim for aim in (BY_POWER, BY_RATE)}
    return Mode(
        selector=SELECTORS.get((words(told.get("work-mode-selector")) or "").lower()),
        aim=aims.get((words(tuner.get("mode-select")) or "").lower()),
        target_w=watts(tuner.get("power-target")),
    )


def section(told: Mapping[str, Any], name: str) -> Document:
    """Return a section of a document, an empty one for none."""
    found = told.get(name)
    return found if isinstance(found, dict) else {}


@dataclass(slots=True)
class Told:
    """The pages; None is what was not asked for, or not there."""

    brief: Document
    mode: Mode
    boards: object = None
    details: object = None
    fans: object = None
    pools: object = None
    events: object = None


def reading_of(told: Told, model: Model | None) -> Reading:
    """Return what the machine said of itself."""
    present, state_reason = rate_ths(told.brief), _state(told, model)
    pools = _pools(told.pools)
    return Reading(
        state=state_reason[0],
        reason=state_reason[1],
        level=told.mode.level(model),
        hashrate_ths=present,
        present_ths=present,
        nominal_ths=ideal_ths(told.brief) if model is None else model.hashrate_ths,
        power_w=watts(told.brief.get("power_consumption_estimated")),
        power_limit_w=told.mode.limit_w,
        uptime_s=whole(told.brief.get("elapsed")),
        boards=_boards(told, model),
        fans=None if told.fans is None else tuple(_fans(told.fans)),
        pools=pools,
        errors=None if told.events is None else _errors(told.events),
        accepted=_sum(told.pools, "accepted"),
        rejected=_sum(told.pools, "rejected"),
        stale=_sum(told.pools, "stale"),
    )


def ideal_ths(brief: Document) -> float | None:
    """Return the rate that it should have."""
    ideal_ghs = number(brief.get("hashrate_ideal"))
    return ideal_ghs / GHS_PER_THS if ideal_ghs else None


def rate_ths(brief: Document) -> float | None:
    """Return the rate of the last seconds."""
    rate, ideal_ghs = number(brief.get("hashrate_realtime")), number(brief.get("hashrate_ideal"))
    if rate is not None and ideal_ghs and rate > SAME_UNIT * ideal_ghs:
        return rate / GHS_PER_THS
    return rate


def stands(told: Told, model: Model | None) -> bool:
    """Whether it hashes less than it should, so that its state hangs on more than its rate."""
    present = rate_ths(told.brief)
    return present is None or present <= FALLS * _usual_ths(told, model)


def _usual_ths(told: Told, model: Model | None) -> float:
    return (ideal_ths(told.brief) or 0.0) if model is None else model.hashrate_ths


def _state(told: Told, model: Model | None) -> tuple[State, str | None]:
    present, usual = rate_ths(told.brief), _usual_ths(told, model)
    if told.mode.sleeps:
        return _state_stopped(told, (present or 0.0) > STANDS * usual, model)
    if present is None:
        return State.UNKNOWN, None
    pools = _pools(told.pools)
    fed = pools is None or any(pool.alive for pool in pools)
    if present > (STANDS if fed else FALLS) * usual:
        return State.HASHING, None
    return _state_standing(told) if fed else (State.IDLE, "idle:pool")


def _state_stopped(told: Told, runs: bool, model: Model | None) -> tuple[State, str | None]:  # noqa: FBT001 - of itself
    """Return sleep once it neither says that it mines nor draws as if it did."""
    drawn_w = watts(told.brief.get("power_consumption_estimated"))
    flows = drawn_w is not None and model is not None and drawn_w > WARM * model.power_w
    return (State.IDLE, "idle:stopping") if flows or (runs and _mines(told.brief)) else (State.SLEEPING, None)


def _state_standing(told: Told) -> tuple[State, str]:
    if told.mode.selector is None:
        return State.UNKNOWN, "unknown:mode"
    if (whole(told.brief.get("elapsed")) or 0) < STARTUP_S:
        return State.STARTING, "starting:boot"
    chips = any(whole(row.get("asic_num")) for row in rows(told.boards))
    return State.FAULT, "fault:hashrate" if chips else "fault:boards"


def _mines(brief: Document) -> bool:
    return (words(brief.get("status")) or "").lower() == "mining"


def _boards(told: Told, model: Model | None) -> tuple[Board, ...] | None:
    if told.boards is None:
        return None
    details = {whole(row.get("index")): row for row in rows(told.details)}
    return tuple(
        _board(at, row, details.get(whole(row.get("index")), {}), model) for at, row in enumerate(rows(told.boards))
    )


def _board(at: int, row: Document, detail: Document, model: Model | None) -> Board:
    """Read one board; its index counts from 0 where the API port's slot counts from 1."""
    pcb = _sensors(row.get("temperature_pcb"))
    chip = _sensors(row.get("temperature_chip")) or _sensors(row.get("temperature_raw"))
    index, rate_ghs = whole(row.get("index")), number(row.get("hashrate_average"))
    return Board(
        slot=(at if index is None else index) + 1,
        hashrate_ths=None if rate_ghs is None else rate_ghs / GHS_PER_THS,
        chip_temp_c=hottest(chip),
        board_temp_c=hottest(pcb),
        board_temps_c=pcb,
        chips=whole(row.get("asic_num")),
        chips_expected=None if model is None else model.chips_per_board,
        frequency_mhz=number(detail.get("frequency_avg")) or None,
        voltage_v=number(detail.get("voltage")) or None,
    )


def _sensors(told: object) -> tuple[float, ...]:
    listed = told if isinstance(told, list) else []
    return tuple(value for sensor in listed if (value := number(sensor)))


def _fans(told: object) -> Iterable[Fan]:
    for at, row in enumerate(rows(told)):
        if rpm := whole(row.get("current_speed")):
            yield Fan(slot=at, rpm=rpm)


def _pools(told: object) -> tuple[Pool, ...] | None:
    """Return the pools; work comes from the one that is alive and goes before the others."""
    if told is None:
        return None
    used = [(row, url) for row in rows(told) if (url := words(row.get("url")))]
    alive = [whole(row.get("priority")) or 0 for row, _ in used if _is_alive(row)]
    return tuple(
        Pool(
            url=url,
            user=words(row.get("user")),
            priority=whole(row.get("priority")),
            active=_is_alive(row) and (whole(row.get("priority")) or 0) == min(alive, default=0),
            alive=_is_alive(row),
            accepted=whole(row.get("accepted")),
            rejected=whole(row.get("rejected")),
            stale=whole(row.get("stale")),
        )
        for row, url in used
    )


def _is_alive(row: Document) -> bool:
    return (words(row.get("status")) or "").lower() == "alive"


def _sum(told: object, name: str) -> int | None:
    counts = [count for row in rows(told) if (count := whole(row.get(name))) is not None]
    return sum(counts) if counts else None


def _errors(told: object) -> tuple[DeviceFault, ...]:
    """Return the latest events of an error's level, each once; they have no codes."""
    said = [words(row.get("message")) for row in rows(told) if (words(row.get("level")) or "").lower() == "error"]
    return tuple(
        DeviceFault(code="event", message=message) for message in dict.fromkeys(said[-MOST_EVENTS:]) if message
    )
