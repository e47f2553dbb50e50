"""The tables of devices that are no machines and no meters: outlets, safety inputs."""

from __future__ import annotations

from typing import Literal

from agent.config_values import AboveZero, Address, Bound, Count, Name, Text, table


@table
class Outlet:
    """A PDU, contactor or breaker that we may switch."""

    id: Name
    kind: Literal["snmp", "http", "modbus", "mqtt", "shelly", "tasmota"]
    address: Address | None = None
    profile: Text | None = None
    credentials: Name | None = None


@table
class SafetyInput:
    """Smoke, leak, pump failure: what sheds its feeder at once."""

    id: Name
    feeder: Name
    kind: Literal["mqtt", "modbus"]
    topic: Text | None = None
    address: Address | None = None
    unit: Count = 1
    point: Text | None = None
    period_s: AboveZero = 1.0
    when: Text = "true"
    silence_s: Bound | None = None
