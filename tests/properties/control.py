"""The invariants of control as checks over a farm that runs: each raises AssertionError when it is broken.

Tests draw scenarios for them; mutants show that a broken rule is caught.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

import numpy as np
from hypothesis import strategies as st

from agent.planning.situation import Policy
from tests.planning.plant import STANDBY_W, Nature, Plant


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that befalls the farm at a second; `share` says whom."""

    at: int
    kind: str
    share: float


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A farm, what befalls it, and how far its ramp goes."""

    full_w: tuple[float, ...]
    joules: tuple[float, ...]
    events: tuple[Event, ...]
    ramp_w_per_s: float = 1e9
    length_s: int = 150
    asleep: bool = False
    nature: Nature | None = None
    house_share: float | None = None
    meter_delay_s: int = 4
    connection_share: float = float("inf")
    poll_s: int = 10
    limits: bool = False  # every other machine can be limited

    def plant(self) -> Plant:
        policy = Policy(restore_w_per_s=self.ramp_w_per_s, blind_s=20.0)
        nameplate_w = sum(self.full_w)
        return Plant(
            list(self.full_w),
            efficiency=list(self.joules),
            policy=policy,
            asleep=self.asleep,
            nature=self.nature,
            house_w=5_000.0 if self.house_share is None else self.house_share * nameplate_w,
            meter_delay_s=self.meter_delay_s,
            connection_w=self.connection_share * nameplate_w,
            poll_s=self.poll_s,
            limits=self.limits,
        )

    def cap_at_the_meter_w(self, plant: Plant) -> float:
        """Return the most that may be drawn where the meter tells no more than the cap."""
        assert plant.demand.cap_w is not None
        return plant.demand.cap_w * (1.002 + max(0.0, -self.nature.meter_error if self.nature else 0.0))

    def run(self, watch: Callable[[Plant, int], None]) -> Plant:
        """Run it, showing the plant to `watch` after each second with the number of raised miners."""
        plant = self.plant()
        waiting = sorted(self.events, key=lambda event: event.at)
        for second in range(self.length_s):
            while waiting and waiting[0].at <= second:
                befall(plant, waiting.pop(0))
            before = len(plant.sent)
            plant.tick()
            watch(plant, sum(sent.up for sent in plant.sent[before:]))
        return plant


KINDS = (
    "cap", "stop", "free", "pools_die", "pools_return", "lost", "found", "disobey", "obey",
    "hold", "meter_dies", "meter_returns", "no_power", "power", "garble", "read",
)  # fmt: skip


def befall(plant: Plant, event: Event) -> None:
    """Let an event happen."""
    world, some = plant.world, slice(0, max(1, round(event.share * plant.n)))
    total = float(world.full_w.sum()) + world.house_w
    match event.kind:
        case "cap":
            plant.set(cap_w=world.house_w + event.share * (total - world.house_w), law=True, may_step=True)
        case "stop":
            plant.set(cap_w=world.house_w + STANDBY_W * plant.n, stop=True, law=True, may_step=True)
        case "free":
            plant.set()
        case "pools_die" | "pools_return":
            world.pool[some] = event.kind == "pools_return"
        case "lost" | "found":
            world.reachable[some] = event.kind == "found"
        case "disobey" | "obey":
            world.obeys[some] = event.kind == "obey"
        case "hold":
            plant.fleet.held[some] = True
        case "meter_dies" | "meter_returns":
            plant.meter_on = event.kind == "meter_returns"
        case "no_power" | "power":
            world.energised[some] = event.kind == "power"
        case "garble" | "read":
            plant.garbled[some] = event.kind == "garble"
        case "disk_full" | "disk_free":
            plant.may_raise = event.kind == "disk_free"
        case "house_up" | "house_down":
            world.house_w *= 1.2 if event.kind == "house_up" else 1 / 1.2


def scenarios(*kinds: str, asleep: bool = False) -> st.SearchStrategy[Scenario]:
    """Farms of 2 to 7 machines and up to six events of these kinds."""
    events = st.builds(
        Event,
        at=st.integers(25, 110),
        kind=st.sampled_from(kinds or KINDS),
        share=st.sampled_from([0.2, 0.4, 0.6, 0.9]),
    )
    return st.integers(2, 7).flatmap(
        lambda n: st.builds(
            Scenario,
            full_w=st.tuples(*[st.sampled_from([1400.0, 3000.0, 3400.0, 5500.0])] * n),
            joules=st.tuples(*[st.sampled_from([17.5, 21.5, 30.0, 34.0, 95.0])] * n),
            events=st.lists(events, max_size=6).map(tuple),
            asleep=st.just(asleep),
            limits=st.booleans(),
        )
    )


HEALED_AT = 330
MOST_OVER_S = 60


def mute_farms(*kinds: str, connection_share: float = float("inf")) -> st.SearchStrategy[Scenario]:
    """Farms of 40 machines that say no watts and differ from their nameplates; under a cap, with all healed in time."""
    events = st.builds(
        Event, at=st.integers(120, 300), kind=st.sampled_from(kinds), share=st.sampled_from([0.1, 0.3, 0.5])
    )
    return st.builds(
        lambda seed, poll_s, delay_s, error, befalling: replace(
            mute_farm(Random(seed), tuple(befalling), delay_s=delay_s, error=error),
            connection_share=connection_share,
            poll_s=poll_s,
        ),
        st.integers(0, 10_000),
        st.sampled_from([2, 10, 10]),
        st.sampled_from([0, 4, 10]),
        st.sampled_from([-0.01, 0.0, 0.01]),
        st.lists(events, max_size=4),
    )


def mute_farm(
    random: Random, events: tuple[Event, ...] = (), *, delay_s: int = 4, error: float = 0.0, n: int = 40
) -> Scenario:
    """Draw one such farm: bins of +-5 %, averages of 5 s to half an hour, one to four minutes to wake."""
    nature = Nature(
        spread=tuple(random.uniform(0.95, 1.05) for _ in range(n)),
        average_s=tuple(random.choice([5.0, 60.0, 1800.0]) for _ in range(n)),
        wake_s=tuple(random.choice([60.0, 120.0, 240.0]) for _ in range(n)),
        meter_error=error,
    )
    healing = [Event(at=HEALED_AT, kind=kind, share=1.0) for kind in ("pools_return", "found", "power", "read")]
    cap = Event(at=25, kind="cap", share=random.choice([0.4, 0.6]))
    return Scenario(
        full_w=tuple(random.choice([1400.0, 3000.0, 3250.0, 3400.0, 5500.0]) for _ in range(n)),
        joules=tuple(random.choice([17.5, 21.5, 30.0, 34.0, 95.0]) for _ in range(n)),
        events=(cap, *events, *healing),
        nature=nature,
        house_share=random.choice([0.02, 0.05]),
        meter_delay_s=delay_s,
        length_s=HEALED_AT + 300,
    )


def potential_w(plant: Plant) -> float:
    """What the farm may come to draw by itself: everybody who was not put to sleep at full power."""
    world = plant.world
    awake = ~world.asleep & world.energised
    return world.house_w + float(np.where(awake, np.minimum(world.full_w, world.limit_w), STANDBY_W).sum())


def raises_only_within_the_cap(scenario: Scenario) -> None:
    """Invariant 1: after a command that raises, even the most that the farm can come to draw is within the cap."""

    def watch(plant: Plant, raised: int) -> None:
        cap_w = plant.demand.cap_w
        if raised and cap_w is not None:
            assert potential_w(plant) <= cap_w, f"raised at {plant.now}: {potential_w(plant)} W over {cap_w} W"

    scenario.run(watch)


def stays_under_the_cap(scenario: Scenario, *, within_s: int = 60) -> None:
    """What the cap is for: once there was time to come down, the farm is under it, whatever returns by itself."""
    over: list[float] = [0.0]

    def watch(plant: Plant, _raised: int) -> None:
        cap_w = plant.demand.cap_w
        is_over = cap_w is not None and plant.world.draw_w() > cap_w * 1.001
        over[0] = over[0] + 1 if is_over else 0
        assert over[0] <= within_s, f"over {cap_w} W for {over[0]} s at {plant.now}"

    scenario.run(watch)


def once_under_the_cap_it_stays_there(scenario: Scenario, *, within_s: int = 5, settled_s: int = 100) -> None:
    """No belief that lags makes it raise too early: only the world's own steps put it over the cap, for `within_s`."""
    over: list[float] = [0.0]

    def watch(plant: Plant, _raised: int) -> None:
        if plant.now > settled_s:
            over[0] = over[0] + 1 if plant.world.draw_w() > scenario.cap_at_the_meter_w(plant) else 0
            assert over[0] <= within_s, f"{plant.world.draw_w()} W over {plant.demand.cap_w} W at {plant.now}"

    scenario.run(watch)


def uses_its_cap_and_rests(scenario: Scenario) -> None:
    """Minutes after the last trouble what was shed too much is back, and then nobody is switched any more."""
    plant = scenario.run(lambda _plant, _raised: None).run(300)
    before = len(plant.sent)
    plant.run(600)
    cap_w = plant.demand.cap_w
    assert cap_w is not None
    assert 0.85 * cap_w <= plant.world.draw_w() <= scenario.cap_at_the_meter_w(plant)
    assert len(plant.sent) - before <= 2, f"{len(plant.sent) - before} commands in ten quiet minutes"


def everybody_is_back(scenario: Scenario) -> None:
    """After the order's end all are awake again, in the time of the ramp and of two wakings."""
    plant = scenario.run(lambda _plant, _raised: None)
    assert scenario.nature is not None
    ramp_s = sum(scenario.full_w) / scenario.ramp_w_per_s
    plant.set().run(round(ramp_s + 2 * max(scenario.nature.wake_s) + 60))
    assert not plant.world.asleep.any()


def returns_to_what_was_intended(scenario: Scenario, intended: list[str]) -> None:
    """Invariant 5: after the orders everybody is where the owner wants it, and nobody was ever above."""
    plant = scenario.plant()
    for row, level in enumerate(intended):
        plant.fleet.intend(row, level)
    waiting = sorted(scenario.events, key=lambda event: event.at)
    for second in range(scenario.length_s):
        while waiting and waiting[0].at <= second:
            befall(plant, waiting.pop(0))
        plant.tick()
        assert (plant.fleet.setpoint >= plant.fleet.intended).all() or second == 0
    plant.set().run(240)
    assert (plant.fleet.setpoint == plant.fleet.intended)[~plant.fleet.held].all()
    asleep = plant.fleet.intended == plant.fleet.view(plant.now).last_step
    free = ~plant.fleet.held & plant.world.obeys
    assert (plant.world.asleep == asleep)[free].all()
    assert np.isinf(plant.world.limit_w[free & ~asleep]).all()


def never_wakes_the_held(scenario: Scenario) -> None:
    """Invariant 13: no command that raises goes to a machine that was held by then."""
    held_since = np.full(len(scenario.full_w), np.inf)

    def watch(plant: Plant, _raised: int) -> None:
        held_since[plant.fleet.held & np.isinf(held_since)] = plant.now
        for sent in plant.sent:
            assert not (sent.up and sent.at >= held_since[sent.row]), f"held {sent.row} was woken at {sent.at}"

    scenario.run(watch)


def keeps_to_the_ramp(scenario: Scenario) -> None:
    """Invariant 9: in no minute is more raised than the ramp allows and one step, and nothing under a stop."""

    def watch(plant: Plant, raised: int) -> None:
        step_w = max(scenario.full_w)
        minute_w = sum(plant.raised_w[-60:])
        assert minute_w <= scenario.ramp_w_per_s * 60 + step_w, f"{minute_w} W in the minute before {plant.now}"
        assert not (plant.demand.stop and raised), f"raised under a stop at {plant.now}"

    scenario.run(watch)


def raises_nothing_unwritten(scenario: Scenario) -> None:
    """Invariant 14: while intent cannot be written nobody is raised, and the farm comes under its cap all the same."""
    over_s = [0]

    def watch(plant: Plant, raised: int) -> None:
        assert plant.may_raise or not raised, f"{raised} raised at {plant.now} with a full disk"
        cap_w = plant.demand.cap_w
        over_s[0] = over_s[0] + 1 if cap_w is not None and plant.world.draw_w() > cap_w * 1.001 else 0
        assert over_s[0] <= MOST_OVER_S, f"over {cap_w} W for {over_s[0]} s at {plant.now}"

    scenario.run(watch)


def sheds_all_it_can(scenario: Scenario) -> None:
    """Invariant 8: what cannot be met is met as far as possible at once, and the rest is stated."""

    def watch(plant: Plant, _raised: int) -> None:
        decision = plant.decisions[-1]
        if decision.shortfall_w > 0:
            deepest = plant.fleet.view(plant.now).last_step
            assert (plant.fleet.setpoint == deepest)[plant.fleet.fresh(plant.now)].all()
        cap_w = plant.demand.cap_w
        if cap_w is not None and decision.power.forecast_w > cap_w * 1.001 and decision.power.source != "beliefs":
            deepest = plant.fleet.view(plant.now).last_step
            left = plant.fleet.fresh(plant.now) & (plant.fleet.setpoint < deepest)
            assert not left.any() or plant.fleet.everyone_known() is False

    scenario.run(watch)


def others_make_up_for_who_disobeys(scenario: Scenario) -> None:
    """Invariant 10: an OK is no effect: who stays up is told again, counts as drawing, and others go in its place."""
    plant = scenario.run(lambda _plant, _raised: None)
    cap_w = plant.demand.cap_w
    assert cap_w is not None
    plant.run(240)
    awake = plant.world.power_w > STANDBY_W + 1
    stubborn = awake & plant.world.reachable & (plant.fleet.setpoint > 0)
    for row in np.flatnonzero(stubborn).tolist():
        assert sum(sent.row == row for sent in plant.sent) > 1
        assert plant.fleet.seen[row] == 0
    able = plant.world.obeys & plant.world.reachable
    lowest_w = float(np.where(able, STANDBY_W, plant.world.full_w).sum()) + plant.world.house_w
    assert plant.world.draw_w() <= max(cap_w, lowest_w + 1.0)
