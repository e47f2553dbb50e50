"""An invoice's file: the JSON of `hashwatt bill`, one month of it alone, or CSV rows `month,name,amount`.

Rows named kWh, kW and total are the month's energy, its highest mean power and what it comes to; all others are lines.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from agent.inputs.csv_rows import csv_rows
from agent.inputs.stepped import WrongRow
from agent.problems import ConfigError, Problem
from agent.tariffs.invoice import Invoice, InvoiceMonth

_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
_FIGURES = {"kwh": "kwh", "kw": "peak_kw", "peak_kw": "peak_kw", "total": "total"}


class _Wrong(Exception):
    def __init__(self, place: str, reason: str) -> None:
        super().__init__(reason)
        self.place = place


def read_invoice(path: Path) -> Invoice:
    """Read an invoice's file. Raises ConfigError."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        return parse_invoice(text)
    except _Wrong as error:
        raise ConfigError([Problem(file=path.name, key=error.place, reason=str(error))]) from None
    except (OSError, ValueError, RecursionError, csv.Error) as error:
        reason = f"cannot be read: {getattr(error, 'strerror', None) or error}"
        raise ConfigError([Problem(file=path.name, key="", reason=reason)]) from None


def parse_invoice(text: str) -> Invoice:
    """Return the invoice that a text is. Raises ValueError and its like for what is none."""
    if text.lstrip().startswith("{"):
        return invoice_of(json.loads(text, parse_float=Decimal, parse_int=Decimal))
    try:
        rows = csv_rows(text)
    except WrongRow as error:
        raise _Wrong(error.place, str(error)) from None
    for line, cells in rows[1:]:
        if len(cells) != len(rows[0][1]):
            raise _Wrong(f"line {line}", f"has {len(cells)} cells, and the header {len(rows[0][1])}")
    return _of_rows([dict(zip(rows[0][1], cells, strict=True)) for _, cells in rows[1:]])


def invoice_of(told: Mapping[str, Any]) -> Invoice:
    """Return the invoice that a bill's JSON is; figures may be numbers or text."""
    months = told.get("months", [told])
    if not isinstance(months, list) or not months:
        raise _Wrong("months", "must be a list of at least one")
    found = tuple(_month(f"months.{at}", month) for at, month in enumerate(months))
    for at, month in enumerate(found):
        if month.month in {one.month for one in found[:at]}:
            raise _Wrong(f"months.{at}.month", f"{month.month} stands twice")
    currency = told.get("currency")
    return Invoice(months=found, currency=currency if isinstance(currency, str) and currency else None)


def _month(place: str, told: Any) -> InvoiceMonth:
    if not isinstance(told, dict):
        raise _Wrong(place, "must be a table")
    components = told.get("components", told.get("lines", []))
    if not isinstance(components, list) or not all(isinstance(one, dict) and "name" in one for one in components):
        raise _Wrong(f"{place}.lines", "must be a list of name and amount")
    energy = told.get("energy")
    estimated = energy.get("estimated_kwh") if isinstance(energy, dict) else told.get("estimated_kwh")
    lines: dict[str, Decimal] = {}
    for one in components:
        name = str(one["name"])
        amount = _figure(f"{place}.{name}", one.get("amount"))
        if amount is None:
            raise _Wrong(f"{place}.{name}", "amount is required")
        lines[name] = lines.get(name, Decimal(0)) + amount
    return InvoiceMonth(
        month=_name(f"{place}.month", told.get("month")),
        kwh=_figure(f"{place}.kwh", told.get("kwh")),
        peak_kw=_figure(f"{place}.peak_kw", told.get("peak_kw", told.get("kw"))),
        total=_figure(f"{place}.total", told.get("total")),
        lines=lines,
        estimated_kwh=_figure(f"{place}.estimated_kwh", estimated),
    )


def _of_rows(rows: list[dict[str, Any]]) -> Invoice:
    months: dict[str, dict[str, Any]] = {}
    for at, row in enumerate(rows, start=1):
        cells = {(key or "").strip().lower(): value for key, value in row.items()}
        place = f"row {at}"
        if not {"month", "name", "amount"} <= cells.keys():
            raise _Wrong("header", "needs the columns month, name and amount")
        month = months.setdefault(_name(place, cells["month"]), {"lines": []})
        name = str(cells["name"] or "").strip()
        amount = _figure(place, cells["amount"])
        if not name or amount is None:
            raise _Wrong(place, "needs a name and an amount")
        if name.casefold() in _FIGURES:
            month[_FIGURES[name.casefold()]] = amount
        else:
            month["lines"].append({"name": name, "amount": amount})
    if not months:
        raise _Wrong("", "has no rows")
    return invoice_of({"months": [{"month": name, **told} for name, told in months.items()]})


def _name(place: str, told: Any) -> str:
    if not isinstance(told, str) or _MONTH.fullmatch(told.strip()) is None:
        raise _Wrong(place, "month: must be a month such as 2026-01")
    return told.strip()


def _figure(place: str, told: Any) -> Decimal | None:
    if told is None or told == "":
        return None
    try:
        found = Decimal(str(told).strip()) if not isinstance(told, bool) else Decimal("NaN")
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite() or abs(found) > Decimal(10) ** 15:
        raise _Wrong(place, f"{told} is no number such as 1234.56")
    return found
