"""What the guard has kept from the bill: each charge's peak with the guard, and as it would be without. Pure.

The one that is not lived is reckoned from the one that is: where price acts, what was spared comes on top of the draw;
where it only says, it is taken off. The charge's bands at the first look of the month price both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from agent.planning.guard import HOUR_S, PeakCharge, Watch
from agent.values import Watts


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One charge in one month: as it stood at first, and the highest means since then, kW at the meter."""

    first: PeakCharge
    last: PeakCharge
    with_kw: float
    without_kw: float
    spared_wh: float = 0.0  # of the window under way

    @property
    def avoided(self) -> float:
        """What the month would be charged more without the guard."""
        with_it, without = self.first.cost(np.array([self.with_kw, self.without_kw]))
        return float(without - with_it)


@dataclass(frozen=True, slots=True, kw_only=True)
class PeakBooks:
    """All charges that were seen; `settled` is what earlier months were spared."""

    kept: Mapping[str, Kept] = field(default_factory=dict)
    settled: float = 0.0

    @property
    def avoided(self) -> float:
        """What was not charged, in all."""
        return self.settled + sum(one.avoided for one in self.kept.values())


def seen(books: PeakBooks, watch: Watch, spared_w: Watts, elapsed_s: float, *, acts: bool) -> PeakBooks:
    """Take in the charges of a moment; `spared_w` was held back for so long before it."""
    kept, settled = dict(books.kept), books.settled
    for charge in watch.charges:
        before = kept.get(charge.name)
        if before is None or before.first.month != charge.month:
            settled += 0.0 if before is None else _ended(before, charge, acts=acts).avoided
            kept[charge.name] = Kept(first=charge, last=charge, with_kw=charge.kw, without_kw=charge.kw)
            continue
        if before.last.start == charge.start:
            spared_wh = before.spared_wh + spared_w * elapsed_s / HOUR_S
            kept[charge.name] = replace(before, last=charge, spared_wh=spared_wh)
            continue
        kept[charge.name] = _ended(before, charge, acts=acts)
    return PeakBooks(kept=kept, settled=settled)


def _ended(before: Kept, charge: PeakCharge, *, acts: bool) -> Kept:
    """Close a window: its last look's mean stands for what was left of it."""
    last = before.last
    if last.elapsed_s <= 0:
        return replace(before, last=charge, spared_wh=0.0)
    hours = last.elapsed_s / HOUR_S
    drawn_kw, spared_kw = last.drawn_wh / 1000 / hours, before.spared_wh / 1000 / hours
    with_kw, without_kw = (drawn_kw, drawn_kw + spared_kw) if acts else (drawn_kw - spared_kw, drawn_kw)
    return replace(
        before,
        last=charge,
        with_kw=max(before.with_kw, with_kw),
        without_kw=max(before.without_kw, without_kw),
        spared_wh=0.0,
    )


def as_guarded(books: PeakBooks, watch: Watch, *, acts: bool) -> Watch:
    """Return the charges as the guard would see them, had it acted all along; where it acts, as they are."""
    if acts:
        return watch
    return replace(watch, charges=tuple(_as_guarded(books.kept[one.name], one) for one in watch.charges))


def _as_guarded(kept: Kept, charge: PeakCharge) -> PeakCharge:
    drawn_wh = max(0.0, charge.drawn_wh - kept.spared_wh)
    if kept.with_kw >= charge.kw:
        return replace(charge, drawn_wh=drawn_wh)
    kw = max(kept.with_kw, kept.first.kw)
    starts = [(max(start, kw), price) for start, price in kept.first.bands]
    bands = [band for at, band in enumerate(starts) if at == len(starts) - 1 or starts[at + 1][0] > kw]
    jump = kept.first.jump if kw <= kept.first.kw else 0.0
    return replace(charge, drawn_wh=drawn_wh, kw=kw, bands=tuple(bands), jump=jump)
