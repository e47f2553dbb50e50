"""`plan --fleet`: the best plan for the machines of a file, without an agent; changes nothing."""

from __future__ import annotations

import json
import math
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import msgspec

from agent.cli.failure import NO, USAGE
from agent.planning.optimum import ROOT, Branch, Choice, Machine, NoTree, Optimum, optimum
from agent.values import Watts

_Watts = Annotated[float, msgspec.Meta(ge=0, le=1e9)]
_Kilowatts = Annotated[float, msgspec.Meta(ge=0, le=1e9)]
_Name = Annotated[str, msgspec.Meta(min_length=1)]


class _Level(msgspec.Struct, forbid_unknown_fields=True):
    level: _Name
    power_w: _Watts
    hashrate_ths: Annotated[float, msgspec.Meta(ge=0, le=1e9)]


class _Miner(msgspec.Struct, forbid_unknown_fields=True):
    id: _Name
    feeder: _Name
    levels: Annotated[list[_Level], msgspec.Meta(min_length=1)]
    current: str | None = None


class _Feeder(msgspec.Struct, forbid_unknown_fields=True):
    id: _Name
    max_kw: _Kilowatts | None
    parent: str | None = None


class _Fleet(msgspec.Struct, forbid_unknown_fields=True):
    feeders: list[_Feeder]
    miners: list[_Miner]


class BadFleet(Exception):
    """The file is no fleet; the message names the field."""


def plan_fleet(path: Path, max_import_kw: float, as_json: bool) -> int:
    """Print the plan for a fleet's file and return the exit code: 1 where a shortfall is left, 2 for bad input."""
    try:
        cap_w = _cap_w(max_import_kw)
        fleet = _read(path)
        best = optimum(_machines(fleet), _branches(fleet), cap_w=cap_w)
    except (BadFleet, NoTree) as error:
        print(f"{path.name}: {error}", file=sys.stderr)
        return USAGE
    if as_json:
        print(json.dumps(_document(best), ensure_ascii=False))
    else:
        _show(best, fleet)
    return NO if best.shortfall_w > 0 else 0


def _cap_w(max_import_kw: float) -> Watts:
    if not (math.isfinite(max_import_kw) and max_import_kw >= 0):
        raise BadFleet("--max-import-kw must be a number from 0")
    return max_import_kw * 1000


def _read(path: Path) -> _Fleet:
    try:
        fleet = msgspec.json.decode(path.read_bytes(), type=_Fleet)
    except OSError as error:
        raise BadFleet(f"cannot be read: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadFleet(str(error)) from None
    _once((feeder.id for feeder in fleet.feeders), "feeders")
    _once((miner.id for miner in fleet.miners), "miners")
    for at, miner in enumerate(fleet.miners):
        _once((level.level for level in miner.levels), f"miners[{at}].levels")
    return fleet


def _once(names: Iterable[str], where: str) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            raise BadFleet(f"{where}: {name} stands {count} times")


def _machines(fleet: _Fleet) -> list[Machine]:
    return [
        Machine(
            id=miner.id,
            feeder=miner.feeder,
            choices=tuple(
                Choice(level=level.level, power_w=level.power_w, hashrate_ths=level.hashrate_ths)
                for level in miner.levels
            ),
        )
        for miner in fleet.miners
    ]


def _branches(fleet: _Fleet) -> list[Branch]:
    return [
        Branch(
            id=feeder.id,
            max_w=None if feeder.max_kw is None else feeder.max_kw * 1000,
            parent=feeder.parent or ROOT,
        )
        for feeder in fleet.feeders
    ]


def _document(best: Optimum) -> dict[str, Any]:
    return {
        "levels": best.levels,
        "power_w": best.power_w,
        "hashrate_ths": best.hashrate_ths,
        "shortfall_w": best.shortfall_w,
    }


def _show(best: Optimum, fleet: _Fleet) -> None:
    from agent.cli.show import figure, kw, table  # noqa: PLC0415 - --json needs no tables

    was = {miner.id: miner.current for miner in fleet.miners}
    table(("miner", "from", "to"), [(name, was[name], level) for name, level in best.levels.items()])
    moved = sum(1 for name, level in best.levels.items() if was[name] != level)
    print(f"{kw(best.power_w)}, {figure(best.hashrate_ths, 'TH/s', 1)}, {moved} of {len(best.levels)} machines change")
    if best.shortfall_w > 0:
        print(f"shortfall {figure(best.shortfall_w, 'W')}: everything is at its least")
