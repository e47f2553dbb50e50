"""`hashwatt bench plan`: how long the best plan of a farm takes, and a tick that decides, under a cap."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

from agent.cli.bench import Row
from agent.cli.bench_fleet import decided, fleet_of
from agent.planning.decide import Memory
from agent.planning.optimum import Branch, Choice, Machine, optimum

PLAN_S, TICK_MS = 5.0, 250.0
RUNS = 5
SHARE = 0.6
FEEDERS = 20


def bench_plan(*, miners: int) -> list[Row]:
    """Return how long a plan takes for so many machines on twenty feeders, at 60 % of what they draw."""
    machines, branches, cap_w = _farm(miners)
    plan_s = _median(lambda: optimum(machines, branches, cap_w=cap_w), "plan")
    fleet = fleet_of(miners)
    tick_ms = 1000 * _median(lambda: decided(fleet, SHARE, Memory()), "tick")
    view_ms = 1000 * _median(lambda: fleet.view(10.0), "view")
    detail = f"{miners:,} machines, median of {RUNS}"
    return [
        Row(
            name="the best plan",
            value=plan_s,
            unit="s",
            target=PLAN_S,
            ok=plan_s < PLAN_S,
            detail=f"{detail}, {FEEDERS} feeders",
        ),
        Row(name="a tick that decides", value=tick_ms, unit="ms", target=TICK_MS, ok=tick_ms < TICK_MS, detail=detail),
        Row(name="what planning sees, copied", value=view_ms, unit="ms", detail=detail),
    ]


def _median(call: Callable[[], object], name: str) -> float:
    spent: list[float] = []
    for run in range(RUNS):
        sys.stderr.write(f"{name}: run {run + 1} of {RUNS}\n")
        began = time.process_time()
        call()
        spent.append(time.process_time() - began)
    return statistics.median(spent)


def _farm(miners: int) -> tuple[list[Machine], list[Branch], float]:
    machines = []
    for at in range(miners):
        power_w, ths = 2800.0 + at * 7919 % 1200, 90.0 + at * 104_729 % 60
        choices = (
            Choice(level="full", power_w=power_w, hashrate_ths=ths),
            Choice(level="low", power_w=0.68 * power_w, hashrate_ths=0.76 * ths),
            Choice(level="sleep", power_w=20.0 + at % 7, hashrate_ths=0.0),
        )
        machines.append(Machine(id=f"m{at:06d}", feeder=f"T{at % FEEDERS}", choices=choices))
    whole_w = sum(machine.choices[0].power_w for machine in machines)
    branches = [Branch(id=f"T{at}", max_w=0.7 * whole_w / FEEDERS) for at in range(FEEDERS)]
    return machines, branches, SHARE * whole_w
