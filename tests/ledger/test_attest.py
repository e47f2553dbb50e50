"""The site's chain of signed heads in a real store: over every kind of life that an order's chain can have."""

import asyncio
import json
import sqlite3
import stat
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.clock import ManualClock
from agent.facts import AgentStopped, OrderMoved
from agent.ledger.attest import Attest
from agent.ledger.key_file import own_key
from agent.ledger.ledger import Ledger
from agent.ledger.store import _VERSION_1, CannotOpen, CannotWrite, Store
from agent.proof import chain
from agent.proof.evidence import check, links_of
from agent.proof.signature import SigningKey
from agent.wiring.attesting import Attesting

AT = datetime(2026, 11, 12, 6, 0, tzinfo=UTC)
ROOT = Path(__file__).parent.parent.parent
URL = "sqlite:///hashwatt.db"


class Site:
    """A ledger that signs."""

    def __init__(self, folder):
        self.key = own_key(folder)
        self.store = Store(URL, folder)
        self.ledger = Ledger(self.store)
        self.attest = Attest(self.ledger, self.key, "kg-1", "1.2.3")
        self.hours = 0

    async def lives(self, *orders, state="active"):
        await self.ledger.append(
            [OrderMoved(at=AT, order_id=order, revision=1, seq=1, event="x", state=state) for order in orders]
        )

    async def signs(self):
        self.hours += 1
        await self.attest.sign(AT + timedelta(hours=self.hours))

    async def proven(self, order):
        return check(b"".join(await self.attest.export(order, AT)), [self.key.public])


@pytest.fixture
async def site(tmp_path):
    made = Site(tmp_path)
    yield made
    await made.ledger.close()


async def test_a_head_covers_the_chains_that_moved_since_the_last_and_follows_it(site):
    await site.lives("a", "b")
    await site.signs()
    first = await site.attest.last_head()
    await site.lives("b")
    await site.signs()
    second = await site.attest.last_head()
    await site.signs()
    assert [(end.order_id, end.links) for end in first.chains] == [("a", 1), ("b", 1)]
    assert [(end.order_id, end.links, end.head) for end in second.chains] == [
        ("b", 2, chain.hash_of(site.store.links("b")[-1]))
    ]
    assert (second.n, second.prev, second.at) == (2, first.hash, AT + timedelta(hours=2))
    assert (await site.attest.last_head()).chains == []


async def test_each_export_proves_itself_with_heads_from_the_first_to_the_last_that_cover_it(site):
    await site.lives("a")
    await site.signs()
    for _ in range(3):
        await site.lives("b")
        await site.signs()
    await site.lives("a")
    await site.signs()
    await site.lives("a", "b", "c")
    told = {order: await site.proven(order) for order in "abc"}
    assert {order: (one.links, one.heads, one.covered) for order, one in told.items()} == {
        "a": (3, 5, 2), "b": (4, 3, 3), "c": (1, 0, 0),
    }  # fmt: skip
    assert await site.attest.export("d", AT) is None


async def test_of_an_order_that_lives_again_after_its_chain_was_dropped_the_old_heads_are_left_out(site):
    await site.lives("a", "a", "a")
    await site.signs()
    site.store.forget_life("a", 3, [])
    await site.signs()
    await site.lives("a")
    assert (await site.proven("a")).heads == 0
    await site.signs()
    await site.lives("a")
    await site.signs()
    proven = await site.proven("a")
    assert (proven.links, proven.heads, proven.covered) == (2, 2, 2)


async def test_a_disk_that_refuses_signs_nothing_and_the_next_head_covers_all(site):
    await site.lives("a")
    await site.signs()
    await site.lives("a")
    site.store.limit_pages(1)
    with pytest.raises(CannotWrite):
        await until_full(site)
    site.store.limit_pages(1_000_000)
    await site.signs()
    assert (await site.proven("a")).covered == 2


async def until_full(site):
    for _ in range(300):
        await site.signs()


async def test_what_is_listed_tells_whether_its_end_is_signed(site):
    await site.lives("a", "b")
    await site.signs()
    await site.lives("b", "c")
    kept = await site.attest.kept("", 10)
    assert [(one.order_id, one.links, one.covered) for one in kept] == [
        ("a", 1, True),
        ("b", 2, False),
        ("c", 1, False),
    ]
    assert [one.order_id for one in await site.attest.kept("a", 1)] == ["b"]
    assert (kept[0].since, kept[0].head) == (AT, chain.hash_of(site.store.links("a")[0]))


async def test_a_store_from_before_there_were_heads_is_read_as_it_is_and_signed_once_it_is_taken_up(tmp_path):
    with sqlite3.connect(tmp_path / "hashwatt.db") as old:
        old.executescript(_VERSION_1)
        line = chain.link("a", 1, chain.FIRST, b'{"fact":"OrderVanished","at":"2026-11-12T06:00:00Z","order_id":"a"}')
        old.execute("INSERT INTO link VALUES ('a', 1, ?)", (line,))
    old.close()
    reader = Store(URL, tmp_path, read_only=True)
    assert (reader.record("a").links, reader.record("a").heads, reader.last_head()) == ([line], [], None)
    reader.close()
    site = Site(tmp_path)
    await site.signs()
    proven = await site.proven("a")
    assert (proven.links, proven.covered) == (1, 1)
    assert links_of(b"".join(await site.attest.export("a", AT))) == [line]
    await site.ledger.close()


async def heads(site):
    while True:
        yield await site.attest.last_head()


# when ------------------------------------------------------------------------------------------------------------


async def test_it_is_signed_at_the_start_each_hour_and_when_an_order_closes(site):
    clock = ManualClock(AT)
    attesting = Attesting(site.attest, clock)

    running = asyncio.create_task(attesting.run())

    async def head(n):
        async with asyncio.timeout(60):
            found = await anext(last async for last in heads(site) if last is not None and last.n >= n)
            while not clock.sleepers:  # noqa: ASYNC110 - it shows no event
                await asyncio.sleep(0)
        return found

    assert (await head(1)).at == AT
    attesting.heard([AgentStopped(at=AT)])
    await clock.advance(3599)
    assert (await site.attest.last_head()).n == 1
    await clock.advance(1)
    assert (await head(2)).at == AT + timedelta(hours=1)
    attesting.heard([OrderMoved(at=AT, order_id="a", revision=1, seq=1, event="close", state="closed")])
    assert (await head(3)).at == AT + timedelta(hours=1)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


class Broker:
    """A connection that notes what it is told to keep."""

    def __init__(self):
        self.connected, self.told = asyncio.Event(), asyncio.Queue()

    async def tell(self, topic, payload, *, retain=False):
        assert retain
        self.told.put_nowait((topic, json.loads(payload)))


async def test_each_head_is_told_to_the_broker_once_there_is_one_and_proves_a_later_export(site):
    attesting, broker = Attesting(site.attest, ManualClock(AT)), Broker()
    publishing = asyncio.create_task(attesting.publish(broker, "t"))
    await site.lives("a")
    await attesting.sign()
    broker.connected.set()
    topic, told = await broker.told.get()
    assert topic == "t"
    assert told == {
        "site": "kg-1", "n": 1, "at": "2026-11-12T06:00:00.000Z", "key": site.key.public.text,
        "hash": (await site.attest.last_head()).hash,
    }  # fmt: skip
    await site.lives("a")
    assert told["hash"] in (await site.proven("a")).head_hashes
    publishing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await publishing


# killed ----------------------------------------------------------------------------------------------------------

WRITES_FOR_EVER = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, "")
from tests.ledger.test_attest import Site

async def main():
    site = Site(Path(sys.argv[1]))
    print("begun", flush=True)
    while True:
        await asyncio.gather(site.lives("a", "b"), site.signs(), site.lives("b"))

asyncio.run(main())
"""


async def test_killed_anywhere_it_leaves_chains_that_verify_and_goes_on(tmp_path):
    links = 0
    for wait_s in (0.0, 0.02, 0.05, 0.1):
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", WRITES_FOR_EVER, str(tmp_path), stdout=asyncio.subprocess.PIPE, cwd=ROOT
        )
        assert await child.stdout.readline() == b"begun\n"
        await asyncio.sleep(wait_s)  # somewhere in the midst of it
        child.kill()
        await child.wait()
        site = Site(tmp_path)
        await site.lives("a")
        await site.signs()
        proven = await site.proven("a")
        assert proven.links == proven.covered > links
        links = proven.links
        await site.ledger.close()


# the key ---------------------------------------------------------------------------------------------------------


def test_a_key_is_made_once_for_its_owners_eyes(tmp_path):
    made = own_key(tmp_path)
    assert stat.S_IMODE((tmp_path / "evidence.key").stat().st_mode) == 0o600
    assert own_key(tmp_path).public == made.public
    assert [path.name for path in tmp_path.iterdir()] == ["evidence.key"]


def test_a_damaged_key_is_named_and_never_made_anew(tmp_path):
    (tmp_path / "evidence.key").write_text("not a key")
    with pytest.raises(CannotOpen, match=r"evidence\.key: is no"):
        own_key(tmp_path)
    assert (tmp_path / "evidence.key").read_text() == "not a key"


def test_a_key_made_elsewhere_by_openssl_signs_as_well(tmp_path):
    (tmp_path / "evidence.key").write_text(SigningKey.make().pem)
    assert b'"sig":"' in own_key(tmp_path).sign(b"{}")
