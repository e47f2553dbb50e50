"""What a configuration's devices that are no machines and no meters mean, in words, line by line."""

from __future__ import annotations

from collections.abc import Iterator

from agent.config.schema import Schema
from agent.config.schema_devices import SafetyInput


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


def remedies_in_words(schema: Schema) -> str:
    """Return what is done to a machine that is stuck."""
    told = schema.remedies
    may = {"restart": told.restart, "reboot": told.reboot, "outlet_cycle": told.outlet_cycle}
    allowed = [name for name, is_allowed in may.items() if is_allowed]
    if not allowed:
        return "stuck machines: nothing is done to them"
    return (
        f"stuck machines: {', then '.join(allowed)}; at most {told.per_machine_per_day} times a day each, "
        f"{told.farm_per_hour} times an hour on the farm"
    )


def explain_outlets(schema: Schema) -> Iterator[str]:
    """Yield what each outlet cuts, and whether it may."""
    if schema.outlet:
        yield (
            f"loops: what hydro and immersion machines hang on is not cut below {schema.site.freeze_c:g} °C, nor while "
            "nobody says how cold it is, but for a safety input"
        )
    for one in schema.outlet:
        cuts = [feeder.id for feeder in schema.feeder if feeder.outlet == one.id]
        may = (
            "cut where machines that must stop do not obey, and given back in steps"
            if schema.control.allow_hard_cut
            else "read, and never switched: allow_hard_cut is false"
        )
        yield f"outlet {one.id}: {one.kind}, of {' and '.join(cuts) or 'no feeder'}; {may}"
