"""A thousand machines, a tenth of them broken: done as far as possible, the rest stated in W, nobody woken wrongly."""

from tests.scenarios.stage import stage


async def test_a_thousand_machines_with_faults_are_stopped_as_far_as_possible(tmp_path):
    async with stage(tmp_path, 1000, poll_s=5.0) as site:
        await site.until_known(950, 60)
        for fault, share in [("hang", "10%"), ("garbage", "7%"), ("lie", "4%"), ("dead", "2%")]:
            await site.farm("/faults", {"select": share, "fault": fault, "for_s": None})
        await site.order(comply_by_s=30)
        ack = await site.dispatcher.ack("o1", "violated", 90)

        async def settled():
            return (await site.states()).get("sleeping", 0) >= 900

        await site.until(settled, 60)
        told = await site.site()
        true_w = await site.true_draw_w()
        assert ack["shortfall_w"] > 0
        assert told["shortfall_w"] > 0
        assert abs(told["power_w"] - true_w) < 0.02 * true_w + 20_000
        assert not [write for write in await site.writes() if write["wakes"]]
        assert site.dispatcher.states("o1")[-1] == "violated"
