"""What is told on paper: a document of headed sections, whatever it is then written as. Values alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Names with what each is."""

    pairs: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows beneath names of columns; of a column it is told whether it holds figures."""

    columns: Sequence[tuple[str, bool]]
    rows: Sequence[Sequence[str]]
    sums: int = 0
    """So many of its last rows are sums of those above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A sentence beside the matter; `bad` is not to be overlooked."""

    text: str
    bad: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """Sentences one beneath the other."""

    title: str
    items: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """Lines as they stand, the spaces before each kept."""

    lines: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """Filled boxes of one kind: left, top, width, height."""

    kind: str
    boxes: Sequence[tuple[float, float, float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stroke:
    """A line of one kind, in pieces that do not meet: the corners of each."""

    kind: str
    pieces: Sequence[Sequence[tuple[float, float]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A word at a place; `anchor` says which of its ends lies there: start, middle or end."""

    x: float
    y: float
    text: str
    anchor: str = "start"


Shape = Area | Stroke | Label


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """Shapes in a frame, whose y counts downwards, and what each kind of shape means."""

    title: str
    width: float
    height: float
    shapes: Sequence[Shape]
    legend: Sequence[tuple[str, str]] = ()


Block = Pairs | Table | Note | Listed | Lines | Drawing


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Blocks beneath a heading; one without blocks is left out."""

    name: str
    blocks: Sequence[Block]
    new_page: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document in one language; `page_of` numbers its pages."""

    title: str
    language: str
    note: str
    sections: Sequence[Section]
    page_of: str = "{0} / {1}"
