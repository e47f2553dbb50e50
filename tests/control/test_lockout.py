"""Machines that permit nothing are left alone after some refusals, longer each time, over a restart; others go on."""

from datetime import UTC, datetime, timedelta

import pytest

from agent.control.lockout import FIRST_S, LAST_S, Lockout
from agent.facts import CommandRefused, LoginsRefused
from agent.values import Moment
from drivers.errors import NotPermitted, Refused
from drivers.interface import Abilities
from tests.control.site import Machines, Site

AT = datetime(2026, 1, 10, tzinfo=UTC)


def moment(seconds):
    return Moment.trusted(AT + timedelta(seconds=seconds), seconds)


@pytest.mark.pure
def test_the_wait_begins_at_so_many_refusals_and_doubles_up_to_a_day():
    lockout = Lockout([3])
    waits = [lockout.refused(0, moment(0)) for _ in range(9)]
    seconds = [None if until is None else (until - AT).total_seconds() for until in waits]
    assert seconds == [None, None, FIRST_S, 2 * FIRST_S, 4 * FIRST_S, 8 * FIRST_S, 16 * FIRST_S, LAST_S, LAST_S]
    assert lockout.leaves_alone(0, LAST_S - 1)
    assert not lockout.leaves_alone(0, LAST_S)


@pytest.mark.pure
def test_a_login_that_is_taken_ends_it():
    lockout = Lockout([1])
    lockout.refused(0, moment(0))
    lockout.taken(0)
    assert not lockout.leaves_alone(0, 1.0)
    assert lockout.refused(0, moment(0)) == AT + timedelta(seconds=FIRST_S)


@pytest.mark.pure
def test_a_restart_goes_on_with_the_wait_and_no_longer_than_a_day():
    lockout = Lockout([3, 3, 3])
    lockout.restore({0: AT + timedelta(seconds=100), 1: AT, 2: AT + timedelta(days=400)}, moment(0))
    assert [lockout.leaves_alone(row, 99.0) for row in range(3)] == [True, False, True]
    assert not lockout.leaves_alone(0, 100.0)
    assert not lockout.leaves_alone(2, LAST_S)
    assert lockout.refused(0, moment(200)) is not None


@pytest.fixture
async def site(tmp_path):
    machines = Machines(3)
    made = Site(machines, tmp_path)
    await made.live(30)
    yield made
    await made.close()


def told(site, host):
    return sum(1 for to, _ in site.machines.told if to == host)


async def facts(site, kind):
    return [fact for _, fact in await site.ledger.since(0, kinds=[kind.__name__]) if isinstance(fact, kind)]


async def test_who_takes_no_login_is_told_three_times_in_a_day_and_named_once_for_each_wait(site):
    host = site.machines.hosts[0]
    site.machines.refusal[host] = NotPermitted("no login is accepted, tried root")
    await site.order()
    await site.live(3 * 900 + 100, step_s=20.0)
    assert told(site, host) == 3
    await site.live(2400, step_s=20.0)
    assert told(site, host) == 3
    assert site.machines.asleep == set(site.machines.hosts[1:])
    [left] = await facts(site, LoginsRefused)
    assert left.miners == ["m0"]
    assert (left.until - left.at).total_seconds() == FIRST_S
    await site.live(3700, step_s=20.0)
    assert told(site, host) == 4


async def test_it_is_read_all_the_while_and_obeys_once_it_may(site):
    host = site.machines.hosts[0]
    site.machines.refusal[host] = NotPermitted("no write access")
    await site.order()
    await site.live(3000, step_s=20.0)
    polls = site.machines.polls[host]
    await site.live(100)
    assert site.machines.polls[host] > polls
    del site.machines.refusal[host]
    await site.live(4000, step_s=20.0)
    assert site.machines.asleep == set(site.machines.hosts)


async def test_who_cannot_be_read_without_a_login_is_asked_no_more_until_then(site):
    host = site.machines.hosts[0]
    site.machines.answer[host] = NotPermitted("no login is accepted")
    await site.live(200)
    polls = site.machines.polls[host]
    await site.live(3000, step_s=20.0)
    assert site.machines.polls[host] == polls
    assert site.fleet.reasons[0] == "unknown:denied"
    del site.machines.answer[host]
    await site.live(1000, step_s=20.0)
    assert site.fleet.reasons[0] is None


async def test_a_refusal_of_another_kind_leaves_nobody_alone(site):
    site.machines.refusal[site.machines.hosts[0]] = Refused("not now")
    await site.order()
    await site.live(3600, step_s=30.0)
    assert await facts(site, LoginsRefused) == []
    assert await facts(site, CommandRefused)


async def test_who_can_be_read_alone_for_want_of_a_login_is_named_once_and_told_when_it_takes_one(tmp_path):
    machines = Machines(2)
    machines.says[machines.hosts[0]] = {"abilities": Abilities(), "shut": "page: no login is accepted"}
    site = Site(machines, tmp_path)
    await site.live(1500, step_s=20.0)
    [named] = await facts(site, CommandRefused)
    assert (named.miner, named.command, named.error) == ("m0", "identify", "page: no login is accepted")
    [left] = await facts(site, LoginsRefused)
    assert (left.miners, (left.until - left.at).total_seconds()) == (["m0"], FIRST_S)
    polls = machines.polls[machines.hosts[0]]
    await site.live(100)
    assert machines.polls[machines.hosts[0]] > polls, "it is read all the while"
    del machines.says[machines.hosts[0]]
    await site.live(3700, step_s=20.0)
    await site.order()
    await site.live(60)
    assert machines.asleep == set(machines.hosts)
    await site.close()
