"""Machines are made ready for commands in the ten minutes before a scheduled order, at no poll's cost."""

from datetime import timedelta

import pytest

from drivers.errors import NotPermitted, Refused, Unreachable
from tests.control import site as room
from tests.control.site import START, Machines, PlantDriver, Site


class ReadyingDriver(PlantDriver):
    """A machine's driver that keeps when it was made ready, and may be told what goes wrong then."""

    def prepare(self):
        self.machines.readied.append(self.host)
        yield from ()
        if (error := self.machines.unready.get(self.host)) is not None:
            raise error


@pytest.fixture
async def site(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "PlantDriver", ReadyingDriver)
    machines = Machines(5)
    machines.readied, machines.unready = [], {}
    made = Site(machines, tmp_path)
    await made.live(30)
    yield made
    await made.close()


async def scheduled(site, minutes):
    at = START + timedelta(minutes=minutes)
    return await site.order(starts_at=at.isoformat())


async def test_each_is_made_ready_once_and_not_before_ten_minutes(site):
    await scheduled(site, 20)
    await site.live(9 * 60)
    assert site.machines.readied == []
    polled = dict(site.machines.polls)
    await site.live(120)
    assert sorted(site.machines.readied) == site.machines.hosts
    assert all(site.machines.polls[host] - polled[host] >= 11 for host in site.machines.hosts)
    await site.live(9 * 60)
    assert sorted(site.machines.readied) == site.machines.hosts
    assert len(site.machines.asleep) == 5


async def test_an_order_for_now_is_not_waited_with(site):
    await site.order()
    await site.live(20)
    assert site.machines.readied == []
    assert len(site.machines.asleep) == 5


@pytest.mark.parametrize(
    ("error", "times"), [(NotPermitted("no login"), 1), (Refused("too many tokens"), 3), (Unreachable("silent"), 3)]
)
async def test_who_cannot_be_made_ready_is_tried_again_unless_it_takes_none_of_our_words(site, error, times):
    site.machines.unready["127.0.0.2"] = error
    await scheduled(site, 10)
    await site.live(5 * 60)
    assert site.machines.readied.count("127.0.0.2") == times
    named = [fact for fact in site.ledger.replay() if type(fact).__name__ == "CommandRefused"]
    assert {fact.miner for fact in named} == (set() if isinstance(error, Unreachable) else {"m1"})


async def test_where_nothing_is_sent_nobody_is_made_ready(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "PlantDriver", ReadyingDriver)
    machines = Machines(2)
    machines.readied, machines.unready = [], {}
    watching = Site(machines, tmp_path, enforce=False)
    await watching.live(30)
    await scheduled(watching, 5)
    await watching.live(60)
    assert machines.readied == []
    await watching.close()
