"""The hash chain of an order: each link covers the one before it, so that a change, a gap or a swap shows.

A link is one line of JSON that ends in its own hash; the hash is SHA-256 over everything before it in the line,
and the line begins with the hash of the link before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec

FIRST = "0" * 64
"""What the first link names as the link before it."""


def link(order_id: str, number: int, prev: str, fact: bytes) -> bytes:
    """Return the line of the link `number` (from 1) around a fact's JSON."""
    return ended(b"%s%s" % (_head(order_id, number, prev), fact))


def ended(line: bytes) -> bytes:
    """Return a line of JSON, its last brace left out, that ends in its own hash."""
    return b'%s,"hash":"%s"}' % (line, hashlib.sha256(line).hexdigest().encode())


def follows(line: bytes, order_id: str, number: int, prev: str) -> bool:
    """Whether a line is the link `number` of this order after the link whose hash is `prev`."""
    return line.startswith(_head(order_id, number, prev))


def _head(order_id: str, number: int, prev: str) -> bytes:
    return b'{"n":%d,"order":%s,"prev":"%s","fact":' % (number, msgspec.json.encode(order_id), prev.encode())


def hash_of(line: bytes) -> str | None:
    """Return the hash that a link's line ends in, None where it is no link."""
    if len(line) < 75 or not line.endswith(b'"}') or line[-75:-66] != b',"hash":"':
        return None
    return line[-66:-2].decode("ascii", "replace")


def is_sound(line: bytes) -> bool:
    """Whether a line's hash is that of the rest of it."""
    stated = hash_of(line)
    return stated is not None and hashlib.sha256(line[:-75]).hexdigest() == stated


def first_broken(order_id: str, lines: Sequence[bytes]) -> int | None:
    """Return the number (from 1) of the first link that is changed, missing or out of place, None where all hold."""
    prev = FIRST
    for number, line in enumerate(lines, 1):
        if not is_sound(line) or not follows(line, order_id, number, prev):
            return number
        prev = hash_of(line) or ""
    return None
