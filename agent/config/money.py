"""What keys of money are wrong in together, and how a hashprice comes. Functions of the schema alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from agent.config.schema import FxRate, Schema
from agent.tariffs.figures import Dated, Figure

Feed = Literal["csv", "http", "mqtt"]


def feed_of(schema: Schema) -> Feed | None:
    """Return how a hashprice, or what the network pays, comes; None where nothing does."""
    revenue = schema.revenue
    match revenue.source:
        case "fixed":
            return None
        case "csv":
            return None if revenue.file is None else "csv"
        case "http":
            return None if revenue.url is None else "http"
        case "mqtt":
            return "mqtt"
        case "network":
            told: tuple[tuple[Feed, str | None], ...] = (
                ("csv", revenue.file),
                ("http", revenue.url),
                ("mqtt", revenue.topic),
            )
            return next((feed for feed, where in told if where is not None), None)


def price_in_words(schema: Schema) -> Iterator[str]:
    """Yield how price moves machines, where there is a price and something is earned."""
    if not _weighs(schema):
        return
    price, cost = schema.price, schema.price.restart_cost
    does = "ACTS: machines are stopped above their break-even" if price.act else "only says what acting would have done"
    restart = "" if not cost else f", a restart costs {cost} {schema.site.currency}"
    yield (
        f"price: {does}, within {price.hysteresis_pct:g} % nothing moves; on for at least {price.min_on_s:g} s, "
        f"off for {price.min_off_s:g} s{restart}"
    )


def contradictions(schema: Schema) -> Iterator[tuple[str, str]]:
    """Yield what is wrong in the rates of exchange."""
    pairs: dict[str, list[FxRate]] = {}
    for rate in schema.revenue.fx_rate:
        pairs.setdefault(rate.pair, []).append(rate)
    for pair, told in pairs.items():
        try:
            dated(told)
        except ValueError as error:
            yield "revenue.fx_rate", f"{pair}: {error}"


def dated(told: Sequence[FxRate]) -> Dated:
    """Return the rates of one pair as one through time. Raises ValueError for a gap or an overlap."""
    return Dated(figures=tuple(Figure(value=one.value, from_=one.from_, until=one.until) for one in told))


def warnings(schema: Schema) -> Iterator[tuple[str, str]]:
    """Yield where no hashprice can come."""
    revenue = schema.revenue
    needs = {"csv": ("file", revenue.file), "http": ("url", revenue.url)}
    key, told = needs.get(revenue.source, ("", ""))
    if told is None:
        yield f"revenue.{key}", f"source = {revenue.source} needs it: no hashprice comes"
    if revenue.payout_btc_per_th_day is not None and revenue.btc_price is None and revenue.currency != "BTC":
        yield "revenue.payout_btc_per_th_day", "needs revenue.btc_price, what a bitcoin costs: no hashprice comes of it"
    if schema.price.act and not _weighs(schema):
        yield "price.act", "does nothing without a tariff and what hashing earns ([revenue])"
    if revenue.source == "network" and feed_of(schema) is None:
        figures = {"difficulty": revenue.difficulty, "height": revenue.height, "btc_price": revenue.btc_price}
        if missing := [name for name, figure in figures.items() if figure is None]:
            yield (
                "revenue.source",
                f"network needs file, url or topic, or by hand {' and '.join(missing)}: no hashprice comes",
            )


def _weighs(schema: Schema) -> bool:
    """Whether there is a tariff and something that says what hashing earns."""
    has_tariff = schema.tariff.file is not None or schema.site.jurisdiction is not None
    revenue = schema.revenue
    by_hand = bool(revenue.hashprice_per_ph_day or revenue.payout_btc_per_th_day)
    return has_tariff and (by_hand or revenue.source != "fixed")
