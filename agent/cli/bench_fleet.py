"""A farm in memory that benchmarks look at: every machine hashes, with three boards and four fans."""

from __future__ import annotations

from agent.fleet.fleet import Fleet, FleetPolicy
from agent.fleet.miner import Feeder, FeederTree, Ladder, Miner, Step
from agent.planning.decide import Decision, Memory, decide
from agent.planning.situation import Demand, Policy, Situation
from agent.planning.tree import Tree
from drivers.interface import Abilities, Board, Fan, Identity, LowAbility, Pool, Reading, SleepAbility, State

NOW = 1000.0
FULL_W, FULL_THS = 3250.0, 95.0
FEEDERS = 20


def fleet_of(count: int) -> Fleet:
    """Return so many machines on twenty feeders, each read a moment ago."""
    tree = FeederTree.of(tuple(Feeder(id=f"T{at}") for at in range(FEEDERS)))
    miners = [
        Miner(id=f"m{row:06d}", host=f"10.{row >> 16}.{row >> 8 & 255}.{row & 255}", feeder=f"T{row % FEEDERS}")
        for row in range(count)
    ]
    fleet = Fleet(miners, tree, FleetPolicy())
    for row in range(count):
        scale = 0.9 + row * 7919 % 200 / 1000
        fleet.identified(row, IDENTITY, _ladder(scale))
        fleet.heard(row, _reading(scale), NOW - 5)
    return fleet


def decided(fleet: Fleet, share: float, memory: Memory) -> Decision:
    """Return what is decided where the cap is this share of what all draw at full."""
    demand = Demand(cap_w=share * FULL_W * len(fleet), law=True, may_step=True)
    feeders = len(fleet.tree.parents())
    tree = Tree(
        parent=tuple(fleet.tree.parents()), cap_w=(float("inf"),) * feeders, ramp_w_per_s=(float("inf"),) * feeders
    )
    return decide(fleet.view(NOW), tree, demand, Situation(now=NOW), Policy(), memory)


def _ladder(scale: float) -> Ladder:
    steps = (
        Step(level="full", power_w=FULL_W * scale, hashrate_ths=FULL_THS),
        Step(level="low", power_w=0.68 * FULL_W * scale, hashrate_ths=0.76 * FULL_THS),
        Step(level="sleep", power_w=20.0, hashrate_ths=0.0),
    )
    return Ladder(steps=steps, most_w=1.05 * FULL_W * scale)


def _reading(scale: float) -> Reading:
    boards = tuple(
        Board(slot=slot, hashrate_ths=FULL_THS / 3, chip_temp_c=71.0 + slot, board_temp_c=60.5, chips=76)
        for slot in range(3)
    )
    return Reading(
        state=State.HASHING,
        level="full",
        hashrate_ths=FULL_THS,
        power_w=FULL_W * scale,
        uptime_s=86_400,
        inlet_c=21.5,
        boards=boards,
        fans=tuple(Fan(slot=slot, rpm=5880) for slot in range(4)),
        pools=(Pool(url="stratum+tcp://pool.example:3333", user="farm.1", active=True),),
        accepted=120_000,
        rejected=20,
        hardware_errors=7,
    )


IDENTITY = Identity(
    driver="antminer-stock",
    make="Bitmain",
    model="Antminer S19",
    firmware="stock",
    nominal_ths=FULL_THS,
    nominal_w=FULL_W,
    abilities=Abilities(
        sleep=SleepAbility(standby_w=20.0), low=LowAbility(power_share=0.68, hashrate_share=0.76), reboot=True
    ),
)
