"""A receipt is told once and is no proof; what was told again is counted, for the orders that were open."""

import pytest

from agent.facts import CommandsResent, CommandsTaken, LevelsSeen
from agent.fleet.miner import unknown_ladder
from drivers.interface import Identity
from tests.control.site import Machines, Site


@pytest.fixture
async def site(tmp_path):
    made = Site(Machines(3), tmp_path)
    yield made
    await made.close()


def told(site, kind):
    return [fact for fact in site.ledger.replay() if isinstance(fact, kind)]


async def test_each_machine_is_told_of_at_its_first_receipt_and_again_at_its_first_proof(site):
    await site.live(30)
    await site.order()
    await site.live(60)
    assert [(fact.levels, fact.orders) for fact in told(site, CommandsTaken)] == [
        ({"sleep": ["m0", "m1", "m2"]}, ["o1"])
    ]
    proved = [miner for fact in told(site, LevelsSeen) for miner in fact.levels.get("sleep", [])]
    assert sorted(proved) == ["m0", "m1", "m2"]
    await site.order(revision=2, status="cancelled")
    await site.live(90)
    assert [*told(site, CommandsTaken)[-1].levels] == ["full"]
    assert told(site, CommandsResent) == []


async def test_a_receipt_is_told_of_by_the_level_as_it_was_told_whatever_the_machine_turns_out_to_be(site):
    await site.live(30)
    receipts, now = site.dispatcher.receipts, site.clock.now()
    receipts.facts([], now)
    site.fleet.setpoint[0] = 1
    receipts.sent(0, again=False)
    receipts.received(0)
    site.fleet.identified(0, Identity(driver="other"), unknown_ladder())
    assert [fact.levels for fact in receipts.facts([], now)] == [{"sleep": ["m0"]}]


async def test_who_lies_is_told_again_which_is_counted_when_the_order_goes(site):
    await site.live(30)
    site.machines.lying = {"127.0.0.1"}
    await site.order()
    await site.live(300)
    sent = [host for host, _ in site.machines.told].count("127.0.0.1")
    await site.order(revision=2, status="cancelled")
    await site.live(60)
    assert [fact.levels for fact in told(site, CommandsTaken) if "m0" in fact.levels.get("sleep", [])] == [
        {"sleep": ["m0", "m1", "m2"]}
    ]
    (again,) = told(site, CommandsResent)
    assert (again.count, again.orders) == (sent - 1, ["o1"])


async def test_they_are_counted_by_the_hour(site):
    await site.live(30)
    site.machines.lying = {"127.0.0.1"}
    await site.order()
    await site.live(2 * 3600, step_s=20.0)
    assert len(told(site, CommandsResent)) == 1
    assert sum(b'"fact":"CommandsResent"' in line for line in site.store.links("o1")) == 1
