"""What a limit demands, in a few words for people. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def limit_words(limit: Mapping[str, Any]) -> str:
    """Return what a document's limit demands."""
    if limit.get("stop") is True:
        return "stop: no machine hashes"
    if "max_import_kw" in limit:
        return f"at most {limit['max_import_kw']:,} kW at the meter"
    if "reduce_kw" in limit:
        return f"{limit['reduce_kw']:,} kW less than {_base(limit.get('baseline', 'before'))}"
    if "fraction" in limit:
        return f"at most {100 * limit['fraction']:g} % of {_base(limit.get('of', 'before'))}"
    if "trajectory" in limit:
        return f"a trajectory of {len(limit['trajectory'])} points"
    return ", ".join(limit)


def _base(told: object) -> str:
    if isinstance(told, Mapping):
        return f"{told.get('kw'):,} kW"
    names = {"before": "the draw before", "connection": "the connection", "peak_12m": "the peak of twelve months"}
    return names.get(str(told), str(told))
