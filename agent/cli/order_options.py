"""What `orders send` can be told: the demand, the rest of the document's words, and the way that it goes."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import typer

from agent.cli.failure import USAGE, Failure
from agent.cli.options import instant
from agent.cli.order_terms import Measuring, Said, Silence, Terms
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
    baseline: Annotated[
        str | None, typer.Option(metavar="BASE", help="Of --reduce-kw: before, connection, peak_12m, or kW.")
    ] = None
    of: Annotated[str | None, typer.Option("--of", metavar="BASE", help="Of --fraction: as --baseline.")] = None
    linear: Annotated[bool, typer.Option("--linear", help="Of --trajectory: in straight lines, not in steps.")] = False

    @property
    def said(self) -> int:
        """In how many ways it was said what is demanded."""
        told = (self.file, self.max_import_kw, self.reduce_kw, self.fraction, self.trajectory)
        return self.stop + sum(one is not None for one in told)

    def limit(self) -> dict[str, Any]:
        """Return the limit, as a document has it. Raises Failure."""
        self._consistent()
        if self.stop:
            return {"stop": True}
        if self.reduce_kw is not None:
            return {"reduce_kw": self.reduce_kw} | _based("baseline", self.baseline)
        if self.fraction is not None:
            return {"fraction": self.fraction} | _based("of", self.of)
        if self.trajectory is not None:
            return {"trajectory": _points(self.trajectory)} | ({"interpolate": "linear"} if self.linear else {})
        return {"max_import_kw": self.max_import_kw}

    def _consistent(self) -> None:
        if self.baseline is not None and self.reduce_kw is None:
            raise Failure(USAGE, "--baseline goes with --reduce-kw: what it is a reduction from")
        if self.of is not None and self.fraction is None:
            raise Failure(USAGE, "--of goes with --fraction: what it is a share of")
        if self.linear and self.trajectory is None:
            raise Failure(USAGE, "--linear goes with --trajectory")

    @property
    def word(self) -> str:
        """What an id that is made up begins with."""
        return "stop" if self.stop else "cap"


def _based(key: str, told: str | None) -> dict[str, Any]:
    """Return the base of a reduction or share as a document has it. Raises Failure."""
    if told is None:
        return {}
    if told in {"before", "connection", "peak_12m"}:
        return {key: told}
    try:
        return {key: {"kw": float(told)}}
    except ValueError:
        raise Failure(USAGE, f"--{key}: {told} is neither before, connection, peak_12m nor kW") from None


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
class Upon(Said):
    """Upon whom, where that is not the whole site, and whom it leaves out."""

    feeder: Annotated[list[str] | None, typer.Option(metavar="ID", help="On this feeder; may be repeated.")] = None
    tag: Annotated[list[str] | None, typer.Option(metavar="TAG", help="On machines with this tag.")] = None
    miner: Annotated[list[str] | None, typer.Option(metavar="ID", help="On this machine.")] = None
    exempt_feeder: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Not this feeder's machines: they count, uncommanded.")
    ] = None
    exempt_tag: Annotated[list[str] | None, typer.Option(metavar="TAG", help="Not machines with this tag.")] = None
    exempt_miner: Annotated[list[str] | None, typer.Option(metavar="ID", help="Not this machine.")] = None
    exempt_source: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="The kW of this supply's own meter are taken off.")
    ] = None

    def targets(self) -> dict[str, list[str]] | None:
        """Return the targets, as a document has them."""
        told = {"feeders": self.feeder, "tags": self.tag, "miners": self.miner}
        return {name: list(ids) for name, ids in told.items() if ids} or None

    def exempt(self) -> dict[str, list[str]] | None:
        """Return who is left out, as a document has it."""
        told = {
            "feeders": self.exempt_feeder,
            "tags": self.exempt_tag,
            "miners": self.exempt_miner,
            "sources": self.exempt_source,
        }
        return {name: list(ids) for name, ids in told.items() if ids} or None


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper(Said):
    """The paper behind an order, or the call that it came by: what is kept of it."""

    by_phone: Annotated[
        str | None, typer.Option(metavar="NAME", help="It came by telephone: who gave it. Needs --taken-by, --number.")
    ] = None
    taken_by: Annotated[str | None, typer.Option(metavar="NAME", help="Who took it, and read it back.")] = None
    number: Annotated[str | None, typer.Option(metavar="NO", help="The number it was given under.")] = None
    read_back: Annotated[bool, typer.Option("--read-back", help="It was read back, and confirmed.")] = False
    attachment: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A paper or a recording of it: its SHA-256 is kept.")
    ] = None
    issued_by: Annotated[str | None, typer.Option(metavar="NAME", help="Who signed the paper, or gave it.")] = None
    dated: Annotated[str | None, typer.Option(metavar="DATE", help="The paper's date. A call's is today.")] = None
    paper_url: Annotated[str | None, typer.Option(metavar="URL", help="Where the paper can be read.")] = None
    via: Annotated[str | None, typer.Option(metavar="WAY", help="How it came: letter, e-mail, portal.")] = None

    def source(self, now: datetime) -> dict[str, Any] | None:
        """Return where it came from, as a document has it. Raises Failure."""
        if self.is_empty:
            return None
        if self.by_phone is None and self.read_back:
            raise Failure(USAGE, "--read-back goes with --by-phone: who gave it")
        if self.by_phone is not None and (self.issued_by or self.via):
            raise Failure(USAGE, "--by-phone says who gave it and how: leave --issued-by and --via out")
        if self.by_phone is not None and not (self.taken_by and self.number and self.read_back):
            raise Failure(USAGE, "--by-phone needs --number, --taken-by and --read-back: read it back, then send it")
        told = {
            "number": self.number,
            "date": _day(self.dated) or (None if self.by_phone is None else f"{now:%Y-%m-%d}"),
            "url": self.paper_url,
            "sha256": None if self.attachment is None else _sha256(self.attachment),
            "issued_by": self.by_phone or self.issued_by,
            "taken_by": self.taken_by,
            "received_via": self.via if self.by_phone is None else "phone, read back",
        }
        return {key: value for key, value in told.items() if value is not None}


def _day(told: str | None) -> str | None:
    try:
        return None if told is None else date.fromisoformat(told).isoformat()
    except ValueError:
        raise Failure(USAGE, f"--dated: {told} is no date such as 2027-01-15") from None


def _sha256(file: Path) -> str:
    try:
        return sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise Failure(USAGE, f"{file} cannot be read: {error.strerror}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording(Said):
    """Whose it is, under which class, from when until when."""

    order_id: Annotated[str | None, typer.Option("--id", metavar="ID", help="Left out: made from the instant.")] = None
    revision: Annotated[int | None, typer.Option(min=1, metavar="N", help="Left out: the next one known, else 1.")] = (
        None
    )
    issuer: Annotated[str | None, typer.Option(metavar="NAME", help="Left out: operator.")] = None
    order_class: Annotated[OrderClass | None, typer.Option("--class", help="Left out: operator.")] = None
    starts: Annotated[str | None, typer.Option(metavar="T", help="An instant, or +10m; left out: at once.")] = None
    ends: Annotated[str | None, typer.Option(metavar="T", help="An instant, or +4h; left out: until revoked.")] = None
    tz: Annotated[
        str | None, typer.Option("--tz", metavar="ZONE", help="Of --local-starts, --local-ends, as Asia/Bishkek.")
    ] = None
    local_starts: Annotated[
        str | None,
        typer.Option(metavar="T", help="In civil time, as 2027-01-15T18:00; the stricter holds."),
    ] = None
    local_ends: Annotated[str | None, typer.Option(metavar="T", help="In civil time; 24:00 is allowed.")] = None
    resume: Annotated[Resume | None, typer.Option(help="Left out: issuer for a law, others auto.")] = None
    note: Annotated[str | None, typer.Option(metavar="TEXT", help="Kept with the order.")] = None

    def local(self) -> dict[str, str] | None:
        """Return start and end in civil time, as a document has them."""
        told = {"starts": self.local_starts, "ends": self.local_ends}
        return {name: civil for name, civil in told.items() if civil is not None} or None


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """All that can be said beside the demand itself."""

    wording: Wording
    upon: Upon
    measuring: Measuring
    terms: Terms
    silence: Silence
    paper: Paper

    @property
    def is_empty(self) -> bool:
        """Whether nothing was said."""
        parts = (self.wording, self.upon, self.measuring, self.terms, self.silence, self.paper)
        return all(part.is_empty for part in parts)


def worded(demanded: Demand, told: Told, now: datetime) -> dict[str, Any]:
    """Return the document but for site and revision; what was not said is None. Raises Failure."""
    wording = told.wording
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
        "tz": wording.tz,
        "local": wording.local(),
        "measure": told.measuring.words(),
        "targets": told.upon.targets(),
        "exempt": told.upon.exempt(),
        **told.terms.words(),
        "resume": wording.resume,
        "on_silence": told.silence.words(),
        "source_ref": told.paper.source(now),
        "note": wording.note,
    }
