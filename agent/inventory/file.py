"""Inventory files: CSV of any program's, and our TOML, read into rows; and rows written as either. Pure."""

from __future__ import annotations

import csv
import io
import json
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from agent.inventory.hosts import COLUMNS, Row, expand, read_foreign

_NUMBERS = ("port", "http_port", "priority")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What a file holds: its rows, mistakes by row, and the columns that we have no use for."""

    rows: list[Row]
    mistakes: list[tuple[int, str]]
    left_out: list[str]


def read(text: str, *, is_toml: bool) -> Sheet:
    """Read a file. Raises ValueError with one clear sentence where it is none."""
    if is_toml:
        return _read_toml(text)
    rows, mistakes, left_out = read_foreign(text)
    return Sheet(rows=rows, mistakes=mistakes, left_out=left_out)


def _read_toml(text: str) -> Sheet:
    """Read [[miner]] tables, and the hosts of [[miners]] groups; a row's number is its place among them."""
    try:
        told = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is no TOML: {error}") from None
    tables, groups = told.get("miner", []), told.get("miners", [])
    if not _are_tables(tables) or not _are_tables(groups) or not (tables or groups):
        raise ValueError("holds no [[miner]] tables, nor [[miners]] with hosts")
    rows: list[Row] = []
    mistakes: list[tuple[int, str]] = []
    left_out: dict[str, None] = {}
    for number, table in enumerate([*tables, *_hosts(groups)], start=1):
        left_out |= dict.fromkeys(name for name in table if name not in COLUMNS)
        row = {name: _text(table[name]) for name in COLUMNS if table.get(name) not in (None, "")}
        if "host" not in row:
            mistakes.append((number, "host: is empty"))
        else:
            rows.append(Row(line=number, told=row))
    return Sheet(rows=rows, mistakes=mistakes, left_out=list(left_out))


def _are_tables(told: object) -> bool:
    return isinstance(told, list) and all(isinstance(one, dict) for one in told)


def _hosts(groups: list[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    for group in groups:
        rest = {name: value for name, value in group.items() if name not in {"hosts", "csv", "ports"}}
        for text in group.get("hosts", ()):
            for place in expand(str(text)):
                told = {"host": place.host, "port": place.port, "http_port": place.http_port}
                yield rest | {name: value for name, value in told.items() if value is not None}


def _text(value: object) -> str:
    return ";".join(map(str, value)) if isinstance(value, list) else str(value)


def as_csv(machines: Iterable[dict[str, str]]) -> str:
    """Return an inventory file that `csv` of [[miners]] reads."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(machines)
    return text.getvalue()


def as_toml(machines: Iterable[dict[str, str]]) -> str:
    """Return a [[miner]] table for each, which an import reads."""
    return "\n".join("[[miner]]\n" + "".join(_lines(machine)) for machine in machines)


def _lines(machine: dict[str, str]) -> Iterable[str]:
    for name in COLUMNS:
        if not (value := machine.get(name, "")):
            continue
        shown: object = int(value) if name in _NUMBERS else value.split(";") if name == "tags" else value
        yield f"{name} = {json.dumps(shown, ensure_ascii=False)}\n"
