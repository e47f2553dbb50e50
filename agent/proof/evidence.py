"""An order's record as a file that proves itself: what it is made of, and how it is checked. Pure.

Lines of JSON: a header, the order's links word for word, the signed heads of the site's chain that cover them, and a
closing line, signed over all before it. `check` reads such a file from its first line on and raises at the first that
does not hold.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from agent.proof import chain
from agent.proof.heads import Broken, Head, read_head, signer
from agent.proof.signature import PublicKey, SigningKey, unsigned
from agent.values import rfc3339

FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What is remembered of an order: its links, and the heads that cover them."""

    order_id: str
    links: Sequence[bytes]
    heads: Sequence[bytes] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An order's chain as it is listed: from its first fact to its last; `covered`: a signed head has all of it."""

    order_id: str
    links: int
    head: str
    since: datetime
    until: datetime
    covered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """Who hands a record out, and when."""

    site: str
    agent: str  # its version
    at: datetime


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first line."""

    evidence: int  # the format's version
    site: str
    order: str
    agent: str
    exported_at: datetime
    keys: list[str]  # that signed; the last one the closing line
    links: int
    heads: int
    hash: str


class Closing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The last line: a head of this order alone, over the whole file; without a key it proves nothing."""

    closes: str  # the order
    at: datetime
    links: int
    head: str  # hash of the last link
    file: str  # SHA-256 of all bytes before this line
    key: str | None
    hash: str
    sig: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """What a file proves: so many links, of which `covered` are under heads, the last of these at `covered_at`."""

    site: str
    order_id: str
    links: int
    heads: int
    covered: int
    covered_at: datetime | None
    head_hashes: frozenset[str]
    exported_at: datetime
    keys: tuple[PublicKey, ...]
    closed: bool  # the file as a whole is signed


class BrokenAt(Exception):
    """The first line of a file that does not hold; both count from 1, `number` is the link's or head's own."""

    def __init__(self, line: int, number: int | None, why: str) -> None:
        super().__init__(why)
        self.line = line
        self.number = number


def export(record: Record, told: Export, key: SigningKey | None) -> Iterator[bytes]:
    """Yield the lines of a file, each with its line feed. Without a key the end is not signed."""
    keys = [key for key in dict.fromkeys(map(signer, record.heads)) if key is not None]
    if key is not None:
        keys = [*(one for one in keys if one != key.public.text), key.public.text]
    digest = hashlib.sha256()
    header = {
        "evidence": FORMAT,
        "site": told.site,
        "order": record.order_id,
        "agent": told.agent,
        "exported_at": rfc3339(told.at),
        "keys": keys,
        "links": len(record.links),
        "heads": len(record.heads),
    }
    for line in (_ended(header), *record.links, *record.heads):
        digest.update(line + b"\n")
        yield line + b"\n"
    closing = {
        "closes": record.order_id,
        "at": rfc3339(told.at),
        "links": len(record.links),
        "head": chain.hash_of(record.links[-1]),
        "file": digest.hexdigest(),
        "key": None if key is None else key.public.text,
    }
    last = _ended(closing)
    yield (last if key is None else key.sign(last)) + b"\n"


def _ended(told: dict[str, object]) -> bytes:
    return chain.ended(msgspec.json.encode(told).removesuffix(b"}"))


def check(raw: bytes, keys: Sequence[PublicKey] = (), *, partial: bool = False) -> Proven:
    """Return what a file proves, by these keys, else by those that it names itself. Raises BrokenAt.

    `partial` takes a file whose end is not signed: it proves what its heads cover.
    """
    *lines, rest = raw.split(b"\n")
    proven = _Reading(lines if not rest else [*lines, rest], keys, partial=partial).proven()
    if rest:
        raise BrokenAt(len(lines) + 1, None, "the file does not end in a line feed")
    return proven


def links_of(raw: bytes) -> list[bytes]:
    """Return the links of a file that was checked."""
    return raw.split(b"\n")[1 : 1 + header_of(raw.partition(b"\n")[0]).links]


def header_of(line: bytes) -> Header:
    """Read the first line. Raises Broken."""
    if not chain.is_sound(line):
        raise Broken("its hash is not that of the rest of the line")
    try:
        header = msgspec.json.decode(line, type=Header)
    except ValueError as error:
        raise Broken(f"it is no header of evidence: {error}") from None
    if header.evidence != FORMAT:
        raise Broken(f"the format is {header.evidence}; this program knows {FORMAT}")
    return header


class _Reading:
    """One reading of a file, from its first line to its last."""

    def __init__(self, lines: Sequence[bytes], keys: Sequence[PublicKey], *, partial: bool) -> None:
        self._lines = lines
        self._partial = partial
        self._given = frozenset(keys)
        self._at = 0  # the line under way, from 1
        self._number: int | None = None

    def proven(self) -> Proven:
        try:
            return self._proven()
        except Broken as error:
            raise BrokenAt(self._at, self._number, str(error)) from None

    def _proven(self) -> Proven:
        header = header_of(self._next("the header"))
        keys = self._allowed(header)
        hashes = [*self._links(header)]
        heads = [*self._heads(header, hashes, keys)]
        self._number = None
        closing = self._closing(header, hashes, keys)
        if self._at < len(self._lines):
            self._at += 1
            raise Broken("it stands after the end")
        ends = [end for head in heads if (end := head.of(header.order)) is not None]
        return Proven(
            site=header.site,
            order_id=header.order,
            links=len(hashes),
            heads=len(heads),
            covered=ends[-1].links if ends else 0,
            covered_at=heads[-1].at if heads else None,
            head_hashes=frozenset(head.hash for head in heads),
            exported_at=header.exported_at,
            keys=tuple(keys.values()),
            closed=closing.key is not None,
        )

    def _next(self, what: str) -> bytes:
        self._at += 1
        if self._at > len(self._lines):
            raise Broken(f"the file ends where {what} is expected")
        return self._lines[self._at - 1]

    def _allowed(self, header: Header) -> dict[str, PublicKey]:
        """Return the keys that may sign, as their texts; those of the file must be among the given."""
        keys: dict[str, PublicKey] = {}
        for text in header.keys:
            try:
                keys[text] = PublicKey.read(text)
            except ValueError as error:
                raise Broken(f"key {text}: {error}") from None
            if self._given and keys[text] not in self._given:
                raise Broken(f"key {keys[text].kid} signed, and is none of those that were given")
        return keys

    def _links(self, header: Header) -> Iterator[str]:
        if header.links < 1:
            raise Broken("it names no links")
        prev = chain.FIRST
        for number in range(1, header.links + 1):
            self._number = number
            line = self._next(f"link {number}")
            if not chain.is_sound(line):
                raise Broken("its hash is not that of the rest of the line")
            if not chain.follows(line, header.order, number, prev):
                raise Broken(f"it is not link {number} of order {header.order} after the link before it")
            prev = chain.hash_of(line) or ""
            yield prev

    def _heads(self, header: Header, hashes: Sequence[str], keys: dict[str, PublicKey]) -> Iterator[Head]:
        before: Head | None = None
        covered = 0
        for _ in range(header.heads):
            line = self._next("a head")
            self._number = None
            head = read_head(line)
            self._number = head.n
            if head.key not in keys:
                raise Broken("its key is none of the header's")
            if head.site != header.site or not _comes_after(head, before):
                raise Broken(f"it is not the head of site {header.site} after the one before it")
            end = head.of(header.order)
            if end is None and before is None:
                raise Broken(f"it is the first and does not cover order {header.order}")
            if end is not None and not (covered < end.links <= len(hashes) and hashes[end.links - 1] == end.head):
                raise Broken(f"it covers {end.links} links that are not those of this file")
            covered, before = end.links if end is not None else covered, head
            yield head

    def _closing(self, header: Header, hashes: Sequence[str], keys: dict[str, PublicKey]) -> Closing:
        line = self._next("the closing line")
        if not chain.is_sound(unsigned(line)):
            raise Broken("its hash is not that of the rest of the line")
        try:
            closing = msgspec.json.decode(line, type=Closing)
        except ValueError as error:
            raise Broken(f"it is no closing line: {error}") from None
        digest = hashlib.sha256(b"".join(one + b"\n" for one in self._lines[: self._at - 1])).hexdigest()
        is_of_file = (closing.closes, closing.at, closing.links, closing.head) == (
            header.order,
            header.exported_at,
            len(hashes),
            hashes[-1],
        )
        if not is_of_file or closing.file != digest:
            raise Broken("it is not the end of this file: something before it is not what was exported")
        if closing.key is None and closing.sig is None:
            if not self._partial:
                raise Broken("it is not signed: what came last may have been left out")
            return closing
        if not header.keys or closing.key != header.keys[-1] or not keys[closing.key].signed(line):
            raise Broken("its signature is not by the last of the header's keys")
        return closing


def _comes_after(head: Head, before: Head | None) -> bool:
    return before is None or (head.n, head.prev) == (before.n + 1, before.hash)
