"""A day's volumes for its market: nominated by the hour before the deadline, and bought ones as an order."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_DOWN, Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from agent.cli.failure import NO, USAGE, Failure
from agent.cli.options import present
from agent.cli.show import plain
from agent.values import rfc3339

if TYPE_CHECKING:
    from agent.cli.client import Agent
    from agent.cli.plan_day import Planned
    from agent.inputs.price_file import Volumes

HOUR = timedelta(hours=1)
KWH = Decimal("0.001")  # of MWh
WATT = Decimal("0.001")  # of kW


@dataclass(frozen=True, slots=True, kw_only=True)
class DayAhead:
    """Which day is planned, what is nominated of it, and what was bought."""

    day: Annotated[
        str | None,
        typer.Option(metavar="[DAY]", help="Instead: the levels of a day that earn most; left out: tomorrow."),
    ] = None
    nominate: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE|-", help="With --day: its volumes by the hour, MWh, as CSV, or JSON by the name's end."
        ),
    ] = None
    closes: Annotated[
        str | None,
        typer.Option(metavar="HH:MM", help="When nominations close on the day before, where no pack knows it."),
    ] = None
    bought: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="With --day: volumes that were bought, as nominated; makes the order that holds to them.",
        ),
    ] = None
    issuer: Annotated[str | None, typer.Option(metavar="NAME", help="Of that order, as farm.toml knows it.")] = None
    out: Annotated[Path | None, typer.Option("-o", metavar="FILE", help="Where it goes; left out: printed.")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """One hour of a local day, counted from 1, and what is drawn in it at the boundary of supply."""

    number: int
    start: datetime
    mwh: Decimal


def nominated(found: Planned, told: DayAhead) -> None:
    """Write a plan's volumes by the hour. Raises Failure once nominations are closed."""
    _in_time(found.terms, told.closes)
    hours = list(_hours(found))
    if told.nominate is None:
        return
    text = _json(found, hours) if told.nominate.suffix == ".json" else _csv(found, hours)
    if str(told.nominate) == "-":
        print(text, end="")
        return
    _write(told.nominate, text)
    total = sum((hour.mwh for hour in hours), Decimal(0))
    print(f"{told.nominate}: {len(hours)} hours, {total} MWh for {plain(found.terms['day'])}", file=sys.stderr)


def _hours(found: Planned) -> Iterator[Hour]:
    """Yield the hours of the day with their volume, losses to the boundary of supply in it, to the kWh."""
    factor = Decimal(str(found.terms["metering_factor"]))
    kwh: dict[datetime, Decimal] = {}
    first = found.starts()[0]
    for at, energy in zip(found.starts(), found.plan.kwh, strict=True):
        hour = first + (at - first) // HOUR * HOUR
        kwh[hour] = kwh.get(hour, Decimal(0)) + Decimal(str(round(energy, 6)))
    for number, (hour, drawn) in enumerate(kwh.items(), start=1):
        yield Hour(number=number, start=hour, mwh=(drawn * factor / 1000).quantize(KWH, rounding=ROUND_CEILING))


def _csv(found: Planned, hours: list[Hour]) -> str:
    made = io.StringIO()
    writer = csv.writer(made, lineterminator="\n")
    writer.writerow(("date", "hour", "mwh"))
    writer.writerows((found.terms["day"], hour.number, hour.mwh) for hour in hours)
    return made.getvalue()


def _json(found: Planned, hours: list[Hour]) -> str:
    told = {
        "site": found.terms["site"],
        "day": found.terms["day"],
        "timezone": found.terms["timezone"],
        "market": (found.terms["auction"] or {}).get("name"),
        "hours": [{"hour": one.number, "start": rfc3339(one.start), "mwh": str(one.mwh)} for one in hours],
    }
    return json.dumps(told, ensure_ascii=False, indent=2) + "\n"


def _in_time(terms: dict[str, Any], closes: str | None) -> None:
    """Refuse once nominations are closed; say what must be done before, or that no deadline is known."""
    zone, auction, now = ZoneInfo(terms["timezone"]), terms["auction"], present()
    if closes is not None:
        closes_at = _on_the_day_before(closes, terms["day"], zone)
        if now > closes_at:
            raise Failure(NO, f"too late: nominations for {plain(terms['day'])} closed at {_civil(closes_at, zone)}")
        return
    if auction is None:
        print("no pack knows when nominations close here: --closes HH:MM says it", file=sys.stderr)
        return
    closes_at, opens_at = (datetime.fromisoformat(auction[key]) for key in ("closes_at", "opens_at"))
    name = plain(auction["name"])
    if now > closes_at:
        raise Failure(NO, f"too late: {name} for {plain(terms['day'])} closed at {_civil(closes_at, zone)}")
    prepay_by = None if auction["prepay_by"] is None else datetime.fromisoformat(auction["prepay_by"])
    if prepay_by is not None and now > prepay_by:
        print(f"{name} wants its prepayment by {_civil(prepay_by, zone)}, which is over", file=sys.stderr)
    when = f"is open from {_civil(opens_at, zone)} until {_civil(closes_at, zone)}"
    doubt = " (not confirmed)" if auction["unconfirmed"] else ""
    note = f"; {plain(auction['note'])}" if auction["note"] else ""
    print(f"{name} {when}{doubt}{note}", file=sys.stderr)


def _civil(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M} {zone.key}"


def _on_the_day_before(told: str, day: str, zone: ZoneInfo) -> datetime:
    try:
        at = datetime.strptime(told, "%H:%M").time()  # noqa: DTZ007 - a time of day, of the site's clock
    except ValueError:
        raise Failure(USAGE, f"--closes: {plain(told)} is no time such as 10:00") from None
    return datetime.combine(date.fromisoformat(day) - timedelta(days=1), at, tzinfo=zone)


# what was bought ---------------------------------------------------------------------------------------------


def bought(agent: Agent, day: str, told: DayAhead) -> None:
    """Make the order that holds the farm to what was bought of a day. Raises Failure."""
    from agent.inputs.price_file import read_volumes  # noqa: PLC0415 - quick help needs it not
    from agent.problems import ConfigError  # noqa: PLC0415 - likewise

    if told.bought is None or told.issuer is None:
        raise Failure(USAGE, "--bought needs --issuer: whose order it is, with class contract in farm.toml")
    terms = agent.get("/api/v1/plan/day", {"day": day})
    try:
        volumes = read_volumes(told.bought, ZoneInfo(terms["timezone"]))
    except ConfigError as error:
        raise Failure(USAGE, "; ".join(str(problem) for problem in error.problems)) from None
    document = _order(agent, terms, volumes, told.issuer)
    text = json.dumps(document, ensure_ascii=False, indent=2) + "\n"
    if told.out is None:
        print(text, end="")
    else:
        _write(told.out, text)
        print(f"{told.out}: send it with hashwatt orders send --file {told.out}", file=sys.stderr)


def _order(agent: Agent, terms: dict[str, Any], volumes: Volumes, issuer: str) -> dict[str, Any]:
    """Return a contract's trajectory: each interval's mean is at most what was bought of it."""
    starts = [datetime.fromisoformat(one) for one in terms["starts"]]
    first, end = starts[0], starts[-1] + timedelta(seconds=terms["step_s"])
    until = volumes.start + volumes.step * len(volumes.kwh)
    if (volumes.start, until) != (first, end):
        raise Failure(USAGE, f"the volumes are not those of the whole of {plain(terms['day'])} by {terms['timezone']}")
    factor, hours = Decimal(str(terms["metering_factor"])), Decimal(volumes.step // timedelta(minutes=1)) / 60
    points: list[dict[str, Any]] = []
    for place, kwh in enumerate(volumes.kwh):
        kw = float((kwh / hours / factor).quantize(WATT, rounding=ROUND_DOWN))
        if not points or points[-1]["max_import_kw"] != kw:
            points.append({"at": rfc3339(volumes.start + place * volumes.step), "max_import_kw": kw})
    order_id = f"bought-{terms['day'].replace('-', '')}"
    known = agent.find(f"/api/v1/orders/{order_id}")
    return {
        "order_id": order_id,
        "revision": 1 if known is None else known["revision"] + 1,
        "issuer": issuer,
        "class": "contract",
        "status": "issued",
        "site": terms["site"],
        "issued_at": rfc3339(present()),
        "starts_at": rfc3339(first),
        "ends_at": rfc3339(end),
        "limit": {"trajectory": points},
        "measure": {"over_s": int(volumes.step.total_seconds()), "aligned": True},
        "ext": {"bought_mwh": str((sum(volumes.kwh, Decimal(0)) / 1000).quantize(KWH))},
    }


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Failure(USAGE, f"{path} cannot be written: {error.strerror}") from None
