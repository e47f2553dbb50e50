"""From what an Avalon told to a Reading. Pure; what was not told stays None.

All of its telemetry is one text of `Name[values]`, flat or in sections. Averages outlive the hashing by far: only the
present speed and the supply's current say whether it works.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from drivers.cgminer_reading import averaged_ths, is_alive, pool_of, present_ths
from drivers.cgminer_wire import PoolRow, Summary
from drivers.figures import hottest, number, watts, whole
from drivers.interface import Board, DeviceFault, Fan, Pool, Profile, Reading, State
from drivers.models import Model

STARTUP_S = 600
STANDS, FALLS = 0.01, 0.9
SUPPLY_SHARE = 0.93
"""What comes out of the supply of what goes in, where only that is told: 0.91 to 0.945 on machines that tell both."""
MODES = ("eco", "standard", "super")
"""How a home machine's work modes 0, 1 and 2 are called; the last is its full."""
_MODED = frozenset({"Avalon Q", "Avalon Nano 3"})
"""Whose watts and rate in each mode are known: as bins of the model, in the order of modes."""
BOOTS = 6
"""The reason of a soft-off that is also there after a start."""
_PAIR = re.compile(r"(\w+)\[([^\]]*)\]")
_STATES = {"in init": "init", "in work": "work", "in idle": "idle", "in fault": "fault"}
_ABSENT_C = -200.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The telemetry by name, and what else was asked for."""

    words: Mapping[str, str]
    summary: Summary | None = None
    pools: Sequence[PoolRow] | None = None
    elapsed_s: int | None = None

    def one(self, name: str) -> float | None:
        """Return a figure; the first where it is a list."""
        found = self.many(name)
        return found[0] if found else None

    def many(self, name: str) -> list[float]:
        """Return a list of figures; text in it is left out."""
        return [value for part in self.words.get(name, "").split() if (value := number(part)) is not None]

    @property
    def state(self) -> str | None:
        """Return what it says that it does: init, work, idle or fault."""
        told = self.words.get("SYSTEMSTATU", "").lower()
        return next((state for words, state in _STATES.items() if words in told), None)

    @property
    def has_soft_off(self) -> bool:
        """Whether its firmware knows how to stop hashing."""
        return "SoftOFF" in self.words


def modes_of(model: Model | None) -> tuple[Profile, ...]:
    """Return a home machine's work modes with their watts and rates, from the least; none where these are not known."""
    if model is None or model.model not in _MODED or len(model.bins_ths) != len(MODES):
        return ()
    figures = zip(MODES, model.bins_w, model.bins_ths, strict=True)
    return tuple(Profile(name=name, power_w=power_w, hashrate_ths=ths) for name, power_w, ths in figures)


def mode_of(told: Told, model: Model | None) -> str | None:
    """Return the level that its work mode is, None where it has none that is known."""
    modes, at = modes_of(model), whole(told.one("WORKMODE"))
    if at is None or not 0 <= at < len(modes):
        return None
    return "full" if at == len(modes) - 1 else f"profile:{modes[at].name}"


def elapsed_of(rows: Iterable[Mapping[str, Any]]) -> int | None:
    """Return for how long its mining process runs, s."""
    return next((seconds for row in rows if (seconds := whole(row.get("Elapsed"))) is not None), None)


def words_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the telemetry in the rows of `stats`; of a name that comes twice the first."""
    words: dict[str, str] = {}
    for row in rows:
        for key, told in row.items():
            if key.startswith("MM ID") and isinstance(told, str):
                for name, value in _PAIR.findall(told):
                    words.setdefault(name, value)
    return words


def reading_of(told: Told, model: Model | None) -> Reading:
    """Return what the machine said of itself."""
    summary, speed_ghs = told.summary, told.one("GHSspd")
    present = speed_ghs / 1e3 if speed_ghs is not None else None if summary is None else present_ths(summary)
    state, reason = _state(told, present, model)
    averaged = None if summary is None or speed_ghs is not None else averaged_ths(summary)
    return Reading(
        state=state,
        reason=reason,
        level="sleep" if state is State.SLEEPING else _level(told, model) if state is State.HASHING else None,
        hashrate_ths=averaged if state is State.HASHING and averaged is not None else present,
        present_ths=present,
        nominal_ths=None if model is None else model.hashrate_ths,
        power_w=wall_w(told, model),
        uptime_s=told.elapsed_s,
        inlet_c=next((c for name in ("ITemp", "Temp") if (c := told.one(name)) is not None and c > _ABSENT_C), None),
        outlet_c=next(
            (c for name in ("OTemp", "HBOTemp") if (c := told.one(name)) is not None and c > _ABSENT_C), None
        ),
        boards=_boards(told, model, hashes=present is not None and present > 0),
        fans=tuple(_fans(told)),
        pools=None if told.pools is None else tuple(_pools(told.pools)),
        errors=tuple(_errors(told)),
        accepted=None if summary is None else whole(summary.accepted),
        rejected=None if summary is None else whole(summary.rejected),
        stale=None if summary is None else whole(summary.stale),
        best_share=None if summary is None else number(summary.best_share),
        hardware_errors=None if summary is None else whole(summary.hardware_errors),
    )


def _level(told: Told, model: Model | None) -> str | None:
    """Return the level of one that hashes: its mode, where it has modes."""
    return mode_of(told, model) if modes_of(model) else "full"


def wall_w(told: Told, model: Model | None = None) -> float | None:
    """Return what it draws: at the wall where it says so, else what leaves the supply by the supply's share.

    A Nano 3 tells it in another place of the list than all others.
    """
    supply = told.many("PS")
    if (own := watts(told.one("WALLPOWER"))) is not None:
        return own
    if len(supply) >= 7:
        return watts(supply[5 if model is not None and model.model == "Avalon Nano 3" else 6])
    return None if len(supply) < 5 or not supply[4] else round(supply[4] / SUPPLY_SHARE, 1)


def is_off(told: Told) -> bool:
    """Whether it was told to stop and its supply gives nothing any more."""
    supply = told.many("PS")
    flows = any(supply[3:5])
    return bool(told.one("SoftOFF")) and told.state == "idle" and not told.one("GHSspd") and not flows


def _state(told: Told, present: float | None, model: Model | None) -> tuple[State, str | None]:
    young = (told.elapsed_s or 0) < STARTUP_S
    if is_off(told):
        boots = young and told.one("SoftOFF") == BOOTS
        return (State.STARTING, "starting:boot") if boots else (State.SLEEPING, None)
    if told.state == "fault":
        return State.FAULT, "fault:boards"
    if told.state == "init":
        return State.STARTING, "starting:boot"
    if told.one("SoftOFF") and told.state == "idle":
        return State.IDLE, "idle:stopping"
    return (State.UNKNOWN, None) if present is None else _awake(told, present, model, young=young)


def _awake(told: Told, present: float, model: Model | None, *, young: bool) -> tuple[State, str | None]:
    fed = told.pools is None or any(is_alive(pool) for pool in told.pools)
    usual = model.hashrate_ths if model is not None else (told.one("GHSmm") or 0.0) / 1e3
    if present > (STANDS if fed else FALLS) * usual:
        return State.HASHING, None
    if not fed or told.state == "idle":
        return State.IDLE, "idle:pool"
    return (State.STARTING, "starting:boot") if young else (State.FAULT, "fault:hashrate")


def _shown_c(told: Told, *names: str) -> float | None:
    return next((c for name in names if (c := told.one(name)) is not None and c > _ABSENT_C), None)


def _boards(told: Told, model: Model | None, *, hashes: bool) -> tuple[Board, ...] | None:
    """Return the boards by their lists; their rates are averages, and nothing while it stands."""
    rates, means, hottest_c = told.many("MGHS"), told.many("MTavg"), told.many("MTmax")
    count = max(len(rates), len(means))
    if not count:
        return None
    recorded, total = told.many("EEPROM"), told.one("TA")
    volts = told.many("MVavg")
    return tuple(
        Board(
            slot=at,
            hashrate_ths=None if at >= len(rates) else rates[at] / 1e3 if hashes else 0.0,
            chip_temp_c=None if at >= len(hottest_c) else hottest((hottest_c[at],)),
            board_temp_c=None if at >= len(means) else hottest((means[at],)),
            board_temps_c=() if at >= len(means) or not means[at] else (means[at],),
            chips=_chips(told, at, recorded, total, count),
            chips_expected=None if model is None else model.chips_per_board,
            frequency_mhz=told.one("Freq") or None,
            voltage_v=None if at >= len(volts) else volts[at] / 1e3 or None,
        )
        for at in range(count)
    )


def _chips(told: Told, at: int, recorded: list[float], total: float | None, count: int) -> int | None:
    """Return the chips of a board: that say their temperature, else as recorded, else its share of all."""
    alive = sum(1 for c in told.many(f"PVT_T{at}") if c)
    if alive:
        return alive
    if at < len(recorded):
        return int(recorded[at])
    return None if not total else round(total / count)


def _fans(told: Told) -> Iterable[Fan]:
    for slot in range(1, 9):
        rpm = whole(told.one(f"Fan{slot}"))
        if rpm is not None:
            yield Fan(slot=slot, rpm=rpm)


def _pools(rows: Iterable[PoolRow]) -> Iterable[Pool]:
    return (pool_of(row) for row in rows if row.url)


def _errors(told: Told) -> Iterable[DeviceFault]:
    """Yield the error bits of boards, controller and supply, each once."""
    for code in sorted({int(bits) for bits in told.many("ECHU") if bits}):
        yield DeviceFault(code=str(code), message="a hashboard's error bits")
    if controller := told.one("ECMM"):
        yield DeviceFault(code=f"ECMM {controller:.0f}", message="the control board's error bits")
    if supply := told.one("PS"):
        yield DeviceFault(code=f"PS {supply:.0f}", message="the supply's error bits")
