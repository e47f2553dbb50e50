"""What an import would make of an inventory: whom it adds, whom it changes and how, and what stands against it. Pure.

A row is the machine with its MAC, else with its serial, else with its id, else the one at its address where neither
says another. An id is given once: a matched machine keeps its own. What a row leaves empty stays, and nobody goes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from agent.fleet.identity import Seen, bare_mac
from agent.fleet.places import USUAL_PORT
from agent.inventory.hosts import COLUMNS, Row

Told = dict[str, str]
"""The filled columns of one machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """A machine that is new, and its row."""

    row: int
    told: Told


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A machine that is known: what would change, as (before, after) by column; and another id that the file has."""

    row: int
    id: str
    by: str  # mac | serial | id | address
    changes: dict[str, tuple[str, str]]
    other_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Why a row cannot be taken."""

    row: int
    reason: str


@dataclass(slots=True, kw_only=True)
class Import:
    """What would become of an inventory; `machines` is all of it then, in order."""

    added: list[Added] = field(default_factory=list)
    changed: list[Changed] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    unchanged: int = 0
    absent: int = 0  # of the inventory and not in the file
    machines: list[Told] = field(default_factory=list)


def usual_id(told: Mapping[str, str]) -> str:
    """Return the id of a row that gives none: its host, and its port where that is another than usual."""
    port = told.get("port")
    return told["host"] if port in {None, "", str(USUAL_PORT)} else f"{told['host']}:{port}"


def plan(known: Sequence[Told], rows: Sequence[Row], mistakes: Callable[[Told], Sequence[str]]) -> Import:
    """Match rows against a known inventory; `mistakes` are those of a row by itself."""
    planning = _Planning(known)
    for row in rows:
        planning.take(row, mistakes)
    return planning.done()


class _Planning:
    def __init__(self, known: Sequence[Told]) -> None:
        self._known = len(known)
        self._machines = [{name: value for name, value in told.items() if value} for told in known]
        self._index: dict[tuple[str, str], int] = {}
        for at, told in enumerate(self._machines):
            told.setdefault("id", usual_id(told))
            for key in _keys(told):
                self._index.setdefault(key, at)
        self._rows: dict[int, int] = {}  # which row named a machine, by its place in the list
        self._found = Import()

    def take(self, row: Row, mistakes: Callable[[Told], Sequence[str]]) -> None:
        """Take in one row."""
        wrong = list(mistakes(row.told))
        if wrong:
            self._found.conflicts += [Conflict(row=row.line, reason=reason) for reason in wrong]
            return
        matched = self._match(row)
        if matched is None:
            self._rows[len(self._machines)] = row.line
            self._machines.append({"id": usual_id(row.told)} | row.told)
            self._found.added.append(Added(row=row.line, told=self._machines[-1]))
            return
        at, by = matched
        if at in self._rows:
            told = self._machines[at]["id"]
            self._conflict(row, f"is {told} by its {_word(by)}, which line {self._rows[at]} is too")
            return
        self._rows[at] = row.line
        self._change(at, by, row)

    def _match(self, row: Row) -> tuple[int, str] | None:
        """Return the machine that a row is, of those that were known before, and by what."""
        marks = {kind: self._index.get((kind, text)) for kind, text in Seen(**_marks(row.told)).marks()}
        named = marks | {"id": self._index.get(("id", row.told["id"])) if "id" in row.told else None}
        for by, at in named.items():
            if at is not None:
                return at, by
        at = self._index.get(("place", _place(row.told)))
        return None if at is None or self._is_another(at, row.told) else (at, "address")

    def _is_another(self, at: int, told: Told) -> bool:
        """Whether a row at a machine's address says by MAC or serial that it is another machine."""
        mine, seen = (dict(Seen(**_marks(one)).marks()) for one in (self._machines[at], told))
        return any(kind in mine and mine[kind] != text for kind, text in seen.items())

    def _change(self, at: int, by: str, row: Row) -> None:
        machine = self._machines[at]
        told = {name: value for name, value in row.told.items() if name != "id"}
        changes = {
            name: (machine.get(name, ""), value)
            for name, value in told.items()
            if not _same(name, machine.get(name, ""), value)
        }
        other = row.told.get("id")
        other = None if other == machine["id"] else other
        if other is not None and ("id", other) in self._index:
            self._conflict(row, f"is {machine['id']} by its {_word(by)}, and {other} is the id of another machine")
        machine |= {name: after for name, (_, after) in changes.items()}
        if changes:
            self._found.changed.append(Changed(row=row.line, id=machine["id"], by=by, changes=changes, other_id=other))
        else:
            self._found.unchanged += 1

    def done(self) -> Import:
        """Return what was found, with those who would share what no two machines share."""
        found = self._found
        met: dict[tuple[str, str], int] = {}
        for at, machine in enumerate(self._machines):
            for key, name in _keys(machine).items():
                first = met.setdefault(key, at)
                row = self._rows.get(at, self._rows.get(first))
                if first != at and row is not None:
                    other = first if at in self._rows else at
                    found.conflicts.append(Conflict(row=row, reason=f"{name} {self._whose(other)}"))
        found.conflicts.sort(key=lambda conflict: conflict.row)
        found.absent = self._known - sum(at < self._known for at in self._rows)
        found.machines = self._machines
        return found

    def _whose(self, at: int) -> str:
        row = self._rows.get(at)
        return f"is {self._machines[at]['id']}'s already" if row is None else f"stands in line {row} already"

    def _conflict(self, row: Row, reason: str) -> None:
        self._found.conflicts.append(Conflict(row=row.line, reason=reason))


def _marks(told: Told) -> dict[str, str | None]:
    return {"mac": told.get("mac"), "serial": told.get("serial")}


def _place(told: Told) -> str:
    return f"{told['host']}:{told.get('port') or USUAL_PORT}"


def _keys(told: Told) -> dict[tuple[str, str], str]:
    """Return what no two machines share, each as it is named to people."""
    named = {mark: f"{_word(mark[0])} {told[mark[0]]}" for mark in Seen(**_marks(told)).marks()}
    place = _place(told)
    return {("id", told["id"]): f"id {told['id']}", ("place", place): f"address {place}"} | named


def _word(by: str) -> str:
    return "MAC" if by == "mac" else by


def _same(name: str, before: str, after: str) -> bool:
    if name == "mac":
        return bare_mac(before) == bare_mac(after)
    if name == "tags":
        return _tags(before) == _tags(after)
    usual = {"port": str(USUAL_PORT), "intended": "full", "priority": "0", "driver": "auto", "feeder": "site"}
    return (before or usual.get(name, "")) == after


def _tags(text: str) -> list[str]:
    return sorted(text.replace(";", " ").replace(",", " ").split())


def columns(told: Told) -> Told:
    """Return a machine with every column, in their order, the empty ones too."""
    return {name: told.get(name, "") for name in COLUMNS}
