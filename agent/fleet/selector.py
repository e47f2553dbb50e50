"""Naming miners in words: which rows a selector means.

`*` · an id or a glob of ids · `feeder:F` (and all below it) · `tag:T` · `owner:O` (the tag `owner:O`) · `rack:R` ·
`position:P` · `model:M` · `make:M` (its maker, or the brand) · `firmware:F` (its name, or its version) · `mac:M` ·
`serial:S` · `state:S` · `host:H`.
A comma joins, a leading `!` takes away. What cannot be understood is an error, never an empty or a full fleet; nor is
what means nobody, but for a listing.

A hundred thousand machines take a tenth of a second to look through: whoever must not be held up so long takes the
turns one by one, and does something else in between.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable
from fnmatch import translate
from typing import TypeVar

import numpy as np

from agent.fleet.belief import CODES
from agent.fleet.fleet import Fleet
from agent.fleet.view import Flags
from drivers.interface import State

TURN = 500
"""Machines looked at in one turn: a millisecond."""
_GLOB = re.compile(r"[*?[]")
_BETWEEN = str.maketrans("", "", ":-.")

T = TypeVar("T")
Turns = Generator[None, None, T]
"""Work that yields after each turn, and returns its answer at the end."""
Rows = frozenset[int]
Names = Iterable[str | None]
_Key = Callable[[Fleet, str], Turns[Flags]]


def model_of(fleet: Fleet, row: int) -> str | None:
    """Return a miner's model: its owner's word, else the machine's own; None where neither is known."""
    identity = fleet.identities[row]
    return fleet.miners[row].model or (identity.model if identity is not None else None)


def make_of(fleet: Fleet, row: int) -> str | None:
    """Return a miner's make as it says it, None where it has not."""
    identity = fleet.identities[row]
    return identity.make if identity is not None else None


def at_once(turns: Turns[T]) -> T:
    """Take every turn, one after the other, and return the answer."""
    while True:
        try:
            next(turns)
        except StopIteration as end:
            answer: T = end.value
            return answer


def select(fleet: Fleet, text: str) -> list[int]:
    """Return the rows that `text` names, ascending; raises ValueError for an unknown term and for no miner at all."""
    rows: list[int] = np.flatnonzero(at_once(selecting(fleet, text))).tolist()
    return rows


def matching(fleet: Fleet, key: str, value: str) -> Rows:
    """Return the rows of one `key:value`, perhaps none; raises ValueError for an unknown key, feeder or state."""
    return frozenset(np.flatnonzero(at_once(matches(fleet, key, value))).tolist())


def selecting(fleet: Fleet, text: str, *, perhaps_nobody: bool = False) -> Turns[Flags]:
    """Find whom `text` names; raises ValueError for an unknown term, and for no miner unless there may be nobody."""
    wanted, unwanted = np.zeros(len(fleet), np.bool_), np.zeros(len(fleet), np.bool_)
    terms = [term.strip() for term in text.split(",")]
    for term in terms:
        found = yield from _rows(fleet, term.removeprefix("!"), perhaps_nobody=perhaps_nobody)
        among = unwanted if term.startswith("!") else wanted
        among |= found
    if all(term.startswith("!") for term in terms):
        wanted[:] = True
    chosen: Flags = wanted & ~unwanted
    if not chosen.any() and not perhaps_nobody:
        raise ValueError(f"no miner matches {text!r}")
    return chosen


def matches(fleet: Fleet, key: str, value: str) -> Turns[Flags]:
    """Find the rows of one `key:value`, perhaps none; raises ValueError for an unknown key, feeder or state."""
    if key not in _KEYS:
        raise ValueError(f"{key!r} selects nothing; what does: {', '.join(_KEYS)}")
    return (yield from _KEYS[key](fleet, value))


def _rows(fleet: Fleet, term: str, *, perhaps_nobody: bool) -> Turns[Flags]:
    """Find the rows of one term; unless there may be nobody, only a state may have nobody in it."""
    if not term:
        raise ValueError("a selector has an empty term")
    if term in fleet.index:
        return _only(fleet, (fleet.index[term],))
    if term == "*":
        return np.ones(len(fleet), np.bool_)
    key, colon, value = term.partition(":")
    if colon and key in _KEYS:
        found = yield from matches(fleet, key, value)
        if not found.any() and key != "state" and not perhaps_nobody:
            raise ValueError(f"no miner matches {term!r}")
        return found
    found = yield from _where(fleet, _test(term), lambda row: (fleet.miners[row].id,))
    if not found.any() and not perhaps_nobody:
        raise ValueError(f"no miner has the id {term!r}")
    if not found.any() and colon and key.isalpha() and not value.isdigit():
        raise ValueError(f"{key!r} selects nothing; what does: {', '.join(_KEYS)}")
    return found


def _only(fleet: Fleet, rows: Iterable[int]) -> Flags:
    found = np.zeros(len(fleet), np.bool_)
    found[list(rows)] = True
    return found


def _test(asked: str) -> Callable[[str], object]:
    """Return what tells whether a name is meant: equal, or matching where there is a * or ? or [ in it."""
    return re.compile(translate(asked)).match if _GLOB.search(asked) else asked.__eq__


def _where(fleet: Fleet, test: Callable[[str], object], names_of: Callable[[int], Names]) -> Turns[Flags]:
    """Find the rows of which any name passes a test."""
    found = np.zeros(len(fleet), np.bool_)
    for start in range(0, len(fleet), TURN):
        rows = range(start, min(start + TURN, len(fleet)))
        found[[row for row in rows if any(name and test(name) for name in names_of(row))]] = True
        yield
    return found


def _feeder(fleet: Fleet, name: str) -> Turns[Flags]:
    tree = fleet.tree
    if name not in tree.positions:
        raise ValueError(f"there is no feeder {name!r}")
    below = {name}
    for feeder in tree.feeders:
        if feeder.parent in below:
            below.add(feeder.id)
    return (yield from _where(fleet, below.__contains__, lambda row: (fleet.miners[row].feeder,)))


def _state(fleet: Fleet, name: str) -> Turns[Flags]:
    if name not in set(State):
        raise ValueError(f"there is no state {name!r}; there are: {', '.join(State)}")
    yield
    found: Flags = fleet.state == CODES[State(name)]
    return found


def _tag(fleet: Fleet, name: str) -> Turns[Flags]:
    return (yield from _where(fleet, name.__eq__, lambda row: fleet.miners[row].tags))


def _owner(fleet: Fleet, name: str) -> Turns[Flags]:
    return (yield from _tag(fleet, f"owner:{name}"))


def _host(fleet: Fleet, name: str) -> Turns[Flags]:
    return (yield from _where(fleet, _test(name), lambda row: (fleet.miners[row].host,)))


def _rack(fleet: Fleet, row: int) -> Names:
    return (fleet.miners[row].rack,)


def _position(fleet: Fleet, row: int) -> Names:
    return (fleet.miners[row].position,)


def _firmware(fleet: Fleet, row: int) -> Names:
    identity = fleet.identities[row]
    return (identity.firmware, identity.firmware_version) if identity is not None else ()


def _make(fleet: Fleet, row: int) -> Names:
    """Return a machine's maker, and the brand that its model begins with: MicroBT, WhatsMiner."""
    return (make_of(fleet, row), (model_of(fleet, row) or "").partition(" ")[0])


def _mac(fleet: Fleet, row: int) -> Names:
    identity = fleet.identities[row]
    return (fleet.miners[row].mac, identity.mac if identity is not None else None)


def _serial(fleet: Fleet, row: int) -> Names:
    identity = fleet.identities[row]
    return (fleet.miners[row].serial, identity.serial if identity is not None else None)


def _bare(mac: str) -> str:
    """Cut a MAC to its digits, which are written with colons, dashes, dots or nothing between."""
    return mac.casefold().translate(_BETWEEN)


def _named(names_of: Callable[[Fleet, int], Names], plain: Callable[[str], str] = str.casefold) -> _Key:
    """Compare the names that a machine or its owner's inventory says: a glob over any of them, by its `plain` form."""

    def named(fleet: Fleet, name: str) -> Turns[Flags]:
        asked, known = _test(plain(name)), dict[str, bool]()

        def test(said: str) -> bool:
            if said not in known:
                known[said] = bool(asked(plain(said)))
            return known[said]

        return (yield from _where(fleet, test, lambda row: names_of(fleet, row)))

    return named


_KEYS: dict[str, _Key] = {
    "feeder": _feeder,
    "tag": _tag,
    "owner": _owner,
    "rack": _named(_rack),
    "position": _named(_position),
    "model": _named(lambda fleet, row: (model_of(fleet, row),)),
    "make": _named(_make),
    "firmware": _named(_firmware),
    "mac": _named(_mac, _bare),
    "serial": _named(_serial),
    "state": _state,
    "host": _host,
}
