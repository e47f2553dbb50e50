"""What a tariff's file names beside it: the prices of a series."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from agent.inputs.price_file import read_prices
from agent.problems import ConfigError, Problem


def beside(components: list[dict[str, Any]], file: str, folder: Path | None, zone: str | None) -> list[dict[str, Any]]:
    """Return the tables of components with what their `file` holds in its place. Raises ConfigError."""
    return [_with_prices(one, file, folder, zone) if one.get("kind") == "series" else one for one in components]


def _with_prices(told: dict[str, Any], file: str, folder: Path | None, zone: str | None) -> dict[str, Any]:
    name = told.get("file")
    if not isinstance(name, str) or folder is None:
        return told
    if zone is None:
        raise ConfigError([Problem(file=file, key="zone", reason=f"is required, since {name} has prices by the hour")])
    return {**told, "file": read_prices(folder / name, ZoneInfo(zone))}
