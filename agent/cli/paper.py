"""What commands write for people to print: a PDF, or a page for a browser; and whose it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from agent.cli.failure import USAGE, Failure
from agent.cli.money_from import Source
from agent.cli.offline import read_config, running
from agent.cli.options import Reach

if TYPE_CHECKING:
    from agent.outputs.document import Document
    from agent.outputs.report_words import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """Where it goes, and in which language."""

    pdf: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it as a PDF.")] = None
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it as a page, which a browser prints.")] = (
        None
    )
    lang: Annotated[str, typer.Option(metavar="en|ru", help="The language of what is written.")] = "en"

    @property
    def is_wanted(self) -> bool:
        """Whether anything is to be written."""
        return self.pdf is not None or self.html is not None

    def words(self, zone: tzinfo) -> Words:
        """Return its language by the clock of a place. Raises Failure."""
        from agent.outputs.report_words import Words, languages  # noqa: PLC0415 - quick help needs it not

        if self.lang not in languages():
            raise Failure(USAGE, f"--lang: {self.lang} is none of {', '.join(languages())}")
        return Words(self.lang, zone)

    def write(self, document: Document) -> None:
        """Write it in each form that is asked for. Raises Failure."""
        if self.html is not None:
            from agent.outputs.document_html import as_html  # noqa: PLC0415 - quick help needs it not

            _write(self.html, lambda: as_html(document).encode())
        if self.pdf is not None:
            from agent.outputs.document_pdf import as_pdf  # noqa: PLC0415 - likewise

            _write(self.pdf, lambda: as_pdf(document))


def _write(file: Path, made: Callable[[], bytes]) -> None:
    try:
        file.write_bytes(made())
    except OSError as error:
        raise Failure(USAGE, f"{file}: {error.strerror}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which site it is, "" where only a store is known, and its clock."""

    site: str = ""
    zone: tzinfo = UTC


def place_of(reach: Reach, source: Source) -> Place:
    """Return the place of the agent, else of the configuration, else a nameless one in UTC. Raises Failure."""
    agent = running(reach, source.config)
    if agent is not None:
        site = agent.get("/api/v1/site")
        return Place(site=str(site["site"]), zone=ZoneInfo(site["timezone"]))
    config = read_config(source.config)
    return Place() if config is None else Place(site=config.schema.site.id, zone=ZoneInfo(config.schema.site.timezone))
