"""What two keys of a safety input together are wrong in. Functions of the schema alone."""

from __future__ import annotations

from collections.abc import Iterator

from agent.condition import Condition, NoCondition
from agent.config_schema import Schema
from agent.config_schema_devices import SafetyInput
from drivers.modbus_point import Point

Finding = tuple[str, str]
MOST_UNIT = 255


def safety_mistakes(schema: Schema) -> Iterator[Finding]:
    """Yield every mistake in the safety inputs."""
    for at, one in enumerate(schema.safety_input):
        key = f"safety_input.{at}"
        try:
            Condition.of(one.when)
        except NoCondition as error:
            yield f"{key}.when", str(error)
        yield from _over_mqtt(key, one) if one.kind == "mqtt" else _over_modbus(key, one)


def _over_mqtt(key: str, one: SafetyInput) -> Iterator[Finding]:
    if one.topic is None:
        yield f"{key}.topic", "a safety input of kind mqtt needs one"


def _over_modbus(key: str, one: SafetyInput) -> Iterator[Finding]:
    if one.address is None:
        yield f"{key}.address", "a safety input of kind modbus needs one"
    if one.unit > MOST_UNIT:
        yield f"{key}.unit", f"must be 0 to {MOST_UNIT}"
    if one.point is None:
        yield f"{key}.point", "a safety input of kind modbus needs one, such as discrete:0"
        return
    try:
        Point.of(one.point)
    except ValueError as error:
        yield f"{key}.point", str(error)
