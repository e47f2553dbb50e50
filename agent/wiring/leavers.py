"""Machines that were taken out of the inventory while an order holds them: kept where they are set until it closes.

They stay machines as any other, polled at their last address and restored with the rest; then they are let go, which is
a new beginning without them. Sits beside `app`, since it joins what the ledger and the configuration say.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import structlog

from agent.config import Config
from agent.config.rules import known_feeders
from agent.control.controller import Controller
from agent.facts import AnyFact, IntendedChanged, MinerSeen, OrderMoved, SetpointsChanged
from agent.facts.identity import MinerMoved, MinersKept, MinersLetGo, MinersSwapped
from agent.fleet.identity import Mark, Seen
from agent.fleet.places import Place
from agent.inventory.inventory import MinerEntry
from agent.ledger.ledger import Ledger
from agent.orders.lifecycle import FINAL, OrderState

EACH_S = 1.0
LONGEST_S = 900.0
"""So long after its order closed a machine is still looked after until it is back."""
_KINDS = (SetpointsChanged, IntendedChanged, MinerSeen, MinerMoved, MinersSwapped, MinersKept, MinersLetGo)
log = structlog.get_logger()


@dataclass(slots=True)
class Story:
    """What facts tell of machines whom the inventory may not name."""

    setpoints: dict[str, tuple[str, str | None]] = field(default_factory=dict)  # level and order, by miner
    intended: dict[str, str] = field(default_factory=dict)
    seen: dict[str, MinerSeen] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    kept: set[str] = field(default_factory=set)

    def take(self, fact: AnyFact) -> None:
        """Take in one fact; what tells nothing of this changes nothing."""
        match fact:
            case SetpointsChanged(levels=levels):
                told = {miner: (level, fact.binding_order) for level, ids in levels.items() for miner in ids}
                self.setpoints |= told
            case IntendedChanged(miners=miners, level=level):
                self.intended |= dict.fromkeys(miners, level)
            case MinersKept(miners=miners):
                self.kept |= set(miners)
            case MinersLetGo(miners=miners):
                self.kept -= set(miners)
                for miner in miners:
                    self.setpoints.pop(miner, None)
            case _:
                self._take_place(fact)

    def _take_place(self, fact: AnyFact) -> None:
        match fact:
            case MinerSeen(miner=miner):
                self.seen[miner] = fact
                self.places[miner] = str(Place(host=fact.host, port=fact.port, http_port=fact.http_port))
            case MinerMoved(miner=miner, place=place):
                self.places[miner] = place
            case MinersSwapped(places=places):
                self.places |= places
            case _:
                return

    def holders(self, miner: str, open_ids: Sequence[str]) -> list[str]:
        """Return the open orders that hold a machine below what its owner wants: the one that set it, else all."""
        level, order = self.setpoints[miner]
        if order is None or level == self.intended.get(miner, self.seen[miner].intended):
            return []
        return [order] if order in open_ids else list(open_ids)


def held_out(
    facts: Iterable[AnyFact], open_ids: Sequence[str], inventory: Sequence[MinerEntry]
) -> dict[str, list[str]]:
    """Return who is not in the inventory and held by an open order, with those orders; who has a new id is there."""
    return {miner: orders for miner, orders, _ in _held_out(story_of(facts), open_ids, inventory)}


def story_of(facts: Iterable[AnyFact]) -> Story:
    """Take in facts, in order."""
    story = Story()
    for fact in facts:
        story.take(fact)
    return story


def _held_out(
    story: Story, open_ids: Sequence[str], inventory: Sequence[MinerEntry]
) -> Iterable[tuple[str, list[str], Place]]:
    ids = {entry.id for entry in inventory}
    places = {Place(host=entry.host, port=entry.port).key for entry in inventory}
    marks: set[Mark] = {mark for entry in inventory for mark in Seen(mac=entry.mac, serial=entry.serial).marks()}
    for miner in sorted(story.setpoints.keys() - ids):
        if (seen := story.seen.get(miner)) is None:
            continue
        place, own = Place.parse(story.places[miner]), Seen(mac=seen.mac, serial=seen.serial).marks()
        orders = story.holders(miner, open_ids)
        if orders and place.key not in places and not marks.intersection(own):
            yield miner, orders, place


def with_held(config: Config, ledger: Ledger) -> tuple[Config, Leavers]:
    """Return the configuration with those that an open order holds, and who they are. Blocking: for the start."""
    states = {fact.order_id: fact.state for fact in ledger.replay(OrderMoved) if isinstance(fact, OrderMoved)}
    open_ids = [order_id for order_id, state in states.items() if OrderState(state) not in FINAL]
    if not open_ids:
        return config, Leavers()
    story = story_of(ledger.replay(*_KINDS))
    feeders, credentials = known_feeders(config.schema), config.schema.credentials
    held: dict[str, list[str]] = {}
    entries: list[MinerEntry] = []
    for miner, orders, place in _held_out(story, open_ids, config.miners):
        held[miner] = orders
        entries.append(_entry(story.seen[miner], place, feeders, credentials))
    return replace(config, miners=(*config.miners, *entries)), Leavers(held, frozenset(story.kept))


def _entry(seen: MinerSeen, place: Place, feeders: set[str], credentials: Mapping[str, object]) -> MinerEntry:
    """Return a machine as the inventory named it, as far as that is still to be had."""
    return MinerEntry(
        id=seen.miner,
        host=place.host,
        port=place.port,
        http_port=place.http_port,
        feeder=seen.feeder if seen.feeder in feeders else "site",
        tags=tuple(seen.tags),
        driver="auto",
        credentials=seen.credentials if seen.credentials in credentials else None,
        intended=seen.intended,
        priority=seen.priority,
        model=None,
        mac=seen.mac,
        serial=seen.serial,
    )


class Leavers:
    """Those who are kept, by whose orders; lets them go."""

    def __init__(self, held: Mapping[str, list[str]] | None = None, told: frozenset[str] = frozenset()) -> None:
        self.held = dict(held or {})
        self.begin_again: Callable[[], None] = lambda: None
        self._told = told
        self._free_since: dict[str, float] = {}

    async def run(self, controller: Controller) -> None:
        """Name them, then wait until nothing holds one any more: a beginning without it is asked for."""
        parts = controller.parts
        new = [miner for miner in self.held if miner not in self._told]
        if new:
            orders = sorted({order for miner in new for order in self.held[miner]})
            log.warning("taken out of the inventory while orders hold them: kept", miners=new, orders=orders)
            async with controller.turn:
                await parts.journal.record([MinersKept(at=parts.clock.now().at, miners=new, orders=orders)])
            self._told |= set(new)
        while not (free := self._free(controller)):
            await parts.clock.sleep(EACH_S)
        log.info("no order holds what was taken out of the inventory: let go", miners=free)
        orders = sorted({order for miner in free for order in self.held.pop(miner)})
        async with controller.turn:
            await parts.journal.record([MinersLetGo(at=parts.clock.now().at, miners=free, orders=orders)])
        self.begin_again()
        await asyncio.Event().wait()  # the end comes from without

    def _free(self, controller: Controller) -> list[str]:
        """Return whom no order holds any more; another that is open may have taken over from the one that closed."""
        fleet, open_ids = controller.parts.fleet, controller.parts.book.begun_ids()
        free: list[str] = []
        for miner, orders in self.held.items():
            row, left = fleet.index[miner], [order for order in orders if order in open_ids]
            if not left and fleet.setpoint[row] > fleet.intended[row]:
                left = open_ids
            if left:
                self.held[miner] = left
            elif self._is_back(controller, miner):
                free.append(miner)
        return free

    def _is_back(self, controller: Controller, miner: str) -> bool:
        """Whether a machine that nothing holds is seen where it is wanted, or was given long enough to get there."""
        fleet, now = controller.parts.fleet, controller.parts.clock.now().mono
        row, since = fleet.index[miner], self._free_since.setdefault(miner, now)
        return fleet.seen[row] == fleet.setpoint[row] or now - since >= LONGEST_S
