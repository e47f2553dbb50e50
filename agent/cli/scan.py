"""`scan`: who is on these networks, with what could not be told; changes nothing."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.failure import USAGE, Failure
from agent.cli.options import spread

if TYPE_CHECKING:  # what a help page needs not
    from ipaddress import IPv4Network

MOST_UNASKED = 1 << 20
"""Addresses of a /12: more than these want a `--yes`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Which networks, and how hard."""

    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Look through [discovery] networks of this configuration too.")
    ] = None
    rate: Annotated[int, typer.Option(min=1, max=20_000, metavar="N", help="Connections a second, at the most.")] = 3000
    yes: Annotated[bool, typer.Option("--yes", help="Also where it is more than a /12.")] = False
    resume: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keep there how far it is, and go on from there.")
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What is printed in place of the table."""

    as_json: Annotated[bool, typer.Option("--json", help="Print machines, doors and counts as JSON.")] = False
    as_toml: Annotated[bool, typer.Option("--toml", help="Print [[miners]] for a farm.toml.")] = False


@spread
def scan(
    where: Where,
    shape: Shape,
    networks: Annotated[
        list[str] | None, typer.Argument(metavar="CIDR...", help="Networks or addresses.", show_default=False)
    ] = None,
) -> None:
    """Find the machines on networks that are named here or in the configuration; no other address is touched.

    Exit 1 where none is found.
    """
    from agent.cli.scanning import run  # noqa: PLC0415 - drivers are not for every command

    if shape.as_json and shape.as_toml:
        raise Failure(USAGE, "--json or --toml, not both")
    told = _networks([*(networks or ()), *_configured(where.config)])
    size = sum(network.num_addresses for network in told)
    if size > MOST_UNASKED and not where.yes:
        raise Failure(USAGE, f"{size:,} addresses are more than a /12: --yes if they are meant")
    run(told, rate=where.rate, resume=where.resume, as_json_=shape.as_json, as_toml=shape.as_toml)


def _networks(told: list[str]) -> list[IPv4Network]:
    from ipaddress import IPv4Network, collapse_addresses  # noqa: PLC0415

    if not told:
        raise Failure(USAGE, "no network is named: CIDR, or --config with [discovery] networks")
    found = []
    for text in told:
        try:
            found.append(IPv4Network(text))
        except ValueError as error:
            raise Failure(USAGE, f"CIDR: {error}") from None
    return list(collapse_addresses(found))


def _configured(path: Path | None) -> list[str]:
    if path is None:
        return []
    from agent.config import ConfigError, load  # noqa: PLC0415

    try:
        return [str(network) for network in load(path).schema.discovery.networks]
    except ConfigError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        raise typer.Exit(USAGE) from None
