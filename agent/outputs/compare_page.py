"""Places compared, as one HTML page that needs nothing beside it: a table, a chart of margins, stops and doubts."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from html import escape
from importlib.resources import files

from agent.outputs.compare_json import into
from agent.planning.compare import Compared
from agent.tariffs.money import rounded

WIDTH, ROW, LEFT, RIGHT = 960, 34, 220, 130
UNKNOWN = "-"


def page(found: Sequence[Compared], currency: str | None, said: str) -> str:
    """Return the page; `said` tells of which machines, load and revenue."""
    style = (files("agent.outputs") / "report.css").read_text(encoding="utf-8")
    body = (
        "<h1>Where a farm would pay what</h1>"
        f'<p class="note">{escape(said)}</p>'
        f"<section><h2>Places</h2>{_table(found, currency)}</section>"
        f"<section><h2>Break-even by model, per kWh</h2>{_models(found)}</section>"
        f"{_charts(found, currency)}"
        f"{_details(found)}"
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"/>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>'
        f"<title>Hashwatt: places compared</title><style>{style}</style></head><body>{body}</body></html>\n"
    )


def _table(found: Sequence[Compared], currency: str | None) -> str:
    other = currency or "revenue's currency"
    heads = (
        "place",
        "kWh all in",
        f"in {other}",
        "hours stopped",
        "not confirmed",
        "margin per PH/s and year",
        f"in {other}",
    )
    rows = [
        (
            one.place.name,
            _price(one.per_kwh, one.place.tariff.currency, is_least=one.is_least),
            _price(into(one.per_kwh, one.rate), currency or "", is_least=one.is_least),
            f"{one.stopped_h:,.0f} of {one.hours:,.0f}",
            f"{one.doubtful_h:,.0f}",
            _money(one.margin_per_ph_year, one.place.tariff.currency, is_most=one.is_least),
            _money(into(one.margin_per_ph_year, one.rate), currency or "", is_most=one.is_least),
        )
        for one in found
    ]
    return _rows(heads, rows)


def _models(found: Sequence[Compared]) -> str:
    models = [of.model for of in found[0].models] if found else []
    rows = [(one.place.name, *(_price(of.break_even, one.place.tariff.currency) for of in one.models)) for one in found]
    return _rows(("place", *models), rows)


def _rows(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(
        f'<th class="n">{escape(name)}</th>' if at else f"<th>{escape(name)}</th>" for at, name in enumerate(heads)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f'<td class="n">{escape(cell)}</td>' if at else f"<td>{escape(cell)}</td>" for at, cell in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    return f'<div class="tables"><table><tr>{head}</tr>{body}</table></div>'


def _charts(found: Sequence[Compared], currency: str | None) -> str:
    margins = [(one.place.name, into(one.margin_per_ph_year, one.rate)) for one in found]
    stopped: list[tuple[str, Decimal | None]] = [(one.place.name, one.stopped_h) for one in found]
    drawn = ""
    if any(amount is not None for _, amount in margins):
        drawn += f"<section><h2>Margin per PH/s and year, {escape(currency or '')}</h2>{_bars(margins)}</section>"
    return drawn + f"<section><h2>Hours stopped</h2>{_bars(stopped)}</section>"


def _bars(rows: Sequence[tuple[str, Decimal | None]]) -> str:
    """Return horizontal bars, those below zero to the left of it."""
    known = [float(value) for _, value in rows if value is not None]
    most, least = max([*known, 0.0]), min([*known, 0.0])
    scale = (WIDTH - LEFT - RIGHT) / ((most - least) or 1.0)
    zero = LEFT - least * scale
    parts = [f'<path class="grid" d="M{zero:.1f} 0V{len(rows) * ROW}"/>']
    for at, (name, value) in enumerate(rows):
        middle = at * ROW + ROW / 2
        parts.append(f'<text x="{LEFT - 10}" y="{middle + 4:.1f}" text-anchor="end">{escape(name)}</text>')
        if value is None:
            parts.append(f'<text x="{zero + 6:.1f}" y="{middle + 4:.1f}">not known</text>')
            continue
        width, kind = float(value) * scale, "cap" if value < 0 else "mean"
        parts.append(
            f'<path class="{kind}" style="stroke-width:16;stroke-dasharray:none" '
            f'd="M{zero:.1f} {middle:.1f}h{width:.1f}"/>'
        )
        end = max(zero, zero + width) + 6
        parts.append(f'<text x="{end:.1f}" y="{middle + 4:.1f}">{value:,.0f}</text>')
    return (
        f'<svg viewBox="0 0 {WIDTH} {len(rows) * ROW}" role="img" xmlns="http://www.w3.org/2000/svg">'
        f"{''.join(parts)}</svg>"
    )


def _details(found: Sequence[Compared]) -> str:
    told = ""
    for one in found:
        stops = [stop.in_words() for stop in one.place.stops] or ["no stop is known"]
        said = "".join(f"<li>{escape(line)}</li>" for line in (*stops, *(f"in doubt: {doubt}" for doubt in one.doubts)))
        told += f"<section><h2>{escape(one.place.name)}: {escape(one.place.tariff.name)}</h2><ul>{said}</ul></section>"
    return told


def _price(amount: Decimal | None, currency: str, *, is_least: bool = False) -> str:
    return UNKNOWN if amount is None else f"{'≥ ' if is_least else ''}{rounded(amount, 4)} {currency}".rstrip()


def _money(amount: Decimal | None, currency: str, *, is_most: bool = False) -> str:
    return UNKNOWN if amount is None else f"{'≤ ' if is_most else ''}{rounded(amount, 2):,f} {currency}".rstrip()
