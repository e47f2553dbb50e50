"""What a tariff's file names beside it: the prices of a series, what a schedule bought."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from agent.inputs.price_file import read_prices, read_purchases
from agent.problems import ConfigError, Problem


def beside(components: list[dict[str, Any]], file: str, folder: Path | None, zone: str | None) -> list[dict[str, Any]]:
    """Return the tables of components with what their `file` holds in its place. Raises ConfigError."""
    return [_with_file(one, file, folder, zone) if str(one.get("kind")) in _READERS else one for one in components]


_READERS = {"series": read_prices, "schedule": read_purchases}


def _with_file(told: dict[str, Any], file: str, folder: Path | None, zone: str | None) -> dict[str, Any]:
    name = told.get("file")
    if not isinstance(name, str) or folder is None:
        return told
    if zone is None:
        raise ConfigError([Problem(file=file, key="zone", reason=f"is required, since {name} has prices by the hour")])
    return {**told, "file": _READERS[told["kind"]](folder / name, ZoneInfo(zone))}
