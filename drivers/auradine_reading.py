"""From what a Teraflux told to a Reading. Pure; what was not told stays None.

Asleep is what its mode says, and proved by the supply's input. Awake, its light says why it does not hash.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from drivers.auradine_wire import Beat, Count, Device, FanRow, Heat, Light, Mode, Part, Summary, Supply
from drivers.cgminer_reading import averaged_ths, is_alive, pool_of, present_ths
from drivers.cgminer_wire import PoolRow
from drivers.figures import hottest, number, watts, whole, words
from drivers.interface import Board, DeviceFault, Fan, Reading, State
from drivers.models import Model

STANDS, FALLS = 0.01, 0.9
WARM = 0.15
"""Above this share of its nominal power it still draws as one that hashes."""
BINDS = 0.99
"""A target of at least this share of nominal power is full."""
STARTUP_S = 600
NORMAL, LOCATED = 2, 3
OWN_LIGHTS = 101
"""Lights from here on were set by somebody, and say nothing."""
_WHY = {
    1: (State.FAULT, "fault:power"),
    4: (State.IDLE, "idle:thermal"),
    5: (State.IDLE, "idle:pool"),
    6: (State.IDLE, "idle:pool"),
    7: (State.FAULT, "fault:firmware"),
}
"""What a light's code means of one that does not hash; any other leaves it to its boards."""


@dataclass(slots=True)
class Told:
    """What several replies told together; None is what was refused, or not asked for."""

    summary: Summary | None = None
    devices: list[Device] | None = None
    pools: list[PoolRow] | None = None
    mode: Mode | None = None
    supplies: list[Supply] | None = None
    count: Count | None = None
    fans: list[FanRow] | None = None
    heat: list[Heat] | None = None
    beats: list[Beat] | None = None
    light: Light | None = None

    def add(self, part: Part) -> None:
        """Take in one command's reply."""
        self.summary = part.summary[0] if part.summary else self.summary
        self.mode = part.modes[0] if part.modes else self.mode
        self.supplies = self.supplies if part.supplies is None else part.supplies
        self.count = part.counts[0] if part.counts else self.count
        self.light = part.lights[0] if part.lights else self.light
        self.devices = self.devices if part.devices is None else part.devices
        self.pools = self.pools if part.pools is None else part.pools
        self.fans = self.fans if part.fans is None else part.fans
        self.heat = self.heat if part.heat is None else part.heat
        self.beats = self.beats if part.beats is None else part.beats


def reading_of(told: Told, model: Model | None) -> Reading:
    """Return what the machine said of itself."""
    summary = told.summary
    present = None if summary is None else present_ths(summary)
    state, reason = _state(told, present, model)
    averaged = None if summary is None else averaged_ths(summary)
    throttle_ths = None if summary is None else number(summary.throttle_ths)
    return Reading(
        state=state,
        reason=reason,
        level="sleep" if state is State.SLEEPING else level_of(told.mode, model),
        hashrate_ths=averaged if state is State.HASHING else present,
        present_ths=present,
        nominal_ths=throttle_ths if model is None else model.hashrate_ths,
        power_w=power_w(told),
        power_limit_w=limit_w(told.mode),
        uptime_s=None if summary is None else whole(summary.elapsed),
        boards=_boards(told, model),
        fans=None if told.fans is None else tuple(_fans(told.fans)),
        pools=None if told.pools is None else tuple(pool_of(row) for row in told.pools if row.url),
        errors=None if told.light is None else tuple(_errors(told.light)),
        accepted=None if summary is None else whole(summary.accepted),
        rejected=None if summary is None else whole(summary.rejected),
        stale=None if summary is None else whole(summary.stale),
        best_share=None if summary is None else number(summary.best_share),
        hardware_errors=None if summary is None else whole(summary.hardware_errors),
    )


def is_asleep(mode: Mode | None) -> bool | None:
    """Whether it was told to sleep; None where it does not say."""
    told = None if mode is None else mode.sleep
    if isinstance(told, bool):
        return told
    return {"on": True, "true": True, "off": False, "false": False}.get((words(told) or "").lower())


def power_w(told: Told) -> float | None:
    """Return what it draws at the wall: by the input of all of its supplies, else by its summary."""
    inputs_w = [watts(supply.power_in) for supply in told.supplies or ()]
    if inputs_w and None not in inputs_w:
        return sum(one or 0.0 for one in inputs_w)
    return None if told.summary is None else watts(told.summary.watts)


def limit_w(mode: Mode | None) -> float | None:
    """Return the power target in force, W; None in a mode that has none."""
    return watts(mode.power) if mode is not None and (mode.mode or "").lower() == "custom" else None


def level_of(mode: Mode | None, model: Model | None) -> str | None:
    """Return the level that it is set to when it hashes; what is above normal is full, and its owner's."""
    name = None if mode is None else (words(mode.mode) or "").lower()
    if name in {"normal", "turbo"}:
        return "full"
    if name == "eco":
        return "profile:eco"
    target_w = limit_w(mode)
    if target_w is None:
        return None
    return "full" if model is not None and target_w >= BINDS * model.power_w else f"limit:{target_w:.0f}"


def stands(told: Told, model: Model | None) -> bool:
    """Whether it does not hash, so that its state hangs on more than its rate."""
    present = None if told.summary is None else present_ths(told.summary)
    return present is None or present <= FALLS * _usual_ths(told, model)


def _usual_ths(told: Told, model: Model | None) -> float:
    if model is not None:
        return model.hashrate_ths
    return (None if told.summary is None else number(told.summary.throttle_ths)) or 0.0


def _state(told: Told, present: float | None, model: Model | None) -> tuple[State, str | None]:
    asleep, usual = is_asleep(told.mode), _usual_ths(told, model)
    if asleep:
        return _state_stopped(told, present, model)
    if present is None:
        return State.UNKNOWN, None
    fed = told.pools is None or any(is_alive(pool) for pool in told.pools)
    if present > (STANDS if fed else FALLS) * usual:
        return State.HASHING, None
    if not fed:
        return State.IDLE, "idle:pool"
    return (State.UNKNOWN, None) if asleep is None else _state_standing(told)


def _state_stopped(told: Told, present: float | None, model: Model | None) -> tuple[State, str | None]:
    """Return sleep once it draws no more; a machine that tells no watts proves it by its rate."""
    drawn_w = power_w(told)
    if drawn_w is not None and model is not None:
        flows = drawn_w > WARM * model.power_w
    else:
        flows = present is not None and present > FALLS * _usual_ths(told, model) > 0
    return (State.IDLE, "idle:stopping") if flows else (State.SLEEPING, None)


def _state_standing(told: Told) -> tuple[State, str | None]:
    light = None if told.light is None else whole(told.light.code)
    if light in _WHY:
        return _WHY[light]
    devices = told.devices
    if devices is not None and not any(words(row.status) == "Alive" for row in devices):
        return State.FAULT, "fault:boards"
    young = told.summary is not None and (whole(told.summary.elapsed) or 0) < STARTUP_S
    return (State.STARTING, "starting:boot") if young else (State.FAULT, "fault:hashrate")


def _boards(told: Told, model: Model | None) -> tuple[Board, ...] | None:
    if told.devices is None:
        return None
    heat = {whole(row.id): row for row in told.heat or ()}
    beats = {whole(row.id): row for row in told.beats or ()}
    chips = _chips_a_board(told.count)
    expected = None if model is None else model.chips_per_board
    return tuple(
        _board(at, row, heat.get(whole(row.id)), beats.get(whole(row.id)), chips, expected)
        for at, row in enumerate(told.devices)
    )


def _chips_a_board(count: Count | None) -> int | None:
    chips, boards = (None, None) if count is None else (whole(count.chips), whole(count.boards))
    return chips // boards if chips is not None and boards else None


def _board(
    at: int, row: Device, heat: Heat | None, beat: Beat | None, chips: int | None, expected: int | None
) -> Board:
    own, slot = number(row.temperature), whole(row.id)
    sensors = _figures(None if heat is None else heat.board, "temperature") or (() if not own else (own,))
    speeds = _figures(None if beat is None else beat.chips, "frequency")
    return Board(
        slot=at if slot is None else slot - 1,
        hashrate_ths=present_ths(row),
        chip_temp_c=hottest(_figures(None if heat is None else heat.chips, "temperature")),
        board_temp_c=hottest(sensors),
        board_temps_c=sensors,
        chips=chips,
        chips_expected=expected,
        frequency_mhz=sum(speeds) / len(speeds) if speeds else None,
        state=(words(row.status) or "").lower() or None,
    )


def _figures(rows: Iterable[object] | None, name: str) -> tuple[float, ...]:
    return tuple(value for row in rows or () if (value := number(getattr(row, name))) is not None)


def _fans(rows: Iterable[FanRow]) -> Iterable[Fan]:
    for at, row in enumerate(rows):
        slot, rpm = whole(row.id), whole(row.rpm)
        if rpm is not None:
            yield Fan(slot=at if slot is None else slot - 1, rpm=rpm)


def _errors(light: Light) -> Iterable[DeviceFault]:
    """Yield what its light complains of; there is no other list."""
    code = whole(light.code)
    if code is not None and code not in {NORMAL, LOCATED} and code < OWN_LIGHTS:
        yield DeviceFault(code=str(code), message=words(light.message))
