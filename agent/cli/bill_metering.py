"""The options of `bill` that say how a load's figures become those of the bill."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.failure import USAGE, Failure
from agent.cli.money_from import Known
from agent.cli.options import instant, present

if TYPE_CHECKING:
    from agent.inputs.load_file import LoadFile
    from agent.tariffs.corrections import Correction
    from agent.tariffs.metering import Metering


@dataclass(frozen=True, slots=True, kw_only=True)
class Metered:
    """What `[tariff.metering]` says for the agent, for a load."""

    multiplier: Annotated[
        str | None, typer.Option(metavar="M", help="CT x VT, where the load has what the meter shows.")
    ] = None
    loss_pct: Annotated[str | None, typer.Option(metavar="%", help="Losses from the boundary to the meter.")] = None
    no_load_kwh: Annotated[
        str | None, typer.Option(metavar="KWH", help="What the transformer takes a month without load.")
    ] = None
    billing_day: Annotated[
        int | None, typer.Option(min=1, max=28, metavar="D", help="On which day of the month bills begin.")
    ] = None
    billing_hour: Annotated[
        int | None, typer.Option(min=0, max=23, metavar="H", help="At which hour of that day meters are read.")
    ] = None
    register_digits: Annotated[
        int | None,
        typer.Option(min=3, max=12, metavar="N", help="Digits before the point of registers that begin again at 0."),
    ] = None
    corrections: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="Rows learned,start,kwh: steps that were corrected.")
    ] = None
    as_of: Annotated[
        str | None, typer.Option(metavar="T", help="By what was known at that instant: 2026-05-01T00:00+06:00.")
    ] = None

    def of_ledger(self, sentence: str) -> Known:
        """Return what of it is for the agent's ledger; what is for a load alone raises Failure with its name."""
        for field in fields(self):
            if field.name not in {"as_of", "corrections"} and getattr(self, field.name) is not None:
                raise Failure(USAGE, sentence.format("--" + field.name.replace("_", "-")))
        return Known(as_of=self._instant(), corrections=self.corrections)

    def _instant(self) -> datetime | None:
        told = instant(self.as_of, "--as-of", present())
        return None if told is None else datetime.fromisoformat(told)

    def known(self, read: LoadFile) -> tuple[LoadFile, list[Correction]]:
        """Return the load and its corrections, as of when it was asked for. Raises ConfigError, Failure."""
        from agent.inputs.corrections_file import read_corrections  # noqa: PLC0415 - quick help needs it not
        from agent.inputs.load_file import known_at  # noqa: PLC0415 - likewise

        found = [] if self.corrections is None else read_corrections(self.corrections, read)
        as_of = self._instant()
        if as_of is None:
            return read, found
        cut = known_at(read.load, as_of)
        if cut is None:
            raise Failure(USAGE, f"--as-of: nothing of the load was known at {self.as_of}")
        kept = [one for one in found if one.learned <= as_of and one.at < len(cut.kwh)]
        return replace(read, load=cut), kept

    def metering(self) -> Metering:
        """Return how the load is billed. Raises Failure."""
        from agent.tariffs.metering import Metering  # noqa: PLC0415 - quick help needs it not
        from agent.tariffs.periods import ReadTime  # noqa: PLC0415 - likewise

        multiplier = _number("--multiplier", self.multiplier, Decimal(1))
        if multiplier == 0:
            raise Failure(USAGE, "--multiplier: must be above 0")
        loss_pct = _number("--loss-pct", self.loss_pct, Decimal(0))
        if loss_pct > 100:
            raise Failure(USAGE, "--loss-pct: must be at most 100")
        return Metering(
            multiplier=multiplier,
            loss_pct=loss_pct,
            no_load_kwh_per_month=_number("--no-load-kwh", self.no_load_kwh, Decimal(0)),
            read=ReadTime(self.billing_day or 1, self.billing_hour or 0),
        )


def _number(option: str, told: str | None, otherwise: Decimal) -> Decimal:
    if told is None:
        return otherwise
    try:
        value = Decimal(told)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or value < 0 or len(told) > 20:
        raise Failure(USAGE, f"{option}: {told} is no number from 0, such as 12.5")
    return value
