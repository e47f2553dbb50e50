"""`bill compare`: an invoice beside our bill, and the likely cause of each difference."""

from __future__ import annotations

import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.cli.bill import ALONE, Asked, document, found_for, told_mistakes
from agent.cli.bill_metering import Metered
from agent.cli.failure import NO, USAGE, Failure
from agent.cli.money_from import Source, bill_of
from agent.cli.offline import read_config, remembered
from agent.cli.options import Json, Reach, spread
from agent.cli.show import UNKNOWN, as_json, plain, table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.tariffs.hypotheses import Billed
    from agent.tariffs.invoice import Cause, Invoice, InvoiceMonth


@spread
def compare(
    invoice: Annotated[
        Path, typer.Argument(metavar="INVOICE", help="JSON of a bill, or CSV: month,name,amount; kWh, kW, total.")
    ],
    asked: Asked,
    metered: Metered,
    reach: Reach,
    source: Source,
    as_json_: Json = False,
) -> None:
    """Hold an invoice against our bill, of a load or of the agent's ledger, and name why they likely differ.

    Exit 0 where they agree but for rounding, 1 where they do not.
    """
    with told_mistakes():
        theirs, ours, trials = _both(invoice, asked, metered, reach, source)
    if None not in {ours.currency, theirs.currency} and ours.currency != theirs.currency:
        raise Failure(USAGE, f"the invoice is in {theirs.currency}, our bill in {ours.currency}")
    known = {month.month: month for month in ours.months}
    for month in theirs.months:
        if month.month not in known:
            raise Failure(USAGE, f"the invoice is of {month.month}, and our bill has nothing of it")
    told = [_compared(known[month.month], month, trials.get(month.month, ())) for month in theirs.months]
    agree = all(month["agrees"] for month in told)
    if as_json_:
        as_json({"currency": ours.currency or theirs.currency, "agrees": agree, "months": told})
    else:
        _show(told)
    if not agree:
        raise typer.Exit(NO)


def _both(
    path: Path, asked: Asked, metered: Metered, reach: Reach, source: Source
) -> tuple[Invoice, Invoice, Mapping[str, Sequence[Cause]]]:
    """Return the invoice, our bill, and by month what made the one the other. Raises ConfigError, Failure."""
    from agent.inputs.invoice_file import invoice_of, read_invoice  # noqa: PLC0415 - quick help needs it not
    from agent.tariffs.hypotheses import Billed, by_trial  # noqa: PLC0415 - likewise

    theirs = read_invoice(path)
    if asked.tariff is None and asked.load is None:
        counted = bill_of(reach, source, None, metered.of_ledger(ALONE))
        if not counted["months"]:
            raise Failure(NO, "the ledger has no month yet that an invoice could be held against")
        ours = invoice_of(counted)
        ledger = None if source.config is None else _ledger(reach, source)
        return theirs, ours, {} if ledger is None else by_trial(ledger, ours.months, theirs.months)
    found = found_for(asked, metered)
    for warning in found.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    ours = invoice_of(document(found.billed, found.counted))
    billed = Billed(
        tariff=found.tariff,
        load=found.load,
        zone=found.clock,
        metering=found.metering,
        corrections=tuple(found.corrections),
    )
    return theirs, ours, by_trial(billed, ours.months, theirs.months)


def _ledger(reach: Reach, source: Source) -> Billed | None:
    """Return all that the ledger's bill is made of by the configuration that is told."""
    from agent.cli.money_known import billed_in  # noqa: PLC0415 - quick help needs it not

    return billed_in(remembered(reach, read_config(source.config)))


def _compared(ours: InvoiceMonth, theirs: InvoiceMonth, tried: Sequence[Cause]) -> dict[str, Any]:
    from agent.tariffs.invoice import agrees, by_figures, lines  # noqa: PLC0415 - quick help needs it not

    agree = agrees(ours, theirs)
    causes = [] if agree else [*tried, *by_figures(ours, theirs)]
    return {
        "month": theirs.month,
        "agrees": agree,
        "kwh": _pair(ours.kwh, theirs.kwh),
        "peak_kw": _pair(ours.peak_kw, theirs.peak_kw),
        "total": _pair(ours.amount, theirs.amount),
        "lines": [{"name": name, **_pair(one, other)} for name, one, other in lines(ours, theirs)],
        "causes": [{"cause": one.cause, "sentence": one.sentence} for one in causes],
    }


def _pair(ours: Decimal | None, theirs: Decimal | None) -> dict[str, str | None]:
    from agent.tariffs.money import written  # noqa: PLC0415 - quick help needs it not

    more = None if ours is None or theirs is None else theirs - ours
    told = {"ours": ours, "invoice": theirs, "difference": more}
    return {name: None if figure is None else written(figure) for name, figure in told.items()}


def _show(months: Sequence[Mapping[str, Any]]) -> None:
    rows = []
    for month in months:
        named = [("kWh", month["kwh"]), ("kW", month["peak_kw"]), *((one["name"], one) for one in month["lines"])]
        rows += [(month["month"], plain(name), *_cells(pair)) for name, pair in [*named, ("total", month["total"])]]
    table(("month", "", "ours ", "invoice ", "difference "), rows)
    for month in months:
        if month["agrees"]:
            print(f"{month['month']}: they agree")
        elif not month["causes"]:
            print(f"{month['month']}: they differ, and no likely cause was found")
        for cause in month["causes"]:
            print(f"{month['month']}: {cause['cause']}: {plain(cause['sentence'])}")


def _cells(pair: Mapping[str, str | None]) -> list[str]:
    from agent.tariffs.explain import shown  # noqa: PLC0415 - quick help needs it not

    told = (pair["ours"], pair["invoice"], pair["difference"])
    return [UNKNOWN if figure is None else shown(Decimal(figure)) for figure in told]
