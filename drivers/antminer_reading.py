"""From an Antminer's figures, of the API port or of its pages, to a Reading.

Pure: documents in, a reading out. Slots are as the API prints them: 1 to 3, and 6 to 8 on the S9; fans keep theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from drivers.antminer_web import Document, Generation, rows
from drivers.cgminer_reading import FALLS, STARTUP_S
from drivers.cgminer_wire import Summary
from drivers.figures import hottest, number, temperatures, watts, whole, words
from drivers.interface import Board, DeviceFault, Fan, Pool, Reading, State
from drivers.models import Model

SLOTS = range(1, 17)
GHS_PER_THS = 1e3
_POWERS = ("total_power", "chain_power", "power", "Power", "watt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What its mining process says of itself; all None where that says nothing."""

    present_ths: float | None = None
    averaged_ths: float | None = None
    nominal_ths: float | None = None
    power_w: float | None = None
    uptime_s: int | None = None  # of the mining process: each change of mode starts it anew
    boards: tuple[Board, ...] | None = None
    fans: tuple[Fan, ...] | None = None
    hardware_errors: int | None = None
    best_share: float | None = None
    mode: str | None = None  # the work mode where the figures prove it

    @property
    def hashes(self) -> bool:
        """Whether it hashes now."""
        return self.present_ths is not None and self.present_ths > 0

    def falls(self, model: Model | None) -> bool:
        """Whether its rate is under what it usually is: a rate takes half a minute to fall to zero without pools."""
        usual_ths = self.averaged_ths if model is None else model.hashrate_ths
        return self.present_ths is not None and self.present_ths < FALLS * (usual_ths or 0.0)


NOTHING = Figures()


def figures_of_api(stats: Sequence[Document], model: Model | None, generation: Generation) -> Figures:
    """Read the rows of `stats`: a header, then the figures; NOTHING where these are missing."""
    told = merged(stats)
    if "Elapsed" not in told:
        return NOTHING
    present = _ths(told.get("GHS 5s"))
    mode = str(whole(told.get("Mode")))
    return Figures(
        present_ths=present,
        averaged_ths=_first(_ths(told.get("rate_30m")), present, _ths(told.get("GHS av"))),
        nominal_ths=_ths(told.get("total_rateideal")) or None,
        power_w=_power(told),
        uptime_s=whole(told["Elapsed"]),
        boards=tuple(_board(told, slot, model) for slot in SLOTS if whole(told.get(f"chain_acn{slot}"))),
        fans=_fans([told.get(f"fan{slot}") for slot in SLOTS]),
        mode=mode if generation.form and mode in generation.asleep else None,
    )


def merged(stats: Sequence[Document]) -> Document:
    """Return the rows of `stats` as one: a header that names the machine, then its figures."""
    return {key: value for row in stats for key, value in row.items()}


def figures_of_page(row: Document, model: Model | None) -> Figures:
    """Read the row of stats.cgi or of summary.cgi, which tells of no boards and fans."""
    present = _ths(row.get("rate_5s"))
    chains = rows(row.get("chain")) if "chain" in row else None
    fans = row.get("fan")
    return Figures(
        present_ths=present,
        averaged_ths=_first(_ths(row.get("rate_30m")), present, _ths(row.get("rate_avg"))),
        nominal_ths=_ths(row.get("rate_ideal")) or None,
        power_w=_power(row),
        uptime_s=whole(row.get("elapsed")),
        boards=None if chains is None else tuple(_chain(chain, model) for chain in chains if chain.get("asic_num")),
        fans=_fans(fans) if isinstance(fans, list) else None,
        hardware_errors=whole(row.get("hw_all")),
        best_share=number(row.get("bestshare")),
    )


def _ths(told_ghs: object) -> float | None:
    rate = number(told_ghs)
    return None if rate is None else rate / GHS_PER_THS


def _first(*told: float | None) -> float | None:
    return next((value for value in told if value is not None), None)


def _power(told: Document) -> float | None:
    """Return what few builds say of power, W; most say nothing."""
    return _first(*(watts(told.get(key)) for key in _POWERS))


def _fans(speeds: Sequence[object]) -> tuple[Fan, ...]:
    return tuple(Fan(slot=slot, rpm=rpm) for slot, told in enumerate(speeds, start=1) if (rpm := whole(told)))


def _board(told: Document, slot: int, model: Model | None) -> Board:
    """Read one board of the flat figures; its sensors are a text "in-in-out-out", or single numbers."""
    pcb = temperatures(told.get(f"temp_pcb{slot}"))
    if not any(pcb):
        pcb = _sensors([told.get(f"temp{slot}"), told.get(f"temp_out_pcb_{slot}")])
    chip = temperatures(told.get(f"temp_chip{slot}"))
    if not any(chip):
        chip = _sensors([told.get(f"temp2_{slot}")])
    frequencies = (told.get(f"freq{slot}"), told.get(f"freq_avg{slot}"), told.get("frequency"))
    return Board(
        slot=slot,
        hashrate_ths=_ths(told.get(f"chain_rate{slot}")),
        chip_temp_c=hottest(chip),
        board_temp_c=hottest(pcb),
        board_temps_c=pcb,
        chips=whole(told.get(f"chain_acn{slot}")),
        chips_expected=None if model is None else model.chips_per_board,
        frequency_mhz=next((mhz for told_mhz in frequencies if (mhz := number(told_mhz))), None),
    )


def _chain(chain: Document, model: Model | None) -> Board:
    """Read one board of a page; its index counts from 0 where the API's slot counts from 1."""
    pcb, index = _sensors(chain.get("temp_pcb")), whole(chain.get("index"))
    return Board(
        slot=1 if index is None else index + 1,
        hashrate_ths=_ths(chain.get("rate_real")),
        chip_temp_c=hottest(_sensors(chain.get("temp_chip"))),
        board_temp_c=hottest(pcb),
        board_temps_c=pcb,
        chips=whole(chain.get("asic_num")),
        chips_expected=None if model is None else model.chips_per_board,
        frequency_mhz=number(chain.get("freq_avg")) or None,
    )


def _sensors(told: object) -> tuple[float, ...]:
    """Read a list of sensors; those that say nothing or zero are not there."""
    sensors = told if isinstance(told, list) else []
    return tuple(value for sensor in sensors if (value := number(sensor)))


def pools_of_page(told: Document) -> tuple[Pool, ...]:
    """Read the rows of pools.cgi; which of them work comes from it does not say."""
    return tuple(_pool(row, url) for row in rows(told.get("POOLS")) if (url := words(row.get("url"))))


def _pool(row: Document, url: str) -> Pool:
    return Pool(
        url=url,
        user=words(row.get("user")),
        priority=whole(row.get("priority")),
        alive=row.get("status") == "Alive",
        accepted=whole(row.get("accepted")),
        rejected=whole(row.get("rejected")),
        stale=whole(row.get("stale")),
    )


def faults_of_page(row: Document) -> tuple[DeviceFault, ...]:
    """Read what summary.cgi complains of: each of its checks that is not "s", by the check's name."""
    return tuple(
        DeviceFault(code=words(check.get("type")) or "unknown", message=words(check.get("msg")))
        for check in rows(row.get("status"))
        if check.get("status") == "e"
    )


def reading_of(
    figures: Figures, mode: str | None, generation: Generation, pools: tuple[Pool, ...] | None, model: Model | None
) -> Reading:
    """Return what they prove together; `mode` None means that nobody could say it."""
    asleep = None if mode is None else generation.sleeps_in(mode)
    starved = figures.falls(model) and not asleep and bool(pools) and not any(pool.alive for pool in pools or ())
    state, reason = (State.IDLE, "idle:pool") if starved else _state(figures, pools, asleep=asleep)
    return Reading(
        state=state,
        reason=reason,
        level=_level(state, mode, generation),
        hashrate_ths=figures.averaged_ths if state is State.HASHING else figures.present_ths,
        present_ths=figures.present_ths,
        nominal_ths=figures.nominal_ths if model is None else model.hashrate_ths,
        power_w=figures.power_w,
        uptime_s=figures.uptime_s,
        boards=figures.boards,
        fans=figures.fans,
        pools=pools,
        best_share=figures.best_share,
        hardware_errors=figures.hardware_errors,
    )


def _state(figures: Figures, pools: tuple[Pool, ...] | None, *, asleep: bool | None) -> tuple[State, str | None]:
    """Judge: a rate above zero is hashing whatever the mode says; without one the mode alone proves sleep."""
    if figures.hashes:
        return State.HASHING, None
    if asleep:
        return State.SLEEPING, None
    if pools and not any(pool.alive for pool in pools):
        return State.IDLE, "idle:pool"
    if asleep is None:
        return State.UNKNOWN, "unknown:mode"
    if figures.uptime_s is not None and figures.uptime_s < STARTUP_S:
        return State.STARTING, "starting:boot"
    return State.FAULT, _fault(figures)


def _fault(figures: Figures) -> str:
    if figures.present_ths is None:
        return "fault:daemon"
    return "fault:boards" if figures.boards == () else "fault:hashrate"


def _level(state: State, mode: str | None, generation: Generation) -> str | None:
    if state is State.SLEEPING:
        return "sleep"
    if state is not State.HASHING or generation.sleeps_in(mode):
        return None
    return "low" if generation.low is not None and mode == generation.low else "full"


def with_counters(reading: Reading, summary: Summary) -> Reading:
    """Add what the API's `summary` counts."""
    return msgspec.structs.replace(
        reading,
        accepted=whole(summary.accepted),
        rejected=whole(summary.rejected),
        stale=whole(summary.stale),
        best_share=number(summary.best_share),
        hardware_errors=whole(summary.hardware_errors),
    )
