"""Machines are kept ready for commands, at no poll's cost."""

import pytest

from drivers.errors import NotPermitted, Refused, Unreachable
from tests.control import site as room
from tests.control.site import Machines, PlantDriver, Site


class ReadyingDriver(PlantDriver):
    """A machine's driver that keeps when it was made ready, and may be told what goes wrong then."""

    def prepare(self):
        self.machines.readied.append(self.host)
        yield from ()
        if (error := self.machines.unready.get(self.host)) is not None:
            raise error


@pytest.fixture
def machines(monkeypatch):
    monkeypatch.setattr(room, "PlantDriver", ReadyingDriver)
    machines = Machines(5)
    machines.readied, machines.unready = [], {}
    return machines


@pytest.fixture
async def site(machines, tmp_path):
    made = Site(machines, tmp_path)
    yield made
    await made.close()


async def test_each_is_kept_ready_at_no_polls_cost(site):
    await site.live(30)
    assert sorted(site.machines.readied) == site.machines.hosts
    polled = dict(site.machines.polls)
    await site.live(120)
    assert all(site.machines.polls[host] - polled[host] >= 11 for host in site.machines.hosts)
    await site.live(17 * 60, step_s=5.0)
    assert sorted(site.machines.readied) == site.machines.hosts
    await site.live(2 * 60, step_s=5.0)
    assert sorted(site.machines.readied) == sorted(2 * site.machines.hosts)


async def test_who_sleeps_is_not_made_ready(site):
    await site.live(30)
    await site.order()
    site.machines.readied.clear()
    await site.live(25 * 60, step_s=5.0)
    assert site.machines.readied == []
    assert len(site.machines.asleep) == 5


async def test_telling_goes_before_making_ready(site):
    await site.order()
    while not site.machines.told:
        await site.live(1)
        assert site.machines.readied == [] or site.machines.told


@pytest.mark.parametrize(
    ("error", "times"), [(NotPermitted("no login"), 1), (Refused("too many tokens"), 3), (Unreachable("silent"), 3)]
)
async def test_who_cannot_be_made_ready_is_tried_again_unless_it_takes_none_of_our_words(site, error, times):
    site.machines.unready["127.0.0.2"] = error
    await site.live(5 * 60, step_s=5.0)
    assert site.machines.readied.count("127.0.0.2") == times
    await site.ledger.append([])  # after what was noted before
    named = [fact for fact in site.ledger.replay() if type(fact).__name__ == "CommandRefused"]
    assert {fact.miner for fact in named} == (set() if isinstance(error, Unreachable) else {"m1"})


async def test_who_permits_nothing_is_named_once_tried_seldom_and_told_all_the_same(site):
    site.machines.unready["127.0.0.2"] = NotPermitted("no login")
    await site.live(3 * 3600, step_s=20.0)
    assert site.machines.readied.count("127.0.0.2") == 4
    await site.ledger.append([])  # after what was noted before
    named = [fact for fact in site.ledger.replay() if type(fact).__name__ == "CommandRefused"]
    assert [fact.miner for fact in named] == ["m1"]
    await site.order()
    await site.live(20)
    assert len(site.machines.asleep) == 5


async def test_where_nothing_is_sent_nobody_is_made_ready(machines, tmp_path):
    watching = Site(machines, tmp_path, enforce=False)
    await watching.live(90)
    assert machines.readied == []
    await watching.close()
