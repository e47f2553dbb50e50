"""A disk that takes nothing more while an order is in force: shedding goes on, raising stops, and nothing is lost.

The agent's files may not grow any further, by a limit of its own process: the machine's disk stays as it is.
"""

import resource

import pytest

from tests.scenarios.stage import stage

NO_LIMIT = resource.RLIM_INFINITY
NOTHING = 1
"""Bytes of a file that may be written."""


@pytest.mark.lasts(40)
async def test_on_a_full_disk_a_stop_is_shed_for_its_end_raises_nobody_and_all_is_told_when_there_is_room(tmp_path):
    async with stage(tmp_path, 12) as site:
        await site.until_known(12, 60)
        full_w = await site.true_draw_w()
        await site.order(limit={"max_import_kw": 0.6 * full_w / 1000})
        await site.dispatcher.ack("o1", "complied", 60)

        _let_write(site, NOTHING)
        await site.order(order_id="o2")
        await site.until(lambda: _all_sleep(site), 60)
        assert "the ledger cannot be written" in await site.not_ready()
        assert site.dispatcher.states("o2") == []
        await site.dispatcher.cancel("o2")
        sent = await site.writes()
        await site.most_true_draw_w(5)
        assert await site.writes() == sent

        _let_write(site, NO_LIMIT)
        await site.dispatcher.ack("o2", "closed", 60)
        await site.until(lambda: _draws(site, 0.3 * full_w), 60)
        assert await site.most_true_draw_w(3) <= 0.61 * full_w
        acks = [ack for ack in site.dispatcher.acks if ack["order_id"] == "o2"]
        assert [ack["seq"] for ack in acks] == list(range(1, len(acks) + 1))
        assert {"active", "cancelled"} <= set(site.dispatcher.states("o2"))
        assert "violated" not in site.dispatcher.states("o1")
        assert site.evidence("o2").count("OrderMoved") == len(acks)


def _let_write(site, most_bytes):
    resource.prlimit(site.agent.pid, resource.RLIMIT_FSIZE, (most_bytes, NO_LIMIT))


async def _all_sleep(site):
    return set(await site.states()) == {"sleeping"}


async def _draws(site, power_w):
    return await site.true_draw_w() > power_w
