"""A small farm as equations: machines that take time, a meter that lags, a house load; and the agent's loop over it.

It is the world that `decide` is tried against before any socket. Deterministic: what goes wrong is said by the test.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace

import numpy as np

from agent.control.dispatcher import command_for
from agent.fleet.fleet import Fleet, FleetPolicy
from agent.fleet.followers import Followers
from agent.fleet.miner import Feeder, FeederTree, Miner
from agent.fleet.power import Meter, RestObserver
from agent.planning.decide import Decision, Memory, decide
from agent.planning.headroom import Gauges
from agent.planning.ladder import build_ladder
from agent.planning.situation import Demand, Policy, Situation
from agent.planning.tree import Tree
from drivers.interface import (
    Abilities,
    Identity,
    LimitPower,
    PowerRange,
    Reading,
    SetMode,
    Sleep,
    SleepAbility,
    State,
    Wake,
)

STANDBY_W = 25.0
IDLE_W = 200.0
PRESENT_S = 5.0
"""The rate that tells whether a machine works now is itself an average of so long."""
NOTICED_S = 20
"""So long a machine goes on saying that it hashes after its pools died."""


@dataclass(frozen=True, kw_only=True)
class Nature:
    """How machines that say no watts differ from their nameplates, one value a machine; and the meter from the truth.

    `spread` is what it draws, in nameplates; `average_s` over how long the rate it tells is averaged.
    """

    spread: tuple[float, ...]
    average_s: tuple[float, ...]
    wake_s: tuple[float, ...]
    meter_error: float = 0.0


@dataclass(kw_only=True)
class World:
    """What is the case, whether or not anybody knows."""

    full_w: np.ndarray
    asleep: np.ndarray  # told to sleep and obeying
    power_w: np.ndarray
    house_w: float = 5_000.0
    pool: np.ndarray = field(default=None)  # type: ignore[assignment]
    reachable: np.ndarray = field(default=None)  # type: ignore[assignment]
    obeys: np.ndarray = field(default=None)  # type: ignore[assignment]
    energised: np.ndarray = field(default=None)  # type: ignore[assignment]
    limit_w: np.ndarray = field(default=None)  # type: ignore[assignment]
    fall_s: float = 10.0
    rise_s: float | np.ndarray = 60.0
    average_s: float | np.ndarray = PRESENT_S
    without_pool_s: np.ndarray = field(default=None)  # type: ignore[assignment]
    present: np.ndarray = field(default=None)  # type: ignore[assignment]
    average: np.ndarray = field(default=None)  # type: ignore[assignment]

    def __post_init__(self) -> None:
        n = len(self.full_w)
        self.without_pool_s = np.zeros(n)
        self.limit_w = np.full(n, np.inf)
        self.present = self.work()
        self.average = self.work()
        for name in ("pool", "reachable", "obeys", "energised"):
            if getattr(self, name) is None:
                setattr(self, name, np.ones(n, bool))

    def target_w(self) -> np.ndarray:
        awake = np.where(self.pool, np.minimum(self.full_w, self.limit_w), IDLE_W)
        return np.where(self.energised, np.where(self.asleep, STANDBY_W, awake), 0.0)

    def step(self) -> None:
        target = self.target_w()
        rate = self.full_w / np.where(target < self.power_w, self.fall_s, self.rise_s)
        self.power_w += np.clip(target - self.power_w, -rate, rate)
        self.power_w[~self.energised] = 0.0
        self.without_pool_s = np.where(self.pool, 0.0, self.without_pool_s + 1)
        self._average()

    def limit(self, row: int, limit_w: float) -> None:
        """Set a machine's limit; that starts it anew, also one that slept."""
        self.asleep[row] = False
        if self.limit_w[row] != limit_w:
            self.limit_w[row], self.power_w[row] = limit_w, min(STANDBY_W, self.power_w[row])

    def work(self) -> np.ndarray:
        """Return how far each machine hashes, as a share of its full rate."""
        return np.where(self.power_w > 2 * IDLE_W, self.power_w / self.full_w, 0.0)

    def _average(self) -> None:
        """Move the told rates; putting a machine to sleep ends its mining process, and a new one begins at zero."""
        work, ended = self.work(), self.asleep | ~self.energised
        self.present += (work - self.present) / PRESENT_S
        self.average += (work - self.average) / self.average_s
        self.average[ended & (self.power_w <= STANDBY_W)] = 0.0

    def draw_w(self) -> float:
        return float(self.power_w.sum()) + self.house_w


@dataclass
class Sent:
    at: float
    row: int
    up: bool


class Plant:
    """The world, a meter, a poller and the decision, second by second."""

    def __init__(
        self,
        full_w: list[float],
        *,
        efficiency: list[float] | None = None,
        policy: Policy | None = None,
        meter_delay_s: int = 4,
        metered: bool = True,
        poll_s: int = 10,
        feeders: tuple[Feeder, ...] = (),
        feeder_of: list[str] | None = None,
        connection_w: float = float("inf"),
        intended: list[str] | None = None,
        asleep: bool = False,
        says_power: bool = True,
        fleet_policy: FleetPolicy | None = None,
        nature: Nature | None = None,
        house_w: float = 5_000.0,
        limits: bool = False,
    ) -> None:
        n = len(full_w)
        full = np.array(full_w, float) * (nature.spread if nature else 1.0)
        start = np.full(n, STANDBY_W) if asleep else full.copy()
        self.world = World(full_w=full, asleep=np.full(n, asleep), power_w=start, house_w=house_w)
        if nature:
            self.world.average_s, self.world.rise_s = np.array(nature.average_s), np.array(nature.wake_s)
        self.nature = nature
        self.garbled = np.zeros(n, bool)
        self.followers = Followers()
        self.now = 0.0
        self.policy = policy or Policy(restore_w_per_s=1e9)
        self.demand = Demand()
        self.memory = Memory()
        self.meter_on = metered
        self.may_raise = True  # intent can be written
        self._pipe: deque[float] = deque([self.world.draw_w()] * (meter_delay_s + 1))
        self.meter = Meter("main", window_s=5.0, stale_s=30.0, since=0.0)
        self.poll_s = poll_s
        self.rest = RestObserver(memory_s=2 * poll_s + meter_delay_s + 7.0)
        root = Feeder(id="site", parent=None, max_w=connection_w)
        self.feeder_tree = FeederTree.of((root, *feeders))
        self.tree = Tree(
            parent=tuple(self.feeder_tree.parents()),
            cap_w=tuple(f.max_w if f.max_w is not None else float("inf") for f in self.feeder_tree.feeders),
            ramp_w_per_s=tuple(f.ramp_w_per_s or float("inf") for f in self.feeder_tree.feeders),
        )
        miners = [
            Miner(
                id=f"m{row:04d}",
                host=f"127.0.0.{row}",
                feeder=feeder_of[row] if feeder_of else "site",
                intended=intended[row] if intended else "full",
            )
            for row in range(n)
        ]
        lag = meter_delay_s + 5.0 + 2.0
        self.fleet = Fleet(
            miners,
            self.feeder_tree,
            fleet_policy or FleetPolicy(fresh_s=3 * poll_s + 5.0, meter_lag_s=lag, min_off_s=0.0, switches_per_hour=99),
        )
        self.says_power = says_power
        joules = efficiency or [30.0] * n
        for row, wake_s in enumerate(nature.wake_s if nature else [60.0] * n):
            identity = Identity(
                driver="plant",
                nominal_w=full_w[row],
                nominal_ths=full_w[row] / joules[row],
                abilities=Abilities(
                    sleep=SleepAbility(standby_w=STANDBY_W, settle_s=15.0, wake_s=wake_s + 10.0),
                    power_limit=PowerRange(least_w=full_w[row] / 2, most_w=full_w[row]) if limits and row % 2 else None,
                ),
            )
            self.fleet.identified(row, identity, build_ladder(identity))
        self.sent: list[Sent] = []
        self.draws: list[float] = []
        self.decisions: list[Decision] = []
        self.raised_w: list[float] = []

    @property
    def n(self) -> int:
        return len(self.fleet)

    def reading(self, row: int) -> Reading:
        return self.mute_reading(row) if self.nature else self.telling_reading(row)

    def mute_reading(self, row: int) -> Reading:
        """Return what a machine without a power figure says: states and rates lag what is the case."""
        world = self.world
        ths = float(world.average[row]) * (self.fleet.ladders[row].steps[0].hashrate_ths)
        present = float(world.present[row])
        if world.asleep[row] and world.power_w[row] <= STANDBY_W + 1:
            return Reading(state=State.SLEEPING, level="sleep", hashrate_ths=0.0)
        noticed = world.without_pool_s[row] >= NOTICED_S
        if present < 0.01 or (noticed and present < 0.9):
            state, reason = (State.IDLE, "idle:pool") if not world.pool[row] else (State.STARTING, "starting:warmup")
            return Reading(state=state, reason=reason, level="full", hashrate_ths=ths)
        return Reading(state=State.HASHING, level="full", hashrate_ths=ths)

    def telling_reading(self, row: int) -> Reading:
        world = self.world
        watts = float(world.power_w[row]) if self.says_power else None
        full = float(world.full_w[row])
        ths = full / 30.0 * (world.power_w[row] / full)
        limit_w = float(world.limit_w[row])
        level = f"limit:{limit_w:.0f}" if limit_w < full else "full"
        if world.asleep[row] and world.power_w[row] <= STANDBY_W + 1:
            return Reading(state=State.SLEEPING, level="sleep", power_w=watts, hashrate_ths=0.0)
        if not world.pool[row]:
            return Reading(state=State.IDLE, reason="idle:pool", level=level, power_w=watts, hashrate_ths=0.0)
        if world.power_w[row] < 0.9 * min(full, limit_w):
            state_level = level if limit_w < full else None
            return Reading(state=State.STARTING, level=state_level, power_w=watts, hashrate_ths=ths)
        return Reading(state=State.HASHING, level=level, power_w=watts, hashrate_ths=ths)

    def tick(self) -> Decision:
        self.now += 1.0
        self.world.step()
        self._pipe.append(self.world.draw_w())
        measured = self._pipe.popleft() * (1 + (self.nature.meter_error if self.nature else 0.0))
        if self.meter_on and int(self.now) % 2 == 0:
            self.meter.heard(measured, self.now)
            self.observe(measured)
        for row in range(int(self.now) % self.poll_s, self.n, self.poll_s):
            self.poll(row)
        decision = decide(self.fleet.view(self.now), self.tree, self.demand, self.situation(), self.policy, self.memory)
        self.memory = decision.memory
        self.obey(decision)
        self.draws.append(self.world.draw_w())
        self.decisions.append(decision)
        return decision

    def situation(self) -> Situation:
        return Situation(
            now=self.now,
            gauges=Gauges(
                meter=self.meter.state(self.now) if self.meter_on or self.now > 0 else None,
                rest=self.rest.state(),
                house_w=self.world.house_w,
                follows_w=self.followers.expected_w(float(self.fleet.believed_w.sum()), self.now),
                follow_share=self.followers.share,
            ),
            proved=self.fleet.everyone_known(),
            may_raise=self.may_raise,
        )

    def observe(self, measured: float) -> None:
        if self.fleet.everyone_known():
            view = self.fleet.view(self.now)
            least, most = float(view.metered_least_w.sum()), float(view.metered_most_w.sum())
            self.rest.observe(measured, least_w=least, most_w=most, mono=self.now)

    def poll(self, row: int) -> None:
        if self.garbled[row] and self.world.energised[row]:
            self.fleet.garbled(row)
        elif self.world.reachable[row] and self.world.energised[row]:
            self.fleet.heard(row, self.reading(row), self.now)
        else:
            self.fleet.silent(row)

    def obey(self, decision: Decision) -> None:
        step_w, before = self.fleet._step_w, self.fleet.setpoint[decision.rows]
        added_w = step_w[decision.rows, decision.steps] - step_w[decision.rows, before]
        self.raised_w.append(float(added_w[decision.steps < before].sum()))
        self.fleet.set_steps(decision.rows, decision.steps, self.now)
        for row in decision.lower.tolist():
            self.command(row, up=False)
        for row in decision.higher.tolist():
            self.command(row, up=True)

    def command(self, row: int, *, up: bool) -> None:
        self.sent.append(Sent(self.now, row, up))
        self.fleet.attempted(row, self.now)
        if not (self.world.reachable[row] and self.world.energised[row]):
            self.fleet.failed(row, self.now, give_up=False)
        elif self.world.obeys[row]:
            self._do(row)

    def _do(self, row: int) -> None:
        """Obey as a machine does: the command is what takes it from where it is seen to its setpoint."""
        match command_for(self.fleet, row):
            case Sleep():
                self.world.asleep[row] = True
            case Wake():
                self.world.asleep[row] = False
            case LimitPower(limit_w=limit_w):
                self.world.limit(row, limit_w)
            case SetMode():
                self.world.limit(row, float("inf"))

    def run(self, seconds: int) -> Plant:
        for _ in range(seconds):
            self.tick()
        return self

    def set(self, **demand: object) -> Plant:
        self.demand = replace(Demand(), **demand)  # type: ignore[arg-type]
        return self
