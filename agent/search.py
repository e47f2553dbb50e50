"""What is asked of the remembered facts, and whether a fact is meant. Shared by who asks and who remembers; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import get_args

import msgspec

from agent.facts import AnyFact

_OF_ORDERS = ("order_id", "binding_order", "orders")
_OF_MINERS = ("miner", "miners", "levels", "modes", "powers_w")


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Which facts are wanted: all that is told must hold; None and () ask for nothing. Times are half-open."""

    after: int = 0  # the number of a fact
    before: int | None = None
    kinds: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    order: str | None = None
    miner: str | None = None
    limit: int = 1000
    newest_first: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        """The ids that a fact must name."""
        return tuple(word for word in (self.order, self.miner) if word is not None)

    def possible_kinds(self) -> frozenset[str]:
        """Return the kinds that can be meant."""
        wanted = frozenset(self.kinds or KINDS)
        wanted &= KINDS if self.order is None else KINDS_OF_ORDERS
        return wanted & (KINDS if self.miner is None else KINDS_OF_MINERS)

    def means(self, fact: AnyFact) -> bool:
        """Whether a fact names what it must name."""
        named = self.order is None or self.order in orders_of(fact)
        return named and (self.miner is None or any(self.miner in ids for ids in _miners_of(fact)))


def orders_of(fact: AnyFact) -> tuple[str, ...]:
    """Return the orders whose evidence a fact belongs to."""
    named = (getattr(fact, "order_id", None) or getattr(fact, "binding_order", None), *getattr(fact, "orders", ()))
    return tuple(dict.fromkeys(order_id for order_id in named if order_id))


def _miners_of(fact: AnyFact) -> Iterable[Iterable[str]]:
    for name in _OF_MINERS:
        told = getattr(fact, name, None)
        if name == "miner":
            yield (told,) if told is not None else ()
        elif name == "levels" and isinstance(told, Mapping):
            yield from told.values()
        elif told is not None:
            yield told


def _with(names: Iterable[str]) -> frozenset[str]:
    wanted = set(names)
    return frozenset(
        kind.__name__ for kind in get_args(AnyFact) if wanted & {field.name for field in msgspec.structs.fields(kind)}
    )


KINDS = frozenset(kind.__name__ for kind in get_args(AnyFact))
KINDS_OF_ORDERS = _with(_OF_ORDERS)
KINDS_OF_MINERS = _with(_OF_MINERS)
