"""A cap at 40 % while half of the farm loses its pools for a minute and gets them back."""

from tests.scenarios.stage import stage


async def test_a_cap_is_kept_while_half_the_pools_die_for_a_minute_and_return(tmp_path):
    async with stage(tmp_path, 80) as site:
        await site.until_known(80)
        cap_w = 0.4 * await site.true_draw_w()
        await site.order(limit={"max_import_kw": cap_w / 1000}, comply_by_s=30)
        await site.dispatcher.ack("o1", "complied", 60)
        await site.farm("/faults", {"select": "50%", "fault": "pool", "for_s": 60})
        most_w = await site.most_true_draw_w(75)
        assert most_w <= cap_w
        assert "idle" not in await site.states()
        assert "violated" not in site.dispatcher.states("o1")
        assert await site.true_draw_w() > 0.85 * cap_w
