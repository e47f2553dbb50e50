"""What the schema's types say of its shape: which keys there are, which hold text, which are not at their default.

Reads annotations alone, so that a new key in the schema is known here at once.
"""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterable, Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from decimal import Decimal
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from agent.config.schema import Schema


def without_empty(told: Any, shape: Any = Schema) -> Any:
    """Leave out each key that would hold text and holds none: an empty text says so."""
    if isinstance(told, dict) and is_dataclass(shape):
        keys = keys_of(shape)
        return {
            key: without_empty(value, keys.get(key))
            for key, value in told.items()
            if value != "" or not _holds_text(keys.get(key))
        }
    if isinstance(told, dict) and get_origin(shape) is dict:
        return {key: without_empty(value, get_args(shape)[1]) for key, value in told.items()}
    if isinstance(told, list) and get_origin(shape) is list:
        return [without_empty(value, get_args(shape)[0]) for value in told]
    return told


def remove(told: dict[str, Any], places: Iterable[tuple[int | str, ...]]) -> None:
    """Take out of a document what stands at these places."""
    for place in sorted(places, key=_latest_first):
        table: Any = told
        try:
            for part in place[:-1]:
                table = table[part]
            del table[place[-1]]
        except (LookupError, TypeError):
            continue  # it went with what held it, or was never there: a missing key


def _latest_first(place: tuple[int | str, ...]) -> tuple[int, tuple[int, ...]]:
    return -len(place), tuple(-part for part in place if isinstance(part, int))


def unknown(key: str) -> str:
    """Return the sentence about a key that its table does not have."""
    known = _every_key(Schema)
    if key in known:
        return "is a key of another table"
    near = difflib.get_close_matches(key, sorted(known), n=1, cutoff=0.7)
    return f"is no known key; did you mean {near[0]}?" if near else "is no known key"


def changed(table: Any, at: str = "") -> Iterator[tuple[str, object]]:
    """Yield each key that is not at its default, with its value: a table or list first, then what it holds."""
    for part in fields(table):
        key, value = at + _said(part.name), getattr(table, part.name)
        if value != _default(part):
            yield key, value
            for name, below in _tables_in(value):
                yield from changed(below, f"{key}{name}.")


def keys_of(table: Any) -> dict[str, Any]:
    """Return a table's keys with the types that they hold."""
    return {_said(name): hint for name, hint in get_type_hints(table).items()}


def _said(name: str) -> str:
    return name.removesuffix("_")  # `class` is a word of Python


def _holds_text(shape: Any) -> bool:
    if get_origin(shape) in {Union, types.UnionType}:
        return any(_holds_text(part) for part in get_args(shape))
    if get_origin(shape) is Literal:
        return any(isinstance(part, str) for part in get_args(shape))
    return shape in {str, Decimal}


def _every_key(shape: Any) -> set[str]:
    if not is_dataclass(shape):
        return {key for part in get_args(shape) for key in _every_key(part)}
    keys = keys_of(shape)
    return set(keys).union(*(_every_key(hint) for hint in keys.values()))


def _default(part: Field[Any]) -> object:
    return part.default_factory() if part.default_factory is not MISSING else part.default


def _tables_in(value: object) -> Iterator[tuple[str, Any]]:
    if is_dataclass(value):
        yield "", value
    elif isinstance(value, list):
        yield from ((f".{at}", item) for at, item in enumerate(value) if is_dataclass(item))
    elif isinstance(value, dict):
        yield from ((f".{name}", item) for name, item in value.items() if is_dataclass(item))
