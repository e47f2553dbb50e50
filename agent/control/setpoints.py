"""Levels that were decided, by their names: what is written down of them, and what they are when they are set."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import structlog

from agent.facts import SetpointsChanged
from agent.fleet.fleet import Fleet
from agent.fleet.view import Flags, Indices
from agent.planning.decide import Decision
from agent.values import Moment

log = structlog.get_logger()


def setpoints(fleet: Fleet, decision: Decision, orders: Sequence[str], now: Moment) -> SetpointsChanged:
    """Return what is written down of a decision, and log it; `orders` bear upon less than the site, or free."""
    binding, weighed = decision.binding_order, decision.power
    levels: dict[str, list[str]] = {}
    for row, step in zip(decision.rows.tolist(), decision.steps.tolist(), strict=True):
        levels.setdefault(fleet.ladders[row].steps[step].level, []).append(fleet.miners[row].id)
    counts = {level: len(ids) for level, ids in levels.items()}
    log.info(
        "setpoints",
        cause=decision.cause,
        cap_w=decision.cap_w,
        order_id=binding,
        draw_w=round(weighed.draw_w),
        reserve_w=round(weighed.reserve_w),
        forecast_w=round(weighed.forecast_w),
        metered_forecast_w=weighed.metered_forecast_w and round(weighed.metered_forecast_w),
        **counts,
    )
    return SetpointsChanged(
        at=now.at,
        levels=levels,
        cause=decision.cause,
        cap_w=decision.cap_w,
        binding_order=binding,
        orders=list(orders),
    )


class Decided:
    """The levels of a decision, which stay what they are though a machine is identified anew before they are set."""

    def __init__(self, fleet: Fleet, decision: Decision) -> None:
        self._fleet = fleet
        self._decision = decision
        self._ladders = [fleet.ladders[row] for row in decision.rows.tolist()]

    def steps(self) -> tuple[Indices, Flags]:
        """Return the steps of these levels now, and which machines still have theirs: another is decided anew."""
        steps, stands = self._decision.steps.copy(), np.ones(len(self._ladders), np.bool_)
        for at, (row, before) in enumerate(zip(self._decision.rows.tolist(), self._ladders, strict=True)):
            if (ladder := self._fleet.ladders[row]) is not before:
                step = ladder.index(before.steps[steps[at]].level)
                stands[at], steps[at] = step is not None, 0 if step is None else step
        return steps, stands
