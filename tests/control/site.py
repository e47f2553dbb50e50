"""A whole control room on a clock that is moved by hand, over machines that behave, and a real ledger on disk."""

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime

from agent.clock import ManualClock
from agent.control.accounting import Accounting
from agent.control.controller import Controller, Limits, Parts
from agent.control.desk import Desk
from agent.control.dispatcher import Dispatcher
from agent.control.journal import Journal
from agent.control.metering import Metering, MeterPolicy
from agent.control.poller import Drivers, Poller, PollPolicy
from agent.control.recovery import Recovery
from agent.fleet.fleet import Fleet, FleetPolicy
from agent.fleet.holds import Holds
from agent.fleet.miner import FeederTree, Miner
from agent.fleet.outlets import Outlets
from agent.fleet.power import HouseLoad
from agent.fleet.safety import Safety
from agent.fleet.seals import Seals
from agent.inputs.order_document import parse_known, parse_order
from agent.ledger.ledger import Ledger
from agent.ledger.store import CannotWrite, Store
from agent.orders.order_book import BookPolicy, OrderBook
from agent.orders.trust import Issuer, TrustPolicy
from agent.outputs.acks import acks_of
from agent.planning.ladder import build_ladder
from agent.planning.situation import Policy
from agent.planning.tree import Tree
from drivers.errors import DeviceError, Unreachable
from drivers.interface import Abilities, Identity, Reading, Receipt, Sleep, SleepAbility, State, Target

START = datetime(2026, 1, 10, 12, 0, tzinfo=UTC)
FULL_W, STANDBY_W, HOUSE_W, MOST_W = 3000.0, 25.0, 5000.0, 200_000.0
PREFIX = "hashwatt/test"


class Machines:
    """What the machines do, by host; `told` lists every command that reached one."""

    def __init__(self, count):
        self.hosts = [f"127.0.0.{at + 1}" for at in range(count)]
        self.asleep = set()
        self.dead = set()  # out of reach, and drawing what they drew
        self.off = set()  # without power
        self.lying = set()
        self.answer = {}  # host -> an error instead of a reading
        self.refusal = {}  # host -> an error instead of a receipt
        self.says = {}  # host -> what a machine there says of itself beside its abilities
        self.inlets = {}  # host -> the °C of its air
        self.told = []
        self.polls = Counter()

    def exchange(self, one, other):
        """Let two machines have each other's addresses."""
        for said in (self.says, self.answer, self.refusal):
            here, there = said.pop(one, None), said.pop(other, None)
            said.update({host: value for host, value in ((one, there), (other, here)) if value is not None})
        for hosts in (self.asleep, self.dead, self.off, self.lying):
            if (one in hosts) != (other in hosts):
                hosts.symmetric_difference_update((one, other))

    def draw_w(self):
        powered = [host for host in self.hosts if host not in self.off]
        return HOUSE_W + sum(STANDBY_W if host in self.asleep else FULL_W for host in powered)


class PlantDriver:
    """Speaks with one of the machines; its conversations need no wire."""

    def __init__(self, machines, target):
        self.machines, self.host = machines, target.host

    def _reach(self):
        yield from ()
        if self.host in self.machines.dead | self.machines.off:
            raise Unreachable("no complete answer in time")

    def identify(self):
        yield from self._reach()
        sleep = SleepAbility(standby_w=STANDBY_W, settle_s=5.0, wake_s=20.0)
        said = {"driver": "plant", "abilities": Abilities(sleep=sleep)} | self.machines.says.get(self.host, {})
        return Identity(nominal_w=FULL_W, nominal_ths=100.0, **said)

    def read(self, _want):
        self.machines.polls[self.host] += 1
        yield from self._reach()
        if self.host in self.machines.answer:
            raise self.machines.answer[self.host]
        inlet_c = self.machines.inlets.get(self.host)
        if self.host in self.machines.asleep:
            return Reading(state=State.SLEEPING, level="sleep", power_w=STANDBY_W, hashrate_ths=0.0, inlet_c=inlet_c)
        return Reading(state=State.HASHING, level="full", power_w=FULL_W, hashrate_ths=100.0, inlet_c=inlet_c)

    def send(self, command):
        self.machines.told.append((self.host, type(command).__name__))
        yield from self._reach()
        if self.host in self.machines.refusal:
            raise self.machines.refusal[self.host]
        if self.host not in self.machines.lying:
            (self.machines.asleep.add if isinstance(command, Sleep) else self.machines.asleep.discard)(self.host)
        return Receipt(before="3" if isinstance(command, Sleep) else None)


class AtOnce:
    """Runs a conversation that needs no exchange."""

    def start(self, _target, conversation, done):
        try:
            conversation.send(None)
        except StopIteration as end:
            done(end.value)
        except DeviceError as error:
            done(error)


class NullLink:
    def __init__(self):
        self.posted = []

    def post(self, messages):
        self.posted += messages


@dataclass
class Layout:
    """Where machines hang and what they are tagged with, by number; the feeders, their meters, who may order."""

    feeders: tuple = ()
    where: dict = field(default_factory=dict)
    tags: dict = field(default_factory=dict)
    meters: tuple = ()
    issuers: dict = field(default_factory=dict)

    def of(self, at):
        return {"feeder": self.where.get(at, "site"), "tags": self.tags.get(at, ())}


class Site:
    """A control room over `machines`; build it again on the same folder to restart it."""

    def __init__(
        self,
        machines,
        folder,
        *,
        enforce=True,
        poll_s=10.0,
        min_off_s=0.0,
        clock=None,
        restore_w_per_s=1e9,
        interval_s=900.0,
        layout=None,
        safety=(),
        outlets=None,
    ):
        self.machines = machines
        self.clock = clock or ManualClock(START)
        self.store = Store("sqlite:///hashwatt.db", folder)
        self.ledger = Ledger(self.store)
        layout = layout or Layout()
        miners = [Miner(id=f"m{at}", host=host, **layout.of(at)) for at, host in enumerate(machines.hosts)]
        tree = FeederTree.of(layout.feeders)
        self.fleet = Fleet(miners, tree, FleetPolicy(poll_s=poll_s, meter_lag_s=6.0, min_off_s=min_off_s))
        issuers = layout.issuers or {
            "grid": Issuer(name="grid", classes=("law", "contract"), unsigned=True, transports=("mqtt", "http")),
            "boss": Issuer(name="boss", classes=("operator",), unsigned=True),
        }
        trust = TrustPolicy(site="test", issuers=issuers)
        self.book = OrderBook(BookPolicy(trust=trust, window_s=5.0, observe_only=not enforce), parse_known)
        self.journal = Journal(self.ledger, lambda facts: acks_of(facts, PREFIX), CannotWrite, self.clock)
        self.link = self.journal.link = NullLink()
        meter = MeterPolicy(id="main", window_s=5.0, stale_s=30.0, most_w=MOST_W)
        now = self.clock.now()
        self.metering = Metering(
            self.fleet, HouseLoad(given_w=HOUSE_W), meter, others=layout.meters, memory_s=26.0, now=now
        )
        ways = Drivers(
            identify=lambda target, _driver: PlantDriver(machines, target).identify(),
            create=lambda _identity, target: PlantDriver(machines, target),
            ladder=build_ladder,
        )
        targets = [Target(host=host) for host in machines.hosts]
        self.poller = Poller(self.fleet, targets, AtOnce(), ways, PollPolicy(interval_s=poll_s), self.clock)
        self.holds, self.seals = Holds(), Seals()
        self.dispatcher = Dispatcher(self.fleet, self.poller, self.clock)
        self.poller.on_facts = self.dispatcher.on_facts = self.journal.note
        parts = Parts(
            fleet=self.fleet,
            book=self.book,
            journal=self.journal,
            dispatcher=self.dispatcher,
            metering=self.metering,
            holds=self.holds,
            seals=self.seals,
            clock=self.clock,
            proved=lambda: self.poller.rounds >= 2 or (self.fleet.everyone_known() and self.metering.has_spoken),
            safety=Safety(safety, now.mono),
            outlets=outlets or Outlets(),
        )
        parents = tuple(tree.parents())
        tree = Tree(
            parent=parents,
            cap_w=(1e6, *[float("inf")] * (len(parents) - 1)),
            ramp_w_per_s=tuple(float("inf") for _ in parents),
        )
        limits = Limits(policy=Policy(restore_w_per_s=restore_w_per_s), tree=tree, enforce=enforce)
        self.controller = Controller(parts, limits)
        self.desk = Desk(self.controller, lambda raw, topic_id: parse_order(raw, topic_id=topic_id))
        self.accounting = Accounting(self.fleet, self.metering, interval_s=interval_s)
        self.journal.listeners.append(self.accounting.heard)
        self.recovery = recovery = Recovery(self.fleet, self.book, self.holds, self.seals, self.metering.house)
        recovery.replay(self._remembered())
        self.poller.recognition.restore(recovery.remembered)
        self.fleet.rising.restore((self.fleet.index[miner] for miner in recovery.rising), now.mono)

    def _remembered(self):
        for fact in self.ledger.replay():
            self.accounting.replayed(fact)
            self.controller.replayed(fact)
            yield fact

    async def live(self, seconds, step_s=1.0):
        """Let time pass: each second a meter's figure, the polls that are due, a tick, what was drawn."""
        for _ in range(int(seconds / step_s)):
            await self.clock.advance(step_s)
            now = self.clock.now()
            self.metering.heard(self.machines.draw_w(), None, now)
            self.poller.poll_due(now.mono)
            await self.controller.tick()
            self.journal.note(self.accounting.tick(now))

    async def order(self, **changes):
        document = {"order_id": "o1", "revision": 1, "issuer": "grid", "class": "law", "status": "issued"}
        document |= {"limit": {"stop": True}} | changes
        return await self.desk.take_in(encoded(document), transport="mqtt")

    def states(self, order_id="o1"):
        """The states that were acknowledged, in order."""
        return [
            fact.state
            for fact in self.ledger.replay()
            if getattr(fact, "order_id", None) == order_id and hasattr(fact, "state")
        ]

    async def close(self):
        await self.ledger.close()


def encoded(document):
    return json.dumps(document).encode()
