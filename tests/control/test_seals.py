"""Seals: what is behind one is off and stays so; what is seen to draw there counts, is told, and goes to sleep."""

import asyncio

import pytest

from agent.control.journal import Unwritten
from agent.control.seal_watch import SealWatch
from agent.facts import SealBroken, SealLifted, SealPlaced, SealQuiet, SetpointsChanged
from agent.fleet.fleet import Fleet, FleetPolicy
from agent.fleet.miner import Feeder, FeederTree, Miner
from agent.fleet.seals import Objection, Seal, Seals
from agent.fleet.selector import at_once
from agent.ledger.store import CannotWrite
from agent.values import Moment
from tests.control.site import FULL_W, HOUSE_W, STANDBY_W, START, Machines, Site


@pytest.fixture
async def site(tmp_path):
    made = Site(Machines(5), tmp_path)
    yield made
    await made.close()


async def seal(site, *miners, number="17", act="A-1"):
    return await site.desk.sealing.seal(miners, number=number, act=act, by="Aigul")


async def unseal(site, *miners):
    return await site.desk.sealing.unseal(miners, by="Aigul", second="Bek")


async def stopped(site):
    """Stop the site, and seal its first machine, whose power is cut."""
    await site.live(25)
    await site.order()
    await site.live(30)
    await seal(site, "m0")
    site.machines.off.add(site.machines.hosts[0])
    await site.live(30)


def told(site, *kinds):
    return [fact for fact in site.ledger.replay() if isinstance(fact, kinds)]


def believed_w(site, row=0):
    return site.fleet.believed_w[row]


async def test_a_silent_machine_behind_a_seal_is_proved_off_and_counts_nothing(site):
    await site.live(25)
    site.machines.off.add(site.machines.hosts[0])
    await site.live(30)
    assert believed_w(site) == FULL_W
    await seal(site, "m0")
    assert believed_w(site) == 0.0
    await site.order()
    await site.live(30)
    last = site.book.view("o1").last_ack
    assert (last.state, last.reason, last.shortfall_w) == ("complied", None, 0.0)
    assert site.controller.decision.power.forecast_w <= HOUSE_W + 4.2 * STANDBY_W + 100
    assert told(site, SealPlaced)[0].orders == []


async def test_what_is_behind_a_seal_is_told_nothing_when_the_others_come_back(site):
    await stopped(site)
    await site.order(revision=2, status="cancelled")
    await site.live(60)
    assert [host for host, what in site.machines.told if what == "Wake"] == site.machines.hosts[1:]
    assert site.states()[-1] == "closed"
    site.machines.off.clear()  # the breaker is closed, the seal still on: it may be reached, and is left asleep
    await site.live(60)
    assert site.machines.asleep == {site.machines.hosts[0]}
    assert not told(site, SealBroken)
    assert at_once(site.desk.errands.excusing(["m0"], "reboot")) != {}


async def test_a_machine_that_hashes_behind_a_seal_is_told_counted_and_put_to_sleep(site):
    await stopped(site)
    host = site.machines.hosts[0]
    site.machines.off.clear()
    site.machines.asleep.discard(host)
    site.machines.lying.add(host)
    await site.live(30)
    [broken] = told(site, SealBroken)
    assert (broken.powers_w, broken.numbers, broken.orders) == ({"m0": FULL_W}, ["17"], ["o1"])
    assert believed_w(site) == FULL_W
    assert site.controller.observed(site.clock.now()).hashing == 1
    assert site.states()[-1] == "violated"
    site.machines.lying.clear()
    await site.live(60)
    assert site.machines.asleep == set(site.machines.hosts)
    assert [fact.miners for fact in told(site, SealQuiet)] == [["m0"]]
    assert len(told(site, SealBroken)) == 1
    assert site.states()[-1] == "complied"
    assert {what for _, what in site.machines.told} == {"Sleep"}


async def test_once_it_is_silent_again_it_counts_nothing_again(site):
    await stopped(site)
    host = site.machines.hosts[0]
    site.machines.off.clear()
    site.machines.asleep.discard(host)
    site.machines.lying.add(host)
    await site.live(15)
    site.machines.off.add(host)
    await site.live(30)
    assert [fact.miners for fact in told(site, SealQuiet)] == [["m0"]]
    assert believed_w(site) == 0.0
    assert site.states()[-1] == "complied"


async def test_seals_and_what_draws_behind_them_outlive_a_restart(tmp_path):
    site = Site(Machines(5), tmp_path)
    await stopped(site)
    host = site.machines.hosts[0]
    site.machines.off.clear()
    site.machines.asleep.discard(host)
    site.machines.lying.add(host)
    await site.live(30)
    site.journal.note([site.controller.powers(site.clock.now())])
    await site.close()
    again = Site(site.machines, tmp_path, clock=site.clock)
    try:
        assert dict(again.seals.by_miner()) == dict(site.seals.by_miner())
        assert believed_w(again) == FULL_W
        await again.live(40)
        assert len(told(again, SealBroken)) == 1
        site.machines.off.add(host)
        await again.live(40)
        assert len(told(again, SealQuiet)) == 1
        sent = len(site.machines.told)
        await again.live(60)
        assert len(site.machines.told) == sent
    finally:
        await again.close()


async def test_two_persons_take_it_off_and_it_comes_back_only_when_nothing_binds(site):
    await stopped(site)
    assert await unseal(site, "m0") is None
    [lifted] = told(site, SealLifted)
    assert (lifted.miners, lifted.numbers, lifted.by, lifted.second, lifted.orders) == (
        ["m0"], ["17"], "Aigul", "Bek", ["o1"],
    )  # fmt: skip
    assert believed_w(site) == FULL_W  # nothing proves it off any more
    site.machines.off.clear()
    await site.live(60)
    assert site.machines.asleep == set(site.machines.hosts)
    assert site.fleet.intended_name(0) == "full"
    await site.order(revision=2, status="cancelled")
    await site.live(60)
    assert site.machines.asleep == set()


async def test_one_person_or_another_seal_changes_nothing(site):
    await site.live(25)
    await seal(site, "m0")
    written = len(told(site, SealPlaced, SealLifted))
    assert await seal(site, "m0", "m1", number="18") == Objection(
        field="number", reason="m0 is behind seal 17 (act A-1) already"
    )
    assert (await seal(site, "m1", act="A-2")).field == "act"
    assert (await site.desk.sealing.unseal(["m0"], by="Aigul", second=" AIGUL")).field == "and"
    assert (await unseal(site, "m0", "m1")).reason == "m1 is not sealed"
    assert await seal(site, "m0") is None  # the same again
    assert len(told(site, SealPlaced, SealLifted)) == written
    assert list(site.seals.by_miner()) == ["m0"]


async def test_on_a_full_disk_a_seal_holds_and_none_comes_off(site, monkeypatch):
    await site.live(25)
    await seal(site, "m1")

    def refuse(*_of):
        raise CannotWrite("database or disk is full")

    with monkeypatch.context() as full:
        full.setattr(site.store, "append", refuse)
        with pytest.raises(Unwritten):
            await seal(site, "m0")
        with pytest.raises(Unwritten):
            await unseal(site, "m1")
        assert list(site.seals.by_miner()) == ["m1", "m0"]
        assert site.fleet.sealed.tolist() == [True, True, False, False, False]
    await site.live(5)
    assert [fact.miners for fact in told(site, SealPlaced)] == [["m1"], ["m0"]]
    assert told(site, SealLifted) == []


async def test_two_seals_at_once_do_not_end_on_one_machine(site):
    await site.live(25)
    found = await asyncio.gather(seal(site, "m0"), seal(site, "m0", number="18"))
    assert [objection is None for objection in found].count(True) == 1
    assert len(told(site, SealPlaced)) == 1


async def test_a_sealed_machine_lowers_nobody_elses_share(site):
    await stopped(site)
    before = len(told(site, SetpointsChanged))
    await site.live(120)
    assert len(told(site, SetpointsChanged)) == before


def test_a_feeder_whose_machines_are_all_sealed_and_that_draws_is_told():
    tree = FeederTree.of((Feeder(id="T1"), Feeder(id="B", parent="T1")))
    miners = [Miner(id="a", host="h", feeder="T1"), Miner(id="b", host="h", feeder="B"), Miner(id="c", host="h")]
    fleet, seals, now = Fleet(miners, tree, FleetPolicy()), Seals(), Moment.trusted(START, 0.0)
    watch = SealWatch(fleet, seals)
    seals.place(["a"], Seal(number="17", act="A-1", by="x", since=START))
    fleet.seal(seals.by_miner(), seals.broken)
    draws = {tree.positions["T1"]: 7000.0, tree.positions["B"]: 7000.0}
    assert watch.look(draws, [], now) == []  # what is below is not all sealed
    seals.place(["b"], Seal(number="18", act="A-1", by="x", since=START))
    fleet.seal(seals.by_miner(), seals.broken)
    [broken] = watch.look(draws, ["o1"], now)
    assert (broken.feeders_w, broken.numbers, broken.orders) == ({"T1": 7000.0, "B": 7000.0}, ["17", "18"], ["o1"])
    assert watch.look(draws, [], now) == []
    [quiet] = watch.look({tree.positions["B"]: 7000.0, tree.positions["T1"]: 100.0}, [], now)
    assert (quiet.feeders, seals.broken_feeders) == (["T1"], {"B"})
    seals.lift(["b"])
    assert seals.broken_feeders == set()


async def test_a_revision_behind_seals_leaves_room_for_the_standby_of_those_that_come_out(tmp_path):
    site = Site(Machines(5), tmp_path)
    await stopped(site)
    cap_w = site.book.view("o1").last_ack.cap_w
    await seal(site, *(miner.id for miner in site.fleet.miners))
    site.machines.off.update(site.machines.hosts)
    await site.live(30)
    await site.order(revision=2)
    await site.live(5)
    assert site.book.view("o1").last_ack.cap_w == cap_w
    await site.close()
    again = Site(site.machines, tmp_path, clock=site.clock)  # it has never read those behind the seal
    try:
        await again.live(40)
        await again.order(revision=3)
        await again.live(30)
        last = again.book.view("o1").last_ack
        assert (last.revision, last.state, last.cap_w) == (3, "complied", cap_w)
    finally:
        await again.close()
