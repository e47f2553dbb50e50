"""Prometheus' two text forms, written fast: 0.0.4, and OpenMetrics where a counter's family drops its `_total`.

Text alone: nothing here knows miners. A value that is unknown or not finite gives no line.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
Sample = tuple[str, float | None]
"""The labels without their braces, and the value."""


def labels(**pairs: str | None) -> str:
    """Return label pairs in the text's own escaping, in the order given; a None is left empty."""
    return ",".join(f'{name}="{_escaped(value or "")}"' for name, value in pairs.items())


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


class Text:
    """One scrape as bytes, a piece a family, without an end mark."""

    def __init__(self, *, openmetrics: bool) -> None:
        self._openmetrics = openmetrics
        self.pieces: list[bytes] = []

    def gauge(self, name: str, says: str, samples: Iterable[Sample]) -> None:
        """Write one family of gauges; none at all where nothing is known."""
        self._family(name, name, "gauge", says, samples)

    def ready(self, name: str, says: str, rows: Iterable[tuple[str, Sequence[str]]]) -> None:
        """Write one family of gauges whose lines end in what was made before, after each machine's labels."""
        self._put(name, "gauge", says, [f"{name}{{{text}".join(("", *ends)) for text, ends in rows])

    def counter(self, name: str, says: str, samples: Iterable[Sample]) -> None:
        """Write one family of counters; `name` ends in _total."""
        family = name.removesuffix("_total") if self._openmetrics else name
        self._family(family, name, "counter", says, samples)

    def _family(self, family: str, name: str, kind: str, says: str, samples: Iterable[Sample]) -> None:
        finite = math.isfinite
        lines = [f"{name}{{{text}}} {value}\n" for text, value in samples if value is not None and finite(value)]
        self._put(family, kind, says, lines)

    def _put(self, family: str, kind: str, says: str, texts: Sequence[str]) -> None:
        if texts:
            head = f"# HELP {family} {says}\n# TYPE {family} {kind}\n"
            self.pieces.append((head + "".join(texts)).encode("utf-8", "replace"))


def wants_openmetrics(accept: str) -> bool:
    """Whether an Accept header puts OpenMetrics before plain text; what is not named is not wanted."""
    best = {"application/openmetrics-text": 0.0, "text/plain": 0.0}
    for part in accept.split(","):
        kind, *parameters = (piece.strip() for piece in part.split(";"))
        if kind in best:
            best[kind] = max(best[kind], _quality(parameters))
    return best["application/openmetrics-text"] > best["text/plain"]


def _quality(parameters: Iterable[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name == "q":
            return float(value) if value.replace(".", "", 1).isdigit() else 0.0
    return 1.0
