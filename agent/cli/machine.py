"""One machine as `probe` tells it: the contract's reading, and what it could be told. Pure.

Watts that the machine does not say are those that the agent would believe of it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from agent.fleet.belief import believed_power, proved_step
from agent.inventory.hosts import CGMINER_PORT
from agent.planning.ladder import build_ladder
from agent.values import Watts, rfc3339
from drivers.interface import Abilities, Identity, Reading, State, Target

TOLD = (
    "state", "reason", "hashrate_ths", "power_limit_w", "inlet_c", "outlet_c", "boards", "fans", "pools", "errors",
    "best_share", "hardware_errors", "level", "uptime_s",
)  # fmt: skip


def machine_json(target: Target, identity: Identity, reading: Reading, read_at: datetime) -> dict[str, Any]:
    """Return the contract's reading of a machine that is in nobody's inventory: its id is its place."""
    told = msgspec.to_builtins(reading)
    power_w, power_source = _power(identity, reading)
    return {
        "miner": _who(target, identity),
        **{key: told[key] for key in TOLD},
        "nominal_ths": reading.nominal_ths if reading.nominal_ths is not None else identity.nominal_ths,
        "power_w": power_w,
        "power_source": power_source,
        "efficiency_j_th": _efficiency(power_w, reading),
        "capabilities": list(identity.abilities.names()),
        "intended": None,
        "read_at": rfc3339(read_at),
    }


def _who(target: Target, identity: Identity) -> dict[str, Any]:
    told = ("mac", "serial", "make", "model", "firmware", "firmware_version", "driver")
    return {
        "id": target.host if target.port in {None, CGMINER_PORT} else f"{target.host}:{target.port}",
        "host": target.host,
        "port": target.port or CGMINER_PORT,
        "http_port": target.http_port,
        **{key: getattr(identity, key) for key in told},
    }


def _power(identity: Identity, reading: Reading) -> tuple[Watts | None, str | None]:
    """Return the watts to believe and who says so; None where neither machine nor model does."""
    if reading.power_w is None and (identity.nominal_w is None or reading.state is State.UNKNOWN):
        return None, None
    ladder = build_ladder(identity)
    power_w, is_its_own = believed_power(reading, ladder, proved_step(reading, ladder))
    return round(power_w, 1), "miner" if is_its_own else "model"


def _efficiency(power_w: Watts | None, reading: Reading) -> float | None:
    """Return J/TH while it hashes, else None: firmware's averages outlive the hashing."""
    if power_w is None or reading.state is not State.HASHING or not reading.hashrate_ths:
        return None
    return round(power_w / reading.hashrate_ths, 2)


def commands(abilities: Abilities) -> list[dict[str, Any]]:
    """Return what the machine could be told, each with its limits."""
    numbers = {"sleep": abilities.sleep, "power_limit": abilities.power_limit, "low": abilities.low}
    told = [
        {"command": name, **(msgspec.to_builtins(numbers[name]) if numbers.get(name) is not None else {})}
        for name in abilities.names()
    ]
    return told + [{"command": "profile", **msgspec.to_builtins(one)} for one in abilities.profiles]
