"""What is written is there, in order, after anything; what cannot be written is said."""

from datetime import UTC, datetime

import pytest
import sqlalchemy as sql
import structlog

from agent.facts import CapChanged, LastPowers, OrderMoved
from agent.facts.orders import OrderVanished
from agent.ledger.ledger import Ledger
from agent.ledger.lock import Locked, StoreLock
from agent.ledger.store import CannotOpen, CannotWrite, Store
from agent.links.outgoing import Outgoing
from agent.proof import chain

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
URL = "sqlite:///hashwatt.db"


def moved(seq, order_id="o1"):
    return OrderMoved(at=AT, order_id=order_id, revision=1, seq=seq, event="start", state="active")


async def test_facts_come_back_equal_and_in_order(tmp_path):
    ledger = Ledger(Store(URL, tmp_path))
    facts = [moved(1), CapChanged(at=AT, cap_w=1.0, binding_order="o1"), OrderVanished(at=AT, order_id="o2")]
    await ledger.append(facts[:1])
    ledger.append_soon(facts[1:2])
    await ledger.append(facts[2:])
    await ledger.close()
    again = Ledger(Store(URL, tmp_path))
    assert list(again.replay()) == facts
    assert [fact for _, fact in await again.since(1, kinds=["OrderVanished"])] == facts[2:]
    await again.close()


async def test_messages_are_written_with_their_fact_and_stay_until_seen(tmp_path):
    ledger = Ledger(Store(URL, tmp_path))
    numbers = await ledger.append([moved(1)], [Outgoing(topic="t", payload=b"1", retain=True)] * 2)
    assert [message.number for message in await ledger.outbox()] == numbers == [1, 2]
    assert await ledger.drop([1])
    assert [message.number for message in await ledger.outbox()] == [2]
    await ledger.close()


async def test_a_full_disk_is_said_writes_nothing_and_heals(tmp_path):
    store = Store(URL, tmp_path)
    ledger = Ledger(store)
    await ledger.append([moved(1)])
    store.limit_pages(12)
    with pytest.raises(CannotWrite):
        await ledger.append([moved(2)] * 2000, [Outgoing(topic="t", payload=b"x", retain=False)])
    assert await ledger.outbox() == []
    store.limit_pages(1_000_000)
    await ledger.append([moved(2)])
    assert [fact.seq for _, fact in await ledger.since(0)] == [1, 2]
    await ledger.close()


@pytest.mark.parametrize("again", [False, True])
async def test_a_file_that_is_deleted_or_replaced_takes_nothing_more_and_its_end_says_what_is_lost(tmp_path, again):
    ledger = Ledger(Store(URL, tmp_path))
    await ledger.append([moved(1)])
    for file in tmp_path.iterdir():
        file.unlink()
    if again:
        (tmp_path / "hashwatt.db").touch()
    with pytest.raises(CannotWrite, match="is gone, or another stands in its place"):
        await ledger.append([moved(2)])
    with structlog.testing.capture_logs() as logs:
        await ledger.close()
    assert [(line["log_level"], "orders in force" in line["event"]) for line in logs] == [("critical", True)]


async def test_each_order_has_a_chain_of_its_own(tmp_path):
    store = Store(URL, tmp_path)
    ledger = Ledger(store)
    await ledger.append([moved(1), moved(1, "other"), moved(2)])
    lines = store.links("o1")
    assert len(lines) == 2
    assert all(chain.is_sound(line) for line in lines)
    assert f'"prev":"{chain.hash_of(lines[0])}"'.encode() in lines[1]
    await ledger.close()


def test_a_second_agent_is_told_who_holds_the_store(tmp_path):
    path = tmp_path / "lock"
    with StoreLock(path), pytest.raises(Locked, match=r"process [0-9]+ on .+, since 20"), StoreLock(path):
        pass
    with StoreLock(path):
        pass


def test_a_store_of_a_later_version_is_refused_in_words(tmp_path):
    Store(URL, tmp_path).close()
    engine = sql.create_engine(f"sqlite:///{tmp_path}/hashwatt.db")
    with engine.begin() as connection:
        connection.execute(sql.text("UPDATE schema_version SET version = 99"))
    engine.dispose()
    with pytest.raises(CannotOpen, match="version 99"):
        Store(URL, tmp_path)


def test_a_file_that_is_no_store_is_refused_in_words(tmp_path):
    (tmp_path / "hashwatt.db").write_bytes(b"not a database at all" * 100)
    with pytest.raises(CannotOpen):
        Store(URL, tmp_path)


async def test_what_only_informs_is_written_together_and_in_its_order(tmp_path):
    ledger = Ledger(Store(URL, tmp_path))
    for seq in range(1, 301):
        ledger.append_soon([moved(seq)])
    await ledger.append([moved(301)])
    assert [fact.seq for _, fact in await ledger.since(0)] == list(range(1, 302))
    await ledger.close()


async def test_a_snapshot_takes_the_place_of_the_one_before(tmp_path):
    ledger = Ledger(Store(URL, tmp_path))
    for watts in (1.0, 2.0):
        await ledger.append([LastPowers(at=AT, powers_w={"m0": watts}), moved(int(watts))])
    assert [fact.powers_w for fact in ledger.replay() if isinstance(fact, LastPowers)] == [{"m0": 2.0}]
    assert sum(isinstance(fact, OrderMoved) for fact in ledger.replay()) == 2
    await ledger.close()
