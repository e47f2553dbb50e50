"""A document as a PDF in A4: words are text, Cyrillic too; the same document gives the same bytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache, partial
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import font_source_sans_pro
from reportlab.graphics.shapes import Drawing as Canvas
from reportlab.graphics.shapes import PolyLine, Rect, String
from reportlab.lib.colors import Color, HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import registerFont, stringWidth
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas as Page
from reportlab.platypus import CondPageBreak, LongTable, PageBreak, Paragraph, SimpleDocTemplate, Spacer

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

PLAIN, BOLD = "SourceSansPro", "SourceSansPro-Bold"
SIZE = 9.0
MARGIN: Final[float] = 18 * mm
WIDTH: Final[float] = A4[0] - 2 * MARGIN
FRAME = 6.0
"""What reportlab leaves free within a margin, in points."""
GAP = 9.0
"""Between columns, in points."""
LEAST = 60.0
"""No column of words is narrower, however much stands beside it."""
HEAD, ROOM = 32.0, 60.0
"""A heading, and what of its section must fit beneath it, in points."""
GREY, PALE, RED, BLUE = "#57606a", "#e3e6ea", "#b42318", "#0b62a8"
FILLS = {"peak": (BLUE, 0.22), "over": (RED, 0.16), "away": (GREY, 0.2)}
STROKES = {"mean": (BLUE, 1.2, None), "cap": (RED, 1.2, (5, 3)), "grid": (PALE, 0.6, None)}
Flow = Any
"""What reportlab lays out; it carries no types."""


def as_pdf(document: Document) -> bytes:
    """Return the file."""
    _fonts()
    out = BytesIO()
    made = SimpleDocTemplate(
        out,
        pagesize=A4,
        leftMargin=MARGIN - FRAME,
        rightMargin=MARGIN - FRAME,
        topMargin=MARGIN - FRAME,
        bottomMargin=MARGIN - FRAME,
        title=document.title,
        author="Hashwatt",
        lang=document.language,
        invariant=1,
    )
    head = [Paragraph(escape(document.title), _style("title")), Paragraph(escape(document.note), _style("note"))]
    flows = [*head, *(flow for section in document.sections for flow in _section(section))]
    made.build(flows, canvasmaker=partial(_Numbered, document))
    return out.getvalue()


@cache
def _fonts() -> None:
    folder = Path(font_source_sans_pro.__file__).parent / "files"
    for name, file in ((PLAIN, "SourceSansPro-Regular.ttf"), (BOLD, "SourceSansPro-Bold.ttf")):
        registerFont(TTFont(name, folder / file))


@cache
def _style(name: str) -> Flow:
    plain = {"fontName": PLAIN, "fontSize": SIZE, "leading": SIZE * 1.35, "splitLongWords": 1}
    more: dict[str, dict[str, Any]] = {
        "title": {"fontName": BOLD, "fontSize": 15, "leading": 19, "spaceAfter": 2},
        "head": {"fontName": BOLD, "fontSize": 11, "leading": 14, "spaceBefore": 12, "spaceAfter": 4},
        "note": {"textColor": HexColor(GREY), "spaceAfter": 3},
        "bad": {"fontName": BOLD, "textColor": HexColor(RED), "spaceAfter": 3},
        "name": {"textColor": HexColor(GREY)},
        "bold": {"fontName": BOLD},
        "figure": {"alignment": 2},
        "sum": {"fontName": BOLD, "alignment": 2},
        "text": {},
    }
    return ParagraphStyle(name, **(plain | more[name]))


@cache
def _indented(spaces: int) -> Flow:
    return ParagraphStyle(f"in {spaces}", parent=_style("text"), leftIndent=spaces * 5)


class _Numbered(Page):  # type: ignore[misc]  # reportlab carries no types
    """Writes beneath each page whose it is and which of how many: pages are kept until their number is known."""

    def __init__(self, document: Document, *told: Any, **named: Any) -> None:
        super().__init__(*told, **named)
        self._document, self._kept = document, list[dict[str, Any]]()

    def showPage(self) -> None:  # noqa: N802 - reportlab's name
        self._kept.append(dict(self.__dict__))
        self._startPage()

    def save(self) -> None:
        for number, page in enumerate(self._kept, 1):
            self.__dict__.update(page)
            self.setFont(PLAIN, 8)
            self.setFillColor(HexColor(GREY))
            self.drawString(MARGIN, MARGIN / 2, _cut(self._document.title, 100))
            self.drawRightString(A4[0] - MARGIN, MARGIN / 2, self._document.page_of.format(number, len(self._kept)))
            super().showPage()
        super().save()


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _section(section: Section) -> Iterable[Flow]:
    flows = [flow for block in section.blocks for flow in _block(block)]
    if not flows:
        return
    if section.new_page:
        yield PageBreak()
    first = section.blocks[0]
    yield CondPageBreak(HEAD + (first.height * WIDTH / first.width if isinstance(first, Drawing) else ROOM))
    yield Paragraph(escape(section.name), _style("head"))
    yield from flows


def _block(block: Block) -> Iterable[Flow]:
    match block:
        case Pairs(pairs=pairs):
            yield _pairs(pairs)
        case Table():
            yield _table(block)
            yield Spacer(0, 4)
        case Note(text=text, bad=bad):
            yield Paragraph(escape(text), _style("bad" if bad else "note"))
        case Listed(title=title, items=items):
            yield Paragraph(f"{escape(title)}:", _style("note"))
            yield from (Paragraph(f"\N{EN DASH} {escape(item)}", _style("note")) for item in items)
        case Lines(lines=lines):
            yield from (Paragraph(escape(line.lstrip()), _indented(len(line) - len(line.lstrip()))) for line in lines)
        case Drawing():
            yield _canvas(block)
            yield from _legend(block.legend)


def _pairs(pairs: Sequence[tuple[str, str]]) -> Flow:
    rows = [[Paragraph(escape(name), _style("name")), Paragraph(escape(told), _style("text"))] for name, told in pairs]
    made = LongTable(rows, colWidths=[WIDTH * 0.4, WIDTH * 0.6], hAlign="LEFT", splitInRow=1)
    made.setStyle([("LEFTPADDING", (0, 0), (0, -1), 0), *_paddings(1.5), ("VALIGN", (0, 0), (-1, -1), "TOP")])
    return made


def _paddings(points: float) -> list[tuple[Any, ...]]:
    return [("TOPPADDING", (0, 0), (-1, -1), points), ("BOTTOMPADDING", (0, 0), (-1, -1), points)]


def _table(table: Table) -> Flow:
    heads = [Paragraph(escape(name), _style("sum" if figures else "bold")) for name, figures in table.columns]
    first_sum = len(table.rows) - table.sums
    rows = [
        [
            Paragraph(escape(cell), _style(("sum" if figures else "bold") if at >= first_sum else _kind(figures)))
            for cell, (_, figures) in zip(row, table.columns, strict=True)
        ]
        for at, row in enumerate(table.rows)
    ]
    made = LongTable([heads, *rows], colWidths=_widths(table), repeatRows=1, hAlign="LEFT", splitInRow=1)
    lines = ("LINEABOVE", (0, 1), (-1, -1), 0.5, HexColor(PALE))
    inner = [("LEFTPADDING", (0, 0), (-1, -1), 0), ("RIGHTPADDING", (0, 0), (-1, -1), GAP)]
    made.setStyle(
        [*inner, ("RIGHTPADDING", (-1, 0), (-1, -1), 0), *_paddings(2), lines, ("VALIGN", (0, 0), (-1, -1), "TOP")]
    )
    return made


def _kind(figures: bool) -> str:  # noqa: FBT001 - of a column
    return "figure" if figures else "text"


def _widths(table: Table) -> list[float]:
    """Return columns that fill the page: figures as wide as they are, words what is left, by what they need."""
    needed = [
        max(
            stringWidth(name, BOLD, SIZE),
            *(stringWidth(row[at], BOLD if table.sums else PLAIN, SIZE) for row in table.rows),
            0.0,
        )
        + GAP
        + 1
        for at, (name, _) in enumerate(table.columns)
    ]
    spare = WIDTH - sum(needed)
    words = [at for at, (_, figures) in enumerate(table.columns) if not figures] or list(range(len(needed)))
    if spare >= 0:
        needed[words[-1]] += spare
        return needed
    free = max(WIDTH - sum(width for at, width in enumerate(needed) if at not in words), LEAST * len(words))
    over = sum(max(needed[at] - LEAST, 0.0) for at in words)
    for at in words:
        least = min(needed[at], LEAST)
        rest = free - sum(min(needed[one], LEAST) for one in words)
        needed[at] = least + (rest * (needed[at] - least) / over if over else 0.0)
    scale = min(1.0, WIDTH / sum(needed))
    return [width * scale for width in needed]


def _canvas(drawing: Drawing) -> Flow:
    scale = WIDTH / drawing.width
    made = Canvas(WIDTH, drawing.height * scale)
    for shape in drawing.shapes:
        for drawn in _shape(shape, drawing.height, scale):
            made.add(drawn)
    return made


def _shape(shape: Shape, height: float, scale: float) -> Iterable[Flow]:
    match shape:
        case Area(kind=kind, boxes=boxes):
            for x, y, wide, high in boxes:
                yield Rect(
                    x * scale, (height - y - high) * scale, wide * scale, high * scale,
                    fillColor=_colour(*FILLS[kind]), strokeColor=None,
                )  # fmt: skip
        case Label(x=x, y=y, text=text, anchor=anchor):
            yield String(
                x * scale, (height - y) * scale, text,
                fontName=PLAIN, fontSize=12 * scale * 1.1, fillColor=HexColor(GREY), textAnchor=anchor,
            )  # fmt: skip
        case _:
            colour, wide, dashes = STROKES[shape.kind]
            for piece in shape.pieces:
                yield PolyLine(
                    [at for x, y in piece for at in (x * scale, (height - y) * scale)],
                    strokeColor=HexColor(colour), strokeWidth=wide, strokeDashArray=dashes,
                )  # fmt: skip


def _colour(named: str, opacity: float) -> Flow:
    told = HexColor(named)
    return Color(told.red, told.green, told.blue, alpha=opacity)


def _legend(legend: Sequence[tuple[str, str]]) -> Iterable[Flow]:
    if not legend:
        return
    made, x = Canvas(WIDTH, 14), 0.0
    for kind, meaning in legend:
        if kind in FILLS:
            made.add(Rect(x, 3, 16, 7, fillColor=_colour(*FILLS[kind]), strokeColor=None))
        else:
            colour, wide, dashes = STROKES[kind]
            made.add(
                PolyLine([x, 6, x + 16, 6], strokeColor=HexColor(colour), strokeWidth=wide, strokeDashArray=dashes)
            )
        made.add(String(x + 20, 3, meaning, fontName=PLAIN, fontSize=8, fillColor=HexColor(GREY)))
        x += 32 + stringWidth(meaning, PLAIN, 8)
    yield made
