"""An OpenEI URDB record as one mapping: the API's lower-case keys, whatever form the record has.

Three forms are met: the API's own (versions 3 to 8), the database's bulk export (camelCase, tiers within objects,
numbers within `$` objects), and the flat one of its CSV files and of version 2 (`flatdemandmonth1`,
`energyratestructure/period0/tier0rate`, schedules as text). Source: OpenEI, Get Utility Rates, versions 3 to 8.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

MONTHS = 12
HOURS = 24
_RENAMED = {
    "_id": "label",
    "ratename": "name",
    "utilityname": "utility",
    "effectivedate": "startdate",
    "energyratestrux": "energyratestructure",
    "demandratestrux": "demandratestructure",
    "flatdemandstrux": "flatdemandstructure",
    "coincidentratestrux": "coincidentratestructure",
    "energyweekdaysched": "energyweekdayschedule",
    "energyweekendsched": "energyweekendschedule",
    "demandweekdaysched": "demandweekdayschedule",
    "demandweekendsched": "demandweekendschedule",
    "coincidentsched": "coincidentrateschedule",
    "coincidentschedule": "coincidentrateschedule",
    "demandrateunits": "demandrateunit",
    "flatdemandunits": "flatdemandunit",
    "sourcereference": "source",
    "energykeyvals": "energyattrs",
    "demandkeyvals": "demandattrs",
    "fixedkeyvals": "fixedattrs",
    "demandratchetpercentages": "demandratchetpercentage",
    "fueladjustments": "fueladjustmentsmonthly",
    "mincharges": "mincharge",
}
_TIER_LISTS = ("energyratetiers", "demandratetiers", "flatdemandtiers", "coincidentratetiers")
_TIER = ("max", "rate", "adj", "sell", "unit")
_WRAPPED = ("$numberint", "$numberlong", "$numberdouble", "$numberdecimal", "$oid", "$date")
_FLAT_TIER = re.compile(r"([a-z]+structure)/period(\d{1,2})/tier(\d{1,2})(max|rate|adj|sell|unit)")
_FLAT_MONTH = re.compile(
    r"(flatdemandmonth|fueladjustmentsmonthly|fueladjustmentsmonth|demandratchetpercentage)(\d{1,2})"
)
_LISTS = {"flatdemandmonth": "flatdemandmonths", "fueladjustmentsmonth": "fueladjustmentsmonthly"}


class NotUrdb(ValueError):
    """The text is no URDB record; the message says why."""


def read_record(text: str) -> dict[str, Any]:
    """Return the one record of a JSON text by lower-case keys; what is null or empty is left out. Raises NotUrdb."""
    try:
        told = json.loads(text, parse_float=Decimal, parse_constant=_no_number, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise NotUrdb(f"is no JSON: {error}") from None
    return _folded(_lowered(_only(told)))


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _only(told: Any) -> Mapping[str, Any]:
    """Return the one record that a document holds."""
    items = told.get("items") if isinstance(told, dict) and "items" in told else told
    if isinstance(items, list):
        if len(items) != 1:
            raise NotUrdb(f"holds {len(items)} records where one is wanted")
        items = items[0]
    if not isinstance(items, dict):
        raise NotUrdb("is no URDB record, nor an object with items that holds one")
    return items


def _lowered(record: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in record.items():
        name = str(key).strip().lower()
        name = _RENAMED.get(name, name)
        plain = _plain(value)
        if plain is None or plain in ("", [], {}):
            continue
        if name in found:
            raise NotUrdb(f"says {name} twice")
        found[name] = plain
    return found


def _plain(value: Any) -> Any:
    """Return a value without the wrappings of a bulk export: `$` objects, lists of tiers within objects."""
    if isinstance(value, dict):
        lower = {str(key).lower(): inner for key, inner in value.items()}
        for name in _WRAPPED:
            if set(lower) == {name}:
                return _unwrapped(name, _plain(lower[name]))
        for name in _TIER_LISTS:
            if set(lower) == {name}:
                return _plain(lower[name])
        return {key.lower() if key.lower() in _TIER else key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def _unwrapped(name: str, value: Any) -> Any:
    if name.startswith("$number") and isinstance(value, str):
        try:
            return int(value) if name in {"$numberint", "$numberlong"} else Decimal(value)
        except (ValueError, InvalidOperation):
            return value
    return value


def _folded(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record with what the flat form says key by key as lists, and schedules that are text as lists too."""
    found: dict[str, Any] = {}
    structures: dict[str, dict[tuple[int, int], dict[str, Any]]] = {}
    lists: dict[str, dict[int, Any]] = {}
    for key, value in record.items():
        if tier := _FLAT_TIER.fullmatch(key):
            place = (int(tier[2]), int(tier[3]))
            structures.setdefault(tier[1], {}).setdefault(place, {})[tier[4]] = _number(value)
        elif month := _FLAT_MONTH.fullmatch(key):
            lists.setdefault(_LISTS.get(month[1], month[1]), {})[int(month[2])] = _number(value)
        else:
            found[key] = _listed(value) if key.endswith(("schedule", "structure", "months")) else value
    for key, tiers in structures.items():
        found.setdefault(key, [[one for _, one in period] for period in _periods(tiers)])
    for key, months in lists.items():
        if set(months) == set(range(1, MONTHS + 1)):
            found.setdefault(key, [months[month] for month in range(1, MONTHS + 1)])
        else:
            raise NotUrdb(f"says {key} of some months and not of all twelve")
    return found


def _periods(tiers: dict[tuple[int, int], dict[str, Any]]) -> Iterator[list[tuple[int, dict[str, Any]]]]:
    for period in range(max(place for place, _ in tiers) + 1):
        yield sorted((tier, told) for (place, tier), told in tiers.items() if place == period)


def _number(value: Any) -> Any:
    """Return text that is a number as that."""
    if isinstance(value, str):
        try:
            return Decimal(value)
        except InvalidOperation:
            return value
    return value


def _listed(value: Any) -> Any:
    """Return a list that is written as text: JSON, or one digit an hour."""
    if not isinstance(value, str):
        return value
    if re.fullmatch(r"\d{288}", value):
        return [[int(hour) for hour in value[at : at + HOURS]] for at in range(0, MONTHS * HOURS, HOURS)]
    try:
        return _plain(json.loads(value, parse_float=Decimal, parse_constant=_no_number))
    except (ValueError, RecursionError):
        return value
