"""kill -9 of a real agent: the order goes on, nobody is woken, and where all is done nothing is sent."""

import json

import pytest

from agent.outputs.minutes import facts_of, rebuild
from tests.scenarios.stage import ran, stage


@pytest.mark.lasts(30)
async def test_killed_in_the_middle_of_shedding_the_order_goes_on_and_nobody_is_woken(tmp_path):
    async with stage(tmp_path, 60) as site:
        await site.until_known(60)
        await site.order()
        await site.until(lambda: _some(site), 20, each_s=0.05)
        await site.kill()
        assert len(await site.writes()) > 0
        assert "SetpointsChanged" in await site.evidence("o1")  # of the dead agent's store
        await site.start()
        await site.dispatcher.ack("o1", "complied", 60)
        assert (await site.states()) == {"sleeping": 60}
        await site.until(lambda: _absence(site), 30)
        assert "Absence" in await site.evidence("o1")
        assert not [write for write in await site.writes() if write["wakes"]]
        assert site.dispatcher.states("o1")[:3] == ["received", "accepted", "active"]
        assert _in_order(site.dispatcher.acks)


@pytest.mark.lasts(40)
async def test_killed_while_complied_it_sends_nothing_and_restores_when_released(tmp_path):
    async with stage(tmp_path, 30) as site:
        await site.until_known(30)
        most_w = await site.true_draw_w()
        await site.order()
        await site.dispatcher.ack("o1", "complied", 60)
        sent = len(await site.writes())
        await site.kill()
        await site.start()

        async def read_again():
            return (await site.site())["miners"].get("sleeping") == 30

        await site.until(read_again, 30)
        assert len(await site.writes()) == sent
        absence = await site.until(lambda: _absence(site), 30)
        assert absence["orders"] == ["o1"]
        drawn_wh = absence["after_wh"] - absence["before_wh"]
        assert 0 <= absence["over_least_wh"] <= absence["over_most_wh"] <= drawn_wh + 0.1  # told to a tenth
        await site.dispatcher.cancel("o1")
        await site.dispatcher.ack("o1", "closed", 120)
        assert site.dispatcher.states("o1") == [
            "received", "accepted", "active", "complied", "cancelled", "restoring", "closed",
        ]  # fmt: skip
        assert _in_order(site.dispatcher.acks)
        await site.until(lambda: _all_back(site, 30), 60)
        minutes = rebuild(facts_of(await site.record("o1")))
        kept = json.loads(await site.retained("evidence/head"))["hash"]
        code, _, said = await ran("evidence", "verify", tmp_path / "o1.jsonl", "--head", kept)
        assert code == 0, said
        assert all(minute.seen or minute.away for minute in minutes)
        assert sum(minute.away is not None for minute in minutes) in {1, 2}
        seen = [minute.seen for minute in minutes if minute.seen]
        assert max(one.peak_w for one in seen) == pytest.approx(most_w, rel=0.1)
        assert min(one.mean_w for one in seen) < most_w
        assert 0 < sum(one.over_s for one in seen) < sum(one.metered_s for one in seen)


@pytest.mark.lasts(50)
async def test_killed_before_an_order_before_its_revision_and_while_restoring_each_life_goes_on(tmp_path):
    async with stage(tmp_path, 24, start=False) as site:
        told = site.config.read_text()
        site.config.write_text(told.replace("restore_kw_per_min = 100000", "restore_kw_per_min = 300"))
        await site.start()
        await site.until_known(24)
        full_w = await site.true_draw_w()

        await site.kill()
        await site.order()
        await site.start()
        await site.dispatcher.ack("o1", "complied", 60)
        assert await site.states() == {"sleeping": 24}

        await site.kill()
        await site.order(revision=2, limit={"max_import_kw": 0.5 * full_w / 1000})
        assert not [write for write in await site.writes() if write["wakes"]]
        await site.start()
        await site.dispatcher.ack("o1", "complied", 60, revision=2)
        await site.until(lambda: _draws(site, 0.3 * full_w), 60)
        assert await site.most_true_draw_w(2) <= 0.51 * full_w

        await site.dispatcher.cancel("o1")
        await site.dispatcher.ack("o1", "restoring", 30)
        await site.kill()
        assert (await site.states()).get("sleeping", 0) > 0
        await site.start()
        await site.dispatcher.ack("o1", "closed", 150)
        await site.until(lambda: _all_back(site, 24), 60)
        assert site.dispatcher.states("o1") == [
            "received", "accepted", "active", "complied", "superseded",
            "received", "accepted", "active", "complied", "cancelled", "restoring", "closed",
        ]  # fmt: skip
        assert _in_order(site.dispatcher.acks)
        assert (await site.evidence("o1")).count("Absence") >= 2


async def _draws(site, power_w):
    return await site.true_draw_w() > power_w


async def _some(site):
    return len(await site.writes()) > 2


async def _all_back(site, count):
    return (await site.states()).get("hashing") == count


async def _absence(site):
    """Return the last absence that was told."""
    told = (await site.api("/api/v1/events?kind=Absence&limit=100"))["items"]
    return told[-1] if told else None


def _in_order(acks):
    """Whether each sequence number came exactly once, in order."""
    return [ack["seq"] for ack in acks] == list(range(1, len(acks) + 1))
