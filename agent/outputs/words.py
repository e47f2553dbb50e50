"""What happened, in words: one sentence for each fact, for people who were not there. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from agent.facts import (
    AgentStarted,
    AgentStopped,
    AnyFact,
    CapChanged,
    CommandRefused,
    CommandsResent,
    CommandsTaken,
    Dropped,
    ErrandSent,
    Escalated,
    HoldLifted,
    HoldPlaced,
    IntendedChanged,
    LastPowers,
    LevelsSeen,
    LoginsRefused,
    MinerSeen,
    ModesBefore,
    OrderMoved,
    OrderReceived,
    OrderRefused,
    SealBroken,
    SealLifted,
    SealPlaced,
    SealQuiet,
    SendingPaused,
    SetpointsChanged,
    ShortfallChanged,
    UnauthorisedWake,
)
from agent.facts.clock import ClockStepped, ClockTrusted, ClockUnset, HostRan
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
from agent.facts.orders import (
    IssuerHeard,
    IssuerSilent,
    OfferAnswered,
    OrderHouseLowered,
    OrderReleaseAsked,
    OrderSettled,
    OrderVanished,
)
from agent.outputs.words_devices import DEVICES
from agent.outputs.words_drill import DRILLS
from agent.outputs.words_identity import WORDS as IDENTITY
from agent.values import Watts, rfc3339

NAMED = 3
"""So many machines are named; of more the first, and how many."""

QUIET = frozenset(
    (
        "CommandsResent",
        "CommandsTaken",
        "EnergyInterval",
        "HashpriceSeen",
        "LastPowers",
        "LevelsSeen",
        "MachinesMonth",
        "MachinesSoFar",
        "MeterInterval",
        "MinerSeen",
        "Minutes",
        "MinutesSoFar",
        "ModesBefore",
        "OrderHouseLowered",
        "PriceActed",
        "RegisterSeen",
    )
)
"""Facts that are no news for people."""


def sentence(fact: AnyFact) -> str:
    """Return one sentence without a full stop."""
    return _WORDS[type(fact)](fact)


def _kw(power_w: Watts | None) -> str:
    return "an unknown draw" if power_w is None else f"{power_w / 1000:,.1f} kW"


def _machines(ids: Sequence[str]) -> str:
    if len(ids) <= NAMED:
        return ", ".join(ids)
    return f"{len(ids):,} machines ({ids[0]} …)"


def _do(ids: Sequence[str]) -> str:
    return "does" if len(ids) == 1 else "do"


def _count(number: int) -> str:
    return f"{number:,} machine{'' if number == 1 else 's'}"


def _levels(levels: Mapping[str, Sequence[str]]) -> str:
    return ", ".join(f"{_count(len(ids))} to {level}" for level, ids in levels.items())


def _with(base: str, parts: Iterable[str | None]) -> str:
    return ", ".join([base, *(part for part in parts if part)])


def _started(fact: AgentStarted) -> str:
    away = None if fact.away_since is None else f"away since {rfc3339(fact.away_since)}"
    return _with(f"The agent {fact.version} began, mode {fact.mode}", [away])


def _moved(fact: OrderMoved) -> str:
    """Say a step of an order, its draw against its cap, and why."""
    against = None if fact.cap_w is None else f"{_kw(fact.observed_w)} of {_kw(fact.cap_w)}"
    short = f"short by {_kw(fact.shortfall_w)}" if fact.shortfall_w else None
    return _with(f"Order {fact.order_id} is {fact.state}", [against, short, fact.reason])


def _refused(fact: OrderRefused) -> str:
    what = "A document" if fact.order_id is None else f"A document for {fact.order_id}"
    often = "" if fact.count == 1 else f", {fact.count} times"
    return f"{what} over {fact.transport} was refused{often}: {fact.reason}"


def _cap(fact: CapChanged) -> str:
    because = "the connection" if fact.binding_order is None else f"order {fact.binding_order}"
    return "Nothing caps the draw" if fact.cap_w is None else f"The cap is {_kw(fact.cap_w)}, by {because}"


def _shortfall(fact: ShortfallChanged) -> str:
    if not fact.shortfall_w:
        return "Nothing is short any more: what can be shed is enough"
    return f"{_kw(fact.shortfall_w)} above the cap cannot be shed"


def _absence(fact: Absence) -> str:
    span = f"The agent was away from {rfc3339(fact.since)} to {rfc3339(fact.until)}"
    if fact.over_most_wh is None:
        return span
    least_kwh, most_kwh = (fact.over_least_wh or 0.0) / 1000, fact.over_most_wh / 1000
    return f"{span}; above the cap {least_kwh:,.1f} to {most_kwh:,.1f} kWh were drawn"


def _minutes(fact: Minutes) -> str:
    """Say how long was looked, and what was drawn in that time."""
    looked_s = sum(fact.looked_s)
    drawn_ws = sum(mean_w * seconds for mean_w, seconds in zip(fact.mean_w, fact.looked_s, strict=True))
    over_s = sum(fact.over_s)
    over = f"above the cap for {over_s:,.0f} s" if over_s else None
    mean = f"{_kw(drawn_ws / looked_s)} on average" if looked_s else None
    return _with(f"{len(fact.minute)} minutes from {rfc3339(fact.start)}", [mean, over])


def _seen(fact: MinerSeen) -> str:
    who = " ".join(word for word in (fact.make, fact.model, fact.firmware_version) if word)
    return f"{fact.miner} is {who or 'unknown'}"


def _hold(fact: HoldPlaced) -> str:
    until = None if fact.until is None else f"until {rfc3339(fact.until)}"
    return _with(f"{fact.by} holds {_machines(fact.miners)} for {fact.kind}", [until])


def _broken(fact: SealBroken) -> str:
    feeders = (f"feeder {feeder} draws {_kw(power_w)}" for feeder, power_w in fact.feeders_w.items())
    machines = f"{_machines([*fact.powers_w])} at {_kw(sum(fact.powers_w.values()))}" if fact.powers_w else None
    return f"Behind seal {', '.join(fact.numbers)}: {', '.join(filter(None, [machines, *feeders]))}"


def _wh(energy_wh: float | None) -> str:
    return "an unknown energy" if energy_wh is None else f"{energy_wh / 1000:,.3f} kWh"


def _why_silent(fact: IssuerSilent) -> str:
    if fact.reason is not None:
        return fact.reason
    if fact.silent_s is None:
        return f"{fact.issuer} was never heard"
    return f"{fact.issuer} was not heard for {fact.silent_s:.0f} s"


_WORDS: Mapping[type[AnyFact], Callable[[Any], str]] = {
    AgentStarted: _started,
    AgentStopped: lambda _fact: "The agent ended in good order",
    OrderReceived: lambda fact: (
        f"Order {fact.order_id} revision {fact.revision} ({fact.order_class.replace('_', ' ')}) came from {fact.issuer}"
    ),
    OrderMoved: _moved,
    OrderRefused: _refused,
    OrderHouseLowered: lambda fact: (
        f"Order {fact.order_id} counts with {_kw(fact.house_w)} of house load now"
        + ("" if fact.base_w is None else f" and {_kw(fact.base_w)} of machines' standby")
    ),
    OrderVanished: lambda fact: f"Order {fact.order_id} was cleared on the broker; it stays in force",
    OrderReleaseAsked: lambda fact: f"{fact.by} released order {fact.order_id}",
    OfferAnswered: lambda fact: f"{fact.by} {'accepted' if fact.accepted else 'declined'} offer {fact.order_id}",
    OrderSettled: lambda fact: (
        f"Order {fact.order_id} is settled: {_wh(fact.not_drawn_wh)} not drawn, {_wh(fact.drawn_wh)} drawn"
    ),
    IssuerHeard: lambda fact: f"{fact.issuer} is heard",
    IssuerSilent: lambda fact: f"{_why_silent(fact)}: {fact.failsafe} holds",
    CapChanged: _cap,
    SetpointsChanged: lambda fact: f"Decided ({fact.cause}): {_levels(fact.levels)}",
    IntendedChanged: lambda fact: f"{fact.by} wants {_machines(fact.miners)} at {fact.level}",
    HoldPlaced: _hold,
    HoldLifted: lambda fact: f"{fact.by} lifted the hold on {_machines(fact.miners)}",
    SealPlaced: lambda fact: f"{fact.by} sealed {_machines(fact.miners)}: seal {fact.number}, act {fact.act}",
    SealLifted: lambda fact: (
        f"{fact.by} and {fact.second} took seal {', '.join(fact.numbers)} off {_machines(fact.miners)}"
    ),
    SealBroken: _broken,
    SealQuiet: lambda fact: f"Nothing is drawn behind their seals any more: {_machines([*fact.miners, *fact.feeders])}",
    MinerSeen: _seen,
    CommandRefused: lambda fact: f"{fact.miner} refused {fact.command}: {fact.error}",
    ErrandSent: lambda fact: f"{fact.by} told {_machines(fact.miners)} to {fact.errand}",
    ModesBefore: lambda fact: f"The modes of {_count(len(fact.modes))} are kept for the way back",
    LevelsSeen: lambda fact: f"Seen: {_levels(fact.levels)}",
    Escalated: lambda fact: f"{_machines(fact.miners)} {_do(fact.miners)} not obey; next means: {fact.means}",
    LoginsRefused: lambda fact: (
        f"{_machines(fact.miners)} {_do(fact.miners)} not permit anything: left alone until {rfc3339(fact.until)}"
    ),
    UnauthorisedWake: lambda fact: f"Woken by somebody else: {_machines(fact.miners)}",
    ShortfallChanged: _shortfall,
    LastPowers: lambda fact: f"The last powers of {_count(len(fact.powers_w))} are kept",
    MeterInterval: lambda fact: f"Meter {fact.meter} showed {_kw(fact.mean_w)} on average from {rfc3339(fact.start)}",
    EnergyInterval: lambda fact: f"{fact.site_wh / 1000:,.3f} kWh were drawn from {rfc3339(fact.start)}",
    MonthCharged: lambda fact: (
        f"{fact.month} is charged as a whole, beside its energy: "
        + ", ".join(f"{one.name} {one.amount} {fact.currency}" for one in fact.charges)
    ),
    MachinesMonth: lambda fact: f"What each machine drew and earned in {fact.month} is kept",
    MachinesSoFar: lambda fact: f"Kept: what each machine drew and earned in {fact.told.month} so far",
    MeterLost: lambda fact: f"Meter {fact.meter} is silent",
    MeterBack: lambda fact: f"Meter {fact.meter} speaks",
    MetersDiffer: lambda fact: (
        f"Meter {fact.meter} shows {_kw(fact.meter_w)}, its check {fact.check} {_kw(fact.check_w)}"
    ),
    Minutes: _minutes,
    CommandsTaken: lambda fact: f"Acknowledged: {_levels(fact.levels)}",
    CommandsResent: lambda fact: f"{fact.count:,} commands were told again since {rfc3339(fact.since)}",
    MinutesSoFar: lambda fact: f"Kept: {_minutes(fact.told)}",
    MetersAgree: lambda fact: f"Meter {fact.meter} and its check {fact.check} agree again",
    ClockUnset: lambda _fact: (
        "This host began anew and no time service has set its clock: what ended meanwhile is held on to until one does"
    ),
    HostRan: lambda fact: f"This host is up since {rfc3339(fact.began_at)}",
    ClockStepped: lambda fact: (
        f"The host's clock stepped by {fact.step_s:+,.0f} s; both times count until it is confirmed"
    ),
    ClockTrusted: lambda fact: (
        f"{'The' if fact.by is None else f'{fact.by} confirmed it: the'} host's clock is trusted again"
    ),
    PriceActed: lambda fact: (
        f"Acting on price {'earned' if fact.act else 'would have earned'} {fact.gained} {fact.currency} since "
        f"{fact.start:%Y-%m-%d %H:%MZ}: {_count(fact.stopped)} stopped, {_count(fact.lowered)} at a level between"
    ),
    DayPlanned: lambda fact: (
        f"{fact.by} planned {fact.day}: {sum(fact.kwh):,.0f} kWh, "
        f"{sum(fact.revenue) - sum(fact.energy_cost) - sum(fact.start_cost) - fact.peaks:,.2f} {fact.currency} expected"
    ),
    HashpriceSeen: lambda fact: (
        f"A PH/s earned {fact.per_ph_day} {fact.currency} a day as of {fact.quoted_at:%Y-%m-%d %H:%MZ} ({fact.source})"
    ),
    ReadsCorrected: lambda fact: _with(
        f"{fact.by} corrected the meter's reads of {len(fact.reads):,} intervals from {rfc3339(fact.reads[0].start)}",
        [fact.why],
    ),
    RegisterSeen: lambda fact: f"Meter {fact.meter} has counted {fact.energy_wh / 1000:,.1f} kWh",
    Absence: _absence,
    Dropped: lambda fact: _with(
        f"What is older than {rfc3339(fact.until)} is dropped: {fact.facts:,} facts",
        [f"the evidence of {', '.join(fact.heads)}" if fact.heads else None],
    ),
    **IDENTITY,
    **DEVICES,
    **DRILLS,
    SendingPaused: lambda fact: f"What is decided cannot be written, nothing is raised: {fact.error}",
}


def no_record(order_id: str, dropped: Dropped | None) -> str:
    """Say why there is no record of an order."""
    if dropped is None:
        return f"there is no evidence of order {order_id}"
    last = dropped.heads[order_id]
    return f"the evidence of order {order_id} was dropped at {rfc3339(dropped.at)}; its last hash is {last}"
