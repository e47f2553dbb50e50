"""What a configuration's meters and connections mean, in words, line by line."""

from __future__ import annotations

from collections.abc import Iterator

from agent.config.rules import site_meters
from agent.config.schema import Connection, Meter, Schema

ROLES = {
    "check": (
        "stands in while the billing meter is silent, with its error added; a lasting difference is told; "
        "raising waits for the later of both"
    ),
    "feeder": "its feeder is held by it, not by what machines say",
    "house": "the house load is what it measures, and is not learned",
    "generation": "shown and kept, binds nothing",
    "export": "shown and kept, binds nothing",
}


def explain_meters(schema: Schema) -> Iterator[str]:
    """Yield what each connection and each meter is for, and which counts."""
    for connection in schema.connection:
        yield f"connection {connection.id}: {_connection(schema, connection)}"
    whole = site_meters(schema)
    if not whole:
        yield "meter: none for billing; what machines say counts, with a margin"
    for meter in schema.meter:
        yield f"meter {meter.id}: {_meter(meter)}"
        if meter.role in ROLES:
            yield f"  {ROLES[meter.role]}"
    if len(whole) > 1:
        yield f"the site's import is the sum of {' and '.join(meter.id for meter in whole)}, while each of them speaks"


def _connection(schema: Schema, connection: Connection) -> str:
    said = f"{_figure(connection.kw)} kW"
    meter = next((meter for meter in schema.meter if meter.id == connection.meter), None)
    if meter is None:
        return f"{said}, without a meter"
    below = "" if meter.feeder == "site" else f": a limit of feeder {meter.feeder} and all below it"
    return f"{said}, measured by {meter.id}{below}"


def _meter(meter: Meter) -> str:
    return (
        f"{meter.role} at {meter.feeder}, {meter.kind}, {_place(meter)}; "
        f"now is the mean of {_figure(meter.window_s)} s, older than {_figure(meter.stale_s)} s does not count, "
        f"good to {_figure(meter.error_pct)} %{_wiring(meter)}"
    )


def _place(meter: Meter) -> str:
    match meter.kind:
        case "mqtt":
            return meter.topic or "its own topic"
        case "modbus":
            return f"{meter.address} unit {meter.unit}, by the map {meter.map}, asked each {_figure(meter.period_s)} s"
        case "sunspec":
            return f"{meter.address} unit {meter.unit}, asked each {_figure(meter.period_s)} s"
        case "shelly":
            return f"{meter.address} meter {meter.unit}, asked each {_figure(meter.period_s)} s"
        case _:
            return f"{meter.address}, asked each {_figure(meter.period_s)} s"


def _wiring(meter: Meter) -> str:
    turned = ", turned round" if meter.sign < 0 else ""
    return turned + (f", times {_figure(meter.multiplier)}" if meter.multiplier != 1 else "")


def _figure(value: float) -> str:
    return f"{value:,.3f}".rstrip("0").rstrip(".")
