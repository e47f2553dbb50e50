"""From what ePIC's pages tell to a Reading. Pure; what was not told stays None.

Boards that do not mine are missing among those that do; a supply without a meter says 0 W.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from drivers.cgminer_wire import Figure
from drivers.epic_pages import (
    IDLES,
    MINES,
    STOPS,
    WHOLE,
    Hashboard,
    PoolRow,
    Session,
    Stratum,
    Summary,
    Told,
    is_of_power,
    level_of,
)
from drivers.figures import finite, hottest, number, watts, whole, words
from drivers.interface import Board, DeviceFault, Fan, Pool, Reading, State

STANDS, FALLS = 0.01, 0.9
STARTUP_S = 600
_STARTING = {
    "Initializing": "starting:boot",
    "Loading": "starting:boot",
    "PreInitCooldown": "starting:boot",
    "Rebooting": "starting:boot",
    "SoftRebooting": "starting:boot",
    "UpdatingFirmware": "starting:boot",
    "AdjustingClockVoltage": "starting:tuning",
    "Testing": "starting:tuning",
}
_FAN = re.compile(r"Fans Speed ([0-9]{1,3})")
_HOT = ("ShutdownTemp", "CriticalTemp")


def reading_of(told: Told) -> Reading:
    """Return what the machine said of itself."""
    summary = told.summary
    session = summary.session or Session()
    state, reason = _state(told)
    rate_ths = present_ths(summary)
    tuner = told.tuner
    return Reading(
        state=state,
        reason=reason,
        level=_level(state, told),
        hashrate_ths=rate_ths,
        present_ths=rate_ths,
        nominal_ths=_usual_ths(told),
        power_w=_watts(summary),
        power_limit_w=number(tuner[1].target) if tuner is not None and is_of_power(tuner[0]) else None,
        uptime_s=whole(session.uptime_s),
        boards=tuple(_boards(told)),
        fans=tuple(_fans(summary.fans_rpm)) if summary.fans_rpm is not None else None,
        pools=tuple(_pools(summary)),
        errors=None if summary.standing is None else tuple(_errors(summary.standing.error)),
        accepted=whole(session.accepted),
        rejected=whole(session.rejected),
    )


def present_ths(summary: Summary) -> float | None:
    """Return the sum of its boards' rates; of old firmware, which has none, the session's average."""
    rates = [rate for board in summary.boards or () if (rate := _rate_ths(board)) is not None]
    if rates:
        return finite(sum(rates))
    if summary.standing is not None:
        return 0.0 if summary.boards is not None else None
    average_mhs = None if summary.session is None else number(summary.session.average_mhs)
    return None if average_mhs is None else average_mhs / 1e6


def _rate_ths(board: Hashboard) -> float | None:
    rate_mhs = number(board.rate[0]) if board.rate else None
    return None if rate_mhs is None else rate_mhs / 1e6


def _usual_ths(told: Told) -> float | None:
    """Return what its boards would hash at their clocks, else what it was sold with."""
    ideal = 0.0
    for board in told.summary.boards or ():
        rate_ths, percent = _rate_ths(board), number(board.rate[1]) if board.rate and len(board.rate) > 1 else None
        ideal += rate_ths / percent * 100 if rate_ths and percent and percent >= 1 else 0.0
    return finite(ideal) or told.sold_ths


def _watts(summary: Summary) -> float | None:
    """Return what goes into its supply, else into its boards; 0 is what nobody measures.

    The sum is cut at a nanowatt: what follows comes of adding binary fractions.
    """
    supply_w = None if summary.supply is None else watts(summary.supply.input_w)
    boards_w = sum(w for board in summary.boards or () if (w := watts(board.input_w)) is not None)
    return supply_w or finite(round(boards_w, 9)) or None


def _state(told: Told) -> tuple[State, str | None]:
    state = told.state
    if state == IDLES:
        return _idling(told)
    if state == STOPS:
        return State.IDLE, "idle:stopping"
    if state is not None and state in _STARTING:
        return State.STARTING, _STARTING[state]
    return _mining(told) if state in {MINES, None} else (State.UNKNOWN, None)


def _idling(told: Told) -> tuple[State, str | None]:
    """Tell a stop by order from one for heat, by a failure, for want of a pool."""
    standing = told.summary.standing
    codes = [fault.code for fault in _errors(None if standing is None else standing.error)]
    if codes:
        return (State.IDLE, "idle:thermal") if codes[0].startswith(_HOT) else (State.FAULT, "fault:boards")
    if told.is_asleep:
        return State.SLEEPING, None
    unfed = told.summary.stratum is not None and told.summary.stratum.is_connected is False
    return State.IDLE, "idle:pool" if unfed and told.summary.idles_unfed else "idle:stopped"


def _mining(told: Told) -> tuple[State, str | None]:
    summary = told.summary
    rate_ths, usual_ths = present_ths(summary), _usual_ths(told)
    if rate_ths is None:
        return State.UNKNOWN, None
    fed = summary.stratum is None or summary.stratum.is_connected is not False
    if rate_ths > (STANDS if fed else FALLS) * (usual_ths or 0.0):
        return State.HASHING, None
    if not fed:
        return State.IDLE, "idle:pool"
    young = summary.session is None or (whole(summary.session.uptime_s) or 0) < STARTUP_S
    return (State.STARTING, "starting:boot") if young else (State.FAULT, "fault:hashrate")


def _level(state: State, told: Told) -> str | None:
    """Return its level: what the tuner holds; full where none runs, since nothing else holds it."""
    if state is State.SLEEPING:
        return "sleep"
    if state is not State.HASHING:
        return None
    tuner = told.tuner
    if tuner is None:
        return "full"
    name, target = tuner[0], number(tuner[1].target)
    sold = told.sold_w if is_of_power(name) else told.sold_ths
    if target is None or sold is None:
        return None
    return "full" if target >= WHOLE * sold else level_of(name, target)


def _boards(told: Told) -> Iterable[Board]:
    """Yield every board that is there, those that do not mine too."""
    mining = {whole(board.index): board for board in told.summary.boards or ()}
    slots = [slot for slot in told.summary.slots or () if slot.detected]
    enabled = {whole(slot.index): slot.enabled for slot in slots}
    estimator = None if told.able is None else told.able.estimator
    expected = None if estimator is None else whole(estimator.chips)
    for index in sorted({index for index in (*mining, *enabled) if index is not None}):
        yield _board(told, index, mining.get(index), expected, is_on=enabled.get(index))


def _board(told: Told, index: int, board: Hashboard | None, expected: int | None, *, is_on: bool | None) -> Board:
    own_c = None if board is None else number(board.celsius)
    sensors = tuple(c for told_c in told.board_c.get(index, ()) if (c := number(told_c)))
    sensors = sensors or (() if not own_c else (own_c,))
    listed = told.chips.get(index)
    return Board(
        slot=index,
        hashrate_ths=0.0 if board is None else _rate_ths(board),
        chip_temp_c=hottest(tuple(c for told_c in told.chip_c.get(index, ()) if (c := number(told_c)))),
        board_temp_c=hottest(sensors),
        board_temps_c=sensors,
        chips=None if listed is None else len(listed),
        chips_expected=expected,
        frequency_mhz=None if board is None else number(board.clock_mhz) or number(board.clocks_mhz),
        voltage_v=None if board is None else number(board.input_v) or None,
        state=None if is_on is None else "enabled" if is_on else "disabled",
    )


def _fans(rows: Mapping[str, Figure]) -> Iterable[Fan]:
    """Yield the fans by their number, which the keys are not sorted by; null is no fan, 0 one that stands."""
    numbered = {int(found[1]): rpm for key, rpm in rows.items() if (found := _FAN.fullmatch(key)) is not None}
    for slot, told_rpm in sorted(numbered.items()):
        rpm = whole(told_rpm)
        if rpm is not None:
            yield Fan(slot=slot, rpm=rpm)


def _pools(summary: Summary) -> Iterable[Pool]:
    """Yield the pools that it is set to; of old firmware the one in use."""
    stratum = summary.stratum or Stratum()
    in_use = words(stratum.pool)
    rows = [row for row in summary.pools or () if words(row.url)]
    if not rows and in_use is not None:
        rows = [PoolRow(url=in_use, user=stratum.user)]
    for priority, row in enumerate(rows):
        url = row.url or ""
        active = None if in_use is None else url.rpartition("//")[2] == in_use.rpartition("//")[2]
        alive = stratum.is_connected if active else None
        yield Pool(url=url, user=words(row.user), priority=priority, active=active, alive=alive)


def _errors(error: str | dict[str, Any] | None) -> Iterable[DeviceFault]:
    """Yield its last error: a name, or a name with a text."""
    if isinstance(error, dict):
        for code, message in error.items():
            yield DeviceFault(code=code, message=str(message)[:200])
    elif (name := words(error)) is not None:
        yield DeviceFault(code=name)
