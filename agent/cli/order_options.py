"""What `orders send` can be told: the demand, the rest of the document's words, and the way that it goes."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from agent.cli.options import instant
from agent.values import rfc3339


class OrderClass(StrEnum):
    """Under which authority, the strongest first."""

    LAW = "law"
    GRID_EMERGENCY = "grid_emergency"
    CONTRACT = "contract"
    MARKET = "market"
    OPERATOR = "operator"


class Resume(StrEnum):
    """Who lets the power come back when an order has ended."""

    AUTO = "auto"
    OPERATOR = "operator"
    ISSUER = "issuer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What is sent: a whole document, or what one asks for."""

    file: Annotated[Path | None, typer.Option(metavar="F", help="A document as it is to be sent; - reads it.")] = None
    stop: Annotated[bool, typer.Option("--stop", help="No machine hashes.")] = False
    max_import_kw: Annotated[
        float | None, typer.Option(min=0, max=1e9, metavar="X", help="The meter shows at most so many kW.")
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """The rest of a document."""

    order_id: Annotated[str | None, typer.Option("--id", metavar="ID", help="Left out: made from the instant.")] = None
    revision: Annotated[int | None, typer.Option(min=1, metavar="N", help="Left out: the next one known, else 1.")] = (
        None
    )
    issuer: Annotated[str | None, typer.Option(metavar="NAME", help="Left out: operator.")] = None
    order_class: Annotated[OrderClass | None, typer.Option("--class", help="Left out: operator.")] = None
    starts: Annotated[str | None, typer.Option(metavar="T", help="An instant, or +10m; left out: at once.")] = None
    ends: Annotated[str | None, typer.Option(metavar="T", help="An instant, or +4h; left out: until revoked.")] = None
    resume: Annotated[Resume | None, typer.Option(help="Left out: issuer for a law, others auto.")] = None
    comply_by_s: Annotated[int | None, typer.Option(min=0, metavar="S", help="Left out: 300.")] = None
    note: Annotated[str | None, typer.Option(metavar="TEXT", help="Kept with the order.")] = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing was said."""
        return all(getattr(self, field.name) is None for field in fields(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How it is sent."""

    mqtt: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Publish it, retained, on this broker instead, to the site of --site."),
    ] = None
    wait_s: Annotated[float, typer.Option(min=0, metavar="S", help="How long to wait for an ack over MQTT.")] = 10.0
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the document, send nothing.")] = False


def worded(demanded: Demand, wording: Wording, now: datetime) -> dict[str, Any]:
    """Return the document but for site and revision; what was not said is None. Raises Failure."""
    return {
        "order_id": wording.order_id or f"{'stop' if demanded.stop else 'cap'}-{now:%Y%m%dT%H%M%SZ}",
        "revision": None,
        "site": None,
        "issued_at": rfc3339(now),
        "issuer": wording.issuer or "operator",
        "class": wording.order_class or OrderClass.OPERATOR,
        "status": "issued",
        "limit": {"stop": True} if demanded.stop else {"max_import_kw": demanded.max_import_kw},
        "starts_at": instant(wording.starts, "--starts", now),
        "ends_at": instant(wording.ends, "--ends", now),
        "comply_by_s": wording.comply_by_s,
        "resume": wording.resume,
        "note": wording.note,
    }
