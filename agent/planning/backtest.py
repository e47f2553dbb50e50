"""Acting on price over a year that is over: against always on, never on, and one who knew every price beforehand.

The same function decides here as in a running agent (`price.look`), once an interval; machines obey at once, and one
that starts draws its level and hashes nothing for `wake_s`. Foresight is the best sequence of levels under the same
energy, starts and their costs, without least times: nobody can do better. Where a charge on the month's peak is told
it is paid by all, the guard acts beside, and foresight, which does not see it, is no bound any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from agent.fleet.belief import Code
from agent.fleet.view import Array, FleetView, Floats
from agent.planning.backtest_peaks import Peaks, PeakWatcher, Solve, Terms, planned_days
from agent.planning.price import Market, PricePolicy, look, nothing_yet, profit

HOUR_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A level of one machine."""

    power_w: float
    hashrate_ths: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Year:
    """Prices per kWh by intervals of one length, and what a TH/s keeps in an hour."""

    prices: Floats
    step_s: float
    per_ths_h: float
    pue: float = 1.0
    wake_s: float = 600.0
    peaks: Peaks | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What one way of running made, over all machines."""

    name: str
    money: float  # revenue less energy, starts and peaks
    revenue: float
    energy_cost: float
    start_cost: float  # wear, and hashing lost while they warm up
    kwh: float
    on_h: float  # hours of a machine that hashed, as a mean
    starts: float  # of a machine, as a mean
    peak_cost: float = 0.0


def backtest(
    machines: Sequence[Sequence[Level]], year: Year, policy: PricePolicy, solve: Solve | None = None
) -> list[Made]:
    """Return what each way of running made; a machine's levels go from the most power to the least.

    `solve` plans days: with it there is a way in which each day is planned by its own prices.
    """
    view = _view(machines)
    ways = {
        "acting on price": _acting(view, year, policy),
        **({} if year.peaks is None else {"acting, peaks guarded": _acting(view, year, policy, year.peaks)}),
        **({} if year.peaks is None or solve is None else {"planned day by day": _planned(view, year, policy, solve)}),
        "always on": np.zeros((len(year.prices), len(view)), np.int8),
        "never on": np.tile(view.last_step, (len(year.prices), 1)),
        "perfect foresight": _foresight(view, year, policy),
    }
    return [_made(name, steps, view, year, policy) for name, steps in ways.items()]


def _view(machines: Sequence[Sequence[Level]]) -> FleetView:
    n, most = len(machines), max(map(len, machines))
    step_w, step_ths = np.full((n, most), np.nan), np.full((n, most), np.nan)
    for row, levels in enumerate(machines):
        step_w[row, : len(levels)] = [level.power_w for level in levels]
        step_ths[row, : len(levels)] = [level.hashrate_ths for level in levels]
    yes, no, zeros = np.ones(n, np.bool_), np.zeros(n, np.bool_), np.zeros(n, np.int8)
    full_w = step_w[:, 0].copy()
    return FleetView(
        rank=np.arange(n),
        feeder=np.zeros(n, np.int64),
        priority=np.zeros(n, np.int64),
        state=np.full(n, Code.HASHING, np.int8),
        fresh=yes,
        heard=yes,
        believed_w=full_w,
        metered_least_w=full_w,
        metered_most_w=full_w,
        model_w=np.zeros(n),
        most_w=full_w,
        step_w=step_w,
        step_ths=step_ths,
        last_step=np.array([len(levels) - 1 for levels in machines], np.int8),
        setpoint=zeros,
        intended=zeros,
        seen=zeros,
        held=no,
        sealed=no,
        trusted=no,
        rested=yes,
        young=no,
        hot=no,
        keeps=no,
        due=yes,
    )


def _market(year: Year, price: float) -> Market:
    return Market(per_kwh=price, per_ths_h=year.per_ths_h, pue=year.pue)


def _planned(view: FleetView, year: Year, policy: PricePolicy, solve: Solve) -> Array:
    assert year.peaks is not None
    terms = Terms(
        step_s=year.step_s,
        per_ths_h=year.per_ths_h,
        pue=year.pue,
        wake_s=year.wake_s,
        min_on_s=float(np.max(policy.min_on_s)),
        min_off_s=float(np.max(policy.min_off_s)),
        start_cost=float(np.max(policy.restart_cost)),
    )
    return planned_days(view, year.prices, year.peaks, terms, solve)


def _acting(view: FleetView, year: Year, policy: PricePolicy, peaks: Peaks | None = None) -> Array:
    memory, unknown = nothing_yet(view), np.full(len(view), np.nan)
    steps, rows = np.zeros((len(year.prices), len(view)), np.int8), np.arange(len(view))
    watcher = None if peaks is None else PeakWatcher(peaks, year.prices, year.step_s, year.pue)
    for at, price in enumerate(year.prices.tolist()):
        market = _market(year, price)
        if watcher is not None:
            market = replace(market, watch=watcher.watch(at))
        memory = look(view, unknown, market, policy, memory, now=at * year.step_s)
        steps[at] = memory.steps
        if watcher is not None:
            watcher.drew(float(view.step_w[rows, memory.steps].sum()) / 1000)
        view = replace(view, setpoint=memory.steps, seen=memory.steps)
    return steps


def _hourly(view: FleetView, year: Year) -> tuple[Floats, Floats]:
    """Return revenue in an hour, and kWh in an hour at the meter, by machine and step."""
    _, revenue = profit(view, _market(year, 0.0), np.ones(len(view)))
    return revenue, view.step_w / 1000 * year.pue


def _start_costs(view: FleetView, year: Year, policy: PricePolicy) -> Floats:
    """Return by machine and step what a start into it costs: wear, and the revenue of the warm-up."""
    revenue, _ = _hourly(view, year)
    return policy.restart_cost + revenue * min(year.wake_s, year.step_s) / HOUR_S


def _foresight(view: FleetView, year: Year, policy: PricePolicy) -> Array:
    """Return the best levels, found backwards from the last interval; starting on, and free to stop at once."""
    revenue, kwh = _hourly(view, year)
    hours, (n, most) = year.step_s / HOUR_S, view.step_w.shape
    starts = _start_costs(view, year, policy)
    sleep = np.arange(most)[None, :] == view.last_step[:, None]
    # cost of moving from one step to another: only a start costs
    moving = np.where(sleep[:, :, None] & ~sleep[:, None, :], starts[:, None, :], 0.0)
    worth = np.zeros((n, most))
    choice = np.zeros((len(year.prices), n, most), np.int8)
    for at in range(len(year.prices) - 1, -1, -1):
        earns = np.nan_to_num((revenue - kwh * year.prices[at]) * hours + worth, nan=-np.inf)
        options = earns[:, None, :] - np.nan_to_num(moving, nan=np.inf)
        choice[at] = np.argmax(options, axis=2)
        worth = np.max(options, axis=2)
    steps, rows = np.zeros((len(year.prices), n), np.int8), np.arange(n)
    now = np.zeros(n, np.int8)
    for at in range(len(year.prices)):
        now = choice[at, rows, now]
        steps[at] = now
    return steps


def _made(name: str, steps: Array, view: FleetView, year: Year, policy: PricePolicy) -> Made:
    revenue, kwh = _hourly(view, year)
    hours, rows = year.step_s / HOUR_S, np.arange(len(view))
    before = np.vstack([np.zeros((1, len(view)), np.int8), steps[:-1]])
    begins = (before == view.last_step) & (steps != view.last_step)
    earned = float(revenue[rows, steps].sum() * hours)
    drawn = kwh[rows, steps].sum(axis=1) * hours
    cost = float((drawn * year.prices).sum())
    start_cost = float(np.where(begins, _start_costs(view, year, policy)[rows, steps], 0.0).sum())
    peak_cost = 0.0 if year.peaks is None else year.peaks.cost(drawn / hours)
    return Made(
        name=name,
        money=earned - cost - start_cost - peak_cost,
        revenue=earned,
        energy_cost=cost,
        start_cost=start_cost,
        peak_cost=peak_cost,
        kwh=float(drawn.sum()),
        on_h=float((view.step_ths[rows, steps] > 0).sum() * hours / len(view)),
        starts=float(begins.sum() / len(view)),
    )
