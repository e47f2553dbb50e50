"""A figure and its dates: what a rate was, from when until when, and who says so.

A day that no figure covers has no price; nothing is ever carried on or averaged to fill it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

from agent.tariffs.money import DECIMALS, rounded
from agent.tariffs.shape import SHAPE

_MOST = 10**9


class NoFigure(Exception):
    """No figure covers this day; the message says which days are covered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One value in force from a local day until the day on which it is no more."""

    __pydantic_config__ = SHAPE

    value: Decimal | None = None  # None: nobody knows it; nothing is charged and a warning says so
    from_: date | None = None  # None: always was
    until: date | None = None  # None: until the next one, or for good
    source: str = ""
    unconfirmed: bool = False

    def __post_init__(self) -> None:
        if self.from_ is not None and self.until is not None and self.until <= self.from_:
            raise ValueError(f"until {self.until} is not after from {self.from_}")
        if self.value is not None and not (abs(self.value) <= _MOST and self.value == rounded(self.value, DECIMALS)):
            raise ValueError(f"{self.value} is beyond {_MOST} or has more than {DECIMALS} decimals")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dated:
    """One rate through time: figures in the order of their dates, without gap or overlap."""

    figures: tuple[Figure, ...]

    def __post_init__(self) -> None:
        if not self.figures:
            raise ValueError("needs at least one figure")
        for earlier, later in pairwise(self.figures):
            if later.from_ is None:
                raise ValueError("only the first figure may have no from")
            if earlier.from_ is not None and later.from_ <= earlier.from_:
                raise ValueError(f"the figure from {later.from_} must stand before the one from {earlier.from_}")
            if earlier.until is not None and earlier.until > later.from_:
                raise ValueError(f"two figures overlap from {later.from_} until {earlier.until}")
            if earlier.until is not None and earlier.until < later.from_:
                raise ValueError(f"there is a gap from {earlier.until} until {later.from_}")

    def on(self, day: date) -> Figure:
        """Return the figure in force on a local day. Raises NoFigure."""
        for figure in reversed(self.figures):
            if figure.from_ is None or figure.from_ <= day:
                if figure.until is None or day < figure.until:
                    return figure
                break
        first, last = self.figures[0].from_, self.figures[-1].until
        known = f"from {first}" if first is not None and day < first else f"until {last}"
        raise NoFigure(f"there is no figure for {day}: they are known {known}")

    def within(self, first: date, last: date) -> Iterator[Figure]:
        """Yield the figures in force on any day from `first` to `last`."""
        starts = [figure.from_ or date.min for figure in self.figures]
        for figure, start, following in zip(self.figures, starts, [*starts[1:], date.max], strict=True):
            if start <= last and first < (figure.until or following):
                yield figure


def swapped(told: Any, old: Dated, new: Dated) -> Any:
    """Return a value with one rate in place of another, wherever in it that stands."""
    if isinstance(told, Dated):
        return new if told is old else told
    if isinstance(told, tuple):
        return tuple(swapped(one, old, new) for one in told)
    if is_dataclass(told) and not isinstance(told, type):
        named = {field.name: swapped(getattr(told, field.name), old, new) for field in fields(told) if field.init}
        return replace(told, **named)
    return told
