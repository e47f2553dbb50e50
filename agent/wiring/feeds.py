"""What a PH/s earns as it comes: a file that is read again, a page that is fetched, a topic that is heard.

What cannot be read or reached is said, and changes nothing: the last quote holds until it is too old.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import structlog

from agent.clock import Clock
from agent.config import Config
from agent.config.money import feed_of
from agent.facts import AnyFact
from agent.facts.energy import HashpriceSeen
from agent.inputs.hashprice import MOST_BYTES, BadQuote, read_csv, read_json
from agent.links.mqtt import MqttLink
from agent.planning.hashprice import Quote, Quotes
from agent.settings import prefix_of
from agent.tariffs.money import written
from agent.wiring.money_terms import shape_of

FETCHED_WITHIN_S = 20.0
AS_IT_IS = {"Accept-Encoding": "identity"}
"""A packed page is not asked for, nor unpacked: it is longer than it says."""
log = structlog.get_logger()


class HashpriceFeed:
    """Brings quotes to where money is counted, and tells the journal of each that is news."""

    def __init__(self, config: Config, quotes: Quotes, clock: Clock, tell: Callable[[AnyFact], None]) -> None:
        self._config = config
        self._told = config.schema.revenue
        self._quotes = quotes
        self._shape = shape_of(self._told)
        self._clock = clock
        self._tell = tell
        self._read_at: float | None = None  # when the file was last changed

    def replayed(self, fact: AnyFact) -> None:
        """Take in the last quote of the lives before this one."""
        if isinstance(fact, HashpriceSeen):
            self._quotes.heard(Quote(at=fact.quoted_at, per_ph_day=fact.price(), said=fact.source))

    def listen(self, link: MqttLink) -> None:
        """Hear what comes over MQTT."""
        if feed_of(self._config.schema) == "mqtt":
            topic = self._told.topic or f"{prefix_of(self._config)}/signals/hashprice"
            link.listen(topic, lambda _topic, raw, _retained: self.take(raw))

    async def run(self) -> None:
        """Look again for ever, where something has to be looked for."""
        feed = feed_of(self._config.schema)
        while feed in {"csv", "http"}:
            await (self._look() if feed == "csv" else self._fetch())
            await self._clock.sleep(self._told.every_s)

    async def _look(self) -> None:
        path = self._config.folder / (self._told.file or "")
        try:
            changed = path.stat().st_mtime
            if changed == self._read_at:
                return
            quotes = await asyncio.to_thread(self._quotes_in, path)
        except (OSError, ValueError, BadQuote) as error:
            self._failed(f"{path.name} cannot be read: {getattr(error, 'strerror', None) or error}")
            return
        self._read_at = changed
        news = [quote for quote in quotes if self._quotes.heard(quote)]
        self._quotes.trouble = None
        self._say(self._quotes.last(self._clock.now().at) if news else None)

    def _quotes_in(self, path: Path) -> list[Quote]:
        return read_csv(path.read_text(encoding="utf-8-sig"), self._shape)

    async def _fetch(self) -> None:
        from aiohttp import ClientError, ClientSession, ClientTimeout  # noqa: PLC0415 - where there is such a feed

        url = self._told.url or ""
        try:
            async with (
                ClientSession(timeout=ClientTimeout(total=FETCHED_WITHIN_S), auto_decompress=False) as session,
                session.get(url, allow_redirects=False, headers=AS_IT_IS) as answer,
            ):
                raw = b""
                while len(raw) <= MOST_BYTES and (piece := await answer.content.readany()):
                    raw += piece
                status = answer.status
        except (ClientError, OSError, ValueError) as error:
            why = f"{type(error).__name__} {error}".replace(url, self._place)
            self._failed(f"{self._place} cannot be reached: {why}")
            return
        if len(raw) > MOST_BYTES:
            self._failed(f"{self._place} answers more than {MOST_BYTES} bytes")
        elif status == 200:
            self.take(raw)
        else:
            self._failed(f"{self._place} answers {status}")

    @property
    def _place(self) -> str:
        """Where the page is, without its query: that may hold a key."""
        return (self._told.url or "").partition("?")[0]

    def take(self, raw: bytes) -> None:
        """Take in a document."""
        try:
            quote = read_json(raw, self._shape, self._clock.now().at)
        except BadQuote as error:
            self._failed(f"what came is no hashprice: {error}")
            return
        self._quotes.trouble = None
        self._say(quote if self._quotes.heard(quote) else None)

    def _say(self, quote: Quote | None) -> None:
        if quote is not None:
            now = self._clock.now().at
            price = written(quote.per_ph_day)
            self._tell(
                HashpriceSeen(
                    at=now,
                    quoted_at=quote.at,
                    per_ph_day=price,
                    currency=self._told.currency,
                    source=quote.said,
                )
            )

    def _failed(self, why: str) -> None:
        if why != self._quotes.trouble:
            log.warning("no hashprice", why=why)
        self._quotes.trouble = why
