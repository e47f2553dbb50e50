"""The machines of a configuration, group by group, from addresses and from inventory files; each once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from agent.config.rules import known_feeders
from agent.config.schema import Miners, Schema
from agent.fleet.identity import Seen
from agent.inventory.hosts import CGMINER_PORT, COLUMNS, MOST_PLACES, Place, Row, expand, read_inventory, row_mistake
from agent.problems import Problem
from agent.values import OFF, level_is_valid

_ID = re.compile(r"[^\s/#+\x00]{1,128}")


@dataclass(frozen=True, slots=True, kw_only=True)
class MinerEntry:
    """One machine of the inventory; None where nothing is said."""

    id: str
    host: str
    port: int | None
    http_port: int | None
    feeder: str
    tags: tuple[str, ...]
    driver: str
    credentials: str | None
    intended: str
    priority: int
    model: str | None
    mac: str | None = None
    serial: str | None = None
    rack: str | None = None
    position: str | None = None
    file: str | None = field(default=None, compare=False)  # the inventory file that names it; None: a list of hosts


@dataclass(frozen=True, slots=True)
class _Origin:
    """Where a machine is named: a file and what of it."""

    file: str
    key: str


@dataclass(slots=True)
class Inventory:
    """What is gathered: machines in order, and mistakes."""

    entries: list[MinerEntry] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    _origins: list[_Origin] = field(default_factory=list)

    def add(self, entry: MinerEntry, origin: _Origin) -> None:
        """Take one machine."""
        self.entries.append(entry)
        self._origins.append(origin)

    def complain(self, origin: _Origin, reason: str) -> None:
        """Note a mistake."""
        self.problems.append(Problem(file=origin.file, key=origin.key, reason=reason))

    def complain_of_twins(self) -> None:
        """Note each id, place, MAC and serial that is named twice, with both origins; one line for a whole overlap."""
        twins: dict[tuple[_Origin, _Origin], list[str]] = {}
        met: dict[tuple[str, str], _Origin] = {}
        for entry, origin in zip(self.entries, self._origins, strict=True):
            firsts = [(name, met.setdefault(key, origin)) for key, name in keys_of(entry).items()]
            twin = next(((name, first) for name, first in firsts if first is not origin), None)
            if twin is not None:
                twins.setdefault((twin[1], origin), []).append(twin[0])
        for (first, origin), names in twins.items():
            more = f" and {len(names) - 1} more stand" if len(names) > 1 else " stands"
            self.complain(origin, f"{names[0]}{more} in {_named(first, origin.file)} already")


def keys_of(entry: MinerEntry) -> dict[tuple[str, str], str]:
    """Return what no two machines of an inventory share, each as it is named to people."""
    marks = Seen(mac=entry.mac, serial=entry.serial).marks()
    place = f"{entry.host}:{entry.port or CGMINER_PORT}"
    named = {"mac": f"mac {entry.mac}", "serial": f"serial {entry.serial}"}
    return {("id", entry.id): entry.id, ("place", place): place} | {mark: named[mark[0]] for mark in marks}


def take_inventory(schema: Schema, folder: Path, file: str) -> Inventory:
    """Gather the machines of every group; files are looked for in `folder`."""
    gathered = Inventory()
    for at, group in enumerate(schema.miners):
        for number, text in enumerate(group.hosts):
            origin = _Origin(file, f"miners.{at}.hosts.{number}")
            try:
                for place in expand(text):
                    gathered.add(_entry(group, place, {}), origin)
            except ValueError as error:
                gathered.complain(origin, str(error))
        if group.csv is not None:
            _take_file(gathered, schema, group, folder / group.csv)
    if len(gathered.entries) > MOST_PLACES:
        gathered.complain(_Origin(file, "miners"), f"more than {MOST_PLACES} machines")
    gathered.complain_of_twins()
    return gathered


def _take_file(gathered: Inventory, schema: Schema, group: Miners, path: Path) -> None:
    try:
        rows, mistakes = read_inventory(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = f"cannot be read: {getattr(error, 'strerror', None) or error}"
        gathered.complain(_Origin(path.name, ""), reason)
        return
    for line, mistake in mistakes:
        gathered.complain(_Origin(path.name, f"line {line}"), mistake)
    feeders = known_feeders(schema)
    for row in rows:
        origin = _Origin(path.name, f"line {row.line}")
        entry = _entry(group, _place(row), row.told)
        gathered.add(entry, origin)
        for mistake in _entry_mistakes(entry, feeders, schema):
            gathered.complain(origin, mistake)


def _place(row: Row) -> Place:
    port, http_port = row.told.get("port"), row.told.get("http_port")
    return Place(
        host=row.told["host"],
        port=None if port is None else int(port),
        http_port=None if http_port is None else int(http_port),
    )


def _entry(group: Miners, place: Place, told: dict[str, str]) -> MinerEntry:
    port = place.port if place.port is not None else group.ports.get("cgminer")
    usual_id = place.host if port is None or port == CGMINER_PORT else f"{place.host}:{port}"
    return MinerEntry(
        id=told.get("id", usual_id),
        host=place.host,
        port=port,
        http_port=place.http_port if place.http_port is not None else group.ports.get("http"),
        feeder=told.get("feeder", group.feeder),
        tags=tuple(re.split(r"[;,\s]+", told["tags"])) if "tags" in told else tuple(group.tags),
        driver=told.get("driver", group.driver),
        credentials=told.get("credentials", group.credentials),
        intended=told.get("intended", group.intended),
        priority=int(told.get("priority", group.priority)),
        model=told.get("model", group.model),
        mac=told.get("mac"),
        serial=told.get("serial"),
        rack=told.get("rack"),
        position=told.get("position"),
        file=group.csv if told else None,
    )


def _entry_mistakes(entry: MinerEntry, feeders: set[str], schema: Schema) -> Iterator[str]:
    if _ID.fullmatch(entry.id) is None:
        yield f"id: {entry.id!r} must be up to 128 letters without blanks, / # +"
    if entry.feeder not in feeders:
        yield f"feeder: {entry.feeder} is no feeder"
    if entry.intended == OFF or not level_is_valid(entry.intended):
        yield f"intended: {entry.intended} must be full, low, sleep, limit:<W> or profile:<name>"
    if entry.credentials is not None and entry.credentials not in schema.credentials:
        yield f"credentials: {entry.credentials} is not in [credentials]"


def columns_of(entry: MinerEntry) -> dict[str, str]:
    """Return a machine as a row of an inventory file; what a group would say by default is said by the row."""
    told = {name: getattr(entry, name) for name in COLUMNS} | {"tags": ";".join(entry.tags)}
    return {name: "" if value is None else str(value) for name, value in told.items()}


def own_mistakes(told: dict[str, str], schema: Schema) -> list[str]:
    """Return what is wrong with a row of an inventory file by itself."""
    if (mistake := row_mistake(told)) is not None:
        return [mistake]
    entry = _entry(Miners(), _place(Row(line=0, told=told)), told)
    return list(_entry_mistakes(entry, known_feeders(schema), schema))


def _named(origin: _Origin, file: str) -> str:
    return origin.key if origin.file == file else f"{origin.file} {origin.key}"
