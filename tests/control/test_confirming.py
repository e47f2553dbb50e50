"""A hand confirms the host's clock: written first, by name, and only for the step that the hand saw."""

import pytest

from agent.clock import TrustedClock
from agent.control.clockwork import Confirming
from agent.control.journal import Unwritten
from agent.facts.clock import ClockTrusted
from agent.ledger.store import CannotWrite
from agent.search import Search
from tests.control.site import Machines, Site

HOUR_S = 3600


@pytest.fixture
async def site(tmp_path):
    made = Site(Machines(1), tmp_path)
    made.trusted = TrustedClock(made.clock)
    made.trusted.now()
    made.confirming = Confirming(made.trusted, made.controller)
    yield made
    await made.close()


async def trusts(site):
    return [fact for _, fact in await site.ledger.find(Search(kinds=("ClockTrusted",)))]


async def test_a_confirmed_step_is_written_by_name_and_told_once(site):
    await site.order()
    site.clock.step_wall_clock(HOUR_S)
    assert site.confirming.standing().off_s == HOUR_S
    assert await site.confirming.trust(by="Aigul")
    assert site.trusted.now().is_trusted
    assert site.confirming.standing().doubted_since is None
    (fact,) = await trusts(site)
    assert (fact.by, fact.orders) == ("Aigul", ["o1"])
    assert [doubt.step_s for doubt in site.trusted.told()] == [HOUR_S]


async def test_a_clock_that_nobody_doubts_needs_no_hand(site):
    assert not await site.confirming.trust(by="Aigul")
    assert await trusts(site) == []


async def test_what_cannot_be_written_leaves_the_clock_in_doubt(site, monkeypatch):
    site.clock.step_wall_clock(HOUR_S)

    def full(_rows, _outbox):
        raise CannotWrite("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(site.store, "append", full)
        with pytest.raises(Unwritten):
            await site.confirming.trust(by="Aigul")
    await site.live(5)
    assert site.journal.writable
    assert await trusts(site) == []
    assert site.confirming.standing().doubted_since is not None


async def test_a_step_while_it_is_written_stays_doubted(site):
    site.clock.step_wall_clock(HOUR_S)
    site.trusted.now()

    def stepped(facts):
        if any(isinstance(fact, ClockTrusted) for fact in facts):
            site.clock._mono += 1.0
            site.clock.step_wall_clock(HOUR_S)
            site.trusted.now()

    site.journal.listeners.append(stepped)
    assert await site.confirming.trust(by="Aigul")
    assert not site.trusted.now().is_trusted
