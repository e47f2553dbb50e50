"""A meter that falls silent under an order, for a moment and for long, with machines out of reach or not."""

import pytest

from tests.scenarios.stage import stage

BLIND_S = 3
TOLERATED = 1.01
"""Of the cap: machines' draw sways, and the meter says the mean of its window."""
ROOM = 1.02
"""Of the draw: too little to raise anybody, and so much that swaying alone lowers nobody."""


@pytest.mark.lasts(50)
async def test_a_short_silence_changes_nothing_and_a_long_one_with_machines_unread_sheds_for_them(tmp_path):
    async with stage(tmp_path, 24, start=False) as site:
        told = site.config.read_text()
        told = told.replace("[control]\n", f"[control]\nblind_s = {BLIND_S}\n")
        site.config.write_text(told.replace("stale_s = 8", "stale_s = 12"))
        await site.start()
        await site.until_known(24, 60)
        cap_w = 0.6 * await site.true_draw_w()
        await site.order(limit={"max_import_kw": cap_w / 1000})
        await site.dispatcher.ack("o1", "complied", 60)
        await site.order(revision=2, limit={"max_import_kw": ROOM * await site.true_draw_w() / 1000})
        cap_w = (await site.dispatcher.ack("o1", "complied", 60, revision=2))["cap_w"]
        sent = await site.quiet_writes(5)

        await site.farm("/meter", {"stale_s": 5})  # less than it may be silent for
        assert await site.most_true_draw_w(7) <= TOLERATED * cap_w
        assert (await site.site())["power_source"] == "meter"
        assert await site.writes() == sent

        complied_w = await site.true_draw_w()
        await site.farm("/faults", {"select": "30%", "fault": "hang", "for_s": None})
        await site.farm("/meter", {"stale_s": 3600})
        await site.until(lambda: _shed_in_doubt(site, cap_w), 12 + 5 * BLIND_S)
        assert await site.most_true_draw_w(5) <= TOLERATED * cap_w
        assert await site.true_draw_w() < complied_w
        assert not [write for write in (await site.writes())[len(sent) :] if write["wakes"]]

        await site.farm("/faults", {"select": "*", "fault": "hang", "for_s": 0})
        await site.farm("/meter", {"stale_s": 0})
        await site.until(lambda: _meter_speaks(site), 30)
        await site.until(lambda: _draws(site, 0.75 * cap_w), 90)
        assert await site.most_true_draw_w(3) <= TOLERATED * cap_w
        assert site.dispatcher.acks[-1]["state"] == "complied"
        assert (await site.evidence("o1")).count("OrderMoved") == len(site.dispatcher.acks)


async def _shed_in_doubt(site, cap_w):
    """Whether it was shed for whom nobody can see; the cap holds all the while."""
    assert await site.true_draw_w() <= TOLERATED * cap_w
    changes = (await site.api("/api/v1/events?kind=SetpointsChanged&limit=100"))["items"]
    return "doubt" in {change["cause"] for change in changes}


async def _meter_speaks(site):
    return (await site.site())["power_source"] == "meter"


async def _draws(site, power_w):
    return await site.true_draw_w() > power_w
