"""`report --pdf FILE`: an order's report for a regulator, of its evidence; a month's, with its owners' statements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from agent.cli.evidence_from import exported
from agent.cli.failure import NO, Failure
from agent.cli.money_from import Source, month_of, report_of
from agent.cli.options import Reach
from agent.cli.paper import Paper, place_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportPaper(Paper):
    """Where a report goes, in which language, and what of a month is told."""

    machines: Annotated[bool, typer.Option("--machines", help="Of a month, each machine too.")] = False

    owner: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of a month, this owner's statement alone; '' for no owner's.")
    ] = None


def write_month(reach: Reach, source: Source, month: str, paper: ReportPaper) -> None:
    """Write the report of a month, or one owner's statement. Raises Failure."""
    from agent.outputs.month_paper import month_document, statement_document  # noqa: PLC0415 - quick help needs it not

    place = place_of(reach, source)
    words = paper.words(place.zone)
    told = month_of(reach, source, month)
    if not told["months"]:
        raise Failure(NO, f"nothing is known of {month}")
    if paper.owner is None:
        paper.write(month_document(told, words, name=month, site=place.site))
        return
    statement = statement_document(told, words, name=month, owner=paper.owner, site=place.site)
    if statement is None:
        raise Failure(NO, f"{month} has no statement of owner {paper.owner}")
    paper.write(statement)


def write_order(reach: Reach, source: Source, order_id: str, paper: Paper) -> None:
    """Write the report of an order whose evidence holds. Raises Failure."""
    from agent.outputs.account import account  # noqa: PLC0415 - likewise
    from agent.outputs.minutes import facts_of  # noqa: PLC0415 - likewise
    from agent.outputs.order_paper import Told, order_document  # noqa: PLC0415 - likewise
    from agent.proof.chain import hash_of  # noqa: PLC0415 - quick help needs it not
    from agent.proof.evidence import BrokenAt, check, links_of  # noqa: PLC0415 - likewise

    words = paper.words(place_of(reach, source).zone)
    raw = exported(reach, source.config, order_id)
    try:
        proven = check(raw, partial=True)
    except BrokenAt as error:
        raise Failure(NO, f"the evidence of {order_id} is broken: line {error.line}: {error}") from None
    links = links_of(raw)
    told = Told(
        proven=proven,
        last_hash=hash_of(links[-1]) or "",
        account=account(facts_of(links)),
        money=report_of(reach, source, order_id),
    )
    paper.write(order_document(told, words))
