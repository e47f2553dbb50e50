"""What is asked of the ledger is what a look at every fact would find, however it is asked."""

from datetime import UTC, datetime, timedelta

import pytest

from agent.facts import (
    CapChanged,
    HoldPlaced,
    LastPowers,
    LevelsSeen,
    MinerSeen,
    ModesBefore,
    OrderMoved,
    SetpointsChanged,
)
from agent.facts.energy import Absence
from agent.ledger.ledger import Ledger
from agent.ledger.store import Store
from agent.search import Search

AT = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)


def at(minutes):
    return AT + timedelta(minutes=minutes)


FACTS = (
    MinerSeen(at=at(0), miner="m1", host="127.0.0.1"),
    OrderMoved(at=at(1), order_id="o1", revision=1, seq=1, event="start", state="active"),
    CapChanged(at=at(2), cap_w=1.0, binding_order="o1"),
    SetpointsChanged(at=at(3), levels={"sleep": ["m1", "m11"]}, cause="shed", binding_order="o1"),
    HoldPlaced(at=at(4), miners=["m11"], kind="bench", by="Aigul"),
    OrderMoved(at=at(5), order_id="o11", revision=1, seq=1, event="start", state="active", binding_order="o1"),
    Absence(at=at(6), since=at(5), until=at(6), orders=["o1", "o11"]),
    LevelsSeen(at=at(7), levels={"sleep": ["m11"], "full": ["m1"]}),
    ModesBefore(at=at(8), modes={'m"2': "normal"}),
    LastPowers(at=at(9), powers_w={"m1": 5.0}),
)


@pytest.mark.parametrize(
    ("search", "numbers"),
    [
        (Search(), [*range(1, 11)]),
        (Search(order="o1"), [2, 3, 4, 7]),
        (Search(order="o11"), [6, 7]),
        (Search(order="o"), []),
        (Search(miner="m1"), [1, 4, 8, 10]),
        (Search(miner="m11"), [4, 5, 8]),
        (Search(miner='m"2'), [9]),
        (Search(miner="m1", order="o1"), [4]),
        (Search(kinds=("OrderMoved", "MinerSeen")), [1, 2, 6]),
        (Search(kinds=("MinerSeen",), order="o1"), []),
        (Search(since=at(2), until=at(5)), [3, 4, 5]),
        (Search(since=at(6), order="o1"), [7]),
        (Search(until=at(2), order="o1"), [2]),
        (Search(after=3, limit=2), [4, 5]),
        (Search(newest_first=True, limit=3), [10, 9, 8]),
        (Search(newest_first=True, before=8, miner="m11"), [5, 4]),
    ],
    ids=str,
)
async def test_what_is_found_is_what_was_asked_for(tmp_path, search, numbers):
    ledger = Ledger(Store("sqlite:///hashwatt.db", tmp_path))
    ledger.append_soon(FACTS)
    found = await ledger.find(search)
    assert [number for number, _ in found] == numbers
    assert all(fact == FACTS[number - 1] for number, fact in found)
    await ledger.close()
