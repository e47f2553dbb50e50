"""The store, and the only file that knows a database: SQLite by SQLAlchemy Core. Blocking: called off the loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sql
from sqlalchemy.exc import DatabaseError, OperationalError

from agent.links.outgoing import Outgoing
from agent.proof import chain
from agent.proof.evidence import Record
from agent.proof.heads import End, covering, mentions, name_in_head
from agent.search import KINDS, Search
from agent.values import rfc3339

VERSION = 2
HAS_HEADS = 2
"""The version from which on a store has the site's chain."""


class CannotWrite(Exception):
    """The store refused a write: disk full, read-only, damaged. A later write may succeed."""


class CannotOpen(Exception):
    """The store cannot be used; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One fact as it is written: `orders` are the chains that it is a link of."""

    kind: str
    at: str
    body: bytes
    orders: tuple[str, ...] = ()
    replaces: bool = False  # a snapshot: only the latest of its kind is kept


_VERSION_1 = """
CREATE TABLE fact (n INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, kind TEXT NOT NULL, body BLOB NOT NULL);
CREATE INDEX fact_kind ON fact (kind, n);
CREATE TABLE outbox (
    n INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, payload BLOB NOT NULL, retain INTEGER NOT NULL
);
CREATE TABLE link (
    order_id TEXT NOT NULL, n INTEGER NOT NULL, line BLOB NOT NULL, PRIMARY KEY (order_id, n)
) WITHOUT ROWID;
CREATE TABLE schema_version (version INTEGER NOT NULL);
INSERT INTO schema_version VALUES (1)
"""

_VERSION_2 = """
CREATE TABLE head (n INTEGER PRIMARY KEY AUTOINCREMENT, line BLOB NOT NULL);
CREATE TABLE moved (order_id TEXT PRIMARY KEY) WITHOUT ROWID;
INSERT INTO moved SELECT DISTINCT order_id FROM link;
UPDATE schema_version SET version = 2
"""
"""`moved` holds the orders whose chains went on since the last head."""

MIGRATIONS = (_VERSION_1, _VERSION_2)
"""Statements; the n-th takes a store from version n to n + 1."""


BEGINNING, END = "0", "~"
"""What is before, and after, each instant as it is written."""
_WHERES = (("before", "n < :before"), ("since", "at >= :since"), ("until", "at < :until"))
_GOES_ON = "SELECT 1 FROM link WHERE order_id = :o AND n > :links LIMIT 1"
_SPAN = """
SELECT min(at) AS first, max(at) AS last FROM
(SELECT substr(json_extract(CAST(line AS TEXT), '$.fact.at'), 1, 19) AS at FROM link WHERE order_id = :o)
"""
"""To the second: a fact's own text of an instant has as many digits as it needs."""


def _identity(file: str) -> tuple[int, int] | None:
    """Return what file stands there, None for none."""
    try:
        found = Path(file).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


class Store:
    """One SQLite file with its write-ahead log; FULL sync: what is committed survives a power cut."""

    def __init__(self, url: str, state_dir: Path, *, read_only: bool = False) -> None:
        self._url, self._state_dir = url, state_dir
        self._engine = sql.create_engine(_resolved(url, state_dir, read_only=read_only), poolclass=sql.pool.StaticPool)
        try:
            self._connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            self._prepare(read_only=read_only)
            self.file = self._connection.execute(sql.text("PRAGMA database_list")).one().file
            self._is = _identity(self.file)
        except DatabaseError as error:
            self._engine.dispose()
            raise CannotOpen(f"{url}: {error.orig}") from error

    def _prepare(self, *, read_only: bool) -> None:
        for pragma in ("busy_timeout=5000", *(() if read_only else ("journal_mode=WAL", "synchronous=FULL"))):
            self._connection.execute(sql.text(f"PRAGMA {pragma}"))
        version = self.version()
        if version > VERSION:
            raise CannotOpen(f"the store is of version {version}; this agent knows versions up to {VERSION}")
        if not read_only:
            for migrate in MIGRATIONS[version:]:
                self._connection.execute(sql.text("BEGIN IMMEDIATE"))
                for statement in migrate.split(";"):
                    self._connection.execute(sql.text(statement))
                self._connection.execute(sql.text("COMMIT"))

    def version(self) -> int:
        """Return the schema's version, 0 for an empty store."""
        found = self._connection.execute(
            sql.text("SELECT count(*) FROM sqlite_master WHERE name = 'schema_version'")
        ).scalar_one()
        if not found:
            return 0
        return int(self._connection.execute(sql.text("SELECT version FROM schema_version")).scalar_one())

    def beside(self) -> Store:
        """Open the same file once more, for a reader that writers need not wait for."""
        return Store(self._url, self._state_dir, read_only=True)

    @property
    def is_gone(self) -> bool:
        """Whether the file was deleted, or another stands in its place: what is remembered ends with this process."""
        return _identity(self.file) != self._is

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
        self._engine.dispose()

    def limit_pages(self, pages: int) -> None:
        """Let the file grow to so many pages at most, as a full disk would."""
        self._connection.execute(sql.text(f"PRAGMA max_page_count={pages}"))

    def append(self, rows: Sequence[Row], outbox: Sequence[Outgoing]) -> list[int]:
        """Write facts, links and messages in one transaction; returns the messages' numbers. Raises CannotWrite."""
        with self._transaction():
            return self._append(rows, outbox)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Commit what is done within, or none of it. Raises CannotWrite.

        A file that was deleted takes what is written for as long as it is open: to nobody's use.
        """
        if self.is_gone:
            raise CannotWrite(f"{self.file} is gone, or another stands in its place")
        try:
            self._connection.execute(sql.text("BEGIN IMMEDIATE"))
            try:
                yield
                self._connection.execute(sql.text("COMMIT"))
            except BaseException:
                self._roll_back()
                raise
        except OperationalError as error:
            raise CannotWrite(str(error.orig)) from error

    def _roll_back(self) -> None:
        try:
            self._connection.execute(sql.text("ROLLBACK"))
        except OperationalError:
            return  # SQLite has rolled back by itself

    def _append(self, rows: Sequence[Row], outbox: Sequence[Outgoing]) -> list[int]:
        for kind in {row.kind for row in rows if row.replaces}:
            self._connection.execute(sql.text("DELETE FROM fact WHERE kind = :kind"), {"kind": kind})
        if rows:
            self._connection.execute(
                sql.text("INSERT INTO fact (at, kind, body) VALUES (:at, :kind, :body)"),
                [{"at": row.at, "kind": row.kind, "body": row.body} for row in rows],
            )
        for row in rows:
            for order_id in row.orders:
                self._chain(order_id, row.body)
        return [self._post(message) for message in outbox]

    def _chain(self, order_id: str, body: bytes) -> None:
        last = self._end(order_id)
        number, prev = (last.links + 1, last.head) if last is not None else (1, chain.FIRST)
        values = {"o": order_id, "n": number, "line": chain.link(order_id, number, prev, body)}
        self._connection.execute(sql.text("INSERT INTO link VALUES (:o, :n, :line)"), values)
        self._connection.execute(sql.text("INSERT OR IGNORE INTO moved VALUES (:o)"), values)

    def _end(self, order_id: str) -> End | None:
        last = self._connection.execute(
            sql.text("SELECT n, line FROM link WHERE order_id = :o ORDER BY n DESC LIMIT 1"), {"o": order_id}
        ).one_or_none()
        return None if last is None else End(order_id, last.n, chain.hash_of(last.line) or "")

    def add_head(self, make: Callable[[bytes | None, Sequence[End]], bytes]) -> bytes:
        """Write the head that `make` builds of the last one and of the chains that moved. Raises CannotWrite."""
        with self._transaction():
            last = self._connection.execute(sql.text("SELECT line FROM head ORDER BY n DESC LIMIT 1")).scalar()
            moved = self._connection.execute(sql.text("SELECT order_id FROM moved ORDER BY order_id")).scalars().all()
            ends = [end for order_id in moved if (end := self._end(order_id)) is not None]
            line = make(last, ends)
            self._connection.execute(sql.text("INSERT INTO head (line) VALUES (:line)"), {"line": line})
            self._connection.execute(sql.text("DELETE FROM moved"))
        return line

    def _post(self, message: Outgoing) -> int:
        done = self._connection.execute(
            sql.text("INSERT INTO outbox (topic, payload, retain) VALUES (:t, :p, :r) RETURNING n"),
            {"t": message.topic, "p": message.payload, "r": int(message.retain)},
        )
        return int(done.scalar_one())

    def outbox(self) -> list[Outgoing]:
        """Return the messages that nobody has seen arrive, in order."""
        rows = self._connection.execute(sql.text("SELECT n, topic, payload, retain FROM outbox ORDER BY n"))
        return [Outgoing(topic=r.topic, payload=r.payload, retain=bool(r.retain), number=r.n) for r in rows]

    def drop(self, numbers: Sequence[int]) -> None:
        """Forget messages that arrived. Raises CannotWrite."""
        try:
            self._connection.execute(sql.text("DELETE FROM outbox WHERE n = :n"), [{"n": number} for number in numbers])
        except OperationalError as error:
            raise CannotWrite(str(error.orig)) from error

    def facts(
        self, *, after: int = 0, kinds: Sequence[str] = (), limit: int | None = None
    ) -> Iterator[tuple[int, bytes]]:
        """Yield facts with their numbers, in order, after a number."""
        where = "WHERE n > :after" + (" AND kind IN :kinds" if kinds else "")
        statement = sql.text(f"SELECT n, body FROM fact {where} ORDER BY n LIMIT :limit")  # noqa: S608 - no input in it
        values: dict[str, Any] = {"after": after, "limit": -1 if limit is None else limit}
        if kinds:
            statement = statement.bindparams(sql.bindparam("kinds", expanding=True))
            values["kinds"] = list(kinds)
        for row in self._connection.execute(statement, values):
            yield row.n, row.body

    def search(self, search: Search) -> Iterator[tuple[int, bytes]]:
        """Yield facts that may be meant, with their numbers, in order; no limit: who reads says when it is enough."""
        values: dict[str, Any] = {"after": search.after, "before": search.before, **self._when(search)}
        wheres = ["n > :after", *(where for name, where in _WHERES if values.get(name) is not None)]
        for at, word in enumerate(search.words):
            wheres.append(f"instr(body, :word{at})")
            values[f"word{at}"] = msgspec.json.encode(word)
        kinds = search.possible_kinds()
        if kinds != KINDS:
            wheres.append("kind IN :kinds")
            values["kinds"] = sorted(kinds)
        order = "DESC" if search.newest_first else "ASC"
        text = f"SELECT n, body FROM fact WHERE {' AND '.join(wheres)} ORDER BY n {order}"  # noqa: S608 - no input in it
        statement = sql.text(text)
        if "kinds" in values:
            statement = statement.bindparams(sql.bindparam("kinds", expanding=True))
        with self._connection.execute(statement, values) as rows:
            for row in rows:
                yield row.n, row.body

    def _when(self, search: Search) -> dict[str, str]:
        """Return between which times a search has to look; an order's own life bounds what names it."""
        since, until = ("" if at is None else rfc3339(at) for at in (search.since, search.until))
        if search.order is not None:
            span = self._connection.execute(sql.text(_SPAN), {"o": search.order}).one()
            first, last = span.first or "", span.last
            since, until = max(since, first), min(until or END, f"{last}{END}" if last else BEGINNING)
        return {name: at for name, at in (("since", since), ("until", until)) if at}

    def chain_ends(self) -> Iterator[tuple[str, int, bytes]]:
        """Yield each order's chain as its last link has it: order, number, line."""
        for row in self._connection.execute(sql.text("SELECT order_id, max(n) AS n, line FROM link GROUP BY order_id")):
            yield row.order_id, row.n, bytes(row.line)

    def forget_life(self, order_id: str, links: int, numbers: Sequence[int]) -> None:
        """Drop a chain of so many links and these facts at once, nothing where it went on. Raises CannotWrite."""
        values = {"o": order_id, "links": links}
        with self._transaction():
            if self._connection.execute(sql.text(_GOES_ON), values).scalar() is None:
                self._connection.execute(sql.text("DELETE FROM link WHERE order_id = :o"), values)
                self._connection.execute(sql.text("DELETE FROM moved WHERE order_id = :o"), values)
                self._delete(numbers)

    def forget(self, numbers: Sequence[int]) -> None:
        """Drop facts. Raises CannotWrite."""
        with self._transaction():
            self._delete(numbers)

    def _delete(self, numbers: Sequence[int]) -> None:
        if numbers:
            self._connection.execute(sql.text("DELETE FROM fact WHERE n = :n"), [{"n": number} for number in numbers])

    def links(self, order_id: str) -> list[bytes]:
        """Return the lines of an order's chain."""
        rows = self._connection.execute(
            sql.text("SELECT line FROM link WHERE order_id = :o ORDER BY n"), {"o": order_id}
        )
        return [bytes(row.line) for row in rows]

    def record(self, order_id: str) -> Record:
        """Return an order's links, and the site's heads from the first that covers them to the last that does."""
        self._connection.execute(sql.text("BEGIN"))  # one look: a head written meanwhile covers links not yet read
        try:
            links = self.links(order_id)
            return Record(order_id=order_id, links=links, heads=self._heads(order_id, links))
        finally:
            self._connection.execute(sql.text("COMMIT"))

    def _heads(self, order_id: str, links: Sequence[bytes]) -> list[bytes]:
        if self.version() < HAS_HEADS:
            return []
        rows = self._connection.execute(
            sql.text("SELECT n, line FROM head WHERE instr(line, :w) ORDER BY n"), {"w": name_in_head(order_id)}
        )
        known = [(row.n, end) for row in rows if (end := mentions(row.line, order_id)) is not None]
        first = covering(known, [chain.hash_of(line) for line in links])
        if first is None:
            return []
        between = sql.text("SELECT line FROM head WHERE n >= :a AND n <= :b ORDER BY n")
        return [bytes(row.line) for row in self._connection.execute(between, {"a": first, "b": known[-1][0]})]

    def last_head(self) -> bytes | None:
        """Return the site's last head, None where there is none yet."""
        if self.version() < HAS_HEADS:
            return None
        return self._connection.execute(sql.text("SELECT line FROM head ORDER BY n DESC LIMIT 1")).scalar()

    def chains(self, after: str) -> Iterator[tuple[End, bytes, bytes, bool]]:
        """Yield each chain after this order's, by order: its end, first and last line, whether a head covers all."""
        step = sql.text("SELECT min(order_id) FROM link WHERE order_id > :o")
        first = sql.text("SELECT line FROM link WHERE order_id = :o AND n = :n")
        moved = sql.text("SELECT 1 FROM moved WHERE order_id = :o")
        while (after := self._connection.execute(step, {"o": after}).scalar() or "") and (end := self._end(after)):
            lines = [self._connection.execute(first, {"o": after, "n": n}).scalar_one() for n in (1, end.links)]
            covered = self.version() >= HAS_HEADS and self._connection.execute(moved, {"o": after}).scalar() is None
            yield end, bytes(lines[0]), bytes(lines[1]), covered


def _resolved(url: str, state_dir: Path, *, read_only: bool) -> str:
    """Return the URL with its file below the state directory where it is relative."""
    prefix = "sqlite:///"
    if not url.startswith(prefix):
        raise CannotOpen(f"{url}: only sqlite:/// is supported")
    path = state_dir / url.removeprefix(prefix)
    if read_only and not path.exists():
        raise CannotOpen(f"{path}: there is no store")
    return f"{prefix}{path}"
