"""What is no longer remembered: orders closed for longer than the years of evidence, and what aged with them. Pure.

An order goes as a whole: its chain, whose last hash stays behind, and what it went through. Of what has aged stays what
a start needs: the last word on each machine and each order, all of seals; and what proves kept orders.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from agent.facts import (
    AgentStarted,
    AnyFact,
    CapChanged,
    Dropped,
    HoldLifted,
    HoldPlaced,
    IntendedChanged,
    LastPowers,
    MinerSeen,
    ModesBefore,
    OrderMoved,
    OrderReceived,
    OrderRefused,
    SealBroken,
    SealLifted,
    SealPlaced,
    SealQuiet,
    SetpointsChanged,
)
from agent.facts.clock import ClockStepped, ClockTrusted, ClockUnset, HostRan
from agent.facts.drill import ModelMeasured
from agent.facts.energy import Absence, EnergyInterval, HashpriceSeen, MachinesSoFar, MinutesSoFar, RegisterSeen
from agent.facts.identity import (
    BoardExchanged,
    MarkDoubled,
    MinerMoved,
    MinerReplaced,
    MinersAdopted,
    MinersDisowned,
    MinersKept,
    MinersLetGo,
    MinersProposed,
    MinersSwapped,
    ProposalsGone,
)
from agent.facts.orders import IssuerHeard, OrderHouseLowered
from agent.facts.outlets import OutletSwitched
from agent.facts.safety import SafetyCleared, SafetyTripped
from agent.fleet.holds import BY_TIME
from agent.search import orders_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """An order's chain as it ends: how many links, and the hash of the last."""

    order_id: str
    links: int
    head: str


@dataclass(slots=True, kw_only=True)
class Drop:
    """What goes: the facts of each order's life, which go with its chain at once, and all others, by their numbers."""

    chains: tuple[Chain, ...]
    lives: dict[str, list[int]] = field(default_factory=dict)
    loose: list[int] = field(default_factory=list)

    @property
    def heads(self) -> dict[str, str]:
        """The last hash of each chain that goes."""
        return {chain.order_id: chain.head for chain in self.chains}

    @property
    def facts(self) -> int:
        """How many facts go."""
        return len(self.loose) + sum(map(len, self.lives.values()))


def chosen(aged: Iterable[tuple[int, AnyFact]], closed: Iterable[Chain], kept: Collection[str]) -> Drop:
    """Choose among facts that have aged, the newest first; `kept` are the orders whose evidence stays."""
    drop, met = Drop(chains=tuple(closed)), set[Hashable]()
    for number, fact in aged:
        subjects = set(_subjects(number, fact, met))
        if subjects - met or any(order in kept for order in orders_of(fact)):
            met |= subjects
        elif isinstance(fact, _LIVES) and fact.order_id is not None:
            drop.lives.setdefault(fact.order_id, []).append(number)
        else:
            drop.loose.append(number)
    return drop


def _subjects(number: int, fact: AnyFact, met: Collection[Hashable]) -> Iterator[Hashable]:
    """Yield on what a fact has a word that a start needs, unless a later one was met."""
    match fact:
        case SetpointsChanged(levels=levels):
            yield from (("setpoint", miner) for ids in levels.values() for miner in ids)
        case IntendedChanged(miners=miners):
            yield from (("intended", miner) for miner in miners)
        case HoldPlaced() | HoldLifted():
            yield from _of_hold(fact)
        case MinerSeen(miner=miner):
            yield ("seen", miner)
        case _ if type(fact) in _IDENTITY:
            yield from _of_identity(fact)
        case ModesBefore(modes=modes):
            yield from (("mode", miner) for miner in modes)
        case SealPlaced() | SealLifted() | SealBroken() | SealQuiet():
            yield number  # each of them: who broke a seal is not to be forgotten before the seal
        case _:
            yield from _of_site(number, fact, met)


def _of_hold(fact: HoldPlaced | HoldLifted) -> Iterator[Hashable]:
    what = ("hold", fact.kind, fact.by) if isinstance(fact, HoldPlaced) else ("lifted", fact.by == BY_TIME)
    yield from ((*what, miner) for miner in fact.miners)


def _of_identity(fact: AnyFact) -> Iterator[Hashable]:
    if isinstance(fact, MarkDoubled):
        yield "doubled", fact.kind, fact.mark
    for miner in getattr(fact, "miners", None) or (getattr(fact, "miner", None),):
        yield from ((word, miner) for word in _IDENTITY[type(fact)])


def _of_site(number: int, fact: AnyFact, met: Collection[Hashable]) -> Iterator[Hashable]:
    match fact:
        case OrderReceived(order_id=order_id):
            yield ("received", order_id)
        case OrderMoved(order_id=order_id):
            yield ("moved", order_id)
        case OrderRefused(order_id=str(order_id), seq=int()) if ("moved", order_id) not in met:
            yield ("refused", order_id)
        case Dropped(heads=heads) if heads:
            yield number
        case AgentStarted() if Absence not in met:
            yield number  # of an absence that is not told yet
        case ClockUnset() | ClockStepped() | ClockTrusted():
            yield ClockStepped
        case (
            CapChanged()
            | EnergyInterval()
            | HashpriceSeen()
            | LastPowers()
            | MachinesSoFar()
            | MinutesSoFar()
            | RegisterSeen()
            | Absence()
            | HostRan()
        ):
            yield type(fact)
        case _:
            yield from _of_the_rest(fact)


def _of_the_rest(fact: AnyFact) -> Iterator[Hashable]:
    if isinstance(fact, SafetyTripped | SafetyCleared):
        yield "safety", fact.input
    elif isinstance(fact, OutletSwitched):
        yield "outlet", fact.outlet
    elif isinstance(fact, IssuerHeard):
        yield "heard", fact.issuer
    elif isinstance(fact, ModelMeasured):
        yield "measured", fact.model, fact.driver


_IDENTITY: Mapping[type[AnyFact], tuple[str, ...]] = {
    MinerMoved: ("place",),
    MinersSwapped: ("place",),
    BoardExchanged: ("board",),
    MinerReplaced: ("board", "replaced"),
    MarkDoubled: (),
    MinersKept: ("kept",),
    MinersLetGo: ("kept",),
    MinersProposed: ("proposed",),
    ProposalsGone: ("proposed",),
    MinersAdopted: ("adopted", "proposed"),
    MinersDisowned: ("adopted",),
}
"""Of which of a machine's matters each of these is a word."""
_LIVES = OrderReceived | OrderMoved | OrderRefused | OrderHouseLowered
