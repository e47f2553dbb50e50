"""Where machines answer: a place in words, and rows whose places are exchanged. Each place has one row, ever. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from agent.fleet.fleet import Fleet
from agent.fleet.miner import Miner
from drivers.interface import Target

USUAL_PORT = 4028
"""The API port of nearly every family: a place without a port is the same as one with this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where one machine answers; a port of None is its family's own."""

    host: str
    port: int | None = None
    http_port: int | None = None

    @property
    def key(self) -> tuple[str, int]:
        """What no two machines share."""
        return self.host, self.port or USUAL_PORT

    def __str__(self) -> str:
        """Write it as the configuration does."""
        if self.port is None and self.http_port is None:
            return self.host
        web = "" if self.http_port is None else f"/{self.http_port}"
        return f"{self.host}:{self.port or USUAL_PORT}{web}"

    @staticmethod
    def of(miner: Miner) -> Place:
        """Return a machine's place."""
        return Place(host=miner.host, port=miner.port, http_port=miner.http_port)

    @staticmethod
    def parse(text: str) -> Place:
        """Read what was written; raises ValueError for what is no place."""
        addresses, _, ports = text.partition(":")
        port, _, web = ports.partition("/")
        return Place(host=addresses, port=int(port) if port else None, http_port=int(web) if web else None)


def put(fleet: Fleet, targets: list[Target], row: int, place: Place) -> None:
    """Let a row's machine be where `place` says; its logins and all else stay its own."""
    host, port, http_port = place.host, place.port, place.http_port
    fleet.miners[row] = replace(fleet.miners[row], host=host, port=port, http_port=http_port)
    targets[row] = replace(targets[row], host=host, port=port, http_port=http_port)
    fleet.relocated(row)


def exchange(fleet: Fleet, targets: list[Target], one: int, other: int) -> None:
    """Let two rows' machines be at each other's places."""
    ones, others = Place.of(fleet.miners[one]), Place.of(fleet.miners[other])
    put(fleet, targets, one, others)
    put(fleet, targets, other, ones)


def restored(stated: Sequence[Place], learned: Mapping[int, tuple[Place, str]]) -> dict[int, Place]:
    """Return the rows that are elsewhere than the inventory says, by what was learned, so that no two share a place.

    What was learned holds as long as the inventory says what it said then; where two rows would meet, it says right.
    """
    elsewhere = {row: place for row, (place, said) in learned.items() if str(stated[row]) == said}
    while True:
        taken: dict[tuple[str, int], list[int]] = {}
        for row, place in enumerate(stated):
            taken.setdefault(elsewhere.get(row, place).key, []).append(row)
        meeting = {row for rows in taken.values() if len(rows) > 1 for row in rows if row in elsewhere}
        if not meeting:
            return elsewhere
        elsewhere = {row: place for row, place in elsewhere.items() if row not in meeting}
