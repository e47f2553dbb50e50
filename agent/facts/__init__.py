"""One frozen record per thing worth remembering: orders, decisions, machines.

Those of energy are in `energy`, those of who a machine is in `identity`, and so on, a kind a file.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from agent.facts.climate import ClimateFact
from agent.facts.clock import ClockFact
from agent.facts.drill import DrillFact
from agent.facts.energy import (
    Absence,
    DayPlanned,
    EnergyInterval,
    HashpriceSeen,
    MachinesMonth,
    MachinesSoFar,
    MeterBack,
    MeterInterval,
    MeterLost,
    MetersAgree,
    MetersDiffer,
    Minutes,
    MinutesSoFar,
    MonthCharged,
    PriceActed,
    ReadsCorrected,
    RegisterSeen,
)
from agent.facts.fact import Fact
from agent.facts.identity import IdentityFact
from agent.facts.orders import (
    IssuerHeard,
    IssuerSilent,
    OfferAnswered,
    OrderHouseLowered,
    OrderReleaseAsked,
    OrderSettled,
    OrderVanished,
)
from agent.facts.outlets import OutletFact
from agent.facts.remedies import DeedFact
from agent.facts.safety import SafetyFact


class AgentStarted(Fact, frozen=True):
    """The agent began: version, mode, and since when it was away (None: first start)."""

    version: str
    mode: str
    away_since: datetime | None = None


class AgentStopped(Fact, frozen=True):
    """The agent ended in good order."""


class OrderReceived(Fact, frozen=True):
    """A document was taken up as `order_id` at `revision`; `document` is its raw text.

    `starts_at` is the resolved start (first receipt where the document says none), `house_w` the house load
    fixed for a stop, `base_w` the standby of a stop or the base of a reduction, `restore_after_s` the drawn time that
    passes between its end and the way back.
    """

    order_id: str
    revision: int
    issuer: str
    order_class: str
    transport: str  # mqtt | http | shell | signal
    document: str
    starts_at: datetime | None = None
    house_w: float | None = None
    base_w: float | None = None
    by: str | None = None  # a named token or hand, where the transport knows one
    restore_after_s: float = 0.0


class OrderMoved(Fact, frozen=True):
    """A step of an order's life, and word for word its acknowledgement."""

    order_id: str
    revision: int
    seq: int
    event: str
    state: str
    cap_w: float | None = None
    observed_w: float | None = None
    meter: str | None = None
    shortfall_w: float | None = None
    expected_at: datetime | None = None
    binding_order: str | None = None
    reason: str | None = None


class OrderRefused(Fact, frozen=True):
    """A document that changed nothing: `code` of the contract; `order_id` from the document, else the topic.

    `revision` None and `seq` None for an unknown id; `count` rolls up refusals of the same source in a second.
    """

    order_id: str | None
    revision: int | None
    issuer: str | None
    code: str
    reason: str
    transport: str
    seq: int | None = None
    known: bool = False  # an order has this id: its retained ack must stay
    document: str | None = None
    count: int = 1


class CapChanged(Fact, frozen=True):
    """The cap in force at the site's meter became `cap_w` (None: none) because of `binding_order`."""

    cap_w: float | None
    binding_order: str | None


class SetpointsChanged(Fact, frozen=True):
    """One decision: each miner's new setpoint, recorded before any command is sent.

    `levels` maps a level to the ids that go there; `cause` says why (e.g. "shed", "restore", "intended", "doubt").
    """

    levels: dict[str, list[str]]
    cause: str
    cap_w: float | None = None
    binding_order: str | None = None
    orders: list[str] = msgspec.field(default_factory=list)  # those that bear upon less than the site


class IntendedChanged(Fact, frozen=True):
    """The level that the owner wants of these miners when nothing binds."""

    level: str
    miners: list[str]
    by: str


class HoldPlaced(Fact, frozen=True):
    """A hand locked these miners: nobody wakes them."""

    miners: list[str]
    kind: str  # maintenance | bench | lockout | customer
    by: str
    until: datetime | None = None


class HoldLifted(Fact, frozen=True):
    """A hand unlocked these miners, or time did: then the locks that were over at `over_at`, None for at `at`."""

    miners: list[str]
    by: str
    over_at: datetime | None = None


class SealPlaced(Fact, frozen=True):
    """An authority locked these miners' breakers, by a seal of this number and its act: nobody wakes them."""

    miners: list[str]
    number: str
    act: str
    by: str
    orders: list[str] = msgspec.field(default_factory=list)  # those open then


class SealLifted(Fact, frozen=True):
    """Two persons took the seals off these miners."""

    miners: list[str]
    numbers: list[str]
    by: str
    second: str
    orders: list[str] = msgspec.field(default_factory=list)


class SealBroken(Fact, frozen=True):
    """These miners hash, or draw more than asleep, behind their seals; so many W. Feeders: by their own meters."""

    powers_w: dict[str, float]
    numbers: list[str]
    feeders_w: dict[str, float] = msgspec.field(default_factory=dict)
    orders: list[str] = msgspec.field(default_factory=list)


class SealQuiet(Fact, frozen=True):
    """What drew behind a seal draws no longer."""

    miners: list[str]
    feeders: list[str] = msgspec.field(default_factory=list)
    orders: list[str] = msgspec.field(default_factory=list)


class MinerSeen(Fact, frozen=True):
    """What identification first told of a miner, or told anew when it changed; and what its inventory says of it."""

    miner: str
    host: str
    port: int | None = None
    http_port: int | None = None
    driver: str | None = None
    make: str | None = None
    model: str | None = None
    firmware: str | None = None
    firmware_version: str | None = None
    mac: str | None = None
    serial: str | None = None
    feeder: str = "site"
    tags: list[str] = msgspec.field(default_factory=list)
    credentials: str | None = None
    intended: str = "full"
    priority: int = 0


class CommandRefused(Fact, frozen=True):
    """A miner declined a command; it is named, and the next means is taken."""

    miner: str
    command: str
    error: str
    orders: list[str] = msgspec.field(default_factory=list)  # those that were open


class CommandsTaken(Fact, frozen=True):
    """First receipts: these miners acknowledged the command to a level. No proof; that is LevelsSeen."""

    levels: dict[str, list[str]]
    orders: list[str] = msgspec.field(default_factory=list)  # those that were open


class CommandsResent(Fact, frozen=True):
    """So many commands since then were told again to miners that had not shown what they were told before."""

    since: datetime
    count: int
    orders: list[str] = msgspec.field(default_factory=list)


class LoginsRefused(Fact, frozen=True):
    """These miners took none of our logins, or permitted nothing, so often that they are left alone until then."""

    miners: list[str]
    until: datetime
    error: str = ""


class ErrandSent(Fact, frozen=True):
    """A hand had these miners do something at once that changes no level: reboot, or blink."""

    miners: list[str]
    errand: str
    by: str


class ModesBefore(Fact, frozen=True):
    """The firmware's own modes that were in force before we put these miners to sleep, for the way back."""

    modes: dict[str, str]


class LevelsSeen(Fact, frozen=True):
    """First proof by a reading that these miners stand where a setpoint wants them."""

    levels: dict[str, list[str]]
    orders: list[str] = msgspec.field(default_factory=list)  # those that were open


class Escalated(Fact, frozen=True):
    """These miners did not obey; the next means is taken or none is left."""

    miners: list[str]
    means: str
    orders: list[str] = msgspec.field(default_factory=list)


class UnauthorisedWake(Fact, frozen=True):
    """These miners hash while their setpoint is below that: not by us."""

    miners: list[str]
    orders: list[str] = msgspec.field(default_factory=list)


class ShortfallChanged(Fact, frozen=True):
    """What cannot be shed, in W; 0 when it is met again."""

    shortfall_w: float
    binding_order: str | None = None


class LastPowers(Fact, frozen=True):
    """Each miner's last believed power, W, for the start after the next stop."""

    powers_w: dict[str, float]
    house_w: float | None = None


class Dropped(Fact, frozen=True):
    """What was older than `until` and needed by nobody is no longer remembered: so many facts, and whole chains.

    `heads` holds the last hash of each chain, by order: an export that somebody kept is proved by it.
    """

    until: datetime
    facts: int
    links: int = 0
    heads: dict[str, str] = msgspec.field(default_factory=dict)


class SendingPaused(Fact, frozen=True):
    """Intent could not be written: raising stopped."""

    error: str


AnyFact = (
    AgentStarted
    | AgentStopped
    | OrderReceived
    | OrderMoved
    | OrderRefused
    | OrderHouseLowered
    | OrderVanished
    | OrderReleaseAsked
    | OfferAnswered
    | OrderSettled
    | IssuerHeard
    | IssuerSilent
    | CapChanged
    | SetpointsChanged
    | IntendedChanged
    | HoldPlaced
    | HoldLifted
    | SealPlaced
    | SealLifted
    | SealBroken
    | SealQuiet
    | MinerSeen
    | IdentityFact
    | CommandRefused
    | LoginsRefused
    | CommandsTaken
    | CommandsResent
    | ErrandSent
    | ModesBefore
    | LevelsSeen
    | Escalated
    | UnauthorisedWake
    | ShortfallChanged
    | LastPowers
    | MeterInterval
    | EnergyInterval
    | MonthCharged
    | MachinesMonth
    | MachinesSoFar
    | HashpriceSeen
    | PriceActed
    | ReadsCorrected
    | DayPlanned
    | MeterLost
    | MeterBack
    | MetersDiffer
    | MetersAgree
    | Minutes
    | MinutesSoFar
    | ClockFact
    | RegisterSeen
    | Absence
    | Dropped
    | SendingPaused
    | SafetyFact
    | OutletFact
    | ClimateFact
    | DrillFact
    | DeedFact
)
