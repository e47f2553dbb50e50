"""Machines that change addresses under a poller, and what must hold of it whatever way they do."""

from types import SimpleNamespace

from agent.control.poller import Drivers, Poller, PollPolicy
from agent.fleet.fleet import Fleet, FleetPolicy
from agent.fleet.miner import FeederTree, Miner
from agent.planning.ladder import build_ladder
from drivers.interface import Target
from tests.control.site import START, AtOnce, Machines, PlantDriver


def named(count):
    """Machines that say who they are."""
    machines = Machines(count)
    machines.says = {
        host: {"mac": f"02:00:00:00:00:0{at}", "model": "S19", "firmware": "stock", "firmware_version": "1"}
        for at, host in enumerate(machines.hosts)
    }
    return machines


class Hand:
    """A clock that is set."""

    def __init__(self):
        self.mono = 0.0

    def now(self):
        return SimpleNamespace(mono=self.mono, at=START)


class Wires:
    """A poller over machines that change addresses, without a control room; sees whose readings a row is given."""

    def __init__(self, count):
        self.machines, self.clock = named(count), Hand()
        miners = [Miner(id=f"m{at}", host=host) for at, host in enumerate(self.machines.hosts)]
        self.fleet = Fleet(miners, FeederTree.of(()), FleetPolicy())
        ways = Drivers(
            identify=lambda target, _driver: PlantDriver(self.machines, target).identify(),
            create=lambda _identity, target: PlantDriver(self.machines, target),
            ladder=build_ladder,
        )
        targets = [Target(host=host) for host in self.machines.hosts]
        self.poller = Poller(self.fleet, targets, AtOnce(), ways, PollPolicy(), self.clock)
        usual, self.mixed = self.fleet.heard, []

        def heard(row, reading, now):
            if self.mac_at(row) != f"02:00:00:00:00:0{row}":
                self.mixed.append(row)
            usual(row, reading, now)

        self.fleet.heard = heard

    def mac_at(self, row):
        return self.machines.says[self.fleet.miners[row].host]["mac"]

    def live(self, seconds):
        for _ in range(seconds):
            self.clock.mono += 1.0
            self.poller.poll_due(self.clock.mono)


def check(changes, off=frozenset()):
    """Let machines exchange addresses, some without power; raises AssertionError where a row loses or mixes its own."""
    wires = Wires(5)
    wires.live(25)
    everybody = set(wires.machines.hosts)
    for one, other, lost, then_s in changes:
        if lost:
            wires.machines.off = {wires.machines.hosts[at] for at in off}
        wires.machines.dead = set(everybody)
        wires.live(60)
        wires.machines.exchange(wires.machines.hosts[one], wires.machines.hosts[other])
        wires.machines.dead = set()
        wires.live(then_s)
    wires.machines.off = set()
    wires.live(400)
    assert [wires.mac_at(row) for row in range(5)] == [f"02:00:00:00:00:0{row}" for row in range(5)]
    assert not wires.mixed
    assert not wires.fleet.unclear.any()
    assert {miner.host for miner in wires.fleet.miners} == everybody
    assert [target.host for target in wires.poller.targets] == [miner.host for miner in wires.fleet.miners]
