"""Long work within a turn: the loop turns in between, and what comes of it keeps its order and is not lost."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest

from agent.app import _say_goodbye
from agent.clock import ManualClock
from agent.control import turning
from agent.control.turning import HELD_S, gathered
from agent.facts import OrderMoved, SetpointsChanged
from agent.facts.energy import MeterInterval
from tests.control.site import START, Machines, Site


async def test_the_loop_turns_while_hundreds_of_orders_are_gone_through():
    clock, between = ManualClock(START), []

    def pieces():
        for number in range(20):
            clock._move(HELD_S / 2)
            yield [number, -number]

    async def beside():
        while True:
            between.append(clock.now())
            await asyncio.sleep(0)

    other = asyncio.create_task(beside())
    found: list[int] = []
    assert await gathered(pieces(), found, clock)
    other.cancel()
    assert found == [told for number in range(20) for told in (number, -number)]
    assert len(between) == 10


async def test_what_is_short_is_not_broken_off():
    other = asyncio.create_task(asyncio.sleep(0))
    found: list[int] = []
    assert not await gathered([[1], [], [2]], found, ManualClock(START))
    assert found == [1, 2]
    assert not other.done()
    await other


@pytest.fixture
async def site(tmp_path):
    found = Site(Machines(3), tmp_path, clock=ManualClock(START + timedelta(minutes=13)))
    await found.live(60)
    yield found
    await found.close()


async def due(site, monkeypatch, seconds=1.0):
    """Let time pass without a tick; in the next one the loop turns between any two orders."""
    await site.clock.advance(seconds)
    site.metering.heard(site.machines.draw_w(), None, site.clock.now())
    monkeypatch.setattr(turning, "HELD_S", 0.0)


async def goodbye(site):
    others = SimpleNamespace(close=lambda _: [], last_words=lambda _: [])
    signing = SimpleNamespace(sign=lambda: asyncio.sleep(0))
    told = {"clock": site.clock, "controller": site.controller, "journal": site.journal}
    await _say_goodbye(SimpleNamespace(**told, books=others, away=others, attesting=signing, link=None))


async def test_who_is_identified_while_orders_are_gone_through_is_told_a_level_of_his_new_ladder(site, monkeypatch):
    full, sleep = site.fleet.ladders[0].steps
    longer = replace(site.fleet.ladders[0], steps=(full, replace(full, level="limit:2900", power_w=2900.0), sleep))
    await site.order()
    await due(site, monkeypatch)
    asyncio.get_running_loop().call_soon(site.fleet.identified, 0, site.fleet.identities[0], longer)
    await site.controller.tick()
    assert site.fleet.ladders[0].steps == longer.steps
    assert [fact.levels for fact in site.ledger.replay(SetpointsChanged)] == [{"sleep": ["m0", "m1", "m2"]}]
    assert site.fleet.level_of(0, int(site.fleet.setpoint[0])) == "sleep"


async def test_what_was_gathered_is_written_though_the_tick_fails_afterwards(site, monkeypatch):
    await site.order(starts_at="2026-01-10T12:14:01Z")
    await site.clock.advance(2.0)
    monkeypatch.setattr(site.controller, "_decide", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        await site.controller.tick()
    assert site.states() == ["received", "accepted", "scheduled", "active"]


async def test_a_stop_amid_a_tick_loses_neither_a_metering_interval_nor_a_step(site, monkeypatch):
    await site.order(**{"class": "contract"}, limit={"max_import_kw": 8}, ends_at="2026-01-10T12:14:59Z")
    await site.live(58)
    await due(site, monkeypatch, 3.0)
    tick = asyncio.create_task(site.controller.tick())
    for _ in range(2):  # to the end of the order
        await asyncio.sleep(0)
    assert not tick.done()
    tick.cancel()
    await goodbye(site)
    assert [fact.start.minute for fact in site.ledger.replay(MeterInterval)] == [0]
    assert site.states()[-2:] == ["ended", "restoring"]
    assert [fact.seq for fact in site.ledger.replay(OrderMoved)] == list(range(1, len(site.states()) + 1))
    assert type(list(site.ledger.replay())[-1]).__name__ == "AgentStopped"


async def test_a_stop_while_a_tick_is_being_written_has_nothing_written_twice(site, monkeypatch):
    on_disk, append = asyncio.Event(), site.ledger.append

    async def appended(facts, outbox=()):
        numbers = await append(facts, outbox)
        on_disk.set()
        await asyncio.sleep(0)
        return numbers

    monkeypatch.setattr(site.ledger, "append", appended)
    await site.clock.advance(122.0)
    tick = asyncio.create_task(site.controller.tick())
    await on_disk.wait()
    tick.cancel()
    await goodbye(site)
    assert [fact.start.minute for fact in site.ledger.replay(MeterInterval)] == [0]
    assert not site.journal.unwritten


@pytest.mark.parametrize("levels", [["full", "limit:2900", "sleep"], ["full"]])
async def test_who_is_identified_while_levels_are_written_is_set_to_the_one_that_is_written(site, monkeypatch, levels):
    steps, append = {step.level: step for step in site.fleet.ladders[0].steps}, site.ledger.append
    steps["limit:2900"] = replace(steps["full"], level="limit:2900", power_w=2900.0)
    ladder = replace(site.fleet.ladders[0], steps=tuple(steps[level] for level in levels))
    await site.order()

    async def appended(facts, outbox=()):
        site.fleet.identified(0, site.fleet.identities[0], ladder)
        return await append(facts, outbox)

    monkeypatch.setattr(site.ledger, "append", appended)
    await site.controller.tick()
    assert site.fleet.level_of(0, int(site.fleet.setpoint[0])) == levels[-1]
    assert sorted(site.machines.told) == [(f"127.0.0.{at}", "Sleep") for at in (1, 2, 3) if at > 1 or len(levels) > 1]
