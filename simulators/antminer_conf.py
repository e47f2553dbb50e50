"""What a stock Antminer keeps in its configuration file, and how each generation's page reads and writes it.

The work mode is not kept here: the level that the machine was told is in the physics, and outlasts a power cut there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from simulators.machines import Machine
from simulators.physics import Level, Physics
from simulators.web import BadRequest

POOLS = 3
FREQUENCY_MHZ = {"X9": 650, "X17": 620, "X19": 675, "X21": 490}
#: the mode's key in the body that does something when it comes alone; None: only both together do
MODE_KEY_ALONE = {"X19": "miner-mode", "X21": None}
MODE_KEYS = ("miner-mode", "bitmain-work-mode")
#: the old page's form is read by position; where each part begins
FORM_FAN, FORM_FREQUENCY, FORM_MODE, FORM_LENGTH = 11, 13, 15, 16
API = {
    "api-listen": True,
    "api-network": True,
    "api-groups": "A:stats:pools:devs:summary:version",
    "api-allow": "A:0/0,W:*",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """One row of the pool list; no URL: the row is free."""

    url: str = ""
    user: str = ""
    password: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conf:
    """One machine's file, as the words that were written into it."""

    pools: tuple[Pool, ...]
    fan_fixed: bool = False
    fan_pct: str = "100"
    frequency_mhz: str = ""
    voltage: str = "1400"
    frequency_level: str = "100"


class Confs:
    """The files of all machines: the page writes them, the socket shows the pools that are in them."""

    def __init__(self) -> None:
        self._kept: dict[int, Conf] = {}

    def of(self, machine: Machine) -> Conf:
        """Return one machine's file, as it left the farm's bench where nobody wrote it."""
        return self._kept.get(machine.index) or Conf(
            pools=tuple(
                Pool(url=f"stratum+tcp://pool{number}.invalid:3333", user=f"farm.{machine.index}", password="x")  # noqa: S106 - what every pool takes
                for number in range(POOLS)
            ),
            frequency_mhz=str(FREQUENCY_MHZ[machine.row.generation]),
        )

    def keep(self, machine: Machine, conf: Conf) -> None:
        """Write one machine's file."""
        self._kept[machine.index] = conf


def levels(machine: Machine) -> dict[int, Level]:
    """Say what each work mode of a machine means; empty where it has none."""
    match machine.row.generation:
        case "X9":
            return {}
        case "X17":
            return {0: Level.FULL, 254: Level.SLEEP}
        case _:
            low = {3: Level.LOW} if machine.row.low_power is not None else {}
            return {0: Level.FULL, 1: Level.SLEEP, **low}


def told_level(physics: Physics, machine: Machine) -> Level:
    """Return the level in the file: what runs after the restart that is due, if one is."""
    following = int(physics.next_level[machine.index])
    return Level(following if following >= 0 else int(physics.level[machine.index]))


def mode_of(machine: Machine, level: Level) -> int:
    """Return the work mode that stands for a level; 0 where there is none."""
    return next((mode for mode, meant in levels(machine).items() if meant is level), 0)


# --- X19 and X21: JSON ----------------------------------------------------------------------------------------------


def document(conf: Conf, mode: int) -> dict[str, Any]:
    """Return the file as get_miner_conf shows it: numbers are strings."""
    return {
        "pools": _rows(conf),
        **API,
        "bitmain-fan-ctrl": conf.fan_fixed,
        "bitmain-fan-pwm": conf.fan_pct,
        "bitmain-use-vil": True,
        "bitmain-freq": conf.frequency_mhz,
        "bitmain-voltage": conf.voltage,
        "bitmain-ccdelay": "0",
        "bitmain-pwth": "0",
        "bitmain-work-mode": str(mode),
        "bitmain-hashrate-percent": "100",
        "bitmain-freq-level": conf.frequency_level,
    }


def conf_of_document(body: Any, before: Conf) -> Conf:
    """Return the file that a body writes: pools that are not in it are gone. Raises BadRequest."""
    if not isinstance(body, dict):
        raise BadRequest("the body is no object")
    rows = body.get("pools") or []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BadRequest("pools is no list of objects")
    made = [
        Pool(url=str(row.get("url", "")), user=str(row.get("user", "")), password=str(row.get("pass", "")))
        for row in rows
    ]
    return replace(
        before,
        pools=_three(made),
        fan_fixed=_truth(body.get("bitmain-fan-ctrl", before.fan_fixed)),
        fan_pct=str(body.get("bitmain-fan-pwm", before.fan_pct)),
        frequency_level=str(body.get("freq-level", before.frequency_level)),
    )


def level_of_document(machine: Machine, body: Mapping[str, Any]) -> Level | None:
    """Return the level that a body tells, None where its keys are not those that count. Raises BadRequest."""
    alone = MODE_KEY_ALONE[machine.row.generation]
    if alone not in body and not all(key in body for key in MODE_KEYS):
        return None
    value = body[MODE_KEYS[0]]
    word = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    level = levels(machine).get(int(word)) if word.isascii() and word.isdigit() else None
    if level is None:
        raise BadRequest("no such work mode")
    return level


# --- X9 and X17: a text file and a form -----------------------------------------------------------------------------


def text(machine: Machine, conf: Conf, mode: int) -> str:
    """Return the file verbatim: JSON to a reader, whatever its spaces and line ends."""
    pools = "\n,\n".join(
        "{\n" + ",\n".join(f'"{key}" : {json.dumps(value)}' for key, value in row.items()) + "\n}"
        for row in _rows(conf)
    )
    values: dict[str, Any] = {
        **API,
        "bitmain-fan-ctrl": conf.fan_fixed,
        "bitmain-fan-pwm": conf.fan_pct,
        "bitmain-freq": conf.frequency_mhz,
        "bitmain-voltage": conf.voltage,
        **({"bitmain-work-mode": str(mode)} if levels(machine) else {}),
    }
    rows = [
        f'"pools" : [\n{pools}\n]',
        *(f'"{key}" : {json.dumps(value)}' for key, value in values.items()),
    ]
    return "{\n" + "\n,\n".join(rows) + "\n}\n"


def conf_of_form(values: Sequence[str]) -> Conf:
    """Return the file that a form writes: made anew from the values, by their position."""
    full = [*values, *[""] * FORM_LENGTH]
    made = [Pool(url=full[at], user=full[at + 1], password=full[at + 2]) for at in range(0, POOLS * 3, 3)]
    return Conf(
        pools=_three(made),
        fan_fixed=_truth(full[FORM_FAN]),
        fan_pct=full[FORM_FAN + 1],
        frequency_mhz=full[FORM_FREQUENCY],
        voltage=full[FORM_FREQUENCY + 1],
    )


def level_of_form(machine: Machine, values: Sequence[str]) -> Level | None:
    """Return the level that a form tells, full where it leaves the mode out, None where there is no such mode."""
    word = values[FORM_MODE] if len(values) > FORM_MODE else ""
    if not levels(machine):
        return None
    return levels(machine).get(int(word)) if word.isascii() and word.isdigit() else Level.FULL


def _rows(conf: Conf) -> list[dict[str, str]]:
    return [{"url": pool.url, "user": pool.user, "pass": pool.password} for pool in conf.pools]


def _three(pools: Sequence[Pool]) -> tuple[Pool, ...]:
    return (*pools, *[Pool()] * POOLS)[:POOLS]


def _truth(value: object) -> bool:
    return str(value).lower() == "true"
