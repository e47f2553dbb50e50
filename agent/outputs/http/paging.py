"""Lists a page at a time: `limit` items after `cursor`, and where the next page begins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from agent.outputs.http.problems import bad_field

USUAL, MOST = 100, 1000


def only(query: Mapping[str, str], names: Iterable[str]) -> None:
    """Refuse a parameter that nobody reads: a filter with a slip must not list everything. Raises Problem."""
    known = {*names, "limit", "cursor"}
    for name in query:
        if name not in known:
            raise bad_field(name, f"is unknown; known are {', '.join(sorted(known))}")


def limit_of(query: Mapping[str, str]) -> int:
    """Return how many items are asked for. Raises Problem."""
    told = query.get("limit", str(USUAL))
    if not (told.isascii() and told.isdigit() and len(told) <= 6 and 1 <= int(told) <= MOST):
        raise bad_field("limit", f"must be a whole number from 1 to {MOST}")
    return int(told)


def number_of(query: Mapping[str, str]) -> int | None:
    """Return the number that the cursor tells, None where it is left out. Raises Problem."""
    told = query.get("cursor")
    if told is None:
        return None
    if not (told.isascii() and told.isdigit() and len(told) <= 18):
        raise bad_field("cursor", "must be the number of an event")
    return int(told)


def listed(items: list[Any], after: str | None) -> dict[str, Any]:
    """Return a list as the contract has it; `after` None where it ends here."""
    return {"items": items, "next": after}
