"""Draw against the limit over an order's life, as a drawing. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from math import floor, log10

from agent.outputs.account import Point
from agent.outputs.document import Area, Drawing, Label, Shape, Stroke
from agent.outputs.report_words import Words

WIDTH, HEIGHT = 960, 340
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 12, 34
LINES, LABELS = 5, 6
MOST = WIDTH - LEFT - RIGHT
"""Points, at a pixel each."""
LEGEND = ("mean", "peak", "cap", "over", "away")
Place = Callable[[datetime], float]


def chart(points: Sequence[Point], words: Words) -> Drawing | None:
    """Return the drawing; None where there is nothing to show."""
    known_w = [w for one in points for w in (one.peak_w, one.cap_w) if w is not None]
    if not known_w:
        return None
    step_w = _step(max(*known_w, 1000.0))
    top_w = step_w * (floor(max(known_w) / step_w) + 1)
    first, span_s = points[0].at, max(1.0, (points[-1].until - points[0].at).total_seconds())

    def x(at: datetime) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (at - first).total_seconds() / span_s

    def y(power_w: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - power_w / top_w)

    return Drawing(
        title=words("chart"),
        width=WIDTH,
        height=HEIGHT,
        shapes=(
            *_stretches(points, lambda one: one.away, "away", x),
            *_stretches(points, lambda one: one.over, "over", x),
            *_levels(step_w, top_w, y, words),
            *_hours(points, x, words),
            _area(points, x, y),
            _line(points, lambda one: one.mean_w, "mean", (x, y)),
            _line(points, lambda one: one.cap_w, "cap", (x, y)),
        ),
        legend=tuple((kind, words(kind)) for kind in LEGEND),
    )


def _step(most: float) -> float:
    """Return a round distance of lines, of which about five fit."""
    rough = most / LINES
    size = 10 ** floor(log10(rough))
    return float(next(factor * size for factor in (1, 2, 5, 10) if factor * size >= rough))


def _stretches(points: Sequence[Point], holds: Callable[[Point], bool], kind: str, x: Place) -> Iterable[Shape]:
    for one in points:
        if holds(one):
            left, width = x(one.at), max(1.0, x(one.until) - x(one.at))
            yield Area(kind=kind, boxes=((left, TOP, width, HEIGHT - BOTTOM - TOP),))


def _levels(step_w: float, top_w: float, y: Callable[[float], float], words: Words) -> Iterable[Shape]:
    digits = 0 if step_w >= 1000 else 1 if step_w >= 100 else 2
    for number in range(round(top_w / step_w) + 1):
        at = y(number * step_w)
        yield Stroke(kind="grid", pieces=(((LEFT, at), (WIDTH - RIGHT, at)),))
        text = words.number(number * step_w / 1000, digits=digits)
        yield Label(x=LEFT - 6, y=at + 4, text=text, anchor="end")
    yield Label(x=4, y=HEIGHT - 8, text=words("kW"))


def _hours(points: Sequence[Point], x: Place, words: Words) -> Iterable[Shape]:
    first, last = points[0].at, points[-1].until
    form = (
        "%H:%M"
        if last - first < timedelta(hours=20)
        else "%m-%d %H:%M"
        if last - first < timedelta(days=6)
        else "%Y-%m-%d"
    )
    for number in range(LABELS):
        at = first + (last - first) * number / (LABELS - 1)
        anchor = "start" if number == 0 else "end" if number == LABELS - 1 else "middle"
        yield Label(x=x(at), y=HEIGHT - 12, text=f"{at.astimezone(words.zone):{form}}", anchor=anchor)


def _area(points: Sequence[Point], x: Place, y: Callable[[float], float]) -> Area:
    """Return what lies between the highest draw and the mean."""
    boxes = tuple(
        (x(one.at), y(one.peak_w), x(one.until) - x(one.at), y(one.mean_w) - y(one.peak_w))
        for one in points
        if one.mean_w is not None and one.peak_w is not None and one.peak_w > one.mean_w
    )
    return Area(kind="peak", boxes=boxes)


def _line(
    points: Sequence[Point],
    of: Callable[[Point], float | None],
    kind: str,
    axes: tuple[Place, Callable[[float], float]],
) -> Stroke:
    """Return a line in steps, broken where nothing is known."""
    x, y = axes
    pieces: list[list[tuple[float, float]]] = []
    is_open = False
    for one in points:
        value = of(one)
        if value is not None:
            if not is_open:
                pieces.append([])
            pieces[-1] += [(x(one.at), y(value)), (x(one.until), y(value))]
        is_open = value is not None
    return Stroke(kind=kind, pieces=pieces)
