"""Who a machine truly is and what its parts do, as the farm's owner sees it: what a client finds is judged by it."""

from __future__ import annotations

from typing import Any

from simulators import whatsminer_words
from simulators.antminer_figures import COMPILED
from simulators.machines import Machine
from simulators.physics import Physics

ANTMINER_API = "3.1"
POOLS = {"Antminer": 3, "WhatsMiner": 2}


def parts(machine: Machine, physics: Physics) -> dict[str, Any]:
    """Return identity, boards, fans and pools of one machine; inlet air is the farm's."""
    at, row = machine.index, machine.row
    is_antminer = machine.make == "Antminer"
    return {
        "make": machine.make,
        "model": machine.model,
        "mac": machine.mac,
        "serial": machine.serial,
        "firmware_version": COMPILED[row.generation] if is_antminer else whatsminer_words.FIRMWARE,
        "api_version": ANTMINER_API if is_antminer else whatsminer_words.API,
        "boards_well": int(physics.board_well[at].sum()),
        "chips": row.chips,
        "fans": row.fans,
        "fan_rpm": round(float(physics.fan_rpm[at])),
        "inlet_c": physics.ambient_c,
        "pools": [f"stratum+tcp://pool{number}.invalid:3333" for number in range(POOLS[machine.make])],
        "pool_user": f"farm.{at}",
        "pool_alive": bool(physics.pool_alive[at] and physics.pool_set[at]),
    }
