"""From what a WhatsMiner told to a Reading, and the state that it proves.

Pure. A present rate proves hashing, whatever else is said; "off" proves sleep only of a machine that no longer draws.
"""

from __future__ import annotations

from drivers.cgminer_reading import is_alive, pool_of
from drivers.figures import hottest, number, watts, whole, words
from drivers.interface import Board, DeviceFault, Fan, Reading, State
from drivers.models import Model
from drivers.whatsminer_faults import is_heat, meaning
from drivers.whatsminer_wire import Device, Summary, Told

STANDS = 0.01
"""Below this share of its nominal rate a machine stands."""
FALLS = 0.9
"""Below this share a machine without pools is on its way down."""
WARM = 0.15
"""Above this share of its nominal power it still draws as one that hashes, or begins to."""
BINDS = 0.99
"""A limit below this share of nominal power holds the machine back; the makers' own are above it."""
LOWERED = 0.95
"""Above this share of nominal power a machine is not in its low mode yet."""
OVERSHOOT = 1.05
STARTUP_S = 600
PLAINLY_MHS = 1e4
"""Firmware that says TH/s under a name of MH/s cannot say more than this; a board's least step in MH/s is more."""


def reading_of(told: Told, model: Model | None) -> Reading:
    """Return what the machine said of itself."""
    row = told.summary or Summary()
    state, reason = state_of(told, model)
    present = present_ths(row)
    averaged = next((rate for rate in map(_ths, (row.mhs_1m, row.mhs_5m, row.mhs_15m)) if rate is not None), present)
    return Reading(
        state=state,
        reason=reason,
        level=_level(state, row, model),
        hashrate_ths=averaged if state is State.HASHING else present,
        nominal_ths=None if model is None else model.hashrate_ths,
        power_w=watts(row.power),
        power_limit_w=watts(row.power_limit),
        uptime_s=whole(row.elapsed),
        inlet_c=number(row.env_temp),
        boards=_boards(told.devices, model),
        fans=_fans(row, model),
        pools=None if told.pools is None else tuple(pool_of(pool) for pool in told.pools if pool.url),
        errors=_errors(told.faults),
        accepted=whole(row.accepted),
        rejected=whole(row.rejected),
        stale=whole(row.stale),
        best_share=number(row.best_share),
        hardware_errors=whole(row.hardware_errors),
    )


def present_ths(row: Summary) -> float | None:
    """Return the rate of the last seconds, TH/s; the shortest average where it tells none that is plain."""
    realtime = number(row.hs_rt)
    plain = realtime if realtime is not None and not 0 < realtime < PLAINLY_MHS else None
    rates = (_ths(told) for told in (row.mhs_5s, plain, row.mhs_1m, row.mhs_av))
    return next((rate for rate in rates if rate is not None), None)


def _ths(told: object) -> float | None:
    mhs = number(told)
    return None if mhs is None else mhs / 1e6


def stands(told: Told, model: Model | None) -> bool:
    """Whether it does not hash, so that its state hangs on more than its rate."""
    return not _hashes(told, model)


def _hashes(told: Told, model: Model | None) -> bool:
    present = None if told.summary is None else present_ths(told.summary)
    cold = told.summary is not None and _draws(told.summary, model) is False
    return present is not None and present > STANDS * _nominal_ths(told, model) and not cold


def _nominal_ths(told: Told, model: Model | None) -> float:
    if model is not None:
        return model.hashrate_ths
    factory_ghs = None if told.summary is None else number(told.summary.factory_ghs)
    return (factory_ghs or 0.0) / 1e3


def _draws(row: Summary, model: Model | None) -> bool | None:
    """Whether it draws more than a machine that is off; None where it does not say."""
    power_w = watts(row.power)
    nominal_w = watts(row.power_limit) if model is None else model.power_w
    return None if power_w is None or nominal_w is None else power_w > WARM * nominal_w


def state_of(told: Told, model: Model | None) -> tuple[State, str | None]:
    """Return the state that the replies prove together."""
    if _hashes(told, model):
        return _state_awake(told, model)
    fed = told.pools is None or any(is_alive(pool) for pool in told.pools)
    if told.is_off and (told.is_off_surely or fed):
        warm = told.summary is not None and _draws(told.summary, model)
        return (State.IDLE, "idle:stopping") if warm else (State.SLEEPING, None)
    if told.summary is None:
        return (State.UNKNOWN, None) if told.is_off is None else (State.STARTING, "starting:boot")
    if present_ths(told.summary) is None:
        return State.UNKNOWN, None
    return _state_standing(told, told.summary, fed=fed)


def _state_awake(told: Told, model: Model | None) -> tuple[State, str | None]:
    assert told.summary is not None
    fed = told.pools is None or any(is_alive(pool) for pool in told.pools)
    if not fed and (present_ths(told.summary) or 0.0) <= FALLS * _nominal_ths(told, model):
        return State.IDLE, "idle:pool"
    return (State.STARTING, "starting:tuning") if _is_tuning(told) else (State.HASHING, None)


def _state_standing(told: Told, row: Summary, *, fed: bool) -> tuple[State, str | None]:
    if not fed:
        return State.IDLE, "idle:pool"
    if any(is_heat(code) for code in told.faults or ()):
        return State.IDLE, "idle:thermal"
    alive = told.devices is None or any(device.status == "Alive" for device in told.devices)
    if (whole(row.elapsed) or 0) < STARTUP_S or (alive and _is_tuning(told)):
        return State.STARTING, "starting:boot"
    return State.FAULT, "fault:hashrate" if alive else "fault:boards"


def _is_tuning(told: Told) -> bool:
    """Whether its frequencies still rise, by the machine's word, else by its boards'."""
    assert told.summary is not None
    whole_machine = whole(told.summary.upfreq_complete)
    if whole_machine is not None:
        return whole_machine == 0
    return any(whole(device.upfreq_complete) == 0 for device in told.devices or ())


def _level(state: State, row: Summary, model: Model | None) -> str | None:
    if state is State.SLEEPING:
        return "sleep"
    if state is State.UNKNOWN or _is_belied(row, model):
        return None
    return awake_level(row, model)


def _is_belied(row: Summary, model: Model | None) -> bool:
    """Whether its watts show that the mode or the limit that it is set to has not come about yet."""
    power_w, limit_w = watts(row.power), watts(row.power_limit)
    if power_w is None or model is None:
        return False
    is_low = (words(row.power_mode) or "").lower() == "low"
    return power_w > LOWERED * model.power_w if is_low else limit_w is not None and power_w > OVERSHOOT * limit_w


def awake_level(row: Summary, model: Model | None) -> str | None:
    """Return the level that it is set to when it hashes; None where it does not say."""
    mode, limit_w = (words(row.power_mode) or "").lower(), watts(row.power_limit)
    if mode == "low":
        return "low"
    if limit_w is not None and is_limited(row, model):
        return f"limit:{limit_w:.0f}"
    return "full" if mode in {"normal", "high"} else None


def is_limited(row: Summary, model: Model | None) -> bool:
    """Whether it is set to a power limit that holds it below its nominal power."""
    limit_w = watts(row.power_limit)
    return limit_w is not None and model is not None and limit_w < BINDS * model.power_w


def _boards(devices: list[Device] | None, model: Model | None) -> tuple[Board, ...] | None:
    if devices is None:
        return None
    expected = None if model is None or model.boards != len(devices) else model.chips_per_board
    return tuple(_board(at, device, expected) for at, device in enumerate(devices))


def _board(at: int, device: Device, chips_expected: int | None) -> Board:
    sensor, hottest_chip = number(device.temperature), number(device.chip_temp_max)
    slot = next((slot for slot in map(whole, (device.slot, device.asc)) if slot is not None), at)
    return Board(
        slot=slot,
        hashrate_ths=_board_ths(device),
        chip_temp_c=None if hottest_chip is None else hottest((hottest_chip,)),
        board_temp_c=None if sensor is None else hottest((sensor,)),
        board_temps_c=() if not sensor else (sensor,),
        chips=whole(device.effective_chips),
        chips_expected=chips_expected,
        frequency_mhz=number(device.chip_frequency) or number(device.frequency) or None,
        state=(words(device.status) or "").lower() or None,
    )


def _board_ths(device: Device) -> float | None:
    """Return a board's present rate, so that one that died shows at once, else its shortest average."""
    rates = (number(told) for told in (device.mhs_5s, device.hs_rt, device.mhs_1m, device.mhs_av))
    rate = next((rate for rate in rates if rate is not None), None)
    if rate is None or (device.asc is None and rate < PLAINLY_MHS):
        return rate
    return rate / 1e6


def _fans(row: Summary, model: Model | None) -> tuple[Fan, ...] | None:
    """Return intake and exhaust; a machine that is cooled by a liquid has none."""
    if model is not None and model.fans == 0:
        return ()
    speeds = [(slot, whole(told)) for slot, told in enumerate((row.fan_in, row.fan_out))]
    fans = tuple(Fan(slot=slot, rpm=rpm) for slot, rpm in speeds if rpm is not None)
    return fans or None


def _errors(faults: tuple[str, ...] | None) -> tuple[DeviceFault, ...] | None:
    return None if faults is None else tuple(DeviceFault(code=code, message=meaning(code)) for code in faults)
