"""From what VNish's pages tell to a Reading. Pure; what was not told stays None.

In one page rates are TH/s under old names and GH/s under new ones, volts are millivolts, and chains count from 1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec

from drivers.cgminer_wire import Figure
from drivers.figures import number, watts, whole, words
from drivers.interface import Board, DeviceFault, Fan, Pool, Reading, State
from drivers.models import Model

STANDS = 0.01
FALLS = 0.9
WHOLE = 0.98
"""A preset of so much of what a machine was sold as is full: presets are steps of 90 W."""
_RATE = re.compile(r"~\s*(\d+(?:\.\d+)?)\s*TH", re.IGNORECASE)
_UPTIME = re.compile(r"(?:(\d+) days?, *)?(\d+):(\d\d)")
_STARTING = {
    "initializing": "starting:boot",
    "starting": "starting:boot",
    "restarting": "starting:boot",
    "auto-tuning": "starting:tuning",
}
_FED = frozenset({"active", "working"})


def _key(name: str) -> Any:
    return msgspec.field(default=None, name=name)


class Network(msgspec.Struct, gc=False):
    """Where it is."""

    mac: str | None = None


class System(msgspec.Struct, gc=False):
    """Its operating system."""

    network: Network | None = _key("network_status")
    uptime: str | None = None


class Info(msgspec.Struct, gc=False):
    """The page `info`."""

    decoder: ClassVar[msgspec.json.Decoder[Info]]
    miner: str | None = None
    version: str | None = _key("fw_version")
    serial: str | None = None
    system: System | None = None


class Preset(msgspec.Struct, gc=False):
    """A row of `autotune/presets`: named by its watts."""

    name: str | None = None
    pretty: str | None = None
    status: str | None = None
    modded_supply: bool | None = _key("modded_psu_required")

    @property
    def hashrate_ths(self) -> float | None:
        """The rate that its words promise."""
        found = _RATE.search(self.pretty or "")
        return None if found is None else float(found[1])


Presets = msgspec.json.Decoder(list[Preset])


class Standing(msgspec.Struct, gc=False):
    """What the miner does."""

    state: str | None = _key("miner_state")
    for_s: Figure = _key("miner_state_time")
    description: str | None = None
    code: Figure | str = _key("failure_code")


class Span(msgspec.Struct, gc=False):
    """The coldest and the hottest sensor."""

    least: Figure = _key("min")
    most: Figure = _key("max")


class ChainStatus(msgspec.Struct, gc=False):
    """How a chain is."""

    state: str | None = None
    description: str | None = None


class Chain(msgspec.Struct, gc=False):
    """A hashboard."""

    id: Figure = None
    frequency_mhz: Figure = _key("frequency")
    voltage_mv: Figure = _key("voltage")
    rate_ghs: Figure = _key("hashrate_rt")
    board_c: Span | None = _key("pcb_temp")
    chip_c: Span | None = _key("chip_temp")
    chips: dict[str, Figure] | None = _key("chip_statuses")
    status: ChainStatus | None = None
    inlet_c: Figure = _key("inlet_water_temp")
    outlet_c: Figure = _key("outlet_water_temp")


class FanRow(msgspec.Struct, gc=False):
    """A fan."""

    id: Figure = None
    rpm: Figure = None
    status: str | None = None


class Cooling(msgspec.Struct, gc=False):
    """The fans together."""

    fans: list[FanRow] | None = None


class PoolRow(msgspec.Struct, gc=False):
    """A pool; those of the firmware's fee are among them."""

    id: Figure = None
    url: str | None = None
    user: str | None = None
    type: str | None = _key("pool_type")
    status: str | None = None
    accepted: Figure = None
    rejected: Figure = None
    stale: Figure = None


class Miner(msgspec.Struct, gc=False):
    """The mining process."""

    standing: Standing | None = _key("miner_status")
    rate_ghs: Figure = _key("hr_realtime")
    nominal_ghs: Figure = _key("hr_nominal")
    power_w: Figure = _key("power_consumption")
    hardware_errors: Figure = _key("hw_errors")
    best_share: Figure = None
    pools: list[PoolRow] | None = None
    cooling: Cooling | None = None
    chains: list[Chain] | None = None


class Summary(msgspec.Struct, gc=False):
    """The page `summary`; no miner: its process is not up."""

    decoder: ClassVar[msgspec.json.Decoder[Summary]]
    miner: Miner | None = None


Info.decoder = msgspec.json.Decoder(Info)
Summary.decoder = msgspec.json.Decoder(Summary)


@dataclass(slots=True)
class Told:
    """What several pages told together."""

    miner: Miner | None
    model: Model | None
    preset: str | None = None
    uptime: str | None = None


def rate_of(miner: Miner | None) -> float | None:
    """Return the rate of the preset in force: it changes with it."""
    return None if miner is None else number(miner.nominal_ghs)


def is_stopped(state: str | None) -> bool:
    """Whether it does not mine by order, or is about not to."""
    return state in {"stopped", "shutting-down"}


def reading_of(told: Told) -> Reading:
    """Return what the machine said of itself."""
    miner = told.miner
    if miner is None:
        return Reading(state=State.STARTING, reason="starting:boot", uptime_s=_seconds(told.uptime))
    state, reason = _state(miner)
    rate_ths = _ths(miner.rate_ghs)
    users = None if miner.pools is None else [row for row in miner.pools if row.type != "DevFee" and row.url]
    return Reading(
        state=state,
        reason=reason,
        level=_level(state, told),
        hashrate_ths=rate_ths,
        present_ths=rate_ths,
        nominal_ths=_ths(miner.nominal_ghs),
        power_w=watts(miner.power_w),
        uptime_s=_seconds(told.uptime),
        inlet_c=_coolest(miner.chains),
        boards=None if miner.chains is None else tuple(_board(chain, told.model) for chain in miner.chains),
        fans=None if miner.cooling is None else tuple(_fans(miner.cooling.fans or ())),
        pools=None if users is None else tuple(_pool(row) for row in users),
        errors=tuple(_errors(miner)),
        accepted=_sum(users, "accepted"),
        rejected=_sum(users, "rejected"),
        stale=_sum(users, "stale"),
        best_share=number(miner.best_share),
        hardware_errors=whole(miner.hardware_errors),
    )


def _level(state: State, told: Told) -> str | None:
    """Return its level; a preset of at least what it was sold as is full."""
    if state is State.SLEEPING:
        return "sleep"
    if told.preset is None or not told.preset.isdigit():
        return None
    sold_w = None if told.model is None else told.model.power_w
    return "full" if sold_w is not None and float(told.preset) >= WHOLE * sold_w else f"profile:{told.preset}"


def _state(miner: Miner) -> tuple[State, str | None]:
    state = None if miner.standing is None else miner.standing.state
    if state == "stopped":
        return State.SLEEPING, None
    if state == "shutting-down":
        return State.IDLE, "idle:stopping"
    if state == "failure":
        return State.FAULT, "fault:boards" if _broken(miner) else "fault:firmware"
    if state in _STARTING:
        return State.STARTING, _STARTING[state]
    return _mining(miner) if state == "mining" else (State.UNKNOWN, None)


def _mining(miner: Miner) -> tuple[State, str | None]:
    rate, usual = number(miner.rate_ghs), number(miner.nominal_ghs) or 0.0
    fed = miner.pools is None or any(row.status in _FED for row in miner.pools if row.type != "DevFee")
    if rate is None:
        return State.UNKNOWN, None
    if rate > (STANDS if fed else FALLS) * usual:
        return State.HASHING, None
    return (State.FAULT, "fault:hashrate") if fed else (State.IDLE, "idle:pool")


def _broken(miner: Miner) -> bool:
    return any(_is_broken(chain) for chain in miner.chains or ())


def _is_broken(chain: Chain) -> bool:
    return chain.status is not None and chain.status.state in {"failure", "disconnected"}


def _ths(told_ghs: object) -> float | None:
    rate_ghs = number(told_ghs)
    return None if rate_ghs is None else rate_ghs / 1e3


def _seconds(told: str | None) -> int | None:
    """Read hours and minutes, "1:55", with days before them where there are any."""
    found = None if told is None else _UPTIME.fullmatch(told.strip())
    return None if found is None else (int(found[1] or 0) * 24 + int(found[2])) * 3600 + int(found[3]) * 60


def _board(chain: Chain, model: Model | None) -> Board:
    sensors = tuple(c for span in (chain.board_c,) if span for told in (span.least, span.most) if (c := number(told)))
    voltage_mv = number(chain.voltage_mv)
    return Board(
        slot=(whole(chain.id) or 1) - 1,
        hashrate_ths=_ths(chain.rate_ghs),
        chip_temp_c=None if chain.chip_c is None else number(chain.chip_c.most) or None,
        board_temp_c=max(sensors, default=None),
        board_temps_c=sensors,
        chips=None if chain.chips is None else sum(whole(count) or 0 for count in chain.chips.values()),
        chips_expected=None if model is None else model.chips_per_board,
        frequency_mhz=number(chain.frequency_mhz) or None,
        voltage_v=None if not voltage_mv else voltage_mv / 1e3,
        state=None if chain.status is None else chain.status.state,
    )


def _coolest(chains: Iterable[Chain] | None) -> float | None:
    """Return the water's temperature where it enters, of machines that are cooled so."""
    return min((c for chain in chains or () if (c := number(chain.inlet_c))), default=None)


def _fans(rows: Iterable[FanRow]) -> Iterable[Fan]:
    for at, row in enumerate(rows):
        slot, rpm = whole(row.id), whole(row.rpm)
        if rpm is not None:
            yield Fan(slot=at if slot is None else slot, rpm=rpm)


def _pool(row: PoolRow) -> Pool:
    return Pool(
        url=row.url or "",
        user=words(row.user),
        priority=whole(row.id),
        active=None if row.status is None else row.status == "active",
        alive=None if row.status is None else row.status in _FED,
        accepted=whole(row.accepted),
        rejected=whole(row.rejected),
        stale=whole(row.stale),
    )


def _sum(rows: Iterable[PoolRow] | None, name: str) -> int | None:
    return None if rows is None else sum(whole(getattr(row, name)) or 0 for row in rows)


def _errors(miner: Miner) -> Iterable[DeviceFault]:
    """Yield what has failed: there is no list of errors, each part says its own."""
    standing = miner.standing
    if standing is not None and standing.state == "failure":
        yield DeviceFault(code=str(standing.code or "failure"), message=standing.description)
    for chain in miner.chains or ():
        if chain.status is not None and _is_broken(chain):
            yield DeviceFault(code=f"chain {whole(chain.id)} {chain.status.state}", message=chain.status.description)
    for fan in (miner.cooling.fans if miner.cooling is not None else None) or ():
        if fan.status == "lost":
            yield DeviceFault(code=f"fan {whole(fan.id)} lost")
