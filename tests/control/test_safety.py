"""Safety inputs: the feeder stops at once, whatever is wanted, and comes back by a hand alone, over a restart too."""

import pytest

from agent.control.journal import Unwritten
from agent.facts import SetpointsChanged
from agent.facts.safety import SafetyCleared, SafetyTripped
from agent.fleet.miner import Feeder
from agent.fleet.safety import SafetyPolicy
from agent.ledger.store import CannotWrite
from tests.control.site import Layout, Machines, Site

FEEDERS = (
    Feeder(id="site", parent=None),
    Feeder(id="T1", parent="site"),
    Feeder(id="T1.a", parent="T1"),
    Feeder(id="T2", parent="site"),
)
LAYOUT = Layout(feeders=FEEDERS, where={0: "T1", 1: "T1.a", 2: "T2", 3: "T2"})
SMOKE = SafetyPolicy(id="smoke", feeder="T1")
LEAK = SafetyPolicy(id="leak", feeder="T2", silence_s=60.0)


@pytest.fixture
async def farm(tmp_path):
    machines = Machines(4)
    made = [Site(machines, tmp_path, layout=LAYOUT, safety=(SMOKE, LEAK), restore_w_per_s=200.0)]

    async def again():
        await made[-1].close()
        made.append(Site(machines, tmp_path, layout=LAYOUT, safety=(SMOKE, LEAK), clock=made[-1].clock))
        return made[-1]

    hear(made[0], "leak", value=False)
    await made[0].live(30)
    hear(made[0], "leak", value=False)
    yield machines, made[0], again
    await made[-1].close()


def hear(site, name, *, value):
    site.controller.parts.safety.heard(name, value=value, mono=site.clock.now().mono)


def on(machines, *rows):
    return {machines.hosts[row] for row in rows}


def told(site, *kinds):
    return [fact for fact in site.ledger.replay() if isinstance(fact, kinds)]


async def test_a_feeder_is_stopped_within_the_tick_and_the_others_go_on(farm):
    machines, site, _ = farm
    hear(site, "smoke", value=True)
    await site.live(1)
    assert machines.asleep == on(machines, 0, 1)
    [fact] = told(site, SafetyTripped)
    assert (fact.input, fact.feeder, fact.why) == ("smoke", "T1", "true")
    [decided] = told(site, SetpointsChanged)
    assert (decided.cause, decided.levels) == ("stop", {"sleep": ["m0", "m1"]})


async def test_the_fact_is_in_the_evidence_of_the_orders_that_are_open(farm):
    _, site, _ = farm
    await site.order(limit={"max_import_kw": 100}, **{"class": "contract"})
    hear(site, "smoke", value=True)
    await site.live(1)
    assert told(site, SafetyTripped)[0].orders == ["o1"]


async def test_nothing_wakes_it_before_a_hand_clears_it(farm):
    machines, site, _ = farm
    hear(site, "smoke", value=True)
    await site.live(5)
    hear(site, "smoke", value=False)
    await site.desk.set_level(["m0"], "full", by="Bek")
    machines.asleep.discard(machines.hosts[1])  # a hand at the machine's own page
    await site.live(50)
    assert machines.asleep == on(machines, 0, 1)
    assert await site.desk.safety.clear("smoke", by="Aigul") is None
    hear(site, "leak", value=False)
    await site.live(50)
    assert not machines.asleep
    assert [(fact.input, fact.by) for fact in told(site, SafetyCleared)] == [("smoke", "Aigul")]


async def test_an_order_that_ends_meanwhile_waits_for_the_others_alone(farm):
    machines, site, _ = farm
    await site.order()
    hear(site, "smoke", value=True)
    await site.live(25)
    await site.order(revision=2, status="cancelled")
    for _ in range(4):
        hear(site, "leak", value=False)
        await site.live(30)
    assert machines.asleep == on(machines, 0, 1)
    assert site.states()[-3:] == ["cancelled", "restoring", "closed"]


async def test_what_still_says_true_is_not_cleared(farm):
    machines, site, _ = farm
    hear(site, "smoke", value=True)
    await site.live(5)
    objection = await site.desk.safety.clear("smoke", by="Aigul")
    assert objection.reason == "smoke still says true"
    await site.live(40)
    assert machines.asleep == on(machines, 0, 1)
    assert not told(site, SafetyCleared)


async def test_silence_stops_its_feeder_after_its_time(farm):
    machines, site, _ = farm
    await site.live(60)
    assert not machines.asleep
    await site.live(2)
    assert machines.asleep == on(machines, 2, 3)
    assert [(fact.input, fact.why) for fact in told(site, SafetyTripped)] == [("leak", "silence")]


async def test_it_outlasts_a_restart_and_the_end_of_an_order(farm):
    machines, site, again = farm
    await site.order()
    hear(site, "smoke", value=True)
    await site.live(30)
    assert machines.asleep == set(machines.hosts)
    site = await again()
    await site.order(revision=2, status="cancelled")
    await site.live(50)
    assert machines.asleep == on(machines, 0, 1)
    hear(site, "smoke", value=False)
    assert await site.desk.safety.clear("smoke", by="Aigul") is None
    hear(site, "leak", value=False)
    await site.live(50)
    assert not machines.asleep


async def test_it_stops_though_nothing_can_be_written_and_is_cleared_only_once_that_can(farm, monkeypatch):
    machines, site, _ = farm

    def refuse(*_of):
        raise CannotWrite("database or disk is full")

    with monkeypatch.context() as full:
        full.setattr(site.store, "append", refuse)
        hear(site, "smoke", value=True)
        await site.live(2)
        assert machines.asleep == on(machines, 0, 1)
        hear(site, "smoke", value=False)
        with pytest.raises(Unwritten):
            await site.desk.safety.clear("smoke", by="Aigul")
        assert "smoke" in site.controller.parts.safety.trips


async def test_where_only_is_observed_it_is_told_and_nothing_sent(tmp_path):
    machines = Machines(4)
    site = Site(machines, tmp_path, layout=LAYOUT, safety=(SMOKE,), enforce=False)
    await site.live(30)
    hear(site, "smoke", value=True)
    await site.live(5)
    assert (machines.told, len(told(site, SafetyTripped))) == ([], 1)
    await site.close()
