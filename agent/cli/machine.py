"""One machine as `probe` tells it: the contract's reading, and what it could be told. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from agent.values import rfc3339
from drivers.interface import Abilities, Identity, Reading, Target


def machine_json(target: Target, identity: Identity, reading: Reading, read_at: datetime) -> dict[str, Any]:
    """Return the contract's reading of a machine that is in nobody's inventory: its id is its place."""
    told = msgspec.to_builtins(reading)
    kept = ("state", "reason", "hashrate_ths", "power_w", "power_limit_w", "inlet_c", "outlet_c", "boards", "fans",
            "pools", "errors", "best_share", "hardware_errors", "level", "uptime_s")  # fmt: skip
    return {
        "miner": _who(target, identity),
        **{key: told[key] for key in kept},
        "nominal_ths": reading.nominal_ths if reading.nominal_ths is not None else identity.nominal_ths,
        "power_source": None if reading.power_w is None else "miner",
        "efficiency_j_th": _efficiency(reading),
        "capabilities": list(identity.abilities.names()),
        "intended": None,
        "read_at": rfc3339(read_at),
    }


def _who(target: Target, identity: Identity) -> dict[str, Any]:
    return {
        "id": target.host if target.port is None else f"{target.host}:{target.port}",
        "host": target.host,
        "port": target.port,
        "http_port": target.http_port,
        "mac": identity.mac,
        "serial": identity.serial,
        "make": identity.make,
        "model": identity.model,
        "firmware": identity.firmware,
        "firmware_version": identity.firmware_version,
        "driver": identity.driver,
    }


def _efficiency(reading: Reading) -> float | None:
    if reading.power_w is None or not reading.hashrate_ths:
        return None
    return round(reading.power_w / reading.hashrate_ths, 2)


def commands(abilities: Abilities) -> list[dict[str, Any]]:
    """Return what the machine could be told, each with its limits."""
    numbers = {"sleep": abilities.sleep, "power_limit": abilities.power_limit, "low": abilities.low}
    return [
        {"command": name, **(msgspec.to_builtins(numbers[name]) if numbers.get(name) is not None else {})}
        for name in abilities.names()
    ]
