"""What a configuration's devices that are no machines and no meters mean, in words, line by line."""

from __future__ import annotations

from collections.abc import Iterator

from agent.config_schema import Schema
from agent.config_schema_devices import SafetyInput


def explain_safety(schema: Schema) -> Iterator[str]:
    """Yield what each safety input sheds, and when."""
    for one in schema.safety_input:
        silence = "" if one.silence_s is None else f", or nothing for {one.silence_s:g} s"
        yield (
            f"safety input {one.id}: sheds feeder {one.feeder} at once when {_place(one)} says {one.when}{silence}; "
            "it stays shed until a hand clears it"
        )


def _place(one: SafetyInput) -> str:
    if one.kind == "mqtt":
        return one.topic or ""
    return f"{one.address} unit {one.unit} {one.point} (asked each {one.period_s:g} s)"
