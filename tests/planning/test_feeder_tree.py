"""Feeders in a tree, each with its own cap, ramp and perhaps a meter: drawn trees, watched second by second."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.fleet.miner import Feeder
from agent.fleet.power import Meter
from agent.planning.situation import Policy
from tests.planning.plant import STANDBY_W, Plant

pytestmark = pytest.mark.pure

SETTLED_S = 60
"""So long after a change everything is below its cap: two polls, the meter's lag, and the way down."""
SITE_RAMP_W_PER_S = 150.0


@dataclass(frozen=True, kw_only=True)
class Tree:
    """A site: its feeders, where each machine hangs, what else draws at a metered feeder, W."""

    full_w: tuple[float, ...]
    feeders: tuple[Feeder, ...]
    feeder_of: tuple[str, ...]
    meters: frozenset[str] = frozenset()
    else_w: float = 0.0
    connection_w: float = float("inf")

    def plant(self) -> FedPlant:
        return FedPlant(self)


class FedPlant(Plant):
    """A plant with meters at feeders, as late as the site's; it notes who was raised when."""

    def __init__(self, site: Tree) -> None:
        self.site = site
        self.raises: list[tuple[float, np.ndarray]] = []
        self._meters = {name: Meter(name, window_s=5.0, stale_s=30.0, since=0.0) for name in site.meters}
        super().__init__(
            list(site.full_w),
            policy=Policy(restore_w_per_s=SITE_RAMP_W_PER_S),
            feeders=site.feeders,
            feeder_of=list(site.feeder_of),
            connection_w=site.connection_w,
        )
        view = self.fleet.view(self.now)
        self.below = {name: self.tree.below(view, at) for name, at in self.feeder_tree.positions.items()}
        self._late = {name: deque([self.drawn_w(name)] * 5) for name in site.meters}

    def drawn_w(self, feeder: str) -> float:
        """Return what truly flows through a feeder; each metered one has something beside its machines."""
        at = self.feeder_tree.positions[feeder]
        others = sum(self.site.else_w for name in self.site.meters if self._is_within(name, at))
        return float(self.world.power_w[self.below[feeder]].sum()) + others

    def _is_within(self, feeder: str, above: int) -> bool:
        at = self.feeder_tree.positions[feeder]
        while at not in {above, 0}:
            at = self.tree.parent[at]
        return at == above

    def situation(self):
        said = super().situation()
        for name, meter in self._meters.items():
            self._late[name].append(self.drawn_w(name))
            meter.heard(self._late[name].popleft(), self.now)
        states = {self.feeder_tree.positions[name]: meter.state(self.now) for name, meter in self._meters.items()}
        feeders = {at: state.draw_w for at, state in states.items() if state.draw_w is not None}
        return replace(said, gauges=replace(said.gauges, feeders=feeders))

    def obey(self, decision):
        raised = decision.rows[decision.steps < self.fleet.setpoint[decision.rows]]
        self.raises.append((self.now, raised))
        super().obey(decision)

    def let_up_w(self, feeder: str, since: float) -> float:
        """Return the W that were let up below a feeder since then."""
        rows = [row for at, raised in self.raises if at > since for row in raised[self.below[feeder][raised]].tolist()]
        return float((self.world.full_w[rows] - STANDBY_W).sum())


# what must hold -----------------------------------------------------------------------------------------------------


def every_cap_is_kept(site: Tree, events: list[tuple[int, str]], length_s: int = 300) -> None:
    """Once it had time to come down, no feeder and no connection is above its cap, whatever happens."""
    plant = site.plant()
    waiting, caps_w = sorted(events), {feeder.id: feeder.max_w for feeder in site.feeders if feeder.max_w is not None}
    for second in range(length_s):
        while waiting and waiting[0][0] <= second:
            befall(plant, waiting.pop(0)[1])
        plant.tick()
        if second < SETTLED_S:
            continue
        over = {name: plant.drawn_w(name) for name, cap_w in caps_w.items() if plant.drawn_w(name) > cap_w}
        over = {name: drawn_w for name, drawn_w in over.items() if can_be_kept(plant, name, caps_w[name])}
        assert not over, (second, over, caps_w)
        assert plant.draws[-1] <= site.connection_w, second


def can_be_kept(plant: FedPlant, feeder: str, cap_w: float) -> bool:
    return plant.drawn_w(feeder) - float((plant.world.power_w - STANDBY_W)[plant.below[feeder]].sum()) <= cap_w


def befall(plant: FedPlant, kind: str) -> None:
    draw_w = plant.world.draw_w()
    match kind:
        case "stop":
            plant.set(cap_w=0.0, stop=True, law=True, may_step=True)
        case "cap":
            plant.set(cap_w=0.6 * draw_w, law=True, may_step=True)
        case "free":
            plant.set()
        case "pools_die":
            plant.world.pool[::2] = False
        case "pools_return":
            plant.world.pool[:] = True


def every_ramp_is_kept(site: Tree) -> None:
    """After a stop nobody comes up faster than site and feeders let: in any half minute at most a step more."""
    plant = site.plant()
    plant.run(25)
    plant.set(cap_w=0.0, stop=True, law=True, may_step=True).run(60)
    plant.set()
    ramps = {feeder.id: feeder.ramp_w_per_s for feeder in site.feeders if feeder.ramp_w_per_s is not None}
    step_w = max(site.full_w)
    for _ in range(200):
        plant.tick()
        for name, rate in {"site": SITE_RAMP_W_PER_S, **ramps}.items():
            assert plant.let_up_w(name, plant.now - 30) <= 30 * rate + step_w, name


# trees --------------------------------------------------------------------------------------------------------------


@st.composite
def trees(draw, *, caps: bool = True, meters: bool = False, ramps: tuple[float, ...] = (20.0, 60.0, 120.0)) -> Tree:
    """Draw up to five feeders, each below the site or one before it, and up to three machines right on each."""
    names = [f"F{at}" for at in range(draw(st.integers(2, 5)))]
    parents = [draw(st.sampled_from(["site", *names[:at]])) for at in range(len(names))]
    on = [name for name in [*names, "site"] for _ in range(draw(st.integers(1, 3)))]
    full_w = tuple(draw(st.sampled_from([1400.0, 3000.0, 3400.0, 5500.0])) for _ in on)
    shares = st.none() | st.floats(0.2, 1.3)
    feeders = tuple(
        Feeder(
            id=name,
            parent=parent,
            max_w=_share(draw(shares), weight(name, names, parents, on, full_w)) if caps else None,
            ramp_w_per_s=draw(st.none() | st.sampled_from(ramps)),
        )
        for name, parent in zip(names, parents, strict=True)
    )
    metered = frozenset(draw(st.sets(st.sampled_from(names)))) if meters else frozenset()
    return Tree(
        full_w=full_w,
        feeders=feeders,
        feeder_of=tuple(on),
        meters=metered,
        else_w=draw(st.sampled_from([0.0, 3000.0])) if meters else 0.0,
        connection_w=5000.0 + draw(st.floats(0.5, 1.2)) * sum(full_w) if caps else float("inf"),
    )


def weight(name, names, parents, on, full_w) -> float:
    """Return the nameplate below a feeder, W."""
    inside = {name}
    for child, parent in zip(names, parents, strict=True):
        inside |= {child} if parent in inside else set()
    return sum(watts for where, watts in zip(on, full_w, strict=True) if where in inside)


def _share(share, of_w):
    return None if share is None else share * of_w


EVENTS = st.lists(
    st.tuples(st.integers(70, 200), st.sampled_from(["stop", "cap", "free", "pools_die", "pools_return"])), max_size=4
)


@settings(max_examples=7, deadline=None)
@given(trees(), EVENTS)
def test_each_feeder_of_a_tree_stays_within_its_own_cap(site, events):
    every_cap_is_kept(site, events)


@settings(max_examples=7, deadline=None)
@given(trees(meters=True), EVENTS)
def test_each_feeder_stays_within_its_cap_by_its_own_meter_and_those_below(site, events):
    every_cap_is_kept(site, events)


@settings(max_examples=7, deadline=None)
@given(trees(caps=False))
def test_going_up_keeps_to_the_ramp_of_the_site_and_of_every_feeder_above(site):
    every_ramp_is_kept(site)


def test_what_a_meter_shows_below_a_feeder_without_one_counts_in_it():
    feeders = (Feeder(id="P", max_w=10_000.0), Feeder(id="C", parent="P"))
    on = ("C", "C", "P", "P")
    site = Tree(full_w=(3000.0,) * 4, feeders=feeders, feeder_of=on, meters=frozenset({"C"}), else_w=3000.0)
    every_cap_is_kept(site, [])


@settings(max_examples=5, deadline=None)
@given(trees(caps=False, ramps=(120.0,)))
def test_where_every_feeder_has_room_everybody_is_back(site):
    plant = site.plant()
    plant.run(25)
    plant.set(cap_w=0.0, stop=True, law=True, may_step=True).run(60)
    plant.set().run(180 + round(sum(site.full_w) / 120))
    assert not (plant.fleet.setpoint > 0).any()
