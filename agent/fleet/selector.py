"""Naming miners in words: which rows a selector means.

`*` · an id or a glob of ids · `feeder:F` (and all below it) · `tag:T` · `owner:O` (the tag `owner:O`) · `rack:R` ·
`position:P` · `model:M` · `make:M` · `firmware:F` (its name, or its version) · `mac:M` · `serial:S` · `state:S` ·
`host:H`.
A comma joins, a leading `!` takes away. What cannot be understood is an error, never an empty or a full fleet.
"""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase

import numpy as np

from agent.fleet.belief import CODES
from agent.fleet.fleet import Fleet
from drivers.interface import State

Rows = frozenset[int]
Names = tuple[str | None, ...]
_Key = Callable[[Fleet, str], Rows]
_BETWEEN = str.maketrans("", "", ":-.")


def model_of(fleet: Fleet, row: int) -> str | None:
    """Return a miner's model: its owner's word, else the machine's own; None where neither is known."""
    identity = fleet.identities[row]
    return fleet.miners[row].model or (identity.model if identity is not None else None)


def make_of(fleet: Fleet, row: int) -> str | None:
    """Return a miner's make as it says it, None where it has not."""
    identity = fleet.identities[row]
    return identity.make if identity is not None else None


def select(fleet: Fleet, text: str) -> list[int]:
    """Return the rows that `text` names, ascending; raises ValueError for an unknown term and for no miner at all."""
    wanted: set[int] = set()
    unwanted: set[int] = set()
    terms = [term.strip() for term in text.split(",")]
    for term in terms:
        (unwanted if term.startswith("!") else wanted).update(_rows(fleet, term.removeprefix("!")))
    if all(term.startswith("!") for term in terms):
        wanted.update(range(len(fleet)))
    found = sorted(wanted - unwanted)
    if not found:
        raise ValueError(f"no miner matches {text!r}")
    return found


def matching(fleet: Fleet, key: str, value: str) -> Rows:
    """Return the rows of one `key:value`, perhaps none; raises ValueError for an unknown key, feeder or state."""
    if key not in _KEYS:
        raise ValueError(f"{key!r} selects nothing; what does: {', '.join(_KEYS)}")
    return _KEYS[key](fleet, value)


def _rows(fleet: Fleet, term: str) -> Rows:
    """Return the rows of one term; only a state may have nobody in it."""
    if not term:
        raise ValueError("a selector has an empty term")
    if term in fleet.index:
        return frozenset({fleet.index[term]})
    key, colon, value = term.partition(":")
    if colon and key in _KEYS:
        found = matching(fleet, key, value)
        if not found and key != "state":
            raise ValueError(f"no miner matches {term!r}")
        return found
    found = frozenset(row for row, miner in enumerate(fleet.miners) if fnmatchcase(miner.id, term))
    if not found:
        raise ValueError(f"no miner has the id {term!r}")
    return found


def _feeder(fleet: Fleet, name: str) -> Rows:
    tree = fleet.tree
    if name not in tree.positions:
        raise ValueError(f"there is no feeder {name!r}")
    below = {name}
    for feeder in tree.feeders:
        if feeder.parent in below:
            below.add(feeder.id)
    return frozenset(row for row, miner in enumerate(fleet.miners) if miner.feeder in below)


def _state(fleet: Fleet, name: str) -> Rows:
    if name not in set(State):
        raise ValueError(f"there is no state {name!r}; there are: {', '.join(State)}")
    return frozenset(np.flatnonzero(fleet.state == CODES[State(name)]).tolist())


def _tag(fleet: Fleet, name: str) -> Rows:
    return frozenset(row for row, miner in enumerate(fleet.miners) if name in miner.tags)


def _owner(fleet: Fleet, name: str) -> Rows:
    return _tag(fleet, f"owner:{name}")


def _host(fleet: Fleet, name: str) -> Rows:
    return frozenset(row for row, miner in enumerate(fleet.miners) if fnmatchcase(miner.host, name))


def _rack(fleet: Fleet, row: int) -> Names:
    return (fleet.miners[row].rack,)


def _position(fleet: Fleet, row: int) -> Names:
    return (fleet.miners[row].position,)


def _firmware(fleet: Fleet, row: int) -> Names:
    identity = fleet.identities[row]
    return (identity.firmware, identity.firmware_version) if identity is not None else ()


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

    def named(fleet: Fleet, name: str) -> Rows:
        asked = plain(name)
        return frozenset(
            row for row in range(len(fleet)) if any(fnmatchcase(plain(n), asked) for n in names_of(fleet, row) if n)
        )

    return named


_KEYS: dict[str, _Key] = {
    "feeder": _feeder,
    "tag": _tag,
    "owner": _owner,
    "rack": _named(_rack),
    "position": _named(_position),
    "model": _named(lambda fleet, row: (model_of(fleet, row),)),
    "make": _named(lambda fleet, row: (make_of(fleet, row),)),
    "firmware": _named(_firmware),
    "mac": _named(_mac, _bare),
    "serial": _named(_serial),
    "state": _state,
    "host": _host,
}
