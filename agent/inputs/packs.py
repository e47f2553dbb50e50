"""The jurisdictions that there are packs of, and the stops that each is known for."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from agent.inputs.tariff_file import PACKS
from agent.tariffs.auction import Auction
from agent.tariffs.dues import Due
from agent.tariffs.stops import Stop

_STOPS = TypeAdapter(tuple[Stop, ...])
_DUES = TypeAdapter(tuple[Due, ...])
_AUCTION = TypeAdapter(Auction)


def jurisdictions() -> list[str]:
    """Return what packs there are, by their names."""
    return sorted(path.stem for path in PACKS.glob("*.toml"))


def classes(jurisdiction: str) -> list[str]:
    """Return the classes of a pack, in its order."""
    return [*tomllib.loads((PACKS / f"{jurisdiction}.toml").read_text(encoding="utf-8"))["classes"]]


def read_stops(jurisdiction: str, tariff_class: str | None = None) -> tuple[Stop, ...]:
    """Return the stops that a class of a pack is known for; none of a pack or a class that there is not.

    A pack's only class may go unnamed.
    """
    return _STOPS.validate_python(_class_of(jurisdiction, tariff_class).get("stop", ()))


def read_dues(jurisdiction: str, tariff_class: str | None = None) -> tuple[Due, ...]:
    """Return when a class's levies are to be paid, where the pack knows it; classes as of `read_stops`."""
    return _DUES.validate_python(_class_of(jurisdiction, tariff_class).get("due", ()))


def read_auction(jurisdiction: str, tariff_class: str | None = None) -> Auction | None:
    """Return the auction that a class buys its energy at, None where the pack knows of none; classes as above."""
    told = _class_of(jurisdiction, tariff_class).get("auction")
    return None if told is None else _AUCTION.validate_python(told)


def _class_of(jurisdiction: str, tariff_class: str | None) -> dict[str, Any]:
    if jurisdiction not in jurisdictions():
        return {}
    told = tomllib.loads((PACKS / f"{jurisdiction}.toml").read_text(encoding="utf-8"))["classes"]
    wanted = tariff_class or (next(iter(told)) if len(told) == 1 else "")
    found: dict[str, Any] = told.get(wanted, {})
    return found


def pack_beneath(path: Path) -> tuple[str, str | None] | None:
    """Return the pack and class that a tariff's file begins with, None where it begins with none."""
    try:
        told: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return None
    return (told["pack"], told.get("class")) if isinstance(told.get("pack"), str) else None
