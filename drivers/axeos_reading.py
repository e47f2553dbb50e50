"""From what AxeOS and its NerdAxe fork tell of themselves to a Reading. Pure; what was not told stays None.

Rates are GH/s, voltages millivolts; the watts are those at the board's own input, direct current. Sources: ESP-Miner
main/http_server/system_api_json.c, ESP-Miner-NerdQAxePlus main/http_server/handler_system.cpp.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec

from drivers.cgminer_wire import Figure
from drivers.figures import finite, flag, hottest, number, watts, whole, words
from drivers.interface import Board, DeviceFault, Fan, Pool, Reading, State
from drivers.models import Model

STANDS, FALLS = 0.01, 0.9
STARTUP_S = 120
LIT_MV = 200.0
"""Below it a chip has no voltage: it cannot hash, and its board draws next to nothing."""
NEAR_MHZ = 7.0
"""A frequency is wound up and down in steps of 6.25 MHz."""
_SUFFIXES = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}
_DIFFICULTY = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kMGTPE]?)\s*")
_LOST = ("not connected", "unreachable", "rejected", "error", "failed")


def _key(name: str) -> Any:
    return msgspec.field(default=None, name=name)


class PoolRow(msgspec.Struct, gc=False):
    """One of up to eight pools of newer builds; its password is shown as stars and not read."""

    id: Figure = None
    url: str | None = _key("stratumURL")
    port: Figure = _key("stratumPort")
    user: str | None = _key("stratumUser")


class Link(msgspec.Struct, gc=False):
    """How a NerdAxe stands with one of its two pools."""

    connected: bool | None = None
    accepted: Figure = None
    rejected: Figure = None


class Links(msgspec.Struct, gc=False):
    """A NerdAxe's pools, in the order of its settings."""

    pools: list[Link] | None = None


class FanRow(msgspec.Struct, gc=False):
    """One fan of newer NerdAxes."""

    rpm: Figure = None


class Info(msgspec.Struct, gc=False):
    """The page `system/info`."""

    decoder: ClassVar[msgspec.json.Decoder[Info]]
    asic: str | None = _key("ASICModel")
    board: str | None = _key("boardVersion")
    device: str | None = _key("deviceModel")  # NerdAxes alone name themselves here
    version: str | None = None
    mac: str | None = _key("macAddr")
    chips: Figure = _key("asicCount")
    cores: Figure = _key("smallCoreCount")
    most_w: Figure = _key("maxPower")
    power_w: Figure = _key("power")
    rate_ghs: Figure = _key("hashRate")
    minute_ghs: Figure = _key("hashRate_1m")
    expected_ghs: Figure = _key("expectedHashrate")
    frequency_mhz: Figure = _key("frequency")
    actual_mhz: Figure = _key("actualFrequency")
    default_mhz: Figure = _key("defaultFrequency")
    core_mv: Figure = _key("coreVoltageActual")
    chip_c: Figure = _key("temp")
    regulator_c: Figure = _key("vrTemp")
    rpm: Figure = _key("fanrpm")
    second_rpm: Figure = _key("fan2rpm")
    nerd_second_rpm: Figure = _key("fanrpm2")
    fans: list[FanRow | Figure] | None = None
    paused: bool | None = _key("miningPaused")
    shut_down: bool | None = _key("shutdown")
    overheated: Figure = _key("overheat_mode")
    power_fault: str | None = None
    hardware_fault: str | None = None
    one_time_password: bool | None = _key("otp")
    uptime_s: Figure = _key("uptimeSeconds")
    accepted: Figure = _key("sharesAccepted")
    rejected: Figure = _key("sharesRejected")
    best_share: Figure = _key("bestDiff")
    url: str | None = _key("stratumURL")
    port: Figure = _key("stratumPort")
    user: str | None = _key("stratumUser")
    second_url: str | None = _key("fallbackStratumURL")
    second_port: Figure = _key("fallbackStratumPort")
    second_user: str | None = _key("fallbackStratumUser")
    on_second: Figure = _key("isUsingFallbackStratum")
    first_id: Figure = _key("primaryPoolIndex")
    second_id: Figure = _key("secondaryPoolIndex")
    pools: list[PoolRow] | None = None
    connection: str | None = _key("poolConnectionInfo")
    is_connected: bool | None = _key("isStratumConnected")
    links: Links | None = _key("stratum")


class Asic(msgspec.Struct, gc=False):
    """The page `system/asic`: what the board is, and what it may be set to."""

    decoder: ClassVar[msgspec.json.Decoder[Asic]]
    device: str | None = _key("deviceModel")
    chips: Figure = _key("asicCount")
    default_mhz: Figure = _key("defaultFrequency")
    options_mhz: list[Figure] | None = _key("frequencyOptions")
    most_mhz: Figure = _key("absMaxFrequency")


Info.decoder = msgspec.json.Decoder(Info)
Asic.decoder = msgspec.json.Decoder(Asic)


@dataclass(slots=True)
class Told:
    """The page of what it does, that of what it is where it has one, and its model's row."""

    info: Info
    asic: Asic | None = None
    model: Model | None = None

    @property
    def chips(self) -> int | None:
        """How many chips its board carries."""
        return whole(self.info.chips) or (None if self.asic is None else whole(self.asic.chips))

    @property
    def default_mhz(self) -> float | None:
        """What it was sold with."""
        return (None if self.asic is None else number(self.asic.default_mhz)) or number(self.info.default_mhz)

    def rate_ths(self, frequency_mhz: float | None) -> float | None:
        """Return what it hashes at a frequency: each small core one hash a cycle."""
        cores, chips = number(self.info.cores), self.chips
        if not cores or not chips or not frequency_mhz:
            return None
        return finite(frequency_mhz * cores * chips / 1e6)

    @property
    def nominal_ths(self) -> float | None:
        """What it hashes as it is set now, by its own word or its chips."""
        expected_ghs = number(self.info.expected_ghs)
        own = expected_ghs / 1e3 if expected_ghs else self.rate_ths(number(self.info.frequency_mhz))
        return own or (None if self.model is None else self.model.hashrate_ths)


def is_told_to_stop(info: Info) -> bool:
    """Whether it is paused, or shut down, by order."""
    return info.paused is True or info.shut_down is True


def mode_of(frequency_mhz: float) -> str:
    """Name a frequency as a mode: "485", "512.5"."""
    return f"{frequency_mhz:g}"


def reading_of(told: Told) -> Reading:
    """Return what the machine said of itself."""
    info = told.info
    state, reason = _state(told)
    present = _ths(info.rate_ghs)
    averaged = _ths(info.minute_ghs)
    return Reading(
        state=state,
        reason=reason,
        level=_level(state, told),
        hashrate_ths=averaged if state is State.HASHING and averaged is not None else present,
        present_ths=present,
        nominal_ths=told.nominal_ths,
        power_w=watts(info.power_w),
        uptime_s=whole(info.uptime_s),
        boards=(_board(told, present if averaged is None or state is not State.HASHING else averaged),),
        fans=tuple(_fans(info)),
        pools=tuple(_pools(info)),
        errors=tuple(_errors(info)),
        accepted=whole(info.accepted),
        rejected=whole(info.rejected),
        best_share=_difficulty(info.best_share),
    )


def _ths(told_ghs: object) -> float | None:
    rate_ghs = number(told_ghs)
    return None if rate_ghs is None else rate_ghs / 1e3


def _state(told: Told) -> tuple[State, str | None]:
    info = told.info
    core_mv = number(info.core_mv)
    lit = core_mv is None or core_mv > LIT_MV
    if info.shut_down:
        return State.SLEEPING, None
    if info.paused:
        return (State.IDLE, "idle:stopping") if lit and core_mv is not None else (State.SLEEPING, None)
    if words(info.power_fault) or words(info.hardware_fault):
        return State.FAULT, "fault:boards"
    if flag(info.overheated):
        return State.IDLE, "idle:thermal"
    return _awake(told, lit=lit)


def _awake(told: Told, *, lit: bool) -> tuple[State, str | None]:
    """Tell what hashes from what starts, waits or fails; no voltage at its chips is a stop for want of a pool."""
    info = told.info
    present, usual = _ths(info.rate_ghs), told.nominal_ths
    if present is None:
        return State.UNKNOWN, None
    fed = _is_fed(info)
    if present > (STANDS if fed else FALLS) * (usual or 0.0):
        return State.HASHING, None
    if (whole(info.uptime_s) or 0) < STARTUP_S or (lit and _winds_up(info)):
        return State.STARTING, "starting:boot"
    return (State.FAULT, "fault:hashrate") if fed and lit else (State.IDLE, "idle:pool")


def _winds_up(info: Info) -> bool:
    """Whether its frequency is on its way to what it is set to, as after a pause."""
    is_set, runs = number(info.frequency_mhz), number(info.actual_mhz)
    return is_set is not None and runs is not None and runs < is_set - NEAR_MHZ


def _is_fed(info: Info) -> bool:
    """Whether nothing says that it has lost its pools."""
    if info.is_connected is False:
        return False
    links = info.links.pools if info.links is not None else None
    if links and all(link.connected is False for link in links):
        return False
    said = (info.connection or "").lower()
    return not any(word in said for word in _LOST)


def _level(state: State, told: Told) -> str | None:
    """Return its level: full from the frequency on that it was sold with; none while the frequency is under way."""
    if state is State.SLEEPING:
        return "sleep"
    is_set, runs, sold = number(told.info.frequency_mhz), number(told.info.actual_mhz), told.default_mhz
    if state is not State.HASHING or not is_set or sold is None:
        return None
    if runs is not None and abs(runs - is_set) > NEAR_MHZ:
        return None
    return "full" if is_set >= sold else f"profile:{mode_of(is_set)}"


def _board(told: Told, rate_ths: float | None) -> Board:
    info = told.info
    chip_c, regulator_c, core_mv = number(info.chip_c), number(info.regulator_c), number(info.core_mv)
    sensors = () if chip_c is None or chip_c <= 0 else (chip_c,)
    return Board(
        slot=0,
        hashrate_ths=rate_ths,
        chip_temp_c=hottest(sensors),
        board_temp_c=None if regulator_c is None or regulator_c <= 0 else regulator_c,
        board_temps_c=sensors,
        chips=told.chips,
        chips_expected=None if told.model is None else told.model.chips_per_board,
        frequency_mhz=number(info.actual_mhz) or number(info.frequency_mhz),
        voltage_v=None if not core_mv else core_mv / 1e3,
    )


def _fans(info: Info) -> Iterable[Fan]:
    """Yield the fans; a second one that stands is none."""
    listed = [whole(row.rpm if isinstance(row, FanRow) else row) for row in info.fans or ()]
    others = [whole(info.rpm), whole(info.second_rpm) or whole(info.nerd_second_rpm)]
    for slot, rpm in enumerate(listed if any(listed) else others):
        if rpm is not None and (rpm or slot == 0):
            yield Fan(slot=slot, rpm=rpm)


def _pools(info: Info) -> Iterable[Pool]:
    """Yield the pools by priority, as host and port: it names no scheme."""
    rows = _rows(info)
    links = (info.links.pools if info.links is not None else None) or []
    second = flag(info.on_second)
    for priority, row in enumerate(rows):
        link = links[priority] if priority < len(links) else None
        port = whole(row.port)
        yield Pool(
            url=f"{row.url}" if port is None else f"{row.url}:{port}",
            user=words(row.user),
            priority=priority,
            active=priority == int(second) if info.on_second is not None else None,
            alive=None if link is None else link.connected,
            accepted=None if link is None else whole(link.accepted),
            rejected=None if link is None else whole(link.rejected),
        )


def _rows(info: Info) -> list[PoolRow]:
    first = PoolRow(url=info.url, port=info.port, user=info.user)
    second = PoolRow(url=info.second_url, port=info.second_port, user=info.second_user)
    used = {whole(info.first_id), whole(info.second_id)}
    spare = [row for row in info.pools or () if whole(row.id) not in used] if info.first_id is not None else []
    return [row for row in (first, second, *spare) if words(row.url)]


def _errors(info: Info) -> Iterable[DeviceFault]:
    """Yield what has failed, by the name of the figure that says so."""
    for code, message in (("power_fault", info.power_fault), ("hardware_fault", info.hardware_fault)):
        if (said := words(message)) is not None:
            yield DeviceFault(code=code, message=said)
    if flag(info.overheated):
        yield DeviceFault(code="overheat_mode", message="it stopped itself for heat")


def _difficulty(told: object) -> float | None:
    """Read a difficulty: a number, or a text with a suffix, "4.29G"."""
    if isinstance(told, str):
        found = _DIFFICULTY.fullmatch(told)
        return None if found is None else finite(float(found[1]) * _SUFFIXES[found[2]])
    return number(told)
