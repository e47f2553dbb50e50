"""A meter's past: what its figures say of any stretch, and what is taken for drawn since the last of them."""

import pytest

from agent.fleet.trail import Trail

pytestmark = pytest.mark.pure


def test_since_the_last_figure_no_more_is_taken_for_drawn_than_machines_and_house_draw():
    trail = Trail(kept_s=1000.0)
    trail.heard(40_000.0, 0.0)
    trail.heard(40_000.0, 100.0)
    assert trail.mean_w(0.0, 120.0) == 40_000.0
    assert trail.mean_w(0.0, 120.0, most_w=10_000.0) == pytest.approx(35_000.0)
    assert trail.means(120.0, most_w=10_000.0)(20.0, 0.0) == 10_000.0
    assert trail.means(120.0, most_w=50_000.0)(20.0, 0.0) == 40_000.0
    assert trail.means(120.0, most_w=10_000.0)(120.0, 20.0) == 40_000.0
