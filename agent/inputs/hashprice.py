"""What a feed says of the hashprice: a JSON document, or a CSV of quotes through time; or what the network pays.

A quote is `hashprice_per_ph_day`, or what a pool pays in bitcoin, with what one costs; of the network it is
`difficulty`, `height`, `fees_btc` and `price` of a bitcoin, of which what a feed does not say may be known by hand.
`at` is RFC 3339 or Unix seconds; left out, it is the receipt.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation, localcontext
from typing import Any

from agent.planning.economics import Network
from agent.planning.hashprice import Quote
from agent.tariffs.money import EXACT

PRICE = "hashprice_per_ph_day"
PAYOUTS = {"btc_per_ph_day": Decimal(1), "btc_per_th_day": Decimal(1000), "sat_per_th_day": Decimal("0.00001")}
"""What a pool pays, and how many bitcoin a PH/s and day one of it is."""
BITCOIN = "BTC"
MOST = Decimal(10) ** 24
"""No figure of a feed is above."""
MOST_BYTES = 1_048_576
"""Of a document."""


class BadQuote(Exception):
    """What came is no quote; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How a feed is to be read: `network` where the hashprice is worked out, with what is known by hand."""

    said: str
    network: bool = False
    currency: str = ""
    by_hand: Mapping[str, Decimal] = field(default_factory=dict)


def read_json(raw: bytes, shape: Shape, now: datetime) -> Quote:
    """Return the quote that a JSON document is; a bare number is a hashprice. Raises BadQuote."""
    try:
        told = json.loads(raw.decode("utf-8-sig"), parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise BadQuote(f"it is no JSON: {error}") from None
    if isinstance(told, Decimal | int) and not isinstance(told, bool):
        told = {PRICE: told}
    if not isinstance(told, dict):
        raise BadQuote("it is neither a number nor an object")
    return _quote(told, shape, _instant(told.get("at"), now))


def read_csv(text: str, shape: Shape) -> list[Quote]:
    """Return the quotes of a CSV, whose column `at` is an instant with offset. Raises BadQuote naming the row."""
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    if rows.fieldnames is None or "at" not in rows.fieldnames:
        raise BadQuote("it has no column at")
    return [*_rows(rows, shape)]


def _rows(rows: csv.DictReader[str], shape: Shape) -> Iterator[Quote]:
    for number, row in enumerate(rows, start=2):
        told = {key: value for key, value in row.items() if value not in {"", None}}
        try:
            yield _quote(told, shape, _instant(told.get("at"), None))
        except BadQuote as error:
            raise BadQuote(f"row {number}: {error}") from None


def of_network(told: Mapping[str, Any], by_hand: Mapping[str, Decimal]) -> Network:
    """Return what the network pays, by a feed and by hand. Raises BadQuote."""
    figures = {name: _figure(told, name, by_hand) for name in ("difficulty", "height", "fees_btc", "price")}
    missing = [name for name, figure in figures.items() if figure is None and name != "fees_btc"]
    if missing:
        raise BadQuote(f"{missing[0]} is told neither by the feed nor by hand")
    difficulty, height = figures["difficulty"] or Decimal(0), figures["height"] or Decimal(0)
    if difficulty < 1:
        raise BadQuote("difficulty is at least 1")
    if height != height.to_integral_value():
        raise BadQuote("height is a whole number")
    return Network(
        difficulty=difficulty,
        height=int(height),
        fees_btc=figures["fees_btc"] or Decimal(0),
        price=figures["price"] or Decimal(0),
    )


def _quote(told: Mapping[str, Any], shape: Shape, at: datetime) -> Quote:
    if shape.network:
        return Quote(at=at, per_ph_day=of_network(told, shape.by_hand).per_ph_day, said=shape.said)
    price = _figure(told, PRICE, {})
    if price is None:
        price = payout_of(told, shape)
    if price is None:
        raise BadQuote(f"it has no {PRICE}, nor any of {', '.join(PAYOUTS)}")
    return Quote(at=at, per_ph_day=price, said=shape.said)


def payout_of(told: Mapping[str, Any], shape: Shape) -> Decimal | None:
    """Return what a pool's payout earns a PH/s and day, None where none is told. Raises BadQuote."""
    for name, btc in PAYOUTS.items():
        paid = _figure(told, name, {})
        if paid is not None:
            price = Decimal(1) if shape.currency == BITCOIN else _figure(told, "price", shape.by_hand)
            if price is None:
                raise BadQuote(f"{name} needs the price of a bitcoin: price, or btc_price by hand")
            with localcontext(EXACT):
                return paid * btc * price
    return None


def _figure(told: Mapping[str, Any], name: str, by_hand: Mapping[str, Decimal]) -> Decimal | None:
    value = told.get(name)
    if value is None:
        return by_hand.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise BadQuote(f"{name} is no number")
    try:
        figure = Decimal(value)
    except InvalidOperation:
        raise BadQuote(f"{name} is no number") from None
    if not (figure.is_finite() and 0 <= figure <= MOST):
        raise BadQuote(f"{name} is not from 0 to 1e24")
    return figure


def _instant(told: Any, now: datetime | None) -> datetime:
    if told is None and now is not None:
        return now
    try:
        if isinstance(told, int | Decimal) and not isinstance(told, bool):
            return datetime.fromtimestamp(float(told), UTC)
        at = datetime.fromisoformat(told)
    except (TypeError, ValueError, OverflowError, OSError):
        raise BadQuote("at is no instant such as 2026-01-31T18:00:00Z") from None
    if at.tzinfo is None:
        raise BadQuote("at needs an offset, such as Z or +06:00")
    return at.astimezone(UTC)


def _no_number(told: str) -> Any:
    raise ValueError(f"{told} is no number")
