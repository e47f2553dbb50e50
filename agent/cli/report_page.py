"""`report --order ID --html FILE`: an order's report for a regulator, made of its evidence with its money beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from agent.cli.evidence_from import exported
from agent.cli.failure import NO, USAGE, Failure
from agent.cli.money_from import Source, report_of
from agent.cli.offline import read_config, running
from agent.cli.options import Reach


@dataclass(frozen=True, slots=True, kw_only=True)
class PageWanted:
    """Where the page goes, and in which language."""

    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the order's report for a regulator; a browser prints it.")
    ] = None
    lang: Annotated[str, typer.Option(metavar="en|ru", help="The language of that report.")] = "en"


def write_page(reach: Reach, source: Source, order_id: str, file: Path, language: str) -> None:
    """Write the page of an order whose evidence holds. Raises Failure."""
    from agent.chain import hash_of  # noqa: PLC0415 - quick help needs it not
    from agent.evidence import BrokenAt, check, links_of  # noqa: PLC0415 - likewise
    from agent.outputs.account import account  # noqa: PLC0415 - likewise
    from agent.outputs.minutes import facts_of  # noqa: PLC0415 - likewise
    from agent.outputs.report_page import Told, page  # noqa: PLC0415 - likewise
    from agent.outputs.report_words import Words, languages  # noqa: PLC0415 - likewise

    if language not in languages():
        raise Failure(USAGE, f"--lang: {language} is none of {', '.join(languages())}")
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
    text = page(told, Words(language, _zone(reach, source)))
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Failure(USAGE, f"{file}: {error.strerror}") from None


def _zone(reach: Reach, source: Source) -> ZoneInfo:
    """Return the site's time zone; UTC where only a store is known."""
    agent = running(reach, source.config)
    if agent is not None:
        return ZoneInfo(agent.get("/api/v1/site")["timezone"])
    config = read_config(source.config)
    return ZoneInfo("UTC" if config is None else config.schema.site.timezone)
