"""The peak guard: what may be drawn until a charge on the month's highest mean costs more than the draw earns. Pure.

A new peak is paid once and may be used until the month ends. So each step of a machine is weighed by what a kilowatt of
it earns in the hours that are left, against what it adds to the charge: the best peak is where that leaves most, and
it is never below what is billed in any case. Within a window the energy so far counts, so that a draw that will not
bring its mean above the peak is let be. Who was lowered comes back where the peak itself has room, after its least time
off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from agent.fleet.view import Array, Flags, Floats, Indices
from agent.values import Watts

HOUR_S = 3600.0
CLOSE = 1.002
"""A mean so little above the peak is let be: a draw that only swings by that sheds nobody."""
WEIGHED = 4096
"""So many machines are weighed at most, spread evenly over all: at its best, what a peak is worth hardly changes."""
PIECES = 1024
"""What they may be lowered by is weighed in so many pieces at most, and a few more."""
SPREAD = 0.6180339887498949
"""Multiples of the golden section, less their whole parts, lie evenly and share no period with how rows are laid."""
Weighed = dict[tuple[tuple[str, float, float], ...], float]
"""By charges (name, window, kW), what mean is worth paying them together for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """The hours that are left to use a peak in, and what a kWh costs in some of them, rising: a sample of all."""

    hours: float
    prices: Floats

    def earned(self, break_even: Floats) -> Floats:
        """Return what a kW earns in all of them where it runs below its break-even and stops above."""
        if not len(self.prices):
            return np.zeros(len(break_even))
        below = np.searchsorted(self.prices, break_even)
        sums = np.concatenate([[0.0], np.cumsum(self.prices)])
        earned: Floats = (below * break_even - sums[below]) / len(self.prices) * self.hours
        return earned


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """Months to come, alike, that a ratchet charges for `share` of this one's peak where that is above `kw`.

    What such a month loses by it: where its machines are worth a peak as high, they would have paid for it in any
    case, so nothing; above that, the charge less what the kilowatts earn that are paid for and may be used.
    """

    months: int
    share: float
    kw: float  # charged in any case
    bands: tuple[tuple[float, float], ...]
    left: Left  # its hours, and what a kWh costs in them

    def cost(self, kw: Floats, steps_kw: Floats, break_even: Floats, pue: float) -> Floats:
        """Return what peaks of so many rising kW add to these months; by steps between them what runs there."""
        earned = np.concatenate([[0.0], np.cumsum(steps_kw * pue * self.left.earned(break_even))])
        within = np.maximum.accumulate(earned)
        beyond = np.append(np.maximum.accumulate((earned - banded(self.bands, kw))[::-1])[::-1], -np.inf)

        def made(floor: Floats) -> Floats:
            floor = np.maximum(floor, kw[0])
            at = np.searchsorted(kw, floor * (1 + 1e-12), side="right") - 1
            best: Floats = np.maximum(within[at] - banded(self.bands, floor), beyond[at + 1])
            return best

        lost = made(np.array([self.kw])) - made(np.maximum(kw * self.share, self.kw))
        return self.months * np.maximum(lost, 0.0)


def banded(bands: Sequence[tuple[float, float]], kw: Floats) -> Floats:
    """Return what so many kW cost by bands."""
    total = np.zeros(len(kw))
    for (_, per_kw), (start, end) in zip(bands, pairwise([*(start for start, _ in bands), np.inf]), strict=True):
        total = total + np.clip(kw - start, 0.0, end - start) * per_kw
    return total


@dataclass(frozen=True, slots=True, kw_only=True)
class PeakCharge:
    """One charge on a mean of power, kW at the meter, as it stands within the window under way."""

    name: str
    month: str  # whose peak it is: another begins anew; of a charge on each window, the window
    start: float  # of the window: any number that no other window has
    length_s: float
    elapsed_s: float
    drawn_wh: float  # since the window began
    kw: float  # billed in any case
    bands: tuple[tuple[float, float], ...]  # from so many kW on, what one more costs
    jump: float = 0.0
    left: Left
    later: tuple[Later, ...] = ()

    def cost(self, kw: Floats) -> Floats:
        """Return what a mean of so many kW adds to the month."""
        total: Floats = np.where(kw > self.kw, self.jump, 0.0) + banded(self.bands, kw)
        return total


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What the guard must know of a moment beside the machines: the charges, and what no machine draws."""

    charges: tuple[PeakCharge, ...]
    house_w: Watts
    measured_w: Watts | None = None  # what the billing meter shows; None: it is silent, or there is none
    unknown: tuple[str, ...] = ()  # charges whose month began before anybody looked: what is billed is not known


NO_WATCH = Watch(charges=(), house_w=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pieces:
    """What may be lowered, in kW, and the price of a kWh at which each earns nothing, the best first."""

    kw: Floats
    even: Floats

    def merged(self) -> Pieces:
        """Return the same in fewer pieces where there are many: neighbours are one."""
        together = len(self.kw) // PIECES
        if together < 2:
            return self
        starts = np.arange(0, len(self.kw), together)
        kw = np.add.reduceat(self.kw, starts)
        return Pieces(kw=kw, even=np.add.reduceat(self.kw * self.even, starts) / kw)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """Machines as they would run without a guard: by machine and step W and what an hour earns before its energy."""

    watts: Floats
    revenue: Floats
    wanted: Array
    movable: Flags
    pue: float = 1.0
    wanted_w: Watts = field(init=False)

    def __post_init__(self) -> None:
        """Add up what all would draw."""
        object.__setattr__(self, "wanted_w", float(self.at(self.wanted).sum()))

    def at(self, steps: Array) -> Floats:
        """Return each machine's W at its step."""
        picked: Floats = self.watts[np.arange(len(steps)), steps]
        return picked

    def break_even(self, rows: Indices) -> Floats:
        """Return the price of a kWh at which these earn nothing as they are wanted."""
        steps = self.wanted[rows]
        even: Floats = self.revenue[rows, steps] / np.maximum(self.watts[rows, steps] / 1000 * self.pue, 1e-9)
        return even

    def pieces(self) -> Pieces:
        """Return each step down that is worth taking, and the price of a kWh at which it earns nothing, the best first.

        The last kilowatts of a machine earn less than its mean: each step of its hull is weighed by itself.
        """
        few, each = self._few()
        rows = np.arange(len(few.wanted))
        now_w, now_earns = few.at(few.wanted), few.revenue[rows, few.wanted]
        freed, even = [np.zeros(0)], [np.zeros(0)]
        for step in range(1, few.watts.shape[1]):
            step_w, earns = few.watts[:, step], few.revenue[:, step]
            useful = (step > few.wanted) & (step_w < now_w)
            useful &= few.on_hull(step, now_w, now_earns)
            down_w = now_w[useful] - step_w[useful]
            freed.append(down_w)
            even.append((now_earns[useful] - earns[useful]) / (down_w / 1000 * few.pue))
            now_w, now_earns = np.where(useful, step_w, now_w), np.where(useful, earns, now_earns)
        told, kw = np.concatenate(even), np.concatenate(freed) / 1000 * each
        order = np.argsort(-told, kind="stable")
        return Pieces(kw=kw[order], even=told[order]).merged()

    def _few(self) -> tuple[Running, float]:
        """Return the machines that are weighed, by the steps that any of them has, and for how many each stands."""
        rows = np.flatnonzero(self.movable)
        count = len(rows)
        if count > WEIGHED:
            rows = rows[np.unique((np.arange(WEIGHED) * SPREAD % 1.0 * count).astype(np.intp))]
        watts = self.watts[rows]
        depth = int(np.flatnonzero(np.isfinite(watts).any(axis=0)).max(initial=0)) + 1
        few = Running(
            watts=watts[:, :depth],
            revenue=self.revenue[rows, :depth],
            wanted=self.wanted[rows],
            movable=self.movable[rows],
            pue=self.pue,
        )
        return few, count / max(len(rows), 1)

    def on_hull(self, step: int, now_w: Floats, now_earns: Floats) -> Flags:
        """Return where no deeper step loses less for each watt."""
        good = np.ones(len(now_w), np.bool_)
        with np.errstate(divide="ignore", invalid="ignore"):
            here = (now_earns - self.revenue[:, step]) / (now_w - self.watts[:, step])
            for deeper in range(step + 1, self.watts.shape[1]):
                good &= ~((now_earns - self.revenue[:, deeper]) / (now_w - self.watts[:, deeper]) < here)
        return good


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardMemory:
    """What one look of the guard leaves to the next, by row."""

    steps: Array  # no higher than this; 0 where the guard says nothing
    since: Floats  # when that last went deeper, monotonic seconds
    ceiling_kw: tuple[tuple[str, float], ...] = ()  # by charge, the mean that is worth drawing, where it binds
    spared_w: Watts = 0.0
    weighed: Weighed = field(default_factory=dict)
    weighed_for: Array = field(default_factory=lambda: np.zeros(0, np.int8))
    weighed_at: float = -np.inf


def no_guard(count: int) -> GuardMemory:
    """Return the memory of a guard that never looked."""
    return GuardMemory(steps=np.zeros(count, np.int8), since=np.full(count, -np.inf))


def worthwhile_kw(running: Running, all_kw: float, groups: Sequence[Sequence[PeakCharge]]) -> list[float]:
    """Return of each group the highest mean that is worth paying its charges for; the longest of their hours count."""
    pieces = running.pieces()
    kw = all_kw - float(pieces.kw.sum()) + np.concatenate([[0.0], np.cumsum(pieces.kw)])
    costs = {id(charge): _cost(charge, kw, pieces, running.pue) for charges in groups for charge in charges}

    def best_kw(charges: Sequence[PeakCharge]) -> float:
        left = max((charge.left for charge in charges), key=lambda one: one.hours)
        earned = np.concatenate([[0.0], np.cumsum(pieces.kw * running.pue * left.earned(pieces.even))])
        net = earned - sum((costs[id(charge)] for charge in charges), np.zeros(len(kw)))
        return float(kw[len(net) - 1 - int(np.argmax(net[::-1]))])

    return [best_kw(charges) for charges in groups]


def _cost(charge: PeakCharge, kw: Floats, pieces: Pieces, pue: float) -> Floats:
    """Return what peaks of so many kW cost, in this month and by ratchets in those to come."""
    later = (one.cost(kw, pieces.kw, pieces.even, pue) for one in charge.later)
    return charge.cost(kw) + sum(later, np.zeros(len(kw)))


def ceilings(running: Running, watch: Watch, weighed: Weighed) -> dict[str, float]:
    """Return by charge the mean in kW that is not to be passed; where all that runs is worth its peak, inf.

    What was `weighed` is not weighed again; what is now stands there after.
    """
    all_kw = (watch.house_w + running.wanted_w) / 1000
    over = [charge for charge in watch.charges if max(all_kw, mean_kw(charge, all_kw)) > charge.kw * CLOSE]
    groups = {_key(charges): charges for charges in ([over] if len(over) > 1 else []) + [[one] for one in over]}
    missing = {key: charges for key, charges in groups.items() if key not in weighed}
    if missing:
        weighed.update(zip(missing, worthwhile_kw(running, all_kw, list(missing.values())), strict=True))
    found = {charge.name: np.inf for charge in watch.charges}
    together = weighed[_key(over)] if len(over) > 1 else np.inf
    for charge in over:
        kw = min(together, weighed[_key([charge])])
        is_worth_it = charge.kw < all_kw and kw >= all_kw * (1 - 1e-9)
        found[charge.name] = np.inf if is_worth_it else max(charge.kw, kw)
    return found


def _key(charges: Sequence[PeakCharge]) -> tuple[tuple[str, float, float], ...]:
    return tuple((charge.name, charge.start, charge.kw) for charge in charges)


def mean_kw(charge: PeakCharge, kw: float) -> float:
    """Return the window's mean, were so much drawn until its end."""
    left_s = max(0.0, charge.length_s - charge.elapsed_s)
    return (charge.drawn_wh / 1000 * HOUR_S + kw * left_s) / charge.length_s


def allowed_w(charge: PeakCharge, ceiling_kw: float) -> Watts:
    """Return what may be drawn until the window ends, so that its mean does not pass the ceiling."""
    left_s = charge.length_s - charge.elapsed_s
    if np.isinf(ceiling_kw) or left_s <= 0:
        return np.inf
    return (ceiling_kw * 1000 * charge.length_s - charge.drawn_wh * HOUR_S) / left_s
