"""Draw against the limit over an order's life, as SVG that needs nothing beside it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from html import escape
from math import floor, log10

from agent.outputs.account import Point
from agent.outputs.report_words import Words

WIDTH, HEIGHT = 960, 340
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 12, 34
LINES, LABELS = 5, 6
MOST = WIDTH - LEFT - RIGHT
"""Points, at a pixel each."""
Place = Callable[[datetime], float]


def chart(points: Sequence[Point], words: Words) -> str:
    """Return the drawing; empty where there is nothing to show."""
    known_w = [w for one in points for w in (one.peak_w, one.cap_w) if w is not None]
    if not known_w:
        return ""
    step_w = _step(max(*known_w, 1000.0))
    top_w = step_w * (floor(max(known_w) / step_w) + 1)
    first, span_s = points[0].at, max(1.0, (points[-1].until - points[0].at).total_seconds())

    def x(at: datetime) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (at - first).total_seconds() / span_s

    def y(power_w: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - power_w / top_w)

    parts = [
        *_stretches(points, lambda one: one.away, "away", x),
        *_stretches(points, lambda one: one.over, "over", x),
        *_levels(step_w, top_w, y, words),
        *_hours(points, x, words),
        _area(points, x, y),
        _line(points, lambda one: one.mean_w, "mean", (x, y)),
        _line(points, lambda one: one.cap_w, "cap", (x, y)),
    ]
    title = escape(words("chart"))
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}" xmlns="http://www.w3.org/2000/svg">'
        f"<title>{title}</title>{''.join(parts)}</svg>"
    )


def _step(most: float) -> float:
    """Return a round distance of lines, of which about five fit."""
    rough = most / LINES
    size = 10 ** floor(log10(rough))
    return float(next(factor * size for factor in (1, 2, 5, 10) if factor * size >= rough))


def _stretches(points: Sequence[Point], holds: Callable[[Point], bool], name: str, x: Place) -> Iterable[str]:
    for one in points:
        if holds(one):
            left, width = x(one.at), max(1.0, x(one.until) - x(one.at))
            yield f'<path class="{name}" d="M{left:.1f} {TOP}h{width:.1f}V{HEIGHT - BOTTOM}h{-width:.1f}Z"/>'


def _levels(step_w: float, top_w: float, y: Callable[[float], float], words: Words) -> Iterable[str]:
    digits = 0 if step_w >= 1000 else 1 if step_w >= 100 else 2
    for number in range(round(top_w / step_w) + 1):
        at = y(number * step_w)
        text = escape(words.number(number * step_w / 1000, digits=digits))
        yield f'<path class="grid" d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}"/>'
        yield f'<text x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{text}</text>'
    yield f'<text x="4" y="{HEIGHT - 8}">{escape(words("kW"))}</text>'


def _hours(points: Sequence[Point], x: Place, words: Words) -> Iterable[str]:
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
        text = f"{at.astimezone(words.zone):{form}}"
        yield f'<text x="{x(at):.1f}" y="{HEIGHT - 12}" text-anchor="{anchor}">{text}</text>'


def _area(points: Sequence[Point], x: Place, y: Callable[[float], float]) -> str:
    """Return what lies between the highest draw and the mean."""
    shapes = (
        f"M{x(one.at):.1f} {y(one.mean_w):.1f}V{y(one.peak_w):.1f}H{x(one.until):.1f}V{y(one.mean_w):.1f}Z"
        for one in points
        if one.mean_w is not None and one.peak_w is not None and one.peak_w > one.mean_w
    )
    return f'<path class="peak" d="{"".join(shapes)}"/>'


def _line(
    points: Sequence[Point],
    of: Callable[[Point], float | None],
    name: str,
    axes: tuple[Place, Callable[[float], float]],
) -> str:
    """Return a line in steps, broken where nothing is known."""
    (x, y), drawn, before = axes, "", False
    for one in points:
        value = of(one)
        if value is not None:
            drawn += (
                f"{'V' + format(y(value), '.1f') if before else f'M{x(one.at):.1f} {y(value):.1f}'}H{x(one.until):.1f}"
            )
        before = value is not None
    return f'<path class="{name}" d="{drawn}"/>'
