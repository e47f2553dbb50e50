"""Miners searched and put in an order, for a fleet of any size: the loop turns while it is done."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.fleet.belief import Code
from agent.fleet.fleet import Fleet
from agent.fleet.selector import make_of, model_of
from agent.outputs.http.problems import bad_field
from agent.outputs.snapshot import current, hottest_c
from agent.values import Moment

TURN = 1000
"""So many miners are looked at before the loop may turn."""
MOST_TEXT = 100
SORTS = ("row", "state", "model", "power_w", "hashrate_ths", "efficiency_j_th", "hottest_c")
Keys = NDArray[np.float64]


async def searched(fleet: Fleet, rows: Sequence[int], text: str) -> list[int]:
    """Return the rows whose names, address or labels have every word of `text` in them. Raises Problem."""
    if len(text) > MOST_TEXT:
        raise bad_field("search", f"may have at most {MOST_TEXT} characters")
    words, found = text.casefold().split(), list[int]()
    for start in range(0, len(rows), TURN):
        found += [row for row in rows[start : start + TURN] if _has(_names(fleet, row), words)]
        await asyncio.sleep(0)
    return found


def _has(names: str, words: Iterable[str]) -> bool:
    return all(word in names for word in words)


def _names(fleet: Fleet, row: int) -> str:
    miner, identity = fleet.miners[row], fleet.identities[row]
    names = [miner.id, miner.host, miner.feeder, *miner.tags, model_of(fleet, row), make_of(fleet, row)]
    if identity is not None:
        names += [identity.mac, identity.serial, identity.firmware, identity.firmware_version]
    return "\n".join(name for name in names if name).casefold()


async def page_of(
    fleet: Fleet, rows: list[int], query: Mapping[str, str], *, limit: int, now: Moment
) -> tuple[list[int], bool]:
    """Return `limit` rows after the cursor, in the order that `sort` asks for, and whether more follow."""
    name = query.get("sort", "row")
    if name.removeprefix("-") not in SORTS:
        raise bad_field("sort", f"must be one of {', '.join(SORTS)}, with - before it for the highest first")
    ranks: Callable[[int], Any] = lambda row: row  # noqa: E731 - one of two
    if name != "row":
        place = (await _ranks(fleet, name, now)).tolist()
        ranks = place.__getitem__
        rows = sorted(rows, key=ranks)
    start = bisect_right(rows, ranks(_row(fleet, query["cursor"])), key=ranks) if "cursor" in query else 0
    return rows[start : start + limit], start + limit < len(rows)


def _row(fleet: Fleet, miner: str) -> int:
    if miner not in fleet.index:
        raise bad_field("cursor", f"there is no miner {miner!r}")
    return fleet.index[miner]


async def _ranks(fleet: Fleet, name: str, now: Moment) -> NDArray[np.intp]:
    """Return each row's place; what is unknown comes last either way, equals as they are in the inventory."""
    keys = await _keys(fleet, name.removeprefix("-"), now)
    order = np.argsort(-keys if name.startswith("-") else keys, kind="stable")
    ranks = np.empty(len(order), np.intp)
    ranks[order] = np.arange(len(order))
    return ranks


async def _keys(fleet: Fleet, name: str, now: Moment) -> Keys:
    if name in _COLUMNS:
        return _COLUMNS[name](fleet, now)
    if name == "hottest_c":
        return np.array(await _each(fleet, lambda row: _or_nan(hottest_c(current(fleet, row, now.mono)))))
    models = await _each(fleet, lambda row: model_of(fleet, row))
    places: dict[Any, float] = {model: at for at, model in enumerate(sorted({*models} - {None}))}
    return np.array([places.get(model, np.nan) for model in models])


def _hashrates(fleet: Fleet, now: Moment) -> Keys:
    speaks = (now.mono - fleet.heard_at <= fleet.policy.fresh_s) & ~np.isin(
        fleet.state, (Code.UNREACHABLE, Code.UNKNOWN)
    )
    return np.where(speaks, fleet.hashrate_ths, np.nan)


def _efficiencies(fleet: Fleet, now: Moment) -> Keys:
    rates = _hashrates(fleet, now)
    hashes = (fleet.state == Code.HASHING) & (rates > 0)
    return np.where(hashes, fleet.believed_w / np.where(hashes, rates, 1.0), np.nan)


_COLUMNS: dict[str, Callable[[Fleet, Moment], Keys]] = {
    "row": lambda fleet, _now: np.arange(len(fleet), dtype=np.float64),
    "state": lambda fleet, _now: fleet.state.astype(np.float64),
    "power_w": lambda fleet, _now: fleet.believed_w.copy(),
    "hashrate_ths": _hashrates,
    "efficiency_j_th": _efficiencies,
}


async def _each(fleet: Fleet, told: Callable[[int], Any]) -> list[Any]:
    found: list[Any] = []
    for start in range(0, len(fleet), TURN):
        found += [told(row) for row in range(start, min(start + TURN, len(fleet)))]
        await asyncio.sleep(0)
    return found


def _or_nan(value: float | None) -> float:
    return np.nan if value is None else value


def picked(told: Mapping[str, Any], fields: Sequence[str]) -> Mapping[str, Any]:
    """Return those members of a miner that are asked for, and always who it is; all where none are. Raises Problem."""
    if not fields:
        return told
    for name in fields:
        if name not in told:
            raise bad_field("fields", f"there is no {name!r}; there are {', '.join(told)}")
    return {name: told[name] for name in ("miner", *fields)}
