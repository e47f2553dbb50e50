"""From an order's document to commands, proofs and acknowledgements, and what is left of it after the end."""

from dataclasses import replace
from datetime import timedelta

import pytest

from agent.facts import Escalated, HoldLifted, LastPowers, MinerSeen, SetpointsChanged, UnauthorisedWake
from agent.ledger.store import CannotWrite
from drivers.errors import Garbled, NotPermitted, Refused, Unsupported
from drivers.interface import State
from tests.control.site import FULL_W, HOUSE_W, STANDBY_W, Machines, Site


@pytest.fixture
async def site(tmp_path):
    made = Site(Machines(5), tmp_path)
    yield made
    await made.close()


async def test_a_stop_is_met_acknowledged_and_undone(site):
    await site.live(25)
    await site.order()
    await site.live(30)
    assert len(site.machines.asleep) == 5
    assert site.states() == ["received", "accepted", "active", "complied"]
    await site.order(revision=2, status="cancelled")
    await site.live(60)
    assert site.machines.asleep == set()
    assert site.states()[4:] == ["cancelled", "restoring", "closed"]
    acks = [message.payload for message in site.link.posted]
    assert [message.payload for message in await site.ledger.outbox()] == acks
    assert len(acks) == 7


async def test_intent_is_on_disk_before_a_command_leaves(site, monkeypatch):
    await site.live(25)
    await site.order()
    written = []
    right = site.dispatcher.send

    async def send(rows, **still):
        if len(rows):
            written.append(sum(isinstance(fact, SetpointsChanged) for fact in site.ledger.replay()))
        return await right(rows, **still)

    monkeypatch.setattr(site.dispatcher, "send", send)
    await site.live(3)
    assert site.machines.told
    assert written[0] == 1


async def test_while_the_disk_refuses_shedding_goes_on_and_raising_stops(site, monkeypatch):
    await site.live(25)

    def refuse(*_of):
        raise CannotWrite("database or disk is full")

    with monkeypatch.context() as full:
        full.setattr(site.store, "append", refuse)
        await site.order()
        await site.live(30)
        assert len(site.machines.asleep) == 5
        await site.order(revision=2, status="cancelled")
        await site.live(30)
        assert len(site.machines.asleep) == 5
        await site.live(300)
        left = [type(fact).__name__ for fact in site.journal.unwritten]
        assert left.count("MinutesSoFar") == 1, "what is told anew is not piled up"
    await site.live(60)
    assert site.machines.asleep == set()
    assert site.states() == [
        "received", "accepted", "active", "complied", "cancelled", "restoring", "closed",
    ]  # fmt: skip


async def test_an_agent_that_starts_again_while_complied_sends_nothing_and_keeps_the_order(tmp_path):
    machines = Machines(5)
    first = Site(machines, tmp_path)
    await first.live(25)
    await first.order()
    await first.live(30)
    await first.close()
    machines.told.clear()
    second = Site(machines, tmp_path, clock=first.clock)
    await second.live(120)
    assert machines.told == []
    assert len(machines.asleep) == 5
    assert second.states()[-1] == "complied"
    await second.order(revision=2, status="cancelled")
    await second.live(60)
    assert machines.asleep == set()
    await second.close()


async def test_an_order_taken_back_as_soon_as_the_machines_are_known_again_restores_before_it_closes(tmp_path):
    machines = Machines(5)
    first = Site(machines, tmp_path)
    await first.live(25)
    await first.order()
    await first.live(30)
    await first.close()
    again = Site(machines, tmp_path, clock=first.clock)
    try:
        await again.controller.tick()  # knows nobody yet
        while not again.fleet.everyone_known():
            await again.clock.advance(1.0)
            again.poller.poll_due(again.clock.now().mono)
        await again.order(revision=2, status="cancelled")
        await again.live(60)
        assert again.states()[-3:] == ["cancelled", "restoring", "closed"]
        assert machines.asleep == set()
    finally:
        await again.close()


async def test_an_agent_that_died_while_shedding_goes_on_and_wakes_nobody(tmp_path):
    machines = Machines(5)
    first = Site(machines, tmp_path)
    await first.live(25)
    machines.lying = set(machines.hosts[2:])
    await first.order()
    await first.live(3)
    await first.close()
    machines.told.clear()
    machines.lying.clear()
    second = Site(machines, tmp_path, clock=first.clock)
    await second.live(60)
    assert len(machines.asleep) == 5
    assert {command for _, command in machines.told} == {"Sleep"}
    await second.close()


async def test_in_observe_mode_nothing_is_sent_and_acks_say_so(tmp_path):
    site = Site(Machines(3), tmp_path, enforce=False)
    await site.live(25)
    await site.order()
    await site.live(30)
    assert site.machines.told == []
    assert b"observe: nothing is sent" in site.link.posted[-1].payload
    assert site.fleet.setpoint.tolist() == [0, 0, 0]
    await site.close()


async def test_a_held_machine_is_shed_and_not_woken_until_the_hold_ends_by_itself(site):
    await site.live(25)
    until = site.clock.now().later(100).at
    await site.desk.hold(["m2"], kind="bench", by="Aida", until=until)
    await site.order()
    await site.live(20)
    await site.order(revision=2, status="cancelled")
    await site.live(40)
    assert site.machines.asleep == {site.machines.hosts[2]}
    await site.live(70)
    assert site.machines.asleep == set()
    assert [fact.by for fact in site.ledger.replay() if isinstance(fact, HoldLifted)] == ["time"]


async def test_who_acknowledges_and_does_nothing_is_told_again_and_named(site):
    await site.live(25)
    site.machines.lying = {site.machines.hosts[0]}
    await site.order()
    await site.live(400)
    told = [host for host, _ in site.machines.told]
    assert told.count(site.machines.hosts[0]) > 3
    assert told.count(site.machines.hosts[1]) == 1
    named = [fact for fact in site.ledger.replay() if isinstance(fact, Escalated)]
    assert [(fact.miners, fact.orders) for fact in named] == [(["m0"], ["o1"])]
    assert site.states()[-1] == "violated"


async def test_a_refusal_is_remembered_and_not_repeated_at_once(site):
    await site.live(25)
    site.machines.refusal[site.machines.hosts[0]] = NotPermitted("wrong password")
    await site.order()
    await site.live(60)
    assert [host for host, _ in site.machines.told].count(site.machines.hosts[0]) == 1


async def test_a_machine_that_says_no_for_once_is_told_again_soon(site):
    await site.live(25)
    host = site.machines.hosts[0]
    site.machines.refusal[host] = Refused("took mode 1 and is in mode 0 still")
    await site.order()
    await site.live(12)
    site.machines.refusal.clear()
    await site.live(10)
    assert len(site.machines.asleep) == 5
    assert [told for told, _ in site.machines.told].count(host) > 1


async def test_a_machine_that_wakes_by_itself_under_a_stop_is_named_and_put_back(site):
    await site.live(25)
    await site.order()
    await site.live(30)
    site.machines.asleep.discard(site.machines.hosts[3])
    await site.live(15)
    assert len(site.machines.asleep) == 5
    assert [fact.miners for fact in site.ledger.replay() if isinstance(fact, UnauthorisedWake)] == [["m3"]]


async def test_garbage_makes_one_machine_unknown_and_it_is_identified_anew(site):
    await site.live(25)
    host = site.machines.hosts[1]
    site.machines.answer[host] = Garbled("not JSON", b"<html>")
    await site.live(15)
    assert site.fleet.state_name(1) is State.UNKNOWN
    assert site.fleet.state_name(0) is State.HASHING
    await site.live(120)
    assert site.poller.drivers[1] is None or site.machines.polls[host] > 4
    site.machines.answer[host] = Unsupported("unknown firmware: nonsense")
    await site.live(30)
    assert site.fleet.reasons[1] == "unknown:garbled"
    del site.machines.answer[host]
    await site.live(120)
    assert site.fleet.state_name(1) is State.HASHING


async def test_a_firmware_that_nobody_can_read_is_unknown_and_counts_as_drawing(site):
    site.machines.answer[site.machines.hosts[1]] = Unsupported("no driver for this firmware")
    await site.live(30)
    assert (site.fleet.state_name(1), site.fleet.reasons[1]) == (State.UNKNOWN, "unknown:unsupported")
    assert site.fleet.believed_w[1] == FULL_W


async def test_a_dead_machine_is_asked_less_often_and_found_again(site):
    host = site.machines.hosts[4]
    await site.live(30)
    site.machines.dead.add(host)
    asked = site.machines.polls[host]
    await site.live(600)
    assert 10 <= site.machines.polls[host] - asked <= 25
    assert site.fleet.state_name(4) is State.UNREACHABLE
    site.machines.dead.clear()
    await site.live(70)
    assert site.fleet.state_name(4) is State.HASHING


async def test_polls_are_spread_over_the_interval(site):
    machines = site.machines
    await site.live(20)
    before, counts = dict(machines.polls), []
    for _ in range(10):
        await site.live(1)
        counts.append(sum(machines.polls.values()) - sum(before.values()))
        before = dict(machines.polls)
    assert sum(counts) == 5
    assert max(counts) < 5


async def test_the_house_load_is_learned_and_fixed_for_a_stop(site):
    await site.live(60)
    facts = await site.order()
    assert facts[0].house_w == pytest.approx(HOUSE_W, rel=0.05)
    assert facts[0].base_w == pytest.approx(5 * STANDBY_W)


async def test_a_plan_says_what_would_be_done_and_does_nothing(site):
    await site.live(30)
    planned = site.desk.plan(HOUSE_W + 3.1 * FULL_W)
    assert sorted(planned.levels.values()) == ["full", "full", "full", "sleep", "sleep"]
    assert planned.power_w <= HOUSE_W + 3.1 * FULL_W
    assert planned.hashrate_ths == pytest.approx(300.0)
    assert planned.shortfall_w == 0.0
    assert site.machines.told == []
    assert site.desk.plan(0.0).shortfall_w > HOUSE_W


async def test_a_wish_for_sleep_is_obeyed_and_outlives_the_agent(tmp_path):
    machines = Machines(3)
    first = Site(machines, tmp_path)
    await first.live(25)
    await first.desk.set_level(["m1"], "sleep", by="Aida")
    await first.live(20)
    assert machines.asleep == {machines.hosts[1]}
    await first.close()
    second = Site(machines, tmp_path, clock=first.clock)
    await second.live(60)
    assert machines.asleep == {machines.hosts[1]}
    await second.desk.set_level(["m1"], "full", by="Aida")
    await second.live(40)
    assert machines.asleep == set()
    await second.close()


async def test_a_release_is_refused_to_a_hand_where_the_issuer_must_release(site):
    await site.live(25)
    await site.order()
    found = await site.desk.release("o1", by="Aida", second="Bek")
    assert found.code == "not_allowed"
    assert (await site.desk.release("gone", by="Aida")).code == "unknown_target"


async def test_a_cleared_retained_order_changes_nothing(site):
    await site.live(25)
    await site.order()
    await site.live(20)
    await site.desk.vanish("o1")
    await site.live(20)
    assert len(site.machines.asleep) == 5
    assert site.states()[-1] == "complied"


async def test_who_a_machine_is_is_written_once_though_it_is_asked_again(tmp_path):
    machines = Machines(2)
    first = Site(machines, tmp_path)
    await first.live(30)
    await first.close()
    second = Site(machines, tmp_path, clock=first.clock)
    await second.live(30)
    assert [fact.miner for fact in second.ledger.replay() if isinstance(fact, MinerSeen)] == ["m0", "m1"]
    await second.close()


async def test_the_last_powers_and_the_house_outlive_the_agent_and_take_each_others_place(tmp_path):
    first = Site(Machines(2), tmp_path)
    await first.live(2000, step_s=5.0)
    await first.close()
    second = Site(Machines(2), tmp_path, clock=first.clock)
    assert sum(isinstance(fact, LastPowers) for fact in second.ledger.replay()) == 1
    assert second.fleet.believed_w.tolist() == [FULL_W, FULL_W]
    assert second.metering.house.in_force_w(second.clock.now().mono) >= 0.95 * HOUSE_W
    await second.close()


async def test_a_tick_tells_no_more_than_the_loop_can_take_and_the_next_goes_on(site, monkeypatch):
    monkeypatch.setattr("agent.control.dispatcher.SLICE", 2)
    monkeypatch.setattr("agent.control.dispatcher.TELLING_S", 0.0)
    await site.live(25)
    await site.order()
    polled = site.machines.polls.total()
    await site.live(1)
    assert len(site.machines.told) == 2
    assert site.dispatcher.is_behind
    assert site.machines.polls.total() == polled
    await site.live(2)
    assert sorted(host for host, _ in site.machines.told) == site.machines.hosts


async def test_polls_that_piled_up_are_begun_a_few_at_a_time_and_no_faster_than_thrice_as_usual(tmp_path):
    site = Site(Machines(300), tmp_path, poll_s=10.0)
    await site.live(20)
    await site.clock.advance(5.0)
    now, polled = site.clock.now().mono, site.machines.polls.total()
    assert site.poller.poll_due(now, 32)
    assert site.machines.polls.total() - polled == 32
    while site.poller.poll_due(now, 32):
        pass
    assert 120 <= site.machines.polls.total() - polled <= 180  # of half the farm, about
    for _ in range(4):
        site.poller.poll_due(site.clock.now().mono)
    polled = site.machines.polls.total()
    for row in range(300):
        site.poller.soon(row)
    await site.clock.advance(0.1)
    while site.poller.poll_due(site.clock.now().mono, 32):
        pass
    assert site.machines.polls.total() - polled < 300
    await site.close()


async def test_a_lock_that_outlasts_another_is_kept_after_a_restart_though_two_clocks_disagreed(tmp_path):
    machines = Machines(1)
    site = Site(machines, tmp_path)
    now = site.clock.now()
    await site.desk.hold(["m0"], kind="maintenance", by="ann", until=now.at + timedelta(minutes=5))
    await site.desk.hold(["m0"], kind="lockout", by="bob", until=now.at + timedelta(hours=1))
    doubted = replace(now, at=now.at + timedelta(hours=2), earliest=now.at + timedelta(minutes=6))
    lifted = site.controller._lift_holds(replace(doubted, latest=doubted.at))
    await site.journal.record(lifted)
    assert site.holds.by_miner()["m0"].by == "bob"
    await site.close()
    again = Site(machines, tmp_path, clock=site.clock)
    assert again.holds.by_miner()["m0"].by == "bob"
    await again.close()
