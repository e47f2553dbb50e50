"""What keys of money are wrong in together, and how a hashprice comes. Functions of the schema alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from agent.config_schema import FxRate, Schema
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
    if revenue.source == "network" and feed_of(schema) is None:
        figures = {"difficulty": revenue.difficulty, "height": revenue.height, "btc_price": revenue.btc_price}
        if missing := [name for name, figure in figures.items() if figure is None]:
            yield (
                "revenue.source",
                f"network needs file, url or topic, or by hand {' and '.join(missing)}: no hashprice comes",
            )
