"""A cap at 40 % while half of the farm loses its pools for half a minute and gets them back."""

import pytest

from tests.scenarios.stage import stage

WINDOW_S = 4.0
"""The meter's: what lasts less is no breach."""
TOLERANCE = 1.01


@pytest.mark.lasts(60)
async def test_a_cap_is_kept_while_half_the_pools_die_for_a_while_and_return(tmp_path):
    async with stage(tmp_path, 40) as site:
        await site.until_known(40)
        cap_w = 0.4 * await site.true_draw_w()
        await site.order(limit={"max_import_kw": cap_w / 1000}, comply_by_s=60)
        await site.dispatcher.ack("o1", "complied", 60)
        await site.farm("/faults", {"select": "50%", "fault": "pool", "for_s": 30})
        draws = await site.true_draws(45)
        assert _longest_over(cap_w, draws) < WINDOW_S
        assert max(draw_w for _, draw_w in draws) <= TOLERANCE * cap_w
        assert min(draw_w for _, draw_w in draws) < 0.8 * cap_w  # the pools did die
        assert "idle" not in await site.states()
        assert "violated" not in site.dispatcher.states("o1")
        await site.until(lambda: _uses(site, 0.85 * cap_w), 20)


async def _uses(site, power_w):
    return await site.true_draw_w() > power_w


def _longest_over(cap_w, draws):
    """Return for how many seconds on end the draw was above the cap, at the most."""
    longest_s, since_s = 0.0, None
    for at_s, draw_w in draws:
        since_s = None if draw_w <= cap_w else at_s if since_s is None else since_s
        longest_s = max(longest_s, 0.0 if since_s is None else at_s - since_s)
    return longest_s
