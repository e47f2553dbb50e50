"""Whom a tariff is meant for, by the size of their months: a load outside it is billed all the same, and told."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from agent.tariffs.money import rounded, written


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """The least and the most of a month's highest mean power and of its energy; None where nothing is said."""

    kw_least: Decimal | None = None
    kw_most: Decimal | None = None
    kwh_least: Decimal | None = None
    kwh_most: Decimal | None = None

    def misses(
        self, peak_kw: Mapping[str, Decimal], kwh: Mapping[str, Decimal], whole: Collection[str]
    ) -> Iterator[str]:
        """Yield a sentence for what months lie outside, with the one that does most; the least is of `whole` ones."""
        for unit, of, least, most in (
            ("kW", peak_kw, self.kw_least, self.kw_most),
            ("kWh", kwh, self.kwh_least, self.kwh_most),
        ):
            if least is not None and (below := [name for name in of if name in whole and of[name] < least]):
                yield _said(below, min(below, key=of.__getitem__), of, unit, f"at least {written(least)}")
            if most is not None and (above := [name for name, one in of.items() if one > most]):
                yield _said(above, max(above, key=of.__getitem__), of, unit, f"at most {written(most)}")


def _said(names: list[str], worst: str, of: Mapping[str, Decimal], unit: str, bound: str) -> str:
    more = f", and {len(names) - 1} more of {len(of)} months lie outside" if names[1:] else ""
    return f"the tariff is meant for {bound} {unit} a month: {worst} has {written(rounded(of[worst], 3))}{more}"
