"""What `orders send` can be told: the demand, the rest of the document's words, and the way that it goes."""

from __future__ import annotations

import csv
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import typer

from agent.cli.failure import USAGE, Failure
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
    reduce_kw: Annotated[
        float | None, typer.Option(min=0, max=1e9, metavar="X", help="So many kW less than what was drawn before.")
    ] = None
    fraction: Annotated[
        float | None, typer.Option(min=0, max=1, metavar="F", help="The share of the draw before that may remain.")
    ] = None
    trajectory: Annotated[
        Path | None, typer.Option(metavar="CSV", help="Rows of instant,kW (empty: no limit); a header is passed over.")
    ] = None

    @property
    def said(self) -> int:
        """In how many ways it was said what is demanded."""
        told = (self.file, self.max_import_kw, self.reduce_kw, self.fraction, self.trajectory)
        return self.stop + sum(one is not None for one in told)

    def limit(self) -> dict[str, Any]:
        """Return the limit, as a document has it. Raises Failure."""
        if self.stop:
            return {"stop": True}
        if self.reduce_kw is not None:
            return {"reduce_kw": self.reduce_kw}
        if self.fraction is not None:
            return {"fraction": self.fraction}
        if self.trajectory is not None:
            return {"trajectory": _points(self.trajectory)}
        return {"max_import_kw": self.max_import_kw}

    @property
    def word(self) -> str:
        """What an id that is made up begins with."""
        return "stop" if self.stop else "cap"


def _points(file: Path) -> list[dict[str, Any]]:
    try:
        rows = list(csv.reader(file.read_text(encoding="utf-8").splitlines()))
    except (OSError, ValueError) as error:
        raise Failure(USAGE, f"{file} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    points = []
    for number, row in enumerate(rows, 1):
        if number == 1 and row and not row[0][:1].isdigit():
            continue
        try:
            at, kw = row
            points.append({"at": at.strip(), "max_import_kw": float(kw) if kw.strip() else None})
        except ValueError:
            raise Failure(USAGE, f"{file}: row {number}: must be an instant and kW") from None
    return points


@dataclass(frozen=True, slots=True, kw_only=True)
class Upon:
    """Upon whom, where that is not the whole site."""

    feeder: Annotated[list[str] | None, typer.Option(metavar="ID", help="On this feeder; may be repeated.")] = None
    tag: Annotated[list[str] | None, typer.Option(metavar="TAG", help="On machines with this tag.")] = None
    miner: Annotated[list[str] | None, typer.Option(metavar="ID", help="On this machine.")] = None

    def targets(self) -> dict[str, list[str]] | None:
        """Return the targets, as a document has them."""
        told = {"feeders": self.feeder, "tags": self.tag, "miners": self.miner}
        return {name: list(ids) for name, ids in told.items() if ids} or None


@dataclass(frozen=True, slots=True, kw_only=True)
class ByPhone:
    """An order that came by telephone: what is kept of the call."""

    by_phone: Annotated[
        str | None, typer.Option(metavar="NAME", help="It came by telephone: who gave it. Needs --taken-by, --number.")
    ] = None
    taken_by: Annotated[str | None, typer.Option(metavar="NAME", help="Who took it, and read it back.")] = None
    number: Annotated[str | None, typer.Option(metavar="NO", help="The number it was given under.")] = None
    read_back: Annotated[bool, typer.Option("--read-back", help="It was read back, and confirmed.")] = False
    attachment: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A paper or a recording of it: its SHA-256 is kept.")
    ] = None

    def source(self, now: datetime) -> dict[str, Any] | None:
        """Return where it came from, as a document has it. Raises Failure."""
        if self.by_phone is None:
            if self.taken_by or self.number or self.read_back or self.attachment:
                raise Failure(USAGE, "--taken-by, --number, --read-back and --attachment go with --by-phone")
            return None
        if not (self.taken_by and self.number and self.read_back):
            raise Failure(USAGE, "--by-phone needs --number, --taken-by and --read-back: read it back, then send it")
        told = {
            "number": self.number,
            "date": f"{now:%Y-%m-%d}",
            "issued_by": self.by_phone,
            "taken_by": self.taken_by,
            "received_via": "phone, read back",
        }
        return told | ({} if self.attachment is None else {"sha256": _sha256(self.attachment)})


def _sha256(file: Path) -> str:
    try:
        return sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise Failure(USAGE, f"{file} cannot be read: {error.strerror}") from None


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
class Sealing:
    """By whose key it is signed."""

    key: Annotated[
        Path | None, typer.Option(metavar="PEM", help="Sign it by this key, of orders keygen; needs --kid and --site.")
    ] = None
    kid: Annotated[str | None, typer.Option(metavar="KID", help="What that key is called in farm.toml.")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How it is sent."""

    mqtt: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Publish it, retained, on this broker instead, to the site of --site."),
    ] = None
    wait_s: Annotated[float, typer.Option(min=0, metavar="S", help="How long to wait for an ack over MQTT.")] = 10.0
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the document, send nothing.")] = False


def worded(
    demanded: Demand, wording: Wording, now: datetime, *, upon: Upon | None = None, source: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return the document but for site and revision; what was not said is None. Raises Failure."""
    return {
        "order_id": wording.order_id or f"{demanded.word}-{now:%Y%m%dT%H%M%SZ}",
        "revision": None,
        "site": None,
        "issued_at": rfc3339(now),
        "issuer": wording.issuer or "operator",
        "class": wording.order_class or OrderClass.OPERATOR,
        "status": "issued",
        "limit": demanded.limit(),
        "starts_at": instant(wording.starts, "--starts", now),
        "ends_at": instant(wording.ends, "--ends", now),
        "comply_by_s": wording.comply_by_s,
        "resume": wording.resume,
        "targets": None if upon is None else upon.targets(),
        "source_ref": source,
        "note": wording.note,
    }
