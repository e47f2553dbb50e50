"""What two keys of a safety input or an outlet together are wrong in. Functions of the schema alone."""

from __future__ import annotations

from collections.abc import Iterator

from agent.condition import Condition, NoCondition
from agent.config.schema import Schema
from agent.config.schema_devices import Outlet, SafetyInput
from drivers import outlet_http, outlet_mqtt, outlet_snmp
from drivers.modbus_point import FUNCTIONS, Point

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


def outlet_mistakes(schema: Schema) -> Iterator[Finding]:
    """Yield every mistake in the outlets, and in what they cut."""
    for at, one in enumerate(schema.outlet):
        key = f"outlet.{at}"
        yield from _reach_mistakes(key, one)
        if one.credentials is not None and one.credentials not in schema.credentials:
            yield f"{key}.credentials", f"{one.credentials} is not in [credentials]"
    parents = {feeder.id: feeder.parent for feeder in schema.feeder}
    for at, feeder in enumerate(schema.feeder):
        below = [one.id for one in schema.feeder if one.essential and feeder.id in _above(one.id, parents)]
        if feeder.outlet is not None and below:
            yield f"feeder.{at}.outlet", f"would cut the essential feeder {below[0]} below it"


def _above(feeder: str, parents: dict[str, str]) -> set[str]:
    above: set[str] = set()
    while (parent := parents.get(feeder)) is not None and parent not in above:
        above.add(parent)
        feeder = parent
    return above


def _reach_mistakes(key: str, one: Outlet) -> Iterator[Finding]:
    if one.kind == "mqtt":
        if one.topic is None:
            yield f"{key}.topic", "an outlet of kind mqtt needs one"
        if one.profile is not None and one.profile not in outlet_mqtt.PROFILES:
            yield f"{key}.profile", f"must be one of {', '.join(outlet_mqtt.PROFILES)}"
        return
    if one.address is None:
        yield f"{key}.address", f"an outlet of kind {one.kind} needs one"
    if one.kind == "http" and one.profile not in outlet_http.PROFILES:
        yield f"{key}.profile", f"an outlet of kind http needs one of {', '.join(outlet_http.PROFILES)}"
    if one.kind == "snmp":
        yield from _snmp_mistakes(key, one)
    if one.kind == "modbus":
        yield from _coil_mistakes(key, one)


def _snmp_mistakes(key: str, one: Outlet) -> Iterator[Finding]:
    if one.profile not in outlet_snmp.PROFILES:
        yield f"{key}.profile", f"an outlet of kind snmp needs one of {', '.join(outlet_snmp.PROFILES)}"
    if (one.address or "").startswith("["):
        yield f"{key}.address", "an outlet of kind snmp is reached over IPv4: its address is no IPv6 one"
    if one.unit < 1:
        yield f"{key}.unit", "counts a chain's PDUs from 1"


def _coil_mistakes(key: str, one: Outlet) -> Iterator[Finding]:
    if one.unit > MOST_UNIT:
        yield f"{key}.unit", f"must be 0 to {MOST_UNIT}"
    try:
        is_coil = one.point is not None and Point.of(one.point).function == FUNCTIONS["coil"]
    except ValueError:
        is_coil = False
    if not is_coil:
        yield f"{key}.point", "an outlet of kind modbus needs a coil, such as coil:0"


def outlet_warnings(schema: Schema) -> Iterator[Finding]:
    """Yield what is allowed of outlets and probably not meant."""
    used = {feeder.outlet for feeder in schema.feeder}
    for at, one in enumerate(schema.outlet):
        if one.kind == "snmp" and one.credentials is None:
            yield f"outlet.{at}", f"{one.id} is told by the factory's community, in the clear: name a [credentials.*]"
        if one.id not in used:
            yield f"outlet.{at}", f"{one.id} cuts no feeder: it is read, and never switched"
    if schema.control.allow_hard_cut and not used - {None}:
        yield "control.allow_hard_cut", "does nothing: no feeder has an outlet"
