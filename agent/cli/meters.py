"""`meters`: what the agent knows of each meter now, and what a meter answers to whoever asks it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.cli.failure import NO, UNREACHABLE, USAGE, Failure
from agent.cli.groups import Listing
from agent.cli.options import Json, Reach, examples, spread
from agent.cli.show import as_json, figure, kw, plain, table

if TYPE_CHECKING:  # what a help page needs not
    from agent.cli.meters_read import Answer, Exchanged
    from agent.config import Config
    from agent.config.schema import Meter
    from drivers.meter import MeterReading

meters = typer.Typer(
    cls=Listing,
    help="List the meters of a running agent, or ask a configuration's meters oneself. Without a command: list.",
    epilog=examples(
        "hashwatt meters", "hashwatt meters --json", "hashwatt meters read --config farm.toml --meter main"
    ),
)
COUNTED = frozenset({"modbus", "sunspec", "shelly"})
"""Kinds of which several stand at one address, each at its unit."""
FUNCTIONS = {3: "holding", 4: "input"}
MOST_WORDS = 24
"""So many registers of an answer are printed; the JSON has all."""
MOST_BODY = 400


@meters.command("list", epilog=examples("hashwatt meters", "hashwatt meters list --json"))
@spread
def list_meters(reach: Reach, as_json_: Json = False) -> None:
    """List what a running agent knows of its meters: what each says, how old that is, what it stands in for."""
    found = reach.agent().get("/api/v1/site").get("meters", [])
    if as_json_:
        as_json({"items": found, "next": None})
        return
    table(("meter", "role", "at", "power ", "kWh ", "age ", "speaks", "by"), map(_row, found))
    for meter in found:
        if meter["standing_in_for"] is not None:
            print(f"{plain(meter['id'])} stands in for {plain(meter['standing_in_for'])}, which is silent")
    print(f"{len(found)} meters")


def _row(meter: dict[str, Any]) -> tuple[object, ...]:
    return (
        meter["id"],
        meter["role"],
        meter["feeder"],
        kw(meter["power_w"]),
        figure(_thousandth(meter["energy_wh"]), digits=1),
        figure(meter["age_s"], "s", 1),
        "yes" if meter["fresh"] else "NO",
        " ".join(word for word in (meter["kind"] or "sum", meter["map"]) if word),
    )


@meters.command(
    "read",
    epilog=examples(
        "hashwatt meters read --config farm.toml",
        "hashwatt meters read --config farm.toml --meter main --json",
        "hashwatt meters read --config farm.toml --wait 30",
    ),
)
def read(
    config: Annotated[Path, typer.Option(metavar="FILE", help="The configuration.")] = Path("farm.toml"),
    meter: Annotated[list[str] | None, typer.Option(metavar="ID", help="These alone; else every one.")] = None,
    wait_s: Annotated[
        float, typer.Option("--wait", min=0.1, metavar="S", help="How long to wait for a message over MQTT.")
    ] = 10.0,
    as_json_: Annotated[bool, typer.Option("--json", help="Print the answers as JSON.")] = False,
) -> None:
    """Ask meters once and print what they say, and what they were asked; changes nothing, needs no agent.

    Exit 3 where one does not answer, 1 where one refuses or says what no meter says.
    """
    sound = _sound(config)
    answers = _asked(sound, _chosen(sound, meter), wait_s)
    if as_json_:
        as_json({"items": [_json(answer) for answer in answers], "next": None})
    else:
        for answer in answers:
            _show(answer)
    if any(answer.is_lost for answer in answers):
        raise typer.Exit(UNREACHABLE)
    if any(answer.error is not None for answer in answers):
        raise typer.Exit(NO)


def _sound(path: Path) -> Config:
    from agent.config import ConfigError, load  # noqa: PLC0415 - pydantic is not for every command

    try:
        return load(path)
    except ConfigError as error:
        raise _refused(error) from None


def _asked(config: Config, meters_: list[Meter], wait_s: float) -> list[Answer]:
    from agent.cli.meters_read import read_all  # noqa: PLC0415 - an event loop is not for every command
    from agent.config import ConfigError  # noqa: PLC0415

    try:
        return read_all(config, meters_, wait_s)
    except (ConfigError, OSError) as error:
        raise _refused(error) from None


def _chosen(config: Config, ids: list[str] | None) -> list[Meter]:
    known = {meter.id: meter for meter in config.schema.meter}
    for name in ids or ():
        if name not in known:
            raise Failure(USAGE, f"--meter: there is no meter {name}; there are {', '.join(known) or 'none'}")
    if not known:
        raise Failure(NO, f"{config.file} has no meter")
    return [known[name] for name in ids or known]


def _refused(error: Exception) -> Exception:
    """Say every mistake of a configuration; returns the end of the command."""
    for problem in getattr(error, "problems", (error,)):
        print(problem, file=sys.stderr)
    return typer.Exit(USAGE)


# what they answered -----------------------------------------------------------------------------------------------


def _json(answer: Answer) -> dict[str, Any]:
    meter, said = answer.meter, answer.reading
    told = ("power_w", "energy_wh", "export_wh", "reactive_var", "voltage_v", "frequency_hz")
    return {
        "id": meter.id,
        "role": meter.role,
        "feeder": meter.feeder,
        "kind": meter.kind,
        "where": answer.where,
        "unit": meter.unit if meter.kind in COUNTED else None,
        "map": meter.map,
        "sign": meter.sign,
        "multiplier": meter.multiplier,
        **{name: None if said is None else getattr(said, name) for name in told},
        "payload": answer.payload,
        "asked": [_exchanged_json(one) for one in answer.exchanged],
        "error": None if answer.error is None else {"kind": answer.kind, "message": answer.error},
    }


def _exchanged_json(one: Exchanged) -> dict[str, Any]:
    asked = one.asked
    if asked is None:
        return {"path": one.path, "status": one.status, "body": one.body, "error": one.error}
    words = None if one.words is None else list(one.words)
    return {
        "function": asked.function,
        "address": asked.address,
        "count": asked.count,
        "words": words,
        "error": one.error,
    }


def _show(answer: Answer) -> None:
    meter, said = answer.meter, answer.reading
    unit = f" unit {meter.unit}" if meter.kind in COUNTED else ""
    by = f", map {plain(meter.map)}" if meter.map else ""
    print(f"{plain(meter.id)}: {meter.role} at {plain(meter.feeder)}, {meter.kind} {plain(answer.where)}{unit}{by}")
    if said is not None:
        print(f"  {', '.join(_figures(said))}")
    if answer.error is not None:
        print(f"  {answer.kind}: {plain(answer.error)}")
    for one in answer.exchanged:
        print(f"  {_exchanged(one)}")
    if answer.payload is not None:
        print(f"  message {plain(answer.payload)}")


def _figures(said: MeterReading) -> Iterator[str]:
    """Yield what it said, each figure with its unit."""
    for value, unit, digits, of in (
        (said.power_w, "W", 1, ""),
        (_thousandth(said.energy_wh), "kWh", 1, " imported"),
        (_thousandth(said.export_wh), "kWh", 1, " exported"),
        (_thousandth(said.reactive_var), "kvar", 1, ""),
        (said.voltage_v, "V", 1, ""),
        (said.frequency_hz, "Hz", 2, ""),
    ):
        if value is not None:
            yield figure(value, unit, digits) + of


def _thousandth(value: float | None) -> float | None:
    return None if value is None else value / 1000


def _exchanged(one: Exchanged) -> str:
    asked = one.asked
    if asked is None:
        said = one.error if one.body is None else f"{one.status} {one.body[:MOST_BODY]}"
        return f"GET {plain(one.path)}: {plain(said)}"
    which = f"{FUNCTIONS.get(asked.function, asked.function)} 0x{asked.address:04X} x {asked.count}"
    if one.words is None:
        return f"{which}: {plain(one.error)}"
    shown = " ".join(f"{word:04X}" for word in one.words[:MOST_WORDS])
    return f"{which}: {shown}{' ...' if len(one.words) > MOST_WORDS else ''}"
