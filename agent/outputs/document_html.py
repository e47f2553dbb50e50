"""A document as one HTML page that needs nothing beside it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from html import escape
from importlib.resources import files

from agent.outputs.document import (
    Area,
    Block,
    Document,
    Drawing,
    Label,
    Lines,
    Listed,
    Note,
    Pairs,
    Section,
    Shape,
    Table,
)


def as_html(document: Document) -> str:
    """Return the page."""
    title = escape(document.title)
    body = "".join(_section(one) for one in document.sections)
    return (
        f'<!DOCTYPE html>\n<html lang="{document.language}"><head><meta charset="utf-8"/>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>'
        f"<title>{title}</title><style>{_style()}</style></head><body><h1>{title}</h1>"
        f'<p class="note">{escape(document.note)}</p>{body}</body></html>\n'
    )


@cache
def _style() -> str:
    return (files("agent.outputs") / "report.css").read_text(encoding="utf-8")


def _section(one: Section) -> str:
    content = "".join(_block(block) for block in one.blocks)
    return f"<section><h2>{escape(one.name)}</h2>{content}</section>" if content else ""


def _block(block: Block) -> str:
    match block:
        case Pairs(pairs=pairs):
            told = (f'<dt>{escape(name)}</dt><dd class="wrap">{escape(value)}</dd>' for name, value in pairs)
            return f"<dl>{''.join(told)}</dl>"
        case Table():
            return _table(block)
        case Note(text=text, bad=bad):
            return f'<p class="{"bad" if bad else "note wrap"}">{escape(text)}</p>'
        case Listed(title=title, items=items):
            told = (f"<li>{escape(item)}</li>" for item in items)
            return f'<p class="note">{escape(title)}:</p><ul class="note">{"".join(told)}</ul>'
        case Lines(lines=lines):
            return f'<pre class="wrap">{escape(chr(10).join(lines))}</pre>'
        case Drawing():
            return as_svg(block) + _legend(block.legend)


def _table(table: Table) -> str:
    of = [' class="n"' if figures else "" for _, figures in table.columns]
    head = "".join(f"<th{kind}>{escape(name)}</th>" for (name, _), kind in zip(table.columns, of, strict=True))
    first_sum = len(table.rows) - table.sums
    body = "".join(
        f"<tr>{''.join(_cell(cell, kind, at >= first_sum) for cell, kind in zip(row, of, strict=True))}</tr>"
        for at, row in enumerate(table.rows)
    )
    return f'<div class="tables"><table><tr>{head}</tr>{body}</table></div>'


def _cell(text: str, kind: str, is_sum: bool) -> str:  # noqa: FBT001 - of a row, told by its place
    return f"<td{kind}>{f'<b>{escape(text)}</b>' if is_sum and text else escape(text)}</td>"


def _legend(legend: Sequence[tuple[str, str]]) -> str:
    told = "".join(f'<span><i class="{kind}"></i>{escape(meaning)}</span>' for kind, meaning in legend)
    return f'<p class="legend note">{told}</p>' if told else ""


def as_svg(drawing: Drawing) -> str:
    """Return a drawing alone."""
    title = escape(drawing.title)
    return (
        f'<svg viewBox="0 0 {drawing.width:g} {drawing.height:g}" role="img" aria-label="{title}" '
        f'xmlns="http://www.w3.org/2000/svg"><title>{title}</title>{"".join(map(_shape, drawing.shapes))}</svg>'
    )


def _shape(shape: Shape) -> str:
    match shape:
        case Area(kind=kind, boxes=boxes):
            drawn = (f"M{x:.1f} {y:.1f}h{width:.1f}v{height:.1f}h{-width:.1f}Z" for x, y, width, height in boxes)
            return f'<path class="{kind}" d="{"".join(drawn)}"/>'
        case Label(x=x, y=y, text=text, anchor=anchor):
            return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
        case _:
            pieces = ("L".join(f"{x:.1f} {y:.1f}" for x, y in piece) for piece in shape.pieces)
            return f'<path class="{shape.kind}" d="{"".join(f"M{piece}" for piece in pieces)}"/>'
