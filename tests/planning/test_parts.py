"""Limits upon less than the site, on the plant: each holds where it is measured, whatever the others do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.fleet.miner import Feeder
from agent.planning.part import Part
from tests.planning.plant import STANDBY_W, Plant

pytestmark = pytest.mark.pure
N = 12
FEEDERS = (Feeder(id="T1"), Feeder(id="T2"))
T1, T2 = 1, 2
NAMES = ["T1"] * 6 + ["T2"] * 6


def plant(**more) -> Plant:
    return Plant([3000.0 + 10 * (row % 5) for row in range(N)], feeders=FEEDERS, feeder_of=NAMES, **more).run(25)


def rows(*numbers: int) -> np.ndarray:
    marked = np.zeros(N, bool)
    marked[list(numbers)] = True
    return marked


def counted(bed: Plant, part: Part) -> float:
    """Return what the part truly draws."""
    return bed.world.draw_w() if part.counted is None else float(bed.world.power_w[part.counted].sum())


def test_a_stop_of_some_leaves_the_others_alone_and_wakes_none_of_them():
    bed = plant()
    part = Part(key="a", commanded=rows(0, 1, 7), counted=rows(0, 1, 7), stop=True, may_step=True)
    bed.set(parts=(part,)).run(120)
    assert np.flatnonzero(bed.world.asleep).tolist() == [0, 1, 7]
    bed.world.asleep[7] = False  # a hand on its page
    bed.run(120)
    assert np.flatnonzero(bed.world.asleep).tolist() == [0, 1, 7]
    assert not [sent for sent in bed.sent if sent.up]


def test_a_part_keeps_to_the_ramp_of_its_own_order():
    bed = plant()
    every = np.ones(N, bool)
    bed.set(parts=(Part(key="a", commanded=every, counted=every, cap_w=1000.0, shed_w_per_s=50.0),)).run(120)
    assert 1 <= int(bed.world.asleep.sum()) <= 4


def test_what_one_part_frees_is_not_given_back_by_the_ramp_of_another():
    bed = plant()
    law = Part(key="law", commanded=rows(*range(6)), counted=rows(*range(6)), feeder=T1, stop=True, may_step=True)
    cap = Part(key="cap", commanded=rows(*range(6, 12)), counted=rows(*range(6, 12)), feeder=T2, cap_w=9600.0)
    bed.set(parts=(law, cap)).run(200)
    assert bed.world.asleep[:6].all()
    assert int(bed.world.asleep[6:].sum()) == 4
    bed.set(parts=(cap,)).run(200)
    assert not bed.world.asleep[:6].any()
    assert counted(bed, cap) <= 9600.0


masks = st.lists(st.booleans(), min_size=N, max_size=N).map(lambda told: np.array(told, bool))


@st.composite
def limits(draw):
    """Return some limits: by rows, at a feeder, at the site with some left out; stops and caps."""
    found = []
    for key in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["rows", "feeder", "site"]))
        chosen = draw(masks)
        if kind == "feeder":
            feeder = draw(st.sampled_from([T1, T2]))
            chosen = np.array([name == ("T1", "T2")[feeder - 1] for name in NAMES])
        told = {"commanded": chosen & draw(masks) if draw(st.booleans()) else chosen}
        told |= {} if kind == "site" else {"counted": chosen, "feeder": feeder if kind == "feeder" else None}
        cap_w = draw(st.sampled_from([0.0, 4_000.0, 15_000.0, 25_000.0, 60_000.0]))
        stop = draw(st.booleans())
        found.append(Part(key=str(key), cap_w=float("inf") if stop else cap_w, stop=stop, may_step=True, **told))
    return tuple(found)


@settings(max_examples=6, deadline=None)
@given(limits(), st.lists(st.integers(0, N - 1), max_size=4, unique=True))
def test_every_limit_holds_or_all_that_it_commands_is_asleep(parts, without_pool):
    bed = plant().set(parts=parts).run(60)
    bed.world.pool[without_pool] = False
    bed.run(40)
    bed.world.pool[:] = True
    bed.run(100)
    for part in parts:
        asleep = bool(bed.world.asleep[part.commanded].all())
        assert asleep or (not part.stop and counted(bed, part) <= part.cap_w)
    untouched = ~np.logical_or.reduce([part.commanded for part in parts])
    assert not bed.world.asleep[untouched].any()


@settings(max_examples=6, deadline=None)
@given(limits(), limits())
def test_nobody_is_raised_into_a_limit(parts, then):
    bed = plant(asleep=True).set(parts=parts).run(100)
    bed.set(parts=then).run(60)
    for _ in range(60):
        bed.run(1)
        for part in then:
            if part.stop:
                assert not [sent for sent in bed.sent if sent.up and part.commanded[sent.row] and sent.at > 186]
    for part in then:
        all_down = bool(bed.world.asleep[part.commanded].all())
        assert all_down or (part.stop is False and counted(bed, part) <= part.cap_w + N * STANDBY_W)
