"""Who gives up power first: the merit order, walked down until enough is freed.

Least hashrate lost for each watt freed goes first, lower priority before higher, ties by id. Of one priority, those
woken just now are put to sleep after all the others, so that nobody is switched on and off while another can free it.
Hot machines go first among their equals; so do those that the view says to stay asleep over a power cut, where the
limit is for long: a farm whose power comes back before its host then comes back under its cap. Only ever lowers.
"""

from __future__ import annotations

import numpy as np

from agent.fleet.view import Array, Flags, FleetView, Floats, Indices
from agent.planning.headroom import at_step
from agent.values import Watts

EQUAL = 0.05
"""Machines whose hashrate a watt differs by less are equals, as far as one is hot, or stays asleep by itself."""
TRIMMED = 64
"""How many of the last picks are looked at again, to give back what was freed too much."""


def shed(
    view: FleetView, setpoint: Array, expected: Floats, *, among: Flags, free_w: Watts, rank: Array
) -> tuple[Indices, Array, Watts]:
    """Return which miners go to which deeper step so that `free_w` is freed, and how much that is.

    Frees as much as it can where that is less. Each miner takes its cheapest way down; one whose next step is not
    enough goes on to the one after.
    """
    rows, steps, freed, order = _descents(view, setpoint, expected, among, rank)
    if not len(rows) or free_w <= 0:
        return np.empty(0, np.intp), np.empty(0, np.int8), 0.0
    total = np.cumsum(freed[order])
    enough = int(np.searchsorted(total, free_w)) + 1
    picked = _trim(order[:enough], freed, float(total[min(enough, len(total)) - 1]) - free_w, rows)
    return _deepest(rows[picked], steps[picked], float(freed[picked].sum()))


def _descents(
    view: FleetView, setpoint: Array, expected: Floats, among: Flags, rank: Array
) -> tuple[Indices, Array, Floats, Indices]:
    """List each worthwhile move (row, step, watts freed over the move before) and the order of merit over them."""
    rows, steps, freed, lost = [], [], [], []
    chosen = np.flatnonzero(among)
    last, set_to = view.last_step[chosen], setpoint[chosen]
    used = 1 + int(max(last.max(initial=1), set_to.max(initial=1)))  # no ladder here goes further down
    step_w, step_ths = view.step_w[chosen, :used], view.step_ths[chosen, :used]
    if view.whole is not None:  # levels between are none of theirs, where there is a sleep
        between = (np.arange(step_w.shape[1]) < last[:, None]) & (view.whole[chosen] & (at_step(step_ths, last) <= 0))[
            :, None
        ]
        step_w = np.where(between, np.nan, step_w)
    now_w = expected[chosen]
    now_ths = at_step(step_ths, set_to)
    for step in range(1, step_w.shape[1]):
        useful = (step > set_to) & (step <= last) & (step_w[:, step] < now_w)
        useful &= _on_hull(step_w, step_ths, step, now_w, now_ths)
        index = np.flatnonzero(useful)
        rows.append(chosen[index])
        steps.append(np.full(len(index), step, np.int8))
        freed.append(now_w[index] - step_w[index, step])
        lost.append(np.maximum(now_ths[index] - step_ths[index, step], 0.0))
        now_w = np.where(useful, step_w[:, step], now_w)
        now_ths = np.where(useful, step_ths[:, step], now_ths)
    all_rows, all_freed = np.concatenate(rows), np.concatenate(freed)
    cost = np.concatenate(lost) / np.maximum(all_freed, 1e-9)
    all_steps = np.concatenate(steps)
    sleeps = all_steps == view.last_step[all_rows]
    favoured = view.hot[all_rows] | (view.keeps[all_rows] & sleeps)
    cost = np.where(favoured, (1 - EQUAL) * cost, cost)
    spared = view.young[all_rows] & sleeps
    order = np.lexsort((all_steps, rank[all_rows], np.round(cost, 9), spared, view.priority[all_rows]))
    return all_rows, all_steps, all_freed, order


def _on_hull(step_w: Floats, step_ths: Floats, step: int, now_w: Floats, now_ths: Floats) -> Flags:
    """Return where this step costs no more hashrate a watt than going straight to a deeper one."""
    good = np.ones(len(step_w), np.bool_)
    with np.errstate(divide="ignore", invalid="ignore"):
        here = (now_ths - step_ths[:, step]) / (now_w - step_w[:, step])
        for deeper in range(step + 1, step_w.shape[1]):
            there = (now_ths - step_ths[:, deeper]) / (now_w - step_w[:, deeper])
            good &= ~(there < here)
    return good


def _trim(picked: Indices, freed: Floats, surplus_w: Watts, rows: Indices) -> Indices:
    """Give back, latest in merit first, each pick whose watts are not needed; a deeper step goes before a higher."""
    kept = np.ones(len(picked), np.bool_)
    needed_above: set[int] = set()
    for at in range(len(picked) - 1, max(-1, len(picked) - 1 - TRIMMED), -1):
        move = picked[at]
        if freed[move] <= surplus_w and int(rows[move]) not in needed_above:
            kept[at] = False
            surplus_w -= float(freed[move])
        else:
            needed_above.add(int(rows[move]))
    return picked[kept]


def _deepest(rows: Indices, steps: Array, freed_w: Watts) -> tuple[Indices, Array, Watts]:
    """Keep for each row the deepest of its steps."""
    order = np.lexsort((steps, rows))
    rows, steps = rows[order], steps[order]
    last = np.append(rows[1:] != rows[:-1], np.ones(min(1, len(rows)), np.bool_))
    return rows[last], steps[last], freed_w
