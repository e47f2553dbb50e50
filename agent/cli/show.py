"""How figures, tables and JSON are shown. What a machine or a person wrote shows as text, never as markup."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

UNKNOWN = "-"
WIDEST = 240


def as_json(value: Any) -> None:
    """Print JSON."""
    print(json.dumps(value, ensure_ascii=False, indent=2))


def plain(value: object) -> str:
    """Return text that cannot move the cursor; None shows as unknown."""
    if value is None:
        return UNKNOWN
    return "".join(letter if letter.isprintable() else "?" for letter in str(value))


def figure(value: float | None, unit: str = "", digits: int = 0) -> str:
    """Return a number with its unit; None shows as unknown."""
    return UNKNOWN if value is None else f"{value:,.{digits}f} {unit}".rstrip()


def kw(watts: float | None) -> str:
    """Return watts as kW, and as W where they are few."""
    if watts is None:
        return UNKNOWN
    return figure(round(watts) or 0, "W") if abs(watts) < 1000 else figure(watts / 1000, "kW", 1)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table; a column whose name ends in a blank is one of figures."""
    from rich import box  # noqa: PLC0415 - quick help needs no tables
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in columns:
        shown.add_column(name.strip(), justify="right" if name.endswith(" ") else "left", overflow="fold")
    for row in rows:
        shown.add_row(*(Text(plain(cell)) for cell in row))
    Console(width=None if sys.stdout.isatty() else WIDEST, highlight=False).print(shown)


def loud(sentence: str) -> None:
    """Print a sentence that must not be overlooked."""
    from rich.console import Console  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    Console(highlight=False, width=None if sys.stdout.isatty() else WIDEST).print(Text(sentence, style="bold reverse"))
