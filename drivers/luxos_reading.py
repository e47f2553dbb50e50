"""From what a LuxOS machine told to a Reading. Pure; what was not told stays None.

Boards come in no order and are sorted by their number. Which side of a board the air enters is said by labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from drivers.cgminer_reading import averaged_ths, is_alive, pool_of, present_ths
from drivers.cgminer_wire import PoolRow, Summary
from drivers.figures import hottest, number, temperatures, watts, whole
from drivers.interface import Board, DeviceFault, Fan, Reading, State
from drivers.luxos_wire import Board as BoardRow
from drivers.luxos_wire import Config, Event, FanRow, Part

STANDS = 0.01
"""Below this share of its nominal rate a machine stands."""
RAMPED = 0.9
STARTUP_S = 600
SENSORS = ("TopLeft", "TopRight", "BottomLeft", "BottomRight")
_FAULTS = (
    "FAILURE",
    "PANIC",
    "SHUTDOWN",
    "PROTECTION",
    "_ERROR",
    "NOT_HASHING",
    "NOT_DETECTED",
    "NO_BOARDS",
    "INVALID",
)
_BY_HAND = "_USER"


@dataclass(slots=True)
class Told:
    """What several replies told together."""

    summary: Summary | None = None
    config: Config | None = None
    boards: list[BoardRow] | None = None
    power_w: float | None = None
    fans: list[FanRow] | None = None
    sensors: dict[int, tuple[float, ...]] = field(default_factory=dict)
    inlet_c: float | None = None
    outlet_c: float | None = None
    pools: list[PoolRow] | None = None
    events: list[Event] | None = None
    chips: dict[int, int] = field(default_factory=dict)

    def add(self, part: Part) -> None:
        """Take in one command's reply."""
        self.summary = part.summary[0] if part.summary else self.summary
        self.config = part.config[0] if part.config else self.config
        self.boards = self.boards if part.boards is None else part.boards
        self.fans = self.fans if part.fans is None else part.fans
        self.pools = self.pools if part.pools is None else part.pools
        self.events = self.events if part.events is None else part.events
        if part.power:
            self.power_w = watts(part.power[0].watts)
        if part.temperatures is not None:
            self._add_temperatures(part.temperatures, part.labels or [])
        for row in part.stats or ():
            self.chips |= {at - 1: chips for at in range(1, 17) if (chips := whole(row.get(f"chain_acn{at}")))}
            if not self.sensors:
                texts = {at - 1: temperatures(row.get(f"temp_pcb{at}")) for at in range(1, 17)}
                self.sensors = {at: sensors for at, sensors in texts.items() if any(sensors)}

    def _add_temperatures(self, rows: Iterable[dict[str, object]], labels: Sequence[dict[str, object]]) -> None:
        named = {key: _label(told) for row in labels for key, told in row.items()}
        inlets, outlets = list[float](), list[float]()
        for row in rows:
            at, told = whole(row.get("ID")), {key: number(value) for key, value in row.items() if key in _places(row)}
            shown = {key: value for key, value in told.items() if value}
            if at is not None:
                self.sensors[at] = tuple(shown[key] for key in sorted(shown, key=_place))
            inlets += [value for key, value in shown.items() if "intake" in named.get(key, "")]
            outlets += [value for key, value in shown.items() if "exhaust" in named.get(key, "")]
        self.inlet_c, self.outlet_c = hottest(tuple(inlets)), hottest(tuple(outlets))


def _label(told: object) -> str:
    text = told.get("Label") if isinstance(told, dict) else told
    return text.lower() if isinstance(text, str) else ""


def _places(row: dict[str, object]) -> list[str]:
    return [key for key in row if "Left" in key or "Right" in key]


def _place(key: str) -> tuple[int, str]:
    return (SENSORS.index(key), key) if key in SENSORS else (len(SENSORS), key)


def reading_of(told: Told) -> Reading:
    """Return what the machine said of itself."""
    summary, config = told.summary, told.config
    present = None if summary is None else present_ths(summary)
    state, reason = _state(told, present)
    averaged = None if summary is None else averaged_ths(summary)
    return Reading(
        state=state,
        reason=reason,
        level="sleep" if state is State.SLEEPING else level_of(config),
        hashrate_ths=averaged if state is State.HASHING else present,
        present_ths=present,
        nominal_ths=None if config is None else number(config.nameplate_ths),
        power_w=told.power_w,
        uptime_s=None if summary is None else whole(summary.elapsed),
        inlet_c=told.inlet_c,
        outlet_c=told.outlet_c,
        boards=_boards(told),
        fans=None if told.fans is None else tuple(_fans(told.fans)),
        pools=None if told.pools is None else tuple(pool_of(row) for row in told.pools if row.url),
        errors=None if told.events is None else tuple(_errors(told.events)),
        accepted=None if summary is None else whole(summary.accepted),
        rejected=None if summary is None else whole(summary.rejected),
        stale=None if summary is None else whole(summary.stale),
        best_share=None if summary is None else number(summary.best_share),
        hardware_errors=None if summary is None else whole(summary.hardware_errors),
    )


def is_curtailed(config: Config | None) -> bool:
    """Whether it was told to sleep: "None" is awake."""
    return config is not None and (config.curtailed or "None").lower() != "none"


def level_of(config: Config | None) -> str | None:
    """Return the level that its profile is: what it was sold as is full."""
    if config is None or not config.profile:
        return None
    return "full" if whole(config.profile_step) == 0 else f"profile:{config.profile}"


def _state(told: Told, present: float | None) -> tuple[State, str | None]:
    codes = {event.code or "" for event in told.events or ()}
    if is_curtailed(told.config) or codes & {"SLEEP", "IDLE"}:
        return State.SLEEPING, None
    if present is None or told.summary is None:
        return State.UNKNOWN, None
    usual = _usual_ths(told)
    ramps = any(row.ramps for row in told.boards or ())
    if present > STANDS * usual:
        return (State.STARTING, "starting:tuning") if ramps and present < RAMPED * usual else (State.HASHING, None)
    return _standing(told, codes, starting=ramps or (whole(told.summary.elapsed) or 0) < STARTUP_S)


def _standing(told: Told, codes: Iterable[str], *, starting: bool) -> tuple[State, str]:
    """Return why one that is awake does not hash."""
    fed = told.pools is None or any(is_alive(pool) for pool in told.pools)
    if "NO_ACTIVE_POOLS" in codes or not fed:
        return State.IDLE, "idle:pool"
    if any("OVERTEMP" in code for code in codes):
        return State.IDLE, "idle:thermal"
    if any(True for _ in _errors(told.events or ())):
        return State.FAULT, "fault:boards"
    return (State.STARTING, "starting:boot") if starting else (State.FAULT, "fault:hashrate")


def stands(told: Told) -> bool:
    """Whether it is awake and hashes less than it should, so that its state hangs on more than its rate."""
    present = None if told.summary is None else present_ths(told.summary)
    return not is_curtailed(told.config) and (present is None or present <= RAMPED * _usual_ths(told))


def _usual_ths(told: Told) -> float:
    """Return what it should hash: of its boards at their profile, else what it was sold as."""
    nominal = sum(number(row.nominal_mhs) or 0.0 for row in told.boards or ()) / 1e6
    return nominal or (number(told.config.nameplate_ths) if told.config is not None else None) or 0.0


def _boards(told: Told) -> tuple[Board, ...] | None:
    if told.boards is None:
        return None
    return tuple(_board(row, told) for row in sorted(told.boards, key=lambda row: row.asc or 0))


def _board(row: BoardRow, told: Told) -> Board:
    slot = row.asc or 0
    own = number(row.temperature)
    sensors = told.sensors.get(slot) or (() if not own else (own,))
    return Board(
        slot=slot,
        hashrate_ths=present_ths(row),
        board_temp_c=hottest(sensors),
        board_temps_c=sensors,
        chips=told.chips.get(slot),
        state="disabled" if row.enabled == "N" else (row.status or "").lower() or None,
    )


def _fans(rows: Iterable[FanRow]) -> Iterable[Fan]:
    for at, row in enumerate(rows):
        slot, rpm = whole(row.id), whole(row.rpm)
        if rpm is not None:
            yield Fan(slot=at if slot is None else slot, rpm=rpm)


def _errors(events: Iterable[Event]) -> Iterable[DeviceFault]:
    """Yield the conditions that are faults; what a person did is none."""
    for event in events:
        code = event.code or ""
        if any(mark in code for mark in _FAULTS) and not code.endswith(_BY_HAND):
            where = whole(event.id) if event.target == "BOARD" else None
            yield DeviceFault(code=code if where is None else f"{code} {where}", message=event.description)
