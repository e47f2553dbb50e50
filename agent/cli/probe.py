"""`probe`: who answers at an address, what it says of itself, and what it could be told."""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.cli.failure import NO, UNREACHABLE, USAGE, Failure
from agent.cli.options import present, spread
from agent.cli.show import as_json, figure, plain, table

if TYPE_CHECKING:  # what a help page needs not
    from drivers.interface import Identity, Reading, Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the machine answers, and what it is spoken to with."""

    http_port: Annotated[
        int | None, typer.Option(min=1, max=65535, metavar="P", help="Left out: the family's own.")
    ] = None
    driver: Annotated[str, typer.Option(metavar="D", help="Left out: by what it says.")] = "auto"
    user: Annotated[str | None, typer.Option(metavar="U", help="Left out: the family's default login.")] = None
    password_env: Annotated[
        str | None, typer.Option(metavar="VAR", help="The environment variable that holds the password.")
    ] = None


@spread
def probe(
    host: Annotated[str, typer.Argument(metavar="HOST[:PORT]", help="The machine.", show_default=False)],
    place: Place,
    with_commands: Annotated[
        bool, typer.Option("--commands", help="What it could be told, within which limits.")
    ] = False,
    as_json_: Annotated[bool, typer.Option("--json", help="Print the reading as JSON.")] = False,
) -> None:
    """Identify one machine and print one reading; changes nothing. Exit 3 where it does not answer."""
    from agent.cli.machine import commands, machine_json  # noqa: PLC0415 - drivers are not for every command

    target = _target(host, place)
    identity, reading = _ask(host, target, place.driver)
    told = machine_json(target, identity, reading, present())
    if with_commands:
        told["commands"] = commands(identity.abilities)
    if as_json_:
        as_json(told)
    else:
        _show(told)


def _target(host: str, place: Place) -> Target:
    from agent.inventory.hosts import expand  # noqa: PLC0415
    from drivers.interface import Login, Target  # noqa: PLC0415

    try:
        found = list(islice(expand(host), 2))
    except ValueError as error:
        raise Failure(USAGE, str(error)) from None
    if len(found) != 1:
        raise Failure(USAGE, f"{host}: probe asks one machine")
    logins: tuple[Login, ...] = ()
    if place.user is not None or place.password_env is not None:
        password = os.environ.get(place.password_env or "")
        if place.user is None or password is None:
            raise Failure(USAGE, "a login is --user, and --password-env naming a variable that is set")
        logins = (Login(user=place.user, password=password),)
    http_port = place.http_port or found[0].http_port
    return Target(host=found[0].host, port=found[0].port, http_port=http_port, logins=logins)


def _ask(host: str, target: Target, driver: str) -> tuple[Identity, Reading]:
    import asyncio  # noqa: PLC0415

    from drivers.errors import DeviceError, Garbled, Unreachable  # noqa: PLC0415

    try:
        return asyncio.run(_talk(target, driver))
    except Unreachable as error:
        raise Failure(UNREACHABLE, f"{host} does not answer: {error}") from None
    except Garbled as error:
        raise Failure(NO, f"{host} answers what cannot be understood: {error}") from None
    except DeviceError as error:
        raise Failure(NO, f"{host}: {error}") from None


async def _talk(target: Target, driver: str) -> tuple[Identity, Reading]:
    from drivers.identify import identify  # noqa: PLC0415
    from drivers.interface import Want  # noqa: PLC0415
    from drivers.registry import create  # noqa: PLC0415
    from drivers.transports.lanes import Lanes  # noqa: PLC0415

    lanes = Lanes()
    try:
        identity = await lanes.run(target, identify(target, driver))
        return identity, await lanes.run(target, create(identity, target).read(Want.FULL))
    finally:
        await lanes.close()


def _show(told: dict[str, Any]) -> None:
    who = told["miner"]
    named = (who["make"], who["model"], who["firmware"], who["firmware_version"], who["mac"], who["serial"])
    print(f"{who['id']}: {', '.join(plain(word) for word in named if word)} (driver {who['driver']})")
    level = f" at {plain(told['level'])}" if told["level"] else ""
    print(f"{plain(told['reason'] or told['state'])}{level}, up {figure(told['uptime_s'], 's')}")
    print(f"{figure(told['hashrate_ths'], 'TH/s', 2)} of {figure(told['nominal_ths'], 'TH/s', 1)}")
    efficiency = figure(told["efficiency_j_th"], "J/TH", 1)
    limit = "" if told["power_limit_w"] is None else f", limit {figure(told['power_limit_w'], 'W')}"
    print(f"{figure(told['power_w'], 'W')} by {plain(told['power_source'])}, {efficiency}{limit}")
    if told["inlet_c"] is not None or told["outlet_c"] is not None:
        print(f"inlet {figure(told['inlet_c'], '°C', 1)}, outlet {figure(told['outlet_c'], '°C', 1)}")
    _parts(told)
    print(f"could be told: {', '.join(told['capabilities']) or 'nothing'}")
    for command in told.get("commands", ()):
        limits = ", ".join(f"{key} {plain(_cell(value))}" for key, value in command.items() if key != "command")
        print(f"  {command['command']}: {limits or 'yes'}")


def _parts(told: dict[str, Any]) -> None:
    boards = ("slot", "state", "hashrate_ths", "chip_temp_c", "board_temp_c", "chips", "frequency_mhz", "voltage_v")
    pools = ("priority", "url", "user", "active", "alive", "accepted", "rejected", "stale")
    for name, columns in (
        ("boards", boards),
        ("pools", pools),
        ("fans", ("slot", "rpm")),
        ("errors", ("code", "message")),
    ):
        if told[name]:
            print(f"\n{name}")
            table(columns, ([_cell(part[column]) for column in columns] for part in told[name]))


def _cell(value: object) -> object:
    """Return a figure of as many decimals as mean anything, yes and no in words."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else value
