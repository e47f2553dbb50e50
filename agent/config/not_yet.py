"""Which known keys do nothing yet: one table, that later work shortens.

A key is in use when it is not at its default. `loosens` marks where ignoring it would loosen control: `run` then
refuses to start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from agent.config.schema import Schema
from agent.config.shape import changed
from agent.inventory.inventory import MinerEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class NotYet:
    """A key that parses and does nothing yet; `loosens` where ignoring it would loosen control."""

    key: str
    loosens: bool


@dataclass(frozen=True, slots=True)
class _Row:
    key: str
    loosens: bool = False
    built: tuple[str, ...] = ()  # the values that do work, as patterns


_TABLE = (_Row("store.url", loosens=True, built=("sqlite:///*",)),)

_OF_MINERS: tuple[tuple[str, Callable[[MinerEntry], bool]], ...] = (
    ("miners.driver", lambda miner: miner.driver != "auto"),
)


def not_yet(schema: Schema, miners: Iterable[MinerEntry]) -> Iterator[NotYet]:
    """Yield what is configured and not built; of machines, whatever file they are from, each key once."""
    for key, value in changed(schema):
        for row in _TABLE:
            if fnmatchcase(key, row.key) and not any(fnmatchcase(str(value), built) for built in row.built):
                yield NotYet(key=key, loosens=row.loosens)
    for key, used in _OF_MINERS:
        if any(used(miner) for miner in miners):
            yield NotYet(key=key, loosens=False)
