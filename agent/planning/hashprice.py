"""What a PH/s earns a day through time: quotes with their age, and the price that holds where none is fresh."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal, localcontext
from operator import attrgetter

from agent.planning.economics import Earning
from agent.tariffs.figures import Dated, NoFigure
from agent.tariffs.money import EXACT, written

KEPT = 100_000
"""Quotes: eleven years of hourly ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What a PH/s earned a day as of an instant, and who said so."""

    at: datetime
    per_ph_day: Decimal
    said: str


@dataclass(slots=True, kw_only=True)
class Quotes:
    """What was quoted. Older than `stale` a quote counts no more: then `by_hand` holds, and without it nothing does."""

    by_hand: Decimal | None = None
    stale: timedelta | None = None  # None: nothing is ever quoted
    source: str = "fixed"
    trouble: str | None = None  # why the last that came could not be used
    _told: list[Quote] = field(default_factory=list)

    def heard(self, quote: Quote) -> bool:
        """Take in a quote; returns whether it is news. One of the same instant takes the place of the one before."""
        at = bisect_right(self._told, quote.at, key=attrgetter("at"))
        if at and self._told[at - 1].at == quote.at:
            is_news = self._told[at - 1].per_ph_day != quote.per_ph_day
            self._told[at - 1] = quote
            return is_news
        insort(self._told, quote, key=attrgetter("at"))
        del self._told[:-KEPT]
        return True

    def last(self, at: datetime) -> Quote | None:
        """Return the last quote as of an instant, however old."""
        found = bisect_right(self._told, at, key=attrgetter("at"))
        return self._told[found - 1] if found else None

    def fresh(self, at: datetime) -> Quote | None:
        """Return the quote that counts at an instant."""
        last = self.last(at)
        return last if last is not None and self.stale is not None and at - last.at <= self.stale else None

    def per_ph_day(self, at: datetime) -> Decimal | None:
        """Return what a PH/s earns a day at an instant, None where nobody says."""
        fresh = self.fresh(at)
        return self.by_hand if fresh is None else fresh.per_ph_day

    def doubt(self, at: datetime) -> str | None:
        """Return in words what is wrong with what holds at an instant."""
        if self.stale is None or self.fresh(at) is not None:
            return None
        last = self.last(at)
        age = "no hashprice came" if last is None else f"the last hashprice is of {last.at:%Y-%m-%d %H:%MZ}"
        held = "nothing is known to be earned" if self.by_hand is None else f"{written(self.by_hand)} by hand holds"
        why = "" if self.trouble is None else f"; {self.trouble}"
        return f"revenue by {self.source}: {age}: {held}{why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Revenue:
    """How hashing earns: quotes in `currency`, what is taken of them, and rates of exchange by pair."""

    quotes: Quotes
    currency: str
    pool_fee_pct: Decimal = Decimal(0)
    revenue_tax_pct: Decimal = Decimal(0)
    pue: Decimal = Decimal(1)
    uptime_pct: Decimal = Decimal(100)
    fx: Mapping[str, Dated] = field(default_factory=dict)  # such as USD/KGS: what one dollar is in som

    def earning(self, at: datetime, currency: str, zone: tzinfo) -> Earning | None:
        """Return what hashing earns at an instant, exchanged into `currency`; None where no hashprice is known."""
        per_ph_day = self.quotes.per_ph_day(at)
        if per_ph_day is None:
            return None
        return Earning(
            per_ph_day=per_ph_day,
            currency=self.currency,
            pool_fee_pct=self.pool_fee_pct,
            revenue_tax_pct=self.revenue_tax_pct,
            pue=self.pue,
            uptime_pct=self.uptime_pct,
            rate=rate_on(self.fx, self.currency, currency, at.astimezone(zone).date()),
        )


def rate_on(fx: Mapping[str, Dated], foreign: str, own: str, day: date) -> Decimal | None:
    """Return what one unit of a currency is in another on a day, by the pair or its inverse; None: nobody says."""
    if foreign == own:
        return Decimal(1)
    direct, inverse = _on(fx.get(f"{foreign}/{own}"), day), _on(fx.get(f"{own}/{foreign}"), day)
    if direct is not None or not inverse:
        return direct
    with localcontext(EXACT):
        return (1 / inverse).quantize(Decimal("1e-20"))


def _on(rate: Dated | None, day: date) -> Decimal | None:
    try:
        return None if rate is None else rate.on(day).value
    except NoFigure:
        return None
