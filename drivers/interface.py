"""The words between drivers and everything else: readings, identities, abilities, commands, exchanges.

Values only. `None` always means that the device did not say; zero means zero. Units end the names:
W at the wall, TH/s, °C, s. What no machine can have (`possible`) is None as well, whoever made the value.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Protocol, TypeVar, cast

import msgspec
from msgspec.structs import force_setattr

from drivers import possible


class State(StrEnum):
    """What a machine is doing. A reading is never UNREACHABLE: that is what the lack of one means."""

    HASHING = "hashing"
    IDLE = "idle"  # awake, no work or held back; `reason` says by what
    SLEEPING = "sleeping"
    STARTING = "starting"
    FAULT = "fault"
    UNREACHABLE = "unreachable"
    UNKNOWN = "unknown"


class Board(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One hashboard as its machine describes it."""

    slot: int
    hashrate_ths: float | None = None
    chip_temp_c: float | None = None  # the hottest chip sensor
    board_temp_c: float | None = None  # the hottest PCB sensor
    board_temps_c: tuple[float, ...] = ()  # every PCB sensor, as listed
    chips: int | None = None
    chips_expected: int | None = None
    frequency_mhz: float | None = None
    voltage_v: float | None = None
    state: str | None = None

    def __post_init__(self) -> None:
        """Let what cannot be say nothing."""
        if not possible.is_board(self):
            for name in possible.impossible(self, possible.BOARD):
                force_setattr(self, name, None)
        for sensor_c in self.board_temps_c:
            if not possible.ABSOLUTE_ZERO_C <= sensor_c <= possible.MOST_LISTED_C:
                force_setattr(self, "board_temps_c", ())


class Fan(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One fan; a slot without a fan is left out."""

    slot: int
    rpm: int


class Pool(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One configured pool; `alive` and `active` as the machine sees it, no password ever."""

    url: str
    user: str | None = None
    priority: int | None = None
    active: bool | None = None
    alive: bool | None = None
    accepted: int | None = None
    rejected: int | None = None
    stale: int | None = None

    def __post_init__(self) -> None:
        """Let what cannot be say nothing."""
        if not possible.is_pool(self):
            for name in possible.impossible(self, possible.POOL):
                force_setattr(self, name, None)


class DeviceFault(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One error that the machine reports of itself, by its own code."""

    code: str
    message: str | None = None


class Reading(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one poll learned of one machine."""

    state: State = State.UNKNOWN
    reason: str | None = None  # e.g. "idle:pool", "starting:tuning", "fault:boards"
    level: str | None = None  # the level that the machine proves to be at: "full", "low", "sleep", "limit:3000"
    hashrate_ths: float | None = None  # the shortest average of a minute or more
    present_ths: float | None = None  # of the last seconds
    nominal_ths: float | None = None
    power_w: float | None = None
    power_limit_w: float | None = None
    uptime_s: int | None = None
    inlet_c: float | None = None
    outlet_c: float | None = None
    boards: tuple[Board, ...] | None = None  # None: not asked for or not told
    fans: tuple[Fan, ...] | None = None
    pools: tuple[Pool, ...] | None = None
    errors: tuple[DeviceFault, ...] | None = None
    accepted: int | None = None  # shares, over all pools
    rejected: int | None = None
    stale: int | None = None
    best_share: float | None = None
    hardware_errors: int | None = None

    def __post_init__(self) -> None:
        """Let what cannot be say nothing, and leave parts out that cannot be there."""
        for name in possible.impossible(self, possible.READING):
            force_setattr(self, name, None)
        if self.level is not None and (level := possible.level(self.level)) is not self.level:
            force_setattr(self, "level", level)
        for fan in self.fans or ():
            if not (possible.is_slot(fan.slot) and 0 <= fan.rpm <= possible.MOST_RPM):
                force_setattr(self, "fans", tuple(one for one in self.fans or () if one is not fan))
        for board in self.boards or ():
            if not possible.is_slot(board.slot):
                force_setattr(self, "boards", tuple(one for one in self.boards or () if one is not board))


@dataclass(frozen=True, slots=True, kw_only=True)
class SleepAbility:
    """It can be told to stop hashing and to start again, and how long that takes."""

    standby_w: float
    settle_s: float = 60.0  # from an accepted Sleep to standby watts
    wake_s: float | None = None  # from an accepted Wake to steady full power; None where nobody says
    survives_reboot: bool | None = None
    survives_power_cut: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerRange:
    """The limits between which its power limit may be set, in W at the wall."""

    least_w: float
    most_w: float
    step_w: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LowAbility:
    """It has a low-power mode that draws and hashes these shares of its full."""

    power_share: float
    hashrate_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A mode of the firmware's own that it can be set to by name, and what it draws and hashes in it, where told."""

    name: str
    power_w: float | None = None
    hashrate_ths: float | None = None

    def __post_init__(self) -> None:
        """Let what cannot be say nothing."""
        object.__setattr__(self, "power_w", possible.power_w(self.power_w))
        object.__setattr__(self, "hashrate_ths", possible.rate_ths(self.hashrate_ths))


@dataclass(frozen=True, slots=True, kw_only=True)
class Abilities:
    """What this unit, with this firmware and these rights, can be told to do, and within what limits."""

    sleep: SleepAbility | None = None
    power_limit: PowerRange | None = None
    low: LowAbility | None = None
    #: what SetMode takes besides "full" and "low"; the level of one is `profile:<name>`
    profiles: tuple[Profile, ...] = ()
    restart: bool = False  # the mining program alone
    reboot: bool = False
    locate: bool = False
    pools: bool = False
    boot_s: float = 120.0  # from power to first answer on the API

    def __post_init__(self) -> None:
        """Leave out a power limit between bounds that cannot be."""
        limit = self.power_limit
        if limit is not None and not 0 <= limit.least_w <= limit.most_w <= possible.MOST_W:
            object.__setattr__(self, "power_limit", None)

    def names(self) -> tuple[str, ...]:
        """Return the abilities it has, by their names in the reading's `capabilities`; a restart has none there."""
        named = {
            "sleep": self.sleep is not None,
            "power_limit": self.power_limit is not None,
            "low": self.low is not None,
            "reboot": self.reboot,
            "locate": self.locate,
            "pools": self.pools,
        }
        return tuple(name for name, has in named.items() if has)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who answers at an address: `driver` is the registry's name of the family that speaks its wire."""

    driver: str
    make: str | None = None
    model: str | None = None  # by the project's own naming (drivers/models.toml), else as reported
    firmware: str | None = None
    firmware_version: str | None = None
    mac: str | None = None
    serial: str | None = None
    nominal_ths: float | None = None
    nominal_w: float | None = None
    abilities: Abilities = field(default_factory=Abilities)
    partial: bool = False  # it did not answer all that it was asked: what it says next may be more, or otherwise
    shut: str | None = None  # why it did not say what it can be told: it takes none of the logins

    def __post_init__(self) -> None:
        """Let what cannot be say nothing."""
        object.__setattr__(self, "nominal_ths", possible.rate_ths(self.nominal_ths))
        object.__setattr__(self, "nominal_w", possible.power_w(self.nominal_w))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sleep:
    """Stop hashing, stay reachable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wake:
    """Hash again; `mode` is the firmware's own mode to return to, as a Sleep's receipt named it."""

    mode: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitPower:
    """Draw at most `limit_w` at the wall."""

    limit_w: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SetMode:
    """Change to a named mode: "full", "low" or a firmware's own profile."""

    mode: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Restart:
    """Start the mining program anew; it hashes afterwards, also where it was stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reboot:
    """Restart the whole machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Locate:
    """Blink, or stop blinking."""

    on: bool = True


Command = Sleep | Wake | LimitPower | SetMode | Restart | Reboot | Locate


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The device took the command. It is no proof of an effect: only a later reading is.

    `already` means that the machine was there before and nothing was written; `before` is what was in force, for the
    way back: of a Sleep the firmware's own mode, which its Wake is given; of LimitPower and SetMode the level as it is
    named (`limit:3300`, `profile:x`, `low`), None where nothing held the machine below full.
    """

    already: bool = False
    before: str | None = None
    message: str | None = None


class Ends(Enum):
    """How the reply to a socket request ends."""

    NUL = "nul"  # at the first NUL, or at the peer's close
    CLOSE = "close"  # only at the peer's close
    LENGTH = "length"  # after as many bytes as the little-endian u32 before them says; it stays before the reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request on a TCP connection of its own, sent in one write; the reply is `bytes` without the NUL."""

    request: bytes
    ends: Ends = Ends.NUL
    port: int | None = None  # None: the machine's API port
    most_bytes: int = 262_144
    deadline_s: float | None = None  # None: the runner's read timeout; covers connect, send and reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Http:
    """One HTTP request; the reply is an `HttpReply`. Redirects are not followed."""

    method: str
    path: str
    body: bytes | None = field(default=None, repr=False)  # may hold a password
    content_type: str | None = None
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)  # may hold a token
    user: str | None = None  # with `password`: answered to a digest or basic challenge
    password: str | None = field(default=None, repr=False)
    port: int | None = None  # None: the machine's HTTP port
    most_bytes: int = 1_048_576
    deadline_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpReply:
    """Status, headers (lower-case names) and body of an HTTP reply, whatever the status."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Wait before the next exchange; the reply is None."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Compute what takes a millisecond, away from the loop; the reply is the text that it returns."""

    run: Callable[[], str] = field(repr=False)


Exchange = Ask | Http | Pause | Work
Reply = bytes | str | HttpReply | None
T_co = TypeVar("T_co", covariant=True)
Conversation = Generator[Exchange, Reply, T_co]
"""Yields exchanges and is sent their replies; a transport's `Unreachable` or `Garbled` is thrown into it."""


class Want(Enum):
    """How much a read should learn."""

    QUICK = "quick"  # what control needs: state, hashrate, power, boards; in one exchange where firmware allows
    FULL = "full"  # everything of a reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A user and a password; the password never shows."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a machine answers and what it is spoken to with; None takes the family's default."""

    host: str
    port: int | None = None
    http_port: int | None = None
    logins: tuple[Login, ...] = ()
    model: str | None = None  # the owner's word on the model, over what the machine says


class Driver(Protocol):
    """Speaks with one machine in one firmware's words. Pure: no clock, no socket, no fleet, no reason."""

    def identify(self) -> Conversation[Identity]:
        """Learn who it is and what it can; changes nothing."""

    def read(self, want: Want) -> Conversation[Reading]:
        """Learn what it does now; changes nothing."""

    def send(self, command: Command) -> Conversation[Receipt]:
        """Tell it; raises Unsupported before any exchange where it has no such ability."""


class Prepares(Protocol):
    """A driver whose machine is told the quicker, the more surely, for what can be done before."""

    def prepare(self) -> Conversation[None]:
        """Do that for the commands of the next minutes; changes nothing, raises NotPermitted where none is taken."""


def preparing(driver: Driver) -> Prepares | None:
    """Return a driver as one that prepares, None where it does not; quicker than a check of the protocol."""
    return cast("Prepares", driver) if hasattr(driver, "prepare") else None
