"""From what a cgminer told to a Reading: hashrate, devices, pools, and the state that they prove together.

Pure: a report and a model in, a reading out. What the report does not say stays None.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter

from drivers.cgminer_wire import Device, Notice, PoolRow, Report, Speeds
from drivers.figures import hottest, number, watts, whole, words
from drivers.interface import Board, DeviceFault, Pool, Reading, State
from drivers.models import Model

STANDS = 0.01
"""Below this share of its nominal rate a machine stands: speeds decay towards zero and take minutes to get there."""
FALLS = 0.9
"""Below this share a machine without pools is on its way down: it draws less already, and may be back at any moment."""
STARTUP_S = 600
RECENT_S = 60
FAILED = frozenset({"sick", "dead", "nostart"})

_Windows = Sequence[tuple[Callable[[Speeds], tuple[object, ...]], float]]
_UNITS = (("mhs", 1e6), ("ghs", 1e3), ("khs", 1e9))
_PRESENT: _Windows = [(attrgetter(f"{unit}_5s", f"{unit}_20s", f"{unit}_30s"), per_ths) for unit, per_ths in _UNITS]
_MINUTES: _Windows = [(attrgetter(f"{unit}_1m", f"{unit}_5m", f"{unit}_15m"), per_ths) for unit, per_ths in _UNITS]
_WHOLE_LIFE: _Windows = [(attrgetter(f"{unit}_av", f"{unit}_av"), per_ths) for unit, per_ths in _UNITS]
_PRESENT_FIRST: _Windows = [*_PRESENT, *_WHOLE_LIFE]
_MINUTES_FIRST: _Windows = [*_MINUTES, *_PRESENT_FIRST]


def reading_of(report: Report, model: Model | None) -> Reading:
    """Return what the machine said of itself."""
    summary = report.summary
    present = None if summary is None else present_ths(summary)
    state, reason = _state(report, present, model)
    averaged = None if summary is None else averaged_ths(summary)
    return Reading(
        state=state,
        reason=reason,
        level="sleep" if state is State.SLEEPING else "full" if _runs_whole(report, state) else None,
        hashrate_ths=averaged if state is State.HASHING else present,
        present_ths=present,
        nominal_ths=None if model is None else model.hashrate_ths,
        power_w=None if summary is None else watts(summary.power),
        uptime_s=None if summary is None else whole(summary.elapsed),
        boards=_boards(report.devices, model),
        pools=None if report.pools is None else tuple(pool_of(row) for row in report.pools if row.url),
        errors=_errors(report.notices),
        accepted=None if summary is None else whole(summary.accepted),
        rejected=None if summary is None else whole(summary.rejected),
        stale=None if summary is None else whole(summary.stale),
        best_share=None if summary is None else number(summary.best_share),
        hardware_errors=None if summary is None else whole(summary.hardware_errors),
    )


def present_ths(row: Speeds) -> float | None:
    """Return the rate of the last seconds, else the average over its whole life, TH/s."""
    return _first(row, _PRESENT_FIRST)


def averaged_ths(row: Speeds) -> float | None:
    """Return the shortest average of a minute or more, else the rate of the last seconds, TH/s."""
    return _first(row, _MINUTES_FIRST)


def _first(row: Speeds, windows: _Windows) -> float | None:
    for speeds, per_ths in windows:
        for told in speeds(row):
            if told is not None and (rate := number(told)) is not None:
                return rate / per_ths
    return None


def _state(report: Report, present: float | None, model: Model | None) -> tuple[State, str | None]:
    devices, summary = report.devices, report.summary
    if devices and all(device.enabled == "N" for device in devices):
        return State.SLEEPING, None
    starting = summary is not None and (whole(summary.elapsed) or 0) < STARTUP_S
    if devices == [] or (devices and _all_failed(devices, report)):
        return (State.STARTING, "starting:boot") if devices == [] and starting else (State.FAULT, "fault:boards")
    if present is None or summary is None:
        return State.UNKNOWN, None
    fed = report.pools is None or any(is_alive(pool) for pool in report.pools)
    if present > (STANDS if fed else FALLS) * _usual_ths(report, model):
        return State.HASHING, None
    if not fed:
        return State.IDLE, "idle:pool"
    return (State.STARTING, "starting:boot") if starting else (State.FAULT, "fault:hashrate")


def _usual_ths(report: Report, model: Model | None) -> float:
    if model is not None:
        return model.hashrate_ths
    return (report.summary and _first(report.summary, _WHOLE_LIFE)) or 0.0


def _all_failed(devices: list[Device], report: Report) -> bool:
    """Whether every enabled device says that it failed, by itself or in a notice of this minute.

    A board that was unplugged stays "Alive" in the list of devices; only its notice tells.
    """
    enabled = [device for device in devices if device.enabled != "N"]
    if all((device.status or "").lower() in FAILED for device in enabled):
        return True
    failing = [notice for notice in report.notices or () if _is_failing(notice, report.said_at)]
    return len(failing) >= len(devices)


def _is_failing(notice: Notice, said_at: float | None) -> bool:
    at = number(notice.not_well_at)
    return bool(at) and said_at is not None and said_at - (at or 0.0) < RECENT_S


def _runs_whole(report: Report, state: State) -> bool:
    """Whether it hashes with every device; False where it does not tell of them."""
    devices = report.devices
    return state is State.HASHING and bool(devices) and all(device.enabled != "N" for device in devices or ())


def _boards(devices: list[Device] | None, model: Model | None) -> tuple[Board, ...] | None:
    if devices is None:
        return None
    expected = None if model is None or model.boards != len(devices) else model.chips_per_board
    return tuple(_board(slot, device, expected) for slot, device in enumerate(devices))


def _board(slot: int, device: Device, chips_expected: int | None) -> Board:
    sensor = number(device.temperature)
    return Board(
        slot=slot,
        hashrate_ths=averaged_ths(device),
        board_temp_c=None if sensor is None else hottest((sensor,)),
        board_temps_c=() if not sensor else (sensor,),
        chips_expected=chips_expected,
        frequency_mhz=number(device.frequency) or None,
        voltage_v=number(device.voltage) or None,
        state="disabled" if device.enabled == "N" else (device.status or "").lower() or None,
    )


def is_alive(pool: PoolRow) -> bool:
    """Whether the machine reaches a pool."""
    return bool(pool.url) and pool.status == "Alive"


def pool_of(row: PoolRow) -> Pool:
    """Return a configured pool; `active` is the one that work comes from."""
    active = row.stratum_active
    return Pool(
        url=row.url or "",
        user=words(row.user),
        priority=whole(row.priority),
        active=active is True or active == "true" if active is not None else None,
        alive=None if row.status is None else is_alive(row),
        accepted=whole(row.accepted),
        rejected=whole(row.rejected),
        stale=whole(row.stale),
    )


def _errors(notices: list[Notice] | None) -> tuple[DeviceFault, ...] | None:
    if notices is None:
        return None
    return tuple(
        DeviceFault(code=f"{notice.name or 'device'} {whole(notice.number)}", message=notice.reason)
        for notice in notices
        if number(notice.not_well_at) and notice.reason not in {None, "None"}
    )
