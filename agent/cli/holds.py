"""`hold` and `unhold`: nobody wakes what a hand has locked."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from agent.cli.miners import named
from agent.cli.options import By, Reach, Selector, instant, present, spread


class Kind(StrEnum):
    """Why a machine is locked."""

    MAINTENANCE = "maintenance"
    BENCH = "bench"
    LOCKOUT = "lockout"
    CUSTOMER = "customer"


@spread
def hold(
    select: Selector,
    kind: Annotated[Kind, typer.Option(help="Why; lockout forbids its outlet too.", show_default=False)],
    by: By,
    reach: Reach,
    until: Annotated[str | None, typer.Option(metavar="T", help="An instant, or +2h; left out: until lifted.")] = None,
) -> None:
    """Lock machines: they may be put to sleep, and are never woken, rebooted or energised."""
    ends = instant(until, "--until", present())
    told = reach.agent().post("/api/v1/holds", {"select": select, "kind": kind.value, "by": by, "until": ends})
    print(
        f"{len(told['miners'])} machines held ({kind.value}, by {by}{f', until {ends}' if ends else ''}): "
        f"{named(told['miners'])}"
    )


@spread
def unhold(select: Selector, by: By, reach: Reach) -> None:
    """Unlock machines."""
    told = reach.agent().delete("/api/v1/holds", {"select": select, "by": by})
    print(f"{len(told['miners'])} machines are held no longer: {named(told['miners'])}")
