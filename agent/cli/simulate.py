"""`hashwatt simulate`: the simulated farm alone, until a signal ends it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from agent.cli.options import spread

MOST_MINERS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class What:
    """Which machines, and where."""

    miners: Annotated[int, typer.Option(min=1, max=MOST_MINERS, metavar="N", help="How many machines.")] = 300
    mix: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="[[mix]] make, model, share, firmware, or all of them: all; else 60 % Antminer, 40 % WhatsMiner.",
        ),
    ] = None
    bind: Annotated[
        str | None,
        typer.Option(metavar="ADDR", help="Listen at this address, a port a machine; outside loopback for everybody."),
    ] = None
    faults: Annotated[
        Path | None, typer.Option(metavar="FILE", help="[[fault]] at_s, select, fault, for_s: what goes wrong when.")
    ] = None
    seed: Annotated[int, typer.Option(metavar="N", help="The same seed makes the same farm.")] = 1
    own_ports: Annotated[bool, typer.Option("--own-ports", help="A port a machine though vendors' ports are free.")] = (
        False
    )
    feeders: Annotated[
        int, typer.Option(min=0, max=9, metavar="N", help="Feeders with meters of their own, machines shared out.")
    ] = 0
    control_port: Annotated[int, typer.Option(min=0, max=65_535, metavar="PORT", help="0: any that is free.")] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How it behaves, and who hears of it."""

    mqtt: Annotated[str | None, typer.Option(metavar="URL", help="The meter publishes there as well.")] = None
    site: Annotated[str, typer.Option(metavar="ID", help="The site in topics and configuration.")] = "simulated"
    config_out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a farm.toml for an agent that fits this farm.")
    ] = None
    house_w: Annotated[
        float | None, typer.Option(min=0, metavar="W", help="Load that is no miner; else 2 % of nameplate.")
    ] = None
    delay_scale: Annotated[float, typer.Option(min=0.01, max=10, help="Machines' own delays, of the real ones.")] = 1.0
    time_scale: Annotated[float, typer.Option(min=0.1, max=1000, help="How much faster than real time runs.")] = 1.0
    cold: Annotated[bool, typer.Option("--cold", help="Machines have just got power, and boot.")] = False


@spread
def simulate(what: What, how: How) -> None:
    """Run a simulated farm until interrupted.

    Prints `miner HOST PORT HTTP_PORT MAKE MODEL MAC` for each machine, then where meter and controls are, then `ready`.

    The meter's Modbus units: 1 to 5 the site's, each as another make; 10 the house's; with feeders 11, 12, … each
    feeder's and 21, 22, … the connection's that feeds it.

    Controls: GET /state, POST /faults {"select", "fault", "for_s"}, POST /meter {"stale_s", "unit"}, POST /house {"w"}.
    """
    from agent.cli.simulation import run  # noqa: PLC0415 - the simulators are not for every command

    run(what, how)
