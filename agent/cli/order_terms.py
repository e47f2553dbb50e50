"""What `orders send` can be told of an order's terms: how it is measured, how it begins and ends, what else it says."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Annotated, Any

import typer

from agent.cli.failure import USAGE, Failure


class Quantity(StrEnum):
    """What a limit counts: what the meter takes in, or all that is used behind it."""

    IMPORT = "import"
    CONSUMPTION = "consumption"


class Lead(StrEnum):
    """Whether shedding may begin before a scheduled start."""

    ALLOWED = "allowed"
    FORBIDDEN = "forbidden"


class Then(StrEnum):
    """What follows a failsafe's least time while its issuer is still silent."""

    HOLD = "hold"
    RELEASE = "release"


class Said:
    """Options of one object of the document, each of which may be left out."""

    __slots__ = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing was said."""
        return not any(_was_said(getattr(self, field.name)) for field in fields(self))  # type: ignore[arg-type]


def _was_said(told: object) -> bool:
    return told is not None and told is not False and told != []


@dataclass(frozen=True, slots=True, kw_only=True)
class Measuring(Said):
    """How the limit is measured (`measure`)."""

    quantity: Annotated[Quantity | None, typer.Option(help="What counts. Left out: import.")] = None
    measure_at: Annotated[
        str | None, typer.Option(metavar="ID", help="At this feeder or meter. Left out: the site's meter.")
    ] = None
    over_s: Annotated[
        int | None, typer.Option(min=1, metavar="S", help="The mean of so long. Left out: the meter's window.")
    ] = None
    aligned: Annotated[bool, typer.Option("--aligned", help="That mean runs from the clock: 15 min at :00, :15.")] = (
        False
    )
    tolerance_pct: Annotated[
        float | None, typer.Option(min=0, metavar="P", help="Percent above it that are no breach. Left out: 1.")
    ] = None

    def words(self) -> dict[str, Any] | None:
        """Return the object of the document, None where nothing was said."""
        told = {
            "quantity": self.quantity,
            "at": self.measure_at,
            "over_s": self.over_s,
            "aligned": self.aligned or None,
            "tolerance_pct": self.tolerance_pct,
        }
        return {key: value for key, value in told.items() if value is not None} or None


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms(Said):
    """How it is begun, followed and let go, and what else it says."""

    comply_by_s: Annotated[
        int | None, typer.Option(min=0, metavar="S", help="Time to comply, from its start. Left out: 300.")
    ] = None
    ramp_kw_per_min: Annotated[
        float | None, typer.Option(min=0, max=1e9, metavar="X", help="Shed no faster, below grid emergency.")
    ] = None
    restore_kw_per_min: Annotated[
        float | None, typer.Option(min=0, max=1e9, metavar="X", help="Come back no faster.")
    ] = None
    lead: Annotated[
        Lead | None, typer.Option(help="Whether shedding may begin before the start. Left out: allowed.")
    ] = None
    randomize_s: Annotated[
        int | None, typer.Option(min=0, metavar="S", help="Start and way back up to so much later, drawn once.")
    ] = None
    offer: Annotated[bool, typer.Option("--offer", help="It may be declined (mandatory: false).")] = False
    test: Annotated[bool, typer.Option("--test", help="A rehearsal: all but the commands.")] = False
    priority: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="0 is highest. Left out: 100. Names who binds among equals.")
    ] = None
    supersedes: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="In the place of this order of the same issuer; may be repeated."),
    ] = None
    program: Annotated[str | None, typer.Option(metavar="NAME", help="The programme that it belongs to.")] = None
    excess_price: Annotated[
        str | None, typer.Option(metavar="'AMOUNT CUR'", help="What each kWh above it costs, as '12.50 KGS'.")
    ] = None
    ext: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="Kept in the evidence, else passed over; may be repeated."),
    ] = None

    def words(self) -> dict[str, Any]:
        """Return these fields of the document; what was not said is None. Raises Failure."""
        return {
            "comply_by_s": self.comply_by_s,
            "ramp_kw_per_min": self.ramp_kw_per_min,
            "restore_kw_per_min": self.restore_kw_per_min,
            "lead": self.lead,
            "randomize_s": self.randomize_s,
            "mandatory": False if self.offer else None,
            "test": True if self.test else None,
            "priority": self.priority,
            "supersedes": list(self.supersedes) if self.supersedes else None,
            "program": self.program,
            "excess_price": None if self.excess_price is None else _price(self.excess_price),
            "ext": dict(_pair(told) for told in self.ext) if self.ext else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence(Said):
    """What holds while its issuer sends no heartbeat (`on_silence`)."""

    silence_s: Annotated[
        int | None,
        typer.Option(min=1, metavar="S", help="No heartbeat for so long brings --failsafe-kw into force."),
    ] = None
    failsafe_kw: Annotated[
        float | None, typer.Option(min=0, max=1e9, metavar="X", help="At most so many kW then; 0 is a limit.")
    ] = None
    failsafe_min_s: Annotated[
        int | None, typer.Option(min=0, metavar="S", help="For at least so long. Left out: 7200.")
    ] = None
    failsafe_then: Annotated[
        Then | None, typer.Option(help="After that, if it is still silent. Left out: hold; a law is never released.")
    ] = None

    def words(self) -> dict[str, Any] | None:
        """Return the object of the document, None where nothing was said. Raises Failure."""
        if self.is_empty:
            return None
        if self.silence_s is None or self.failsafe_kw is None:
            raise Failure(USAGE, "--silence-s and --failsafe-kw go together: how long, and what holds then")
        told = {
            "timeout_s": self.silence_s,
            "failsafe_kw": self.failsafe_kw,
            "min_s": self.failsafe_min_s,
            "then": self.failsafe_then,
        }
        return {key: value for key, value in told.items() if value is not None}


def _price(told: str) -> dict[str, str]:
    found = re.fullmatch(r"(-?\d+(?:\.\d+)?)\s+([A-Z]{3})", told.strip())
    if found is None:
        raise Failure(USAGE, f"--excess-price: {told} is no amount and currency such as '12.50 KGS'")
    return {"amount": found[1], "currency": found[2]}


def _pair(told: str) -> tuple[str, Any]:
    key, sign, value = told.partition("=")
    if not (key and sign):
        raise Failure(USAGE, f"--ext: {told} is no KEY=VALUE")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value
