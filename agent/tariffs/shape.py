"""How a component says that its fields are its own configuration: strict keys, and `from` for the field `from_`.

A plain mapping that the edge reads, so that the pure room needs to know no reader.
"""

from __future__ import annotations


def _key(name: str) -> str:
    return name.removesuffix("_")  # `from` is a word of Python


SHAPE = {"extra": "forbid", "alias_generator": _key}
