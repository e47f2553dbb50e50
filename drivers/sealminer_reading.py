"""From what a SealMiner's `stats` tells to a Reading. Pure; what was not told stays None.

One flat row: "2 Temp 3" is the third board's fourth sensor, "2 Speed" the third fan's. Rates are MH/s, as "MHS(1m)";
`summary` counts shares instead and jumps. Sources: asic-rs (asic-rs-firmwares/sealminer), wright-telemetry.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from drivers.cgminer_reading import is_alive, pool_of
from drivers.cgminer_wire import PoolRow, Summary
from drivers.figures import count, hottest, number, watts, whole, words
from drivers.interface import Board, DeviceFault, Fan, Reading, State
from drivers.models import Model

STANDS, FALLS = 0.01, 0.9
STARTUP_S = 900
"""It tunes for ten minutes after a start."""
RUNS = "running"
RESTS = ("suspend", "standby", "sleep", "stop", "pause")
"""How its state may name a stop; only the word for mining is known, so a stop is proved by the supply as well."""
RESTS_W = 150.0
SENSORS, MOST_BOARDS, MOST_FANS = 8, 16, 16
_LISTED = re.compile(r"[\s,;]+")
_NO_ERRORS = frozenset({"", "0", "none"})
WHOLE = 0.99
"""A limit within so much of what the model is sold with is none."""
OVER = 1.1
"""Who draws above so many times the limit that it names is not held by it."""


@dataclass(slots=True)
class Told:
    """What it told: its row of `stats`, and what else was asked for."""

    row: Mapping[str, Any]
    summary: Summary | None = None
    pools: Sequence[PoolRow] | None = None
    model: Model | None = None

    def one(self, name: str) -> float | None:
        """Return a figure of the row."""
        return number(self.row.get(name))

    def rate_ths(self, name: str) -> float | None:
        """Return a rate of the row, TH/s."""
        rate_mhs = self.one(f"MHS({name})")
        return None if rate_mhs is None else rate_mhs / 1e6

    @property
    def state(self) -> str | None:
        """What its power management says that it does, in lower case."""
        told = words(self.row.get("PM State"))
        return None if told is None else told.lower()


def row_of(rows: Sequence[Mapping[str, Any]] | None) -> Mapping[str, Any]:
    """Return the row that tells of the machine; a pool may have one of its own."""
    return next((row for row in rows or () if "Board Count" in row or "Model" in row), {})


def is_stopped(told: Told) -> bool:
    """Whether it says that it was told to stop."""
    return told.state is not None and any(word in told.state for word in RESTS)


def rests(told: Told) -> bool:
    """Whether it was told to stop and its supply gives nothing any more."""
    gives_w = told.one("PSU Output Power")
    return is_stopped(told) and (gives_w is None or gives_w < RESTS_W)


def starts(told: Told) -> bool:
    """Whether it is on its way up: not to be started anew."""
    return told.state != RUNS and not is_stopped(told) and (told.one("Elapsed") or 0.0) < STARTUP_S


def reading_of(told: Told) -> Reading:
    """Return what the machine said of itself."""
    summary = told.summary
    state, reason = _state(told)
    present, averaged = told.rate_ths("Sample"), told.rate_ths("1m")
    return Reading(
        state=state,
        reason=reason,
        level=_level(told, state),
        hashrate_ths=averaged if state is State.HASHING and averaged is not None else present,
        present_ths=present,
        nominal_ths=told.rate_ths("Ideal") or told.rate_ths("Rated"),
        power_w=watts(told.row.get("PSU Input Power")),
        power_limit_w=limit_of(told),
        uptime_s=whole(told.row.get("Elapsed")),
        boards=tuple(_boards(told)),
        fans=tuple(_fans(told)),
        pools=None if told.pools is None else tuple(pool_of(row) for row in told.pools if row.url),
        errors=tuple(_errors(told)),
        accepted=None if summary is None else whole(summary.accepted),
        rejected=None if summary is None else whole(summary.rejected),
        stale=None if summary is None else whole(summary.stale),
        best_share=None if summary is None else number(summary.best_share),
        hardware_errors=None if summary is None else whole(summary.hardware_errors),
    )


def limit_of(told: Told) -> float | None:
    """Return the limit that it names, W."""
    return watts(told.row.get("Power Limit"))


def is_full(told: Told) -> bool:
    """Whether nothing holds it under what its model is sold with."""
    limit_w = limit_of(told)
    return told.model is None or limit_w is None or limit_w >= WHOLE * told.model.power_w


def holds_to_limit(told: Told) -> bool:
    """Whether it draws no more than the limit that it names, which holds from a new start; while it tunes it may."""
    limit_w, draws_w = limit_of(told), told.one("PSU Input Power")
    if limit_w is None or draws_w is None or draws_w <= OVER * limit_w:
        return True
    return _tunes(told) or (told.one("Elapsed") or 0.0) < STARTUP_S


def level_in_force(told: Told) -> str:
    """Return the level of a machine that is awake, by what it draws where that is above the limit that it names."""
    return "full" if is_full(told) or not holds_to_limit(told) else f"limit:{limit_of(told):.0f}"


def _level(told: Told, state: State) -> str | None:
    if state is State.SLEEPING:
        return "sleep"
    return level_in_force(told) if state is State.HASHING else None


def _state(told: Told) -> tuple[State, str | None]:
    if rests(told):
        return State.SLEEPING, None
    if is_stopped(told):
        return State.IDLE, "idle:stopping"
    if told.state is not None and told.state != RUNS:
        return (State.STARTING, "starting:boot") if starts(told) else (State.UNKNOWN, None)
    return _running(told, young=(told.one("Elapsed") or 0.0) < STARTUP_S)


def _running(told: Told, *, young: bool) -> tuple[State, str | None]:
    """Tell what hashes from what tunes, waits or fails."""
    present, usual = told.rate_ths("Sample"), _usual_ths(told)
    boards = count(told.row.get("Board Count"), MOST_BOARDS)
    if boards and all(told.row.get(f"{at} Online") is False for at in range(boards)):
        return (State.STARTING, "starting:boot") if young else (State.FAULT, "fault:boards")
    if present is None:
        return State.UNKNOWN, None
    unfed = told.row.get("Stratum Disconnect") is True or _all_dead(told.pools)
    if present > (FALLS if unfed or _tunes(told) else STANDS) * usual:
        return State.HASHING, None
    if unfed:
        return State.IDLE, "idle:pool"
    if _tunes(told):
        return State.STARTING, "starting:tuning"
    return (State.STARTING, "starting:boot") if young else (State.FAULT, "fault:hashrate")


def _tunes(told: Told) -> bool:
    status = words(told.row.get("Tune Status"))
    return status is not None and "done" not in status.lower()


def _all_dead(pools: Sequence[PoolRow] | None) -> bool:
    return pools is not None and not any(is_alive(row) for row in pools)


def _usual_ths(told: Told) -> float:
    return told.rate_ths("Rated") or (0.0 if told.model is None else told.model.hashrate_ths)


def _boards(told: Told) -> Iterable[Board]:
    for at in range(count(told.row.get("Board Count"), MOST_BOARDS)):
        chips, bad = whole(told.row.get(f"{at} Chip Count")), whole(told.row.get(f"{at} Bad Chip Count"))
        rate_mhs = told.one(f"{at} MHS(Sample)")
        sensors = tuple(c for sensor in range(SENSORS) if (c := told.one(f"{at} Temp {sensor}")))
        yield Board(
            slot=at,
            hashrate_ths=None if rate_mhs is None else rate_mhs / 1e6,
            board_temp_c=hottest(sensors),
            board_temps_c=sensors,
            chips=None if chips is None else max(0, chips - (bad or 0)),
            chips_expected=None if told.model is None else told.model.chips_per_board,
            frequency_mhz=told.one(f"{at} Freq") or None,
            state="offline" if told.row.get(f"{at} Online") is False else words(told.row.get(f"{at} Tune Status")),
        )


def _fans(told: Told) -> Iterable[Fan]:
    """Yield its fans; the supply's own is none of them."""
    for at in range(count(told.row.get("Fan Count"), MOST_FANS)):
        rpm = whole(told.row.get(f"{at} Speed"))
        if rpm is not None:
            yield Fan(slot=at, rpm=rpm)


def _errors(told: Told) -> Iterable[DeviceFault]:
    """Yield its codes, the supply's, and chips that it names; healthy machines show codes too."""
    for code in _LISTED.split(str(told.row.get("Error Code") or "").strip()):
        if code.lower() not in _NO_ERRORS:
            yield DeviceFault(code=code)
    supply = words(told.row.get("PSU Error"))
    if supply is not None and supply.lower().removeprefix("0x").strip("0"):
        yield DeviceFault(code=f"PSU {supply}", message="the supply's error bits")
    if (chips := words(told.row.get("Error Chip"))) is not None:
        yield DeviceFault(code="Error Chip", message=chips)
