"""`bill`: what a load costs under a tariff, by months and components, exactly; without one, what the agent counted."""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from agent.cli.bill_metering import Metered
from agent.cli.failure import USAGE, Failure
from agent.cli.groups import Billing
from agent.cli.money_from import Known, Source, bill_of
from agent.cli.money_show import show_bill
from agent.cli.options import Reach, spread
from agent.cli.paper import Paper, place_of
from agent.cli.report import Month, checked
from agent.cli.show import as_json, plain, table

if TYPE_CHECKING:
    from agent.tariffs.bill import Bill
    from agent.tariffs.corrections import Correction
    from agent.tariffs.load import Load
    from agent.tariffs.metering import Metering
    from agent.tariffs.tariff import Tariff

NEEDED = "bill: --tariff FILE and --load FILE.csv go together; without both the agent's own ledger is billed"
ALONE = "bill: {} is for a load: --tariff FILE and --load FILE.csv"
NO_CLOCK = "neither the tariff nor --tz names a time zone: months and hours go by the load's own clock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is billed, and how."""

    tariff: Annotated[Path | None, typer.Option(metavar="FILE", help="TOML, or a URDB record.", show_default=False)] = (
        None
    )
    load: Annotated[Path | None, typer.Option(metavar="FILE.csv", help="Rows start,kwh of one step.")] = None
    tz: Annotated[str | None, typer.Option(metavar="ZONE", help="Whose clock; else the tariff's zone.")] = None
    currency: Annotated[str | None, typer.Option(metavar="C", help="That of a tariff which names none.")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown(Paper):
    """In what form."""

    explain: Annotated[bool, typer.Option("--explain", help="Show the whole calculation.")] = False
    as_csv: Annotated[bool, typer.Option("--csv", help="Print it as CSV: month,name,kind,party,amount.")] = False
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A bill, and all that it was made of."""

    billed: Bill
    tariff: Tariff
    clock: tzinfo
    load: Load  # as its file has it
    counted: Load  # as each month had it when it was closed
    corrections: Sequence[Correction]
    metering: Metering
    warnings: list[str]


bills = typer.Typer(cls=Billing, help="What energy costs; an invoice held against it.", no_args_is_help=False)


@spread
def bill(
    asked: Asked,
    metered: Metered,
    reach: Reach,
    source: Source,
    shown: Shown,
    month: Month = None,
) -> None:
    """Say what energy costs by local months and components: a load under a tariff, or what the agent counted.

    Exit 2 with every mistake.
    """
    if asked.tariff is None and asked.load is None:
        with told_mistakes():
            _of_ledger(asked, metered.of_ledger(ALONE), reach, source, checked(month), shown)
        return
    with told_mistakes():
        found = found_for(asked, metered)
    for warning in found.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    if shown.is_wanted:
        _write(found, asked, shown)
    elif shown.as_csv:
        _as_csv(document(found.billed, found.counted))
    elif shown.as_json:
        whole = document(found.billed, found.counted) | {"warnings": found.warnings}
        as_json(whole | ({"calculation": _in_words(found)} if shown.explain else {}))
    elif shown.explain:
        print(*_in_words(found), sep="\n")
    else:
        _show(found.billed)


def _in_words(found: Found) -> Sequence[str]:
    from agent.tariffs.explain import explain as in_words  # noqa: PLC0415 - quick help needs it not

    return list(in_words(found.billed, found.tariff, found.clock, found.metering.in_words()))


def _write(found: Found, asked: Asked, shown: Shown) -> None:
    from agent.outputs.bill_paper import bill_document  # noqa: PLC0415 - quick help needs it not

    tariff = found.tariff.name or (asked.tariff.name if asked.tariff else "")
    load = asked.load.name if asked.load else ""
    told = document(found.billed, found.counted)
    calculation = _in_words(found) if shown.explain else ()
    words = shown.words(found.clock)
    of = f"{tariff}; {load}"
    shown.write(bill_document(told, words, of=of, warnings=found.warnings, calculation=calculation))


def _of_ledger(asked: Asked, known: Known, reach: Reach, source: Source, month: str | None, shown: Shown) -> None:
    for name, given in (("--tz", asked.tz), ("--currency", asked.currency)):
        if given:
            raise Failure(USAGE, ALONE.format(name))
    billed = bill_of(reach, source, month, known, explained=shown.explain)
    lines = billed.pop("calculation", ())
    if shown.is_wanted:
        from agent.outputs.bill_paper import bill_document  # noqa: PLC0415 - quick help needs it not

        place, doubts = place_of(reach, source), billed["warnings"]
        shown.write(bill_document(billed, shown.words(place.zone), of=place.site, warnings=doubts, calculation=lines))
    elif shown.as_csv:
        _as_csv(billed)
    elif shown.as_json:
        as_json(billed | ({"calculation": lines} if shown.explain else {}))
    elif shown.explain:
        print(*map(plain, lines), sep="\n")
        for doubt in billed["warnings"]:
            print(f"in doubt: {plain(doubt)}", file=sys.stderr)
    else:
        show_bill(billed)


@contextmanager
def told_mistakes() -> Iterator[None]:
    """Print each mistake of a file that is not sound, and leave with exit code 2."""
    from agent.problems import ConfigError  # noqa: PLC0415 - quick help needs it not

    try:
        yield
    except ConfigError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        raise typer.Exit(USAGE) from None


def found_for(asked: Asked, metered: Metered) -> Found:
    """Return the bill that was asked for. Raises ConfigError, Failure."""
    from agent.inputs.load_file import read_load  # noqa: PLC0415 - pydantic is not for every command
    from agent.inputs.tariff_file import read_tariff  # noqa: PLC0415 - likewise
    from agent.problems import ConfigError, Problem  # noqa: PLC0415 - likewise
    from agent.tariffs.bill import Unpriced  # noqa: PLC0415 - likewise
    from agent.tariffs.corrections import as_closed, corrected, corrected_bill  # noqa: PLC0415 - likewise
    from agent.tariffs.quality import estimates  # noqa: PLC0415 - likewise

    if asked.tariff is None or asked.load is None:
        raise Failure(USAGE, NEEDED)
    metering = metered.metering()
    _zone(asked.tz)
    tariff = read_tariff(asked.tariff, currency=_currency(asked.currency), zone=asked.tz)
    if asked.currency not in {None, tariff.currency}:
        raise Failure(USAGE, f"the tariff is in {tariff.currency}; exchange into {asked.currency} is not built yet")
    zone = _zone(asked.tz or tariff.zone)
    read, corrections = metered.known(read_load(asked.load, zone=zone, register_digits=metered.register_digits))
    if tariff.export_refused and any(read.load.export_kwh or ()):
        raise ConfigError([Problem(file=asked.tariff.name, key="dgrules", reason=tariff.export_refused)])
    if tariff.nets_by_hour and (hour := read.load.hour_of_both()) is not None:
        reason = f"nets within the hour, and the load both takes and exports in that of {hour.astimezone(read.clock)}"
        raise ConfigError([Problem(file=asked.tariff.name, key="dgrules", reason=f"{reason}: give it by the hour")])
    try:
        billed = corrected_bill(tariff, read.load, corrections, read.clock, metering)
    except Unpriced as error:
        key = tariff.keys.get(error.component, f"component.{error.component}")
        raise ConfigError([Problem(file=asked.tariff.name, key=key, reason=str(error))]) from None
    known = corrected(read.load, corrections)
    counted = as_closed(read.load, corrections, read.clock, metering)
    warnings = [*([] if zone else [NO_CLOCK]), *_doubts(tariff, read.load, read.clock, metering, billed)]
    warnings += estimates(billed, known)
    return Found(
        billed=billed,
        tariff=tariff,
        clock=read.clock,
        load=read.load,
        counted=counted,
        corrections=corrections,
        metering=metering,
        warnings=warnings,
    )


def _doubts(tariff: Tariff, load: Load, clock: tzinfo, metering: Metering, billed: Bill) -> list[str]:
    """Return what of a tariff is not sure, or not meant for such months."""
    peak_kw, kwh = ({one.month: getattr(one, name) for one in billed.months} for name in ("peak_kw", "kwh"))
    spans = {month.month: month.span for month in billed.months}
    whole = [name for name, span in spans.items() if span == metering.month(span.start, clock)]
    return [*tariff.doubts(*load.days(clock)), *tariff.meant.misses(peak_kw, kwh, whole)]


def _currency(told: str | None) -> str | None:
    if told is not None and re.fullmatch("[A-Z]{3}", told) is None:
        raise Failure(USAGE, f"--currency: {told} is no ISO 4217 code such as KGS")
    return told


def _zone(name: str | None) -> ZoneInfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Failure(USAGE, f"--tz: {name} is no IANA time zone such as Asia/Bishkek") from None


def _as_csv(told: dict[str, Any]) -> None:
    """Print a bill as rows, which `bill compare` reads: each component, then kWh, kW and total of its month."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(("month", "name", "kind", "party", "amount"))
    for month in told["months"]:
        for one in month["components"]:
            writer.writerow((month["month"], one["name"], one["kind"], one["party"], one["amount"]))
        for name, figure in (("kWh", month["kwh"]), ("kW", month["peak_kw"]), ("total", month["total"])):
            writer.writerow((month["month"], name, "", "", "" if figure is None else figure))


def _show(billed: Bill) -> None:
    from agent.tariffs.explain import shown  # noqa: PLC0415 - quick help needs it not

    rows = [
        (month.month, line.component.name, line.component.party, shown(line.amount))
        for month in billed.months
        for line in month.lines
    ]
    table(("month", "component", "party", "amount "), rows)
    for month in billed.months:
        print(f"{month.month}: {shown(month.kwh)} kWh, {month.total:,f} {billed.currency}")
    print(f"total {billed.total:,f} {billed.currency}")


def document(billed: Bill, counted: Load) -> dict[str, Any]:
    """Return the JSON of the contract: money as decimal text, energy and power as numbers.

    Beside that what the meter counted of each month, and how much of it was estimated; None where no row says.
    """
    from agent.tariffs.load import Register  # noqa: PLC0415 - quick help needs it not
    from agent.tariffs.money import written  # noqa: PLC0415 - likewise
    from agent.tariffs.quality import estimated_kwh  # noqa: PLC0415 - likewise

    register = Register(counted)
    return {
        "currency": billed.currency,
        "total": f"{billed.total:f}",
        "months": [
            {
                "month": month.month,
                "kwh": float(month.kwh),
                "peak_kw": float(month.peak_kw),
                "metered_kwh": float(register.kwh(month.span)) if month.span.start < month.span.end else 0.0,
                "estimated_kwh": None if (doubt := estimated_kwh(counted, month.span)) is None else float(doubt),
                "total": f"{month.total:f}",
                "components": [
                    {
                        "name": line.component.name,
                        "kind": line.component.kind,
                        "party": line.component.party,
                        "amount": written(line.amount),
                    }
                    for line in month.lines
                ],
            }
            for month in billed.months
        ],
    }
