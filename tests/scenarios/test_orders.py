"""Orders that change or begin later, and a meter that falls silent under one."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from tests.scenarios.stage import stage

DOWN = ("ascdisable", "power_off", "conf sleep", "set_low_power", "conf low")  # the further to the left, the lower


async def test_an_order_that_begins_later_is_scheduled_and_nothing_is_sent_before(tmp_path):
    async with stage(tmp_path, 12) as site:
        await site.until_known(12)
        starts_at = datetime.now(UTC) + timedelta(seconds=4)
        await site.order(starts_at=starts_at.isoformat())
        await site.dispatcher.ack("o1", "scheduled", 3)
        assert await site.writes() == []
        ack = await site.dispatcher.ack("o1", "active", 10)
        assert starts_at <= datetime.fromisoformat(ack["at"]) < starts_at + timedelta(seconds=2)
        await site.dispatcher.ack("o1", "complied", 40)
        assert site.dispatcher.states("o1") == ["received", "accepted", "scheduled", "active", "complied"]
        assert await site.states() == {"sleeping": 12}


@pytest.mark.lasts(25)
async def test_a_cap_that_is_revised_downwards_takes_the_farm_down_and_never_up_between(tmp_path):
    async with stage(tmp_path, 24) as site:
        await site.until_known(24)
        full_w = await site.true_draw_w()
        await site.order(limit={"max_import_kw": 0.7 * full_w / 1000})
        await site.dispatcher.ack("o1", "complied", 40)
        before_w = await site.true_draw_w()
        watch = asyncio.create_task(site.most_true_draw_w(15))
        await site.order(revision=2, limit={"max_import_kw": 0.3 * full_w / 1000})
        await site.dispatcher.ack("o1", "complied", 40, revision=2)
        assert await watch <= 1.02 * before_w
        assert 0.15 * full_w < await site.true_draw_w() <= 0.3 * full_w
        assert _only_lowered(await site.writes())
        assert [(ack["state"], ack["revision"]) for ack in site.dispatcher.acks] == [
            ("received", 1), ("accepted", 1), ("active", 1), ("complied", 1),
            ("superseded", 1), ("received", 2), ("accepted", 2), ("active", 2), ("complied", 2),
        ]  # fmt: skip


@pytest.mark.lasts(35)
@pytest.mark.parametrize("meter", ["mqtt", "modbus"])
async def test_a_silent_meter_makes_it_unready_and_beliefs_hold_the_order_until_it_speaks_again(tmp_path, meter):
    async with stage(tmp_path, 12, meter=meter) as site:
        await site.until_known(12)
        full_w = await site.true_draw_w()
        await site.order(limit={"max_import_kw": 0.5 * full_w / 1000})
        await site.dispatcher.ack("o1", "complied", 40)
        await site.until(lambda: _is_ready(site), 10)
        await site.farm("/meter", {"stale_s": 20})
        assert "the billing meter is silent" in await site.until(site.not_ready, 15)
        told = await site.site()
        assert told["power_source"] != "meter"
        assert abs(told["power_w"] - await site.true_draw_w()) < 0.1 * full_w
        assert await site.most_true_draw_w(3) <= 0.5 * full_w
        await site.until(lambda: _is_ready(site), 25)
        assert (await site.site())["power_source"] == "meter"
        assert await site.true_draw_w() <= 0.5 * full_w


def _only_lowered(writes):
    """Whether no machine was ever told to draw more than it was told before."""
    told = {}
    for write in writes:
        place, height = (write["host"], write["port"]), _height(write["command"])
        if height > told.get(place, DOWN.index("conf low")):
            return False
        told[place] = height
    return True


def _height(command):
    return next((at for at, words in enumerate(DOWN) if command.startswith(words)), len(DOWN))


async def _is_ready(site):
    return not await site.not_ready()
