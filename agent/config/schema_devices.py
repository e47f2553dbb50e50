"""The tables of devices that are no machines and no meters: outlets, safety inputs."""

from __future__ import annotations

from typing import Literal

from agent.config.values import AboveZero, Address, Bound, Count, Name, Positive, Text, table


@table
class Outlet:
    """A PDU, contactor or breaker that we may switch."""

    id: Name
    kind: Literal["snmp", "http", "modbus", "mqtt", "shelly", "tasmota"]
    address: Address | None = None
    topic: Text | None = None
    unit: Count = 1
    point: Text | None = None
    output: Positive = 1
    profile: Text | None = None
    credentials: Name | None = None
    period_s: AboveZero = 5.0


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
