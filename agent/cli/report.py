"""`report`: what an order cost and saved, or what a month's energy was and cost, from the agent's own ledger."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer

from agent.cli.failure import NO, USAGE, Failure
from agent.cli.money_from import Source, bill_of, month_of, report_of
from agent.cli.money_show import show_bill, show_energy, show_order
from agent.cli.month_show import show_month, show_statement
from agent.cli.options import Json, Reach, spread
from agent.cli.report_paper import ReportPaper, write_month, write_order
from agent.cli.show import as_json

Month = Annotated[str | None, typer.Option("--month", metavar="YYYY-MM", help="A month, by the tariff's clock.")]


@spread
def report(
    reach: Reach,
    source: Source,
    paper: ReportPaper,
    order: Annotated[str | None, typer.Option("--order", metavar="ID", help="What this order cost and saved.")] = None,
    month: Month = None,
    as_json_: Json = False,
) -> None:
    """Tell what an order cost and saved, or a month's energy and cost: from a running agent, else from its store."""
    if order is not None and month is not None:
        raise Failure(USAGE, "report: say either --order ID or --month YYYY-MM")
    if paper.owner is not None and month is None:
        raise Failure(USAGE, "report: --owner NAME is of a --month")
    if order is not None and paper.is_wanted:
        write_order(reach, source, order, paper)
    elif order is not None:
        _tell(report_of(reach, source, order), as_json_=as_json_, of_month=False)
    else:
        _report_month(reach, source, paper, checked(month) or _newest(reach, source), as_json_=as_json_)


def _report_month(reach: Reach, source: Source, paper: ReportPaper, month: str, *, as_json_: bool) -> None:
    if paper.is_wanted:
        write_month(reach, source, month, paper)
    elif paper.owner is not None:
        _tell_owner(month_of(reach, source, month).get("report"), paper.owner, month, as_json_=as_json_)
    else:
        _tell(month_of(reach, source, month, machines=paper.machines), as_json_=as_json_, of_month=True)


def _newest(reach: Reach, source: Source) -> str:
    """Return the newest month that anything is known of. Raises Failure."""
    months = bill_of(reach, source, None)["months"]
    if not months:
        raise Failure(NO, "nothing is known of any month yet")
    return str(months[-1]["month"])


def _tell(told: dict[str, Any], *, as_json_: bool, of_month: bool) -> None:
    if as_json_:
        as_json(told)
    elif of_month:
        show_energy(told)
        show_bill(told)
        if told.get("report") is not None:
            show_month(told["report"])
    else:
        show_order(told)


def _tell_owner(told: dict[str, Any] | None, owner: str, month: str, *, as_json_: bool) -> None:
    found = [one for one in (told or {"owners": ()})["owners"] if one["owner"] == owner]
    if told is None or not found:
        raise Failure(NO, f"{month} has no statement of owner {owner}")
    if as_json_:
        as_json({"month": told["month"], "currency": told["currency"], **found[0]})
    else:
        show_statement(told, owner)


def checked(month: str | None) -> str | None:
    """Return a month as it was told. Raises Failure for one that is none."""
    if month is not None and re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", month) is None:
        raise Failure(USAGE, f"--month: {month} is no month such as 2026-11")
    return month
