"""The beat of each second: what the stream is told, what becomes a point of the past, and what people hear of."""

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest

import agent.wiring.pulse as pulse_module
from agent.clock import ManualClock
from agent.facts import CapChanged, LastPowers
from agent.facts.energy import MeterLost
from agent.inputs.order_document import parse_order
from agent.ledger.history import History, Kept
from agent.orders.compliance import Observed
from agent.outputs.snapshot import snapshot
from agent.wiring.pulse import Pulse, columns_of
from tests.outputs.farm import MemoryDesk, document, empty_book, sight_of, small_fleet

NOON = datetime(2027, 1, 15, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Beats:
    """A pulse whose seconds pass as they are told."""

    def __init__(self, pulse, clock, draws):
        self.pulse, self.clock, self.draws = pulse, clock, draws

    async def pass_s(self, seconds, power_w=None):
        """Beat for so many seconds at one draw."""
        self.draws[:] = [power_w]
        for _ in range(seconds):
            self.pulse.beat()
            await self.clock.advance(1)

    def told(self, name):
        frames = [frame.decode() for frame in (*self.pulse._stream._latest.values(), *self.pulse._stream._recent)]
        return [json.loads(frame.split("data: ", 1)[1]) for frame in frames if frame.startswith(f"event: {name}\n")]


@asynccontextmanager
async def beating(tmp_path, desk=None):
    clock, draws = ManualClock(NOON), [None]
    desk = desk or MemoryDesk(small_fleet(), empty_book())
    sight = sight_of(desk, now=clock.now, meter=lambda: None, house_w=lambda: draws[0] or 0.0)
    history = History(tmp_path / "history.db", [miner.id for miner in desk.fleet.miners], Kept())
    pulse = Pulse(sight, history, clock)
    try:
        yield Beats(pulse, clock, draws)
    finally:
        await pulse.close()


async def test_a_minute_is_kept_once_it_is_over_with_its_mean_and_its_highest_draw(tmp_path):
    async with beating(tmp_path) as beats:
        await beats.pass_s(30, power_w=1000.0)
        await beats.pass_s(30, power_w=3000.0)
        found = await beats.pulse.site(NOON, NOON + MINUTE, 60)
        assert [point.at for point in found] == [NOON]
        await beats.pass_s(1, power_w=0.0)
        await _written(beats)
        kept = (await beats.pulse.site(NOON, NOON + MINUTE, 60))[0]
        assert kept.power_max_w - kept.power_w == pytest.approx(1000.0)
        assert kept.house_w == 2000.0
        assert sum(kept.miners.values()) == 5


async def test_the_last_hour_is_known_by_five_seconds_and_no_longer(tmp_path):
    async with beating(tmp_path) as beats:
        await beats.pass_s(3700, power_w=1000.0)
        fine = await beats.pulse.site(NOON, NOON + 70 * MINUTE, 5)
    assert len(fine) == 721
    assert {round((later.at - one.at).total_seconds()) for one, later in pairwise(fine)} == {5}


async def test_machines_are_kept_each_five_minutes_but_not_before_they_were_asked(tmp_path):
    async with beating(tmp_path) as beats:
        await beats.pass_s(610)
        await _written(beats)
        found = await beats.pulse.miner("a1", NOON, NOON + 20 * MINUTE)
    assert [point.at for point in found] == [NOON + 5 * MINUTE, NOON + 10 * MINUTE]


def test_what_does_not_speak_now_is_unknown_and_still_counted_as_it_is_believed():
    columns = columns_of(snapshot(sight_of(MemoryDesk(small_fleet(), empty_book()))))
    assert columns.power_w.tolist() == pytest.approx([3010.0, 20.0, 3010.0, 3010.0, columns.power_w[4]])
    assert columns.hashrate_ths[0] == pytest.approx(98.5)
    assert columns.hottest_c[0] == pytest.approx(72.0)
    assert np.isnan(columns.hottest_c[1:]).all()
    assert np.isnan(columns.hashrate_ths[2:]).all()


async def test_who_watches_is_told_how_it_stands_and_what_is_news(tmp_path):
    async with beating(tmp_path) as beats:
        beats.pulse.heard([CapChanged(at=NOON, cap_w=9000.0, binding_order="o1"), LastPowers(at=NOON, powers_w={})])
        await beats.pass_s(1)
        (now,) = beats.told("now")
        assert now["site"]["site"] == "farm-1"
        assert now["standing"]["word"] in {"free", "over"}
        assert now["meter"] is None
        assert [fact["text"] for fact in beats.told("fact")] == ["The cap is 9.0 kW, by order o1"]


async def test_an_order_is_told_as_soon_as_something_befalls_it(tmp_path):
    desk = MemoryDesk(small_fleet(), empty_book())
    async with beating(tmp_path, desk) as beats:
        await desk.receive(json.dumps(document()).encode(), by="x")
        beats.pulse.heard(desk.facts)
        ((line,),) = beats.told("orders")
        assert (line["order_id"], line["state"], line["demand"]) == ("o1", "active", "at most 9 kW at the meter")


async def test_what_happened_before_a_restart_is_told_after_it_the_latest_of_it(tmp_path):
    async with beating(tmp_path) as beats:
        for _ in range(500):
            beats.pulse.remember(MeterLost(at=NOON, meter="main"))
        beats.pulse.tell_before()
        assert len(beats.told("fact")) == 80


async def _written(beats):
    await beats.pulse._history._read(lambda _connection: [])
    beats.pulse._history._writer.submit(lambda: None).result(10)


async def test_hundreds_of_orders_are_told_with_the_next_beat_and_not_for_each_that_comes(tmp_path, monkeypatch):
    desk, made = MemoryDesk(small_fleet(), empty_book()), []
    order_line = pulse_module.order_line
    monkeypatch.setattr(pulse_module, "order_line", lambda *of: made.append(1) or order_line(*of))
    async with beating(tmp_path, desk) as beats:
        running = asyncio.create_task(beats.pulse.run())
        await asyncio.sleep(0)
        for number in range(300):
            told = json.dumps(document(f"o{number}", limit={"max_import_kw": 9 + number}))
            order, now = parse_order(told.encode()), beats.clock.now()
            facts = desk.book.receive(told, order, transport="http", now=now, observed=Observed())
            beats.pulse.heard(facts)
        assert len(made) < 5000
        await beats.clock.advance(1)
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(beats.told("orders")[-1]) == 300
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
