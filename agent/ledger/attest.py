"""What signs the chains' heads and hands an order's record out, by the ledger's own threads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice

import msgspec

from agent.facts import AnyFact, Dropped
from agent.ledger.ledger import Ledger, found
from agent.ledger.store import Store
from agent.proof.evidence import Export, Kept, export
from agent.proof.heads import End, Head, signed_head
from agent.proof.signature import PublicKey, SigningKey
from agent.search import Search


class _Told(msgspec.Struct):
    fact: AnyFact


_link_decoder = msgspec.json.Decoder(_Told)


class Attest:
    """Signs for one site. Every call runs off the event loop."""

    def __init__(self, ledger: Ledger, key: SigningKey, site: str, agent: str) -> None:
        self._ledger = ledger
        self._key = key
        self._site = site
        self._agent = agent

    @property
    def public(self) -> PublicKey:
        """What is signed is checked by."""
        return self._key.public

    async def sign(self, at: datetime) -> Head:
        """Write a head of the site's chain over all that was to be written before. Raises CannotWrite."""

        def make(last: bytes | None, ends: Sequence[End]) -> bytes:
            return signed_head(self._site, last, at, ends, self._key)

        line = await self._ledger.writing(lambda store: store.add_head(make))
        return msgspec.json.decode(line, type=Head)

    async def export(self, order_id: str, at: datetime) -> list[bytes] | None:
        """Return an order's record as the lines of a file that proves itself, None where nothing is remembered."""
        told = Export(site=self._site, agent=self._agent, at=at)
        return await self._ledger.reading(lambda store: exported(store, order_id, told, self._key))

    async def kept(self, after: str, limit: int) -> list[Kept]:
        """Return the chains after an order's, by order."""
        return await self._ledger.reading(lambda store: list(islice(kept(store, after), limit)))

    async def last_head(self) -> Head | None:
        """Return the last head of the site's chain."""
        return await self._ledger.reading(last_head)

    async def dropped(self, order_id: str) -> Dropped | None:
        """Return the fact that an order's chain was dropped, None where it was not."""
        return await self._ledger.reading(lambda store: dropped(store, order_id))


def exported(store: Store, order_id: str, told: Export, key: SigningKey | None) -> list[bytes] | None:
    """Return an order's record as lines, None where nothing is remembered. Blocking."""
    record = store.record(order_id)
    return list(export(record, told, key)) if record.links else None


def kept(store: Store, after: str = "") -> Iterator[Kept]:
    """Yield the chains of a store after an order's, by order. Blocking."""
    for end, first, last, covered in store.chains(after):
        yield Kept(
            order_id=end.order_id,
            links=end.links,
            head=end.head,
            since=_link_decoder.decode(first).fact.at,
            until=_link_decoder.decode(last).fact.at,
            covered=covered,
        )


def last_head(store: Store) -> Head | None:
    """Return the last head of a store. Blocking."""
    line = store.last_head()
    return None if line is None else msgspec.json.decode(line, type=Head)


def dropped(store: Store, order_id: str) -> Dropped | None:
    """Return the last fact that says of an order's chain that it was dropped. Blocking."""
    for _, fact in reversed(found(store, Search(kinds=("Dropped",), limit=1_000_000))):
        if isinstance(fact, Dropped) and order_id in fact.heads:
            return fact
    return None
