"""Somebody else's invoice beside our bill: where they differ, and what figures alone tell of why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from agent.tariffs.money import rounded, written

_KWH_SHARE, _KWH_LEAST = Decimal("0.00001"), Decimal("0.51")
"""An invoice has whole kWh, and its meter's clock is seconds off."""
_CENT = Decimal("0.011")
"""A line of an invoice is rounded; ours is not."""
_RATIO_ERROR = Decimal("0.002")
_MOST_LOSSES = Decimal("0.15")


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceMonth:
    """One month of an invoice or a bill; None where it does not say."""

    month: str  # YYYY-MM
    kwh: Decimal | None = None
    peak_kw: Decimal | None = None
    total: Decimal | None = None
    lines: Mapping[str, Decimal] = field(default_factory=dict)
    estimated_kwh: Decimal | None = None

    @property
    def amount(self) -> Decimal | None:
        """What it comes to: its total, else the sum of its lines."""
        return self.total if self.total is not None else sum(self.lines.values(), Decimal(0)) if self.lines else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """What somebody charges, or what we reckon."""

    months: tuple[InvoiceMonth, ...]
    currency: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why two bills likely differ: a word, and a sentence."""

    cause: str
    sentence: str


def same_kwh(one: Decimal | None, other: Decimal | None) -> bool:
    """Whether two energies (or powers) are the same but for rounding; what nobody says differs from nothing."""
    return one is None or other is None or abs(one - other) <= max(_KWH_LEAST, _KWH_SHARE * abs(other))


def same_money(one: Decimal | None, other: Decimal | None) -> bool:
    """Whether two amounts are the same but for rounding; what nobody says differs from nothing."""
    return one is None or other is None or abs(one - other) <= _CENT


def agrees(ours: InvoiceMonth, theirs: InvoiceMonth) -> bool:
    """Whether an invoice is our bill but for rounding."""
    return (
        same_kwh(ours.kwh, theirs.kwh)
        and same_money(ours.amount, theirs.amount)
        and (not theirs.lines or all(same_money(one, other) for _, one, other in lines(ours, theirs)))
        and (not theirs.lines or all(None not in {one, other} for _, one, other in lines(ours, theirs)))
    )


def lines(ours: InvoiceMonth, theirs: InvoiceMonth) -> Iterator[tuple[str, Decimal | None, Decimal | None]]:
    """Yield each line by its name, ours and theirs; names are the same whatever their case and spaces."""
    known = {_plain(name): amount for name, amount in theirs.lines.items()}
    for name, amount in ours.lines.items():
        yield name, amount, known.pop(_plain(name), None)
    for name, amount in theirs.lines.items():
        if _plain(name) in known:
            yield name, None, amount


def by_figures(ours: InvoiceMonth, theirs: InvoiceMonth) -> Iterator[Cause]:
    """Yield what may be the cause by the month's figures alone, the likeliest first."""
    if not same_kwh(ours.kwh, theirs.kwh):
        yield from _by_energy(ours, theirs)
    for name, one, other in lines(ours, theirs) if theirs.lines else ():
        if other is None and one:
            yield Cause(cause="line", sentence=f"our line {name} ({written(one)}) is not on the invoice")
        elif one is None and other:
            yield Cause(cause="line", sentence=f"the invoice's line {name} ({written(other)}) is none of ours")
    difference = (theirs.amount or Decimal(0)) - (ours.amount or Decimal(0))
    if difference and abs(difference) <= _CENT * max(len(theirs.lines), 1) and same_kwh(ours.kwh, theirs.kwh):
        yield Cause(cause="rounding", sentence=f"{written(difference)} is no more than the rounding of the lines")


def _by_energy(ours: InvoiceMonth, theirs: InvoiceMonth) -> Iterator[Cause]:
    if ours.kwh is None or theirs.kwh is None:
        return
    more = theirs.kwh - ours.kwh
    if ours.estimated_kwh and abs(more) <= ours.estimated_kwh:
        said = f"{written(ours.estimated_kwh)} kWh of ours are estimated, and the invoice has {_signed(more)} kWh"
        yield Cause(cause="estimate", sentence=said)
    if ours.kwh <= 0 or theirs.kwh <= 0:
        return
    ratio = theirs.kwh / ours.kwh
    peaks = theirs.peak_kw / ours.peak_kw if theirs.peak_kw and ours.peak_kw else None
    for told, factor in ((f"{_near(ratio)} times", ratio), (f"one {_near(1 / ratio)}th of", 1 / ratio)):
        whole = _near(factor)
        if whole > 1 and abs(factor / whole - 1) <= _RATIO_ERROR:
            also = "" if peaks is None else " and kW" if abs(peaks / ratio - 1) <= _RATIO_ERROR else ", but not our kW"
            yield Cause(cause="multiplier", sentence=f"the invoice has {told} our kWh{also}")
            return
    if abs(ratio - 1) <= _MOST_LOSSES:
        pct = written(rounded((ratio - 1) * 100, 2))
        if peaks is not None and same_kwh(ours.peak_kw, theirs.peak_kw):
            said = f"the invoice has {_signed(more)} kWh at the same kW: losses without load, or hours that one lacks"
        else:
            said = f"the invoice has {pct} % {'more' if more > 0 else '(fewer)'} kWh: losses to the boundary of supply"
        yield Cause(cause="losses", sentence=said)


def _near(factor: Decimal) -> Decimal:
    return rounded(factor, 0)


def _signed(kwh: Decimal) -> str:
    return f"{written(abs(kwh))} {'more' if kwh > 0 else 'fewer'}"


def _plain(name: str) -> str:
    return "".join(name.casefold().split())
