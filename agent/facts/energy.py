"""Facts of meters, of energy by the interval, and of what passed a meter while nobody looked."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import msgspec

from agent.facts.fact import Fact


class MeterInterval(Fact, frozen=True):
    """One metering interval: mean power at the meter, and its registers at start and end where it has any.

    A register is the last that was heard up to that instant; None where none was heard. It may have been set back.
    """

    meter: str
    start: datetime
    end: datetime
    mean_w: float | None
    samples: int
    energy_wh: float | None = None  # the import register at the end
    role: str = "billing"  # billing | check | generation | export | house | feeder
    register_start_wh: float | None = None  # imported
    register_end_wh: float | None = None
    export_start_wh: float | None = None
    export_end_wh: float | None = None


class Charge(msgspec.Struct, frozen=True, kw_only=True):
    """What one component of the tariff asked for an interval: exact decimals as text."""

    name: str
    kind: str
    party: str
    amount: str


class EnergyInterval(Fact, frozen=True):
    """Energy of one metering interval, or of the piece of it between `start` and `end`, in whole Wh.

    `site_wh` = miners + house + unexplained, exactly; feeders, owners (tag `owner:x`; "" for none) and models each add
    up to the miners. miners None: nobody looked; the meter's register, or the power around it, says the sum alone.
    """

    start: datetime
    end: datetime
    site_wh: int
    unexplained_wh: int
    miners_wh: int | None = None
    house_wh: int | None = None
    source: str = "beliefs"  # register | meter | beliefs
    quality: str = "measured"  # measured | estimated | partial: no whole interval
    register_wh: float | None = None  # the billing meter's import register at the end
    hashed_th: float | None = None  # terahashes, while machines were read
    feeders: dict[str, int] = msgspec.field(default_factory=dict)
    owners: dict[str, int] = msgspec.field(default_factory=dict)
    models: dict[str, int] = msgspec.field(default_factory=dict)
    owners_th: dict[str, float] = msgspec.field(default_factory=dict)  # terahashes, as far as machines were read
    models_th: dict[str, float] = msgspec.field(default_factory=dict)
    billed_kwh: str | None = None  # at the boundary of supply; None: as metered
    currency: str | None = None  # None: no tariff was in use
    charges: list[Charge] = msgspec.field(default_factory=list)
    cost: str | None = None  # sum of the charges that do not come back
    revenue: str | None = None
    revenue_currency: str | None = None


class Credit(msgspec.Struct, frozen=True, kw_only=True):
    """What of a component is for one order that was obeyed, as a programme pays it; a penalty is above 0."""

    name: str
    order: str
    amount: str


class MonthCharged(Fact, frozen=True):
    """What a month was charged as a whole, beside what its intervals were, once it was over; it never changes again.

    An amount may be below 0: blocks that periods of the day share are settled here too.
    """

    month: str  # YYYY-MM
    currency: str
    charges: list[Charge]
    cost: str  # sum of the charges that do not come back
    credits: list[Credit] = msgspec.field(default_factory=list)  # of these charges


class CorrectedRead(msgspec.Struct, frozen=True, kw_only=True):
    """What the billing meter counted in the metering interval that begins at `start`, as is known now: exact kWh."""

    start: datetime
    kwh: str


class ReadsCorrected(Fact, frozen=True):
    """A hand told what intervals really counted; their months, where closed, are adjusted in that of `at`."""

    reads: list[CorrectedRead]
    by: str
    why: str = ""


class MachinesMonth(Fact, frozen=True):
    """What each machine drew, hashed, cost and earned in a month until `at`, in intervals that somebody looked at.

    Columns of 32-bit floats, little-endian, in the order of `miners`, an id a line; all of it deflated. A machine's
    cost is its share of an interval's by energy, its revenue by hashes. What has no currency is 0 throughout.
    """

    month: str  # YYYY-MM
    miners: bytes
    energy_wh: bytes
    hashed_th: bytes
    cost: bytes
    revenue: bytes
    currency: str | None = None
    revenue_currency: str | None = None


class MachinesSoFar(Fact, frozen=True):
    """A month's machines while it is under way, for the start after a kill; only the last is kept, in no chain."""

    told: MachinesMonth


class PriceActed(Fact, frozen=True):
    """What acting on price earned from `start` until `at`, or would have: against the owner's own levels, all the time.

    `stopped` and `lowered` (to a level between) are machines at its end, by price alone.
    """

    start: datetime
    act: bool
    currency: str
    gained: str  # less what restarts cost
    starts: int
    stopped: int
    lowered: int
    per_kwh: str | None = None


class DayPlanned(Fact, frozen=True):
    """What a local day was expected to draw and make, by intervals from `start` on; money is the site's.

    `peaks` is the day's part of the charges for new peaks that the plan would set.
    """

    day: str  # YYYY-MM-DD
    by: str
    currency: str
    start: datetime
    step_s: int
    kwh: list[float]  # at the meter
    revenue: list[float]
    energy_cost: list[float]
    start_cost: list[float]
    peaks: float = 0.0


class HashpriceSeen(Fact, frozen=True):
    """What a PH/s earned a day as of `quoted_at`, by a feed; only the last is kept, and it is in no chain."""

    quoted_at: datetime
    per_ph_day: str
    currency: str
    source: str

    def price(self) -> Decimal:
        """Return it as a figure."""
        return Decimal(self.per_ph_day)


class MeterLost(Fact, frozen=True):
    """A meter fell silent for longer than its `stale_s`."""

    meter: str


class MeterBack(Fact, frozen=True):
    """A meter speaks again."""

    meter: str


class MetersDiffer(Fact, frozen=True):
    """The check of a meter has long shown another power than it, by more than both their errors."""

    meter: str
    check: str
    meter_w: float
    check_w: float


class MetersAgree(Fact, frozen=True):
    """A check and its meter have long shown the same again."""

    meter: str
    check: str


class RegisterSeen(Fact, frozen=True):
    """The billing meter's import register, now and then; only the last is kept."""

    meter: str
    energy_wh: float


class Absence(Fact, frozen=True):
    """The agent was away from `since` to `until`, and what the meter counted meanwhile.

    Registers are those of `register_since` and of `at`. Between these, what was drawn above `cap_w`, the cap when it
    went away, was at least `over_least_wh` and can have been `over_most_wh`; None where a register is unknown, or
    nothing bound.
    """

    since: datetime
    until: datetime
    meter: str | None = None
    register_since: datetime | None = None
    before_wh: float | None = None
    after_wh: float | None = None
    cap_w: float | None = None
    over_least_wh: float | None = None
    over_most_wh: float | None = None
    orders: list[str] = msgspec.field(default_factory=list)  # those open meanwhile


class Minutes(Fact, frozen=True):
    """Minutes of the site, for the evidence of `orders`: one figure a minute in each list, by `minute`s since `start`.

    Draws are as orders are judged by; `cap_w` is the least that bound (None: nothing), `over_s` the seconds above it.
    Of `looked_s` seconds of a minute `metered_s` were by a meter, the rest by beliefs; pieces of one minute add up.
    """

    start: datetime
    minute: list[int]
    looked_s: list[float]
    metered_s: list[float]
    mean_w: list[float]
    peak_w: list[float]
    cap_w: list[float | None]
    over_s: list[float]
    hashing: list[int]  # machines, at the minute's end
    unread: list[int]  # machines that nobody has read, nor a seal proves off
    meter: str | None = None  # the last that was read
    enforce: bool = True  # False: nothing was sent
    orders: list[str] = msgspec.field(default_factory=list)


class MinutesSoFar(Fact, frozen=True):
    """Minutes that are not told yet, for the start after a kill; only the last is kept, and it is in no chain."""

    told: Minutes
