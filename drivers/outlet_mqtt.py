"""Outlets over MQTT: which message switches one, and what it says of itself. Pure.

Plain: `on` and `off` at `TOPIC/set`, the state at `TOPIC`. Tasmota: `cmnd/TOPIC/POWERn`, said at `stat/TOPIC/POWERn`.
Shelly since its second generation: `TOPIC/command/switch:n`, its whole status at `TOPIC/status/switch:n`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from drivers.errors import Garbled
from drivers.figures import number
from drivers.outlet import OutletReading

PROFILES = ("plain", "tasmota", "shelly")
ON, OFF = frozenset({"on", "1", "true"}), frozenset({"off", "0", "false"})


@dataclass(frozen=True, slots=True, kw_only=True)
class MqttOutlet:
    """One outlet's topics and words; `output` is counted from 1."""

    state_topic: str
    command_topic: str
    profile: str = "plain"
    query: bytes | None = None  # at the command's topic, makes it say its state; None: it says it by itself

    @staticmethod
    def of(profile: str, topic: str, output: int) -> MqttOutlet:
        """Return an outlet of a profile, one of PROFILES."""
        match profile:
            case "tasmota":
                name = "POWER" if output == 1 else f"POWER{output}"
                state, command = f"stat/{topic}/{name}", f"cmnd/{topic}/{name}"
            case "shelly":
                state, command = f"{topic}/status/switch:{output - 1}", f"{topic}/command/switch:{output - 1}"
            case _:
                state, command = topic, f"{topic}/set"
        query = b"" if profile == "tasmota" else None
        return MqttOutlet(state_topic=state, command_topic=command, profile=profile, query=query)

    def word(self, *, on: bool) -> bytes:
        """Return the message that switches it."""
        word = "on" if on else "off"
        return (word.upper() if self.profile == "tasmota" else word).encode()

    def reading(self, payload: bytes) -> OutletReading:
        """Return what a message of its state says. Raises Garbled."""
        text = payload.decode("utf-8", "replace").strip()
        if self.profile == "shelly":
            return _status(text)
        word = text.casefold()
        if word not in ON | OFF:
            raise Garbled(f"{text[:40]!r} is neither on nor off", payload)
        return OutletReading(on=word in ON)


def _status(text: str) -> OutletReading:
    try:
        told = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Garbled("its status is no JSON", text.encode()) from error
    if not isinstance(told, dict) or not isinstance(told.get("output"), bool):
        raise Garbled("its status does not say whether it is on", text.encode())
    return OutletReading(on=told["output"], power_w=number(told.get("apower")))
