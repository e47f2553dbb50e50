"""The words of an order's report by language, and how figures and instants are written in each.

The words are in `report_words.toml`, a table a language.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from functools import cache
from importlib.resources import files

from agent.tariffs.money import rounded

_THOUSANDS = {"en": ",", "ru": "\N{NO-BREAK SPACE}"}
_POINT = {"en": ".", "ru": ","}


@cache
def languages() -> Mapping[str, Mapping[str, str]]:
    """Return the words of every language."""
    told: Mapping[str, Mapping[str, str]] = tomllib.loads(
        (files("agent.outputs") / "report_words.toml").read_text(encoding="utf-8")
    )
    return told


@dataclass(frozen=True, slots=True)
class Words:
    """One language, by the clock of one place."""

    language: str
    zone: tzinfo

    def __call__(self, key: str, *told: object) -> str:
        """Return the words of a key with what is told put in; a key without words is its own."""
        return languages()[self.language].get(key, key).format(*told)

    @property
    def unknown(self) -> str:
        """What nobody knows."""
        return self("unknown")

    def kind(self, kind: str) -> str:
        """Return the kind of a component; one without words is its own."""
        return self._else(f"k_{kind}", kind.replace("_", " "))

    def party(self, party: str) -> str:
        """Return whose invoice it is; a name of the tariff's own stays as it is."""
        return self._else(f"p_{party}", party)

    def _else(self, key: str, otherwise: str) -> str:
        return languages()[self.language].get(key, otherwise)

    def number(self, value: float | Decimal | None, unit: str = "", digits: int = 0) -> str:
        """Return a figure with its unit."""
        if value is None:
            return self.unknown
        told = rounded(value, digits) if isinstance(value, Decimal) else value  # money half up, as bills round
        return self._figure(f"{told:z,.{digits}f}", unit)

    def exact(self, value: int | str | Decimal, unit: str = "") -> str:
        """Return a figure by all the digits that it was told with."""
        return self._figure(f"{Decimal(value):,f}", unit)

    def span(self, seconds: int) -> str:
        """Return how long something was asked for: whole minutes as such, all else by the second."""
        minutes, rest = divmod(seconds, 60)
        return self.exact(seconds, "s") if rest or minutes <= 1 else self.exact(minutes, "min")

    def _figure(self, english: str, unit: str) -> str:
        text = english.translate({ord(","): _THOUSANDS[self.language], ord("."): _POINT[self.language]})
        return f"{text}\N{NO-BREAK SPACE}{self(unit)}" if unit else text

    def kw(self, power_w: float | None) -> str:
        """Return a power."""
        return self.number(None if power_w is None else power_w / 1000, "kW", 1)

    def kwh(self, energy_wh: float | None) -> str:
        """Return an energy."""
        return self.number(None if energy_wh is None else energy_wh / 1000, "kWh", 1)

    def seconds(self, seconds: float | None) -> str:
        """Return how long something took."""
        if seconds is None or seconds < 120:
            return self.number(seconds, "s")
        return self.number(seconds / 60, "min", 1) if seconds < 7200 else self.number(seconds / 3600, "h", 1)

    def instant(self, at: datetime | None) -> str:
        """Return an instant by the clock of the place; by UTC where the place's calendar does not reach it."""
        if at is None:
            return self.unknown
        try:
            civil = at.astimezone(self.zone)
        except OverflowError:
            civil = at.astimezone(UTC)
        return civil.isoformat(" ", "seconds")
