"""What the site and its machines drew: a SQLite file of its own beside the ledger, written behind, by one thread.

It informs and proves nothing: where it cannot be written it says so once and control goes on. The only file beside
`store` that knows a database.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import structlog

from agent.ledger import chunks
from agent.ledger.chunks import HOUR_S, Numbers
from agent.past import MINER_STEP_S, MinerColumns, MinerPoint, SitePoint
from drivers.interface import State

VERSION = 1
MOST_WAITING = 60
"""Pieces of work; where the disk hangs for longer, what comes is let go."""
FAST_S = 0.5
"""So long a reader waits for the writer, at most."""
_STATES = tuple(state.value for state in State)
_SCHEMA = f"""
CREATE TABLE site (
    at INTEGER PRIMARY KEY, power_w REAL, power_max_w REAL, cap_w REAL, excess_w REAL, house_w REAL, hashrate_ths REAL,
    price_per_kwh REAL, {", ".join(f"{state} INTEGER NOT NULL" for state in _STATES)}
);
CREATE TABLE machine (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE);
CREATE TABLE moment (at INTEGER, part INTEGER, body BLOB NOT NULL, PRIMARY KEY (part, at));
CREATE TABLE hour (at INTEGER, part INTEGER, body BLOB NOT NULL, PRIMARY KEY (part, at));
PRAGMA user_version = {VERSION};
"""
_FIGURES = ("power_w", "power_max_w", "cap_w", "excess_w", "house_w", "hashrate_ths", "price_per_kwh")
_SUMS = "avg(power_w), max(power_max_w), avg(cap_w), max(excess_w), avg(house_w), avg(hashrate_ths), avg(price_per_kwh)"
_COUNTS = ", ".join(f"round(avg({state}))" for state in _STATES)
_SITE = f"SELECT at / :step * :step AS t, {_SUMS}, {_COUNTS} FROM site WHERE at >= :a AND at < :b GROUP BY t"  # noqa: S608 - names of our own
_KEEP_SITE = f"INSERT OR REPLACE INTO site VALUES ({', '.join('?' * (1 + len(_FIGURES) + len(_STATES)))})"  # noqa: S608 - likewise

T = TypeVar("T")
log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """For how long what is kept."""

    site_days: int = 400
    miner_days: int = 30


class History:
    """The past of one site. What it is told is written soon, off the loop; what it is asked is read off the loop."""

    def __init__(self, path: Path, miners: Sequence[str], kept: Kept) -> None:
        self._path = path
        self._miners = miners
        self._kept = kept
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="history")
        self._reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="history-read")
        self._connection: sqlite3.Connection | None = None
        self._numbers = Numbers({})
        self._waiting = threading.Semaphore(MOST_WAITING)
        self._well = True

    async def close(self) -> None:
        """Write what is waiting, then close."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._writer, self._disconnect)
        self._writer.shutdown()
        self._reader.shutdown()

    # what it is told ------------------------------------------------------------------------------------------

    def keep_site(self, point: SitePoint) -> None:
        """Keep the site's minute."""
        row = (
            int(point.at.timestamp()),
            *(getattr(point, name) for name in _FIGURES),
            *(point.miners.get(state, 0) for state in _STATES),
        )
        self._soon(lambda connection: connection.execute(_KEEP_SITE, row))

    def keep_miners(self, at: datetime, columns: Callable[[], MinerColumns]) -> None:
        """Keep every machine as it was at `at`; `columns` is called in the writing thread."""
        second = int(at.timestamp()) // MINER_STEP_S * MINER_STEP_S
        self._soon(lambda connection: self._keep_miners(connection, second, columns()))

    def _keep_miners(self, connection: sqlite3.Connection, second: int, columns: MinerColumns) -> None:
        rows = ((second, part, body) for part, body in enumerate(chunks.split(columns, self._numbers)))
        connection.executemany("INSERT OR REPLACE INTO moment VALUES (?, ?, ?)", rows)
        self._pack(connection, second // HOUR_S * HOUR_S)
        self._drop_old(connection, second)

    def _pack(self, connection: sqlite3.Connection, before: int) -> None:
        """Put the moments of each hour that is over together: a tenth of the rows, half of the bytes."""
        hours = connection.execute("SELECT DISTINCT part, at / ? FROM moment WHERE at < ?", (HOUR_S, before)).fetchall()
        for part, hour in hours:
            start, end = hour * HOUR_S, (hour + 1) * HOUR_S
            found = connection.execute(
                "SELECT at, body FROM moment WHERE part = ? AND at >= ? AND at < ?", (part, start, end)
            ).fetchall()
            connection.execute("INSERT OR REPLACE INTO hour VALUES (?, ?, ?)", (start, part, chunks.pack(start, found)))
        connection.execute("DELETE FROM moment WHERE at < ?", (before,))

    def _drop_old(self, connection: sqlite3.Connection, now: int) -> None:
        day = 24 * HOUR_S
        connection.execute("DELETE FROM site WHERE at < ?", (now - self._kept.site_days * day,))
        connection.execute("DELETE FROM hour WHERE at < ?", (now - self._kept.miner_days * day,))

    def _soon(self, work: Callable[[sqlite3.Connection], object]) -> None:
        """Hand work to the writer; where its disk hangs, what would pile up is let go."""
        if self._waiting.acquire(blocking=False):
            self._writer.submit(self._write, work).add_done_callback(_raise)

    def _write(self, work: Callable[[sqlite3.Connection], object]) -> None:
        self._waiting.release()
        try:
            connection = self._connected()
            with connection:
                work(connection)
        except sqlite3.Error as error:
            if self._well:
                log.error("the history is not written; control goes on", file=self._path.name, error=str(error))
            self._well = False
            return
        if not self._well:
            log.info("the history is written again", file=self._path.name)
        self._well = True

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            made = sqlite3.connect(self._path, check_same_thread=False)
            try:
                made.execute("PRAGMA journal_mode = WAL")
                made.execute("PRAGMA synchronous = NORMAL")
                self._prepare(made)
            except BaseException:
                made.close()
                raise
            self._connection = made
        return self._connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise sqlite3.DatabaseError(f"it is of version {version}; this agent knows versions up to {VERSION}")
        if version == 0:
            connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
        with connection:
            new = [(miner,) for miner in self._miners]
            connection.executemany("INSERT OR IGNORE INTO machine (id) VALUES (?)", new)
        numbers = dict(connection.execute("SELECT id, number FROM machine"))
        self._numbers = Numbers.of(self._miners, numbers)

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()

    # what it is asked -----------------------------------------------------------------------------------------

    async def site(self, since: datetime, until: datetime, step_s: int) -> list[SitePoint]:
        """Return the site from `since` until `until`, a point a step; steps without a minute in them are left out."""
        values = {"step": step_s, "a": int(since.timestamp()), "b": int(until.timestamp())}
        return await self._read(lambda connection: [_site_point(row) for row in connection.execute(_SITE, values)])

    async def miner(self, miner: str, since: datetime, until: datetime) -> list[MinerPoint]:
        """Return one machine from `since` until `until`, a point each five minutes that it was kept in."""
        a, b = int(since.timestamp()), int(until.timestamp())
        return await self._read(lambda connection: list(_miner_points(connection, miner, a, b)))

    async def _read(self, read: Callable[[sqlite3.Connection], list[T]]) -> list[T]:
        return await asyncio.get_running_loop().run_in_executor(self._reader, self._reading, read)

    def _reading(self, read: Callable[[sqlite3.Connection], list[T]]) -> list[T]:
        """Read with a connection of its own; where there is no file yet there is no past."""
        if not self._path.exists():
            return []
        try:
            with closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=FAST_S)) as connection:
                return read(connection)
        except sqlite3.Error as error:
            log.warning("the history cannot be read", error=str(error))
            return []


def _raise(done: object) -> None:
    error = done.exception()  # type: ignore[attr-defined]  # a Future: the executor's callback is untyped
    if error is not None:
        raise error


def _site_point(row: Sequence[float | None]) -> SitePoint:
    at, *figures = row[: 1 + len(_FIGURES)]
    counts = row[1 + len(_FIGURES) :]
    return SitePoint(
        at=datetime.fromtimestamp(at or 0, UTC),
        miners={state: int(count or 0) for state, count in zip(_STATES, counts, strict=True)},
        **dict(zip(_FIGURES, figures, strict=True)),
    )


def _miner_points(connection: sqlite3.Connection, miner: str, since: int, until: int) -> Iterable[MinerPoint]:
    found = connection.execute("SELECT number FROM machine WHERE id = ?", (miner,)).fetchone()
    if found is None:
        return
    part, slot = chunks.place(found[0])
    hours = connection.execute(
        "SELECT at, body FROM hour WHERE part = ? AND at >= ? AND at < ? ORDER BY at",
        (part, since // HOUR_S * HOUR_S, until),
    )
    for start, body in hours:
        yield from _within(chunks.of_hour(start, body, slot), since, until)
    moments = connection.execute(
        "SELECT at, body FROM moment WHERE part = ? AND at >= ? AND at < ? ORDER BY at", (part, since, until)
    )
    for at, body in moments:
        yield from _within(chunks.of_moment(at, body, slot), since, until)


def _within(points: Iterable[MinerPoint], since: int, until: int) -> Iterable[MinerPoint]:
    zero, a, b = datetime.fromtimestamp(0, UTC), timedelta(seconds=since), timedelta(seconds=until)
    return (point for point in points if zero + a <= point.at < zero + b)
