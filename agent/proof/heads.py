"""The site's own chain: signed heads, each over the one before and the end of every order's chain that moved since.

A head is one line of JSON that ends in its hash and its signature. It bounds when the links below it were made, by the
site's clock, and binds orders to each other: whoever keeps one head holds the site to all that was before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from agent.proof import chain
from agent.proof.signature import PublicKey, SigningKey, unsigned
from agent.values import rfc3339


class End(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """An order's chain as it ends: its id, how many links, the hash of the last."""

    order_id: str
    links: int
    head: str


class Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One link of the site's chain; `key` is the public key that signed it, `chains` what moved since the last."""

    n: int
    site: str
    prev: str
    at: datetime
    key: str
    chains: list[End]
    hash: str
    sig: str

    def of(self, order_id: str) -> End | None:
        """Return what it says of an order."""
        return next((end for end in self.chains if end.order_id == order_id), None)


class Broken(ValueError):
    """Why a line does not hold."""


_decoder = msgspec.json.Decoder(Head)


def first_prev(last: bytes | None) -> tuple[int, str]:
    """Return the number of the head after `last`, and what it names as the one before it; None: there is none yet."""
    if last is None:
        return 1, chain.FIRST
    head = _decoder.decode(last)
    return head.n + 1, head.hash


def signed_head(site: str, last: bytes | None, at: datetime, ends: Sequence[End], key: SigningKey) -> bytes:
    """Return the head that follows `last`."""
    number, prev = first_prev(last)
    told = {"n": number, "site": site, "prev": prev, "at": rfc3339(at), "key": key.public.text, "chains": list(ends)}
    return key.sign(chain.ended(msgspec.json.encode(told).removesuffix(b"}")))


def read_head(line: bytes) -> Head:
    """Read a head whose hash and signature hold. Raises Broken."""
    if not chain.is_sound(unsigned(line)):
        raise Broken("its hash is not that of the rest of the line")
    try:
        head = _decoder.decode(line)
        key = PublicKey.read(head.key)
    except ValueError as error:
        raise Broken(f"it is no head: {error}") from None
    if not key.signed(line):
        raise Broken(f"its signature is not by key {key.kid}")
    return head


def signer(line: bytes) -> str | None:
    """Return the public key that a head of our own names, None where it was damaged."""
    head = _own(line)
    return None if head is None else head.key


def mentions(line: bytes, order_id: str) -> End | None:
    """Return what a head of our own says of an order."""
    head = _own(line)
    return None if head is None else head.of(order_id)


def _own(line: bytes) -> Head | None:
    try:
        return _decoder.decode(line)
    except ValueError:
        return None


def name_in_head(order_id: str) -> bytes:
    """Return the bytes by which a head names an order."""
    return b"[%s," % msgspec.json.encode(order_id)


def covering(heads: Sequence[tuple[int, End]], hashes: Sequence[str | None]) -> int | None:
    """Return the number of the first head that is of this chain and not of one that was dropped; None: none is."""
    first = None
    for number, end in reversed(heads):
        if not 0 < end.links <= len(hashes) or hashes[end.links - 1] != end.head:
            break
        first = number
    return first
