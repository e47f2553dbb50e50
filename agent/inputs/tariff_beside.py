"""What a tariff's file names beside it: prices of a series, what a schedule bought, what proves a call, a record."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from agent.inputs.price_file import read_prices, read_purchases
from agent.inputs.programme_evidence import Unproved, proved
from agent.inputs.urdb import parse_urdb
from agent.problems import ConfigError, Problem
from agent.tariffs.tariff import Tariff


def beside(components: list[dict[str, Any]], file: str, folder: Path | None, zone: str | None) -> list[dict[str, Any]]:
    """Return the tables of components with what their `file` holds in its place. Raises ConfigError."""
    found = [_with_file(one, file, folder, zone) if str(one.get("kind")) in _READERS else one for one in components]
    return [
        _with_proofs(one, f"component.{one.get('name', at)}", file, folder) if one.get("kind") == "programme" else one
        for at, one in enumerate(found)
    ]


def record_beneath(name: str | None, file: str, folder: Path | None, currency: str | None) -> Tariff | None:
    """Return the tariff of the URDB record that a file begins with, None where it names none. Raises ConfigError."""
    if name is None:
        return None
    try:
        text = ((folder or Path()) / name).read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        reason = f"{name} cannot be read: {getattr(error, 'strerror', None) or error}"
        raise ConfigError([Problem(file=file, key="urdb", reason=reason)]) from None
    return parse_urdb(text, file=name, currency=currency)


def _with_proofs(told: dict[str, Any], key: str, file: str, folder: Path | None) -> dict[str, Any]:
    events = told.get("events")
    if not isinstance(events, list) or not all(isinstance(event, dict) for event in events) or folder is None:
        return told
    found = []
    for at, event in enumerate(events):
        try:
            found.append(proved(event, folder))
        except Unproved as error:
            raise ConfigError([Problem(file=file, key=f"{key}.events.{at}.{error.key}", reason=str(error))]) from None
    return {**told, "events": found}


_READERS = {"series": read_prices, "schedule": read_purchases}


def _with_file(told: dict[str, Any], file: str, folder: Path | None, zone: str | None) -> dict[str, Any]:
    name = told.get("file")
    if not isinstance(name, str) or folder is None:
        return told
    if "per" not in told:
        key = f"component.{told.get('name', told['kind'])}.per"
        raise ConfigError([Problem(file=file, key=key, reason=f"is required: kWh or MWh, of which {name} has prices")])
    if zone is None:
        raise ConfigError([Problem(file=file, key="zone", reason=f"is required, since {name} has prices by the hour")])
    return {**told, "file": _READERS[told["kind"]](folder / name, ZoneInfo(zone))}
