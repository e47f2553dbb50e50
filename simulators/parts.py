"""Who a machine truly is and what its parts do, as the farm's owner sees it: what a client finds is judged by it."""

from __future__ import annotations

from typing import Any

from simulators.firmwares import firmware_of
from simulators.machines import Machine
from simulators.physics import Physics


def parts(machine: Machine, physics: Physics) -> dict[str, Any]:
    """Return identity, boards, fans and pools of one machine; inlet air is the farm's."""
    at, row = machine.index, machine.row
    firmware = firmware_of(machine.make, machine.firmware)
    return {
        "make": machine.make,
        "model": machine.model,
        "firmware": machine.firmware,
        "mac": machine.mac,
        "serial": machine.serial,
        "firmware_version": firmware.version(machine),
        "api_version": firmware.api_version,
        "boards_well": int(physics.board_well[at].sum()),
        "chips": row.chips,
        "fans": row.fans,
        "fan_rpm": round(float(physics.fan_rpm[at])),
        "inlet_c": physics.ambient_c,
        "pools": [f"stratum+tcp://pool{number}.invalid:3333" for number in range(firmware.pools)],
        "pool_user": f"farm.{at}",
        "pool_alive": bool(physics.pool_alive[at] and physics.pool_set[at]),
    }
