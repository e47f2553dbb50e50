"""A fleet's file, as `plan --fleet` takes it, to machines by model: what each hashes and draws at its highest level.

A miner may say its `model`; one that does not is known by its J/TH.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated

import msgspec

from agent.planning.backtest import Level
from agent.planning.compare import Rig
from agent.problems import ConfigError, Problem
from agent.tariffs.money import rounded, written

_Figure = Annotated[float, msgspec.Meta(ge=0, le=1e9)]


class _Level(msgspec.Struct, forbid_unknown_fields=True):
    level: str
    power_w: _Figure
    hashrate_ths: _Figure


class _Miner(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    levels: Annotated[list[_Level], msgspec.Meta(min_length=1)]
    feeder: str | None = None
    current: str | None = None
    model: str | None = None


class _Fleet(msgspec.Struct):
    miners: Annotated[list[_Miner], msgspec.Meta(min_length=1)]


def read_levels(path: Path) -> list[list[Level]]:
    """Return each machine's levels, from the most power to the least. Raises ConfigError."""
    return [
        [
            Level(power_w=level.power_w, hashrate_ths=level.hashrate_ths)
            for level in sorted(miner.levels, key=lambda level: -level.power_w)
        ]
        for miner in _read(path)
    ]


def read_rigs(path: Path) -> list[Rig]:
    """Return the machines of a file by model, the most efficient first. Raises ConfigError."""
    found: dict[str, Rig] = {}
    for miner in _read(path):
        best = max(miner.levels, key=lambda level: level.hashrate_ths)
        if not best.hashrate_ths or not best.power_w:
            raise _bad(path, f"{miner.id} hashes nothing or draws nothing at its highest level")
        power_w, hashrate_ths = Decimal(str(best.power_w)), Decimal(str(best.hashrate_ths))
        name = miner.model or f"{written(rounded(power_w / hashrate_ths, 1))} J/TH"
        before = found.get(name, Rig(model=name, count=0, power_w=Decimal(0), hashrate_ths=Decimal(0)))
        found[name] = Rig(
            model=name,
            count=before.count + 1,
            power_w=before.power_w + power_w,
            hashrate_ths=before.hashrate_ths + hashrate_ths,
        )
    return sorted(found.values(), key=lambda rig: (rig.efficiency_j_th, rig.model))


def _read(path: Path) -> list[_Miner]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Fleet).miners
    except OSError as error:
        raise _bad(path, f"cannot be read: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _bad(path, str(error)) from None


def _bad(path: Path, reason: str) -> ConfigError:
    return ConfigError([Problem(file=path.name, key="", reason=reason)])
