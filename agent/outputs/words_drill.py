"""What drills did and found, in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from agent.facts import AnyFact
from agent.facts.drill import DrillBegan, DrillEnded, ModelMeasured


def _ended(fact: DrillEnded) -> str:
    said = f"The drill of feeder {fact.feeder} is over: {fact.measured} models were measured"
    return said if fact.reason is None else f"{said}; {fact.reason}"


def _measured(fact: ModelMeasured) -> str:
    levels = ", ".join(f"{power_w:,.0f} W at {level}" for level, power_w in fact.levels_w.items())
    return (
        f"{fact.model} ({fact.driver}) draws {levels}, each within {fact.error_w:,.0f} W, by meter {fact.meter}; "
        f"sleep takes {fact.sleep_s:,.0f} s and wake {fact.wake_s:,.0f} s"
    )


DRILLS: Mapping[type[AnyFact], Callable[[Any], str]] = {
    DrillBegan: lambda fact: (
        f"{fact.by} has {len(fact.miners):,} machines of feeder {fact.feeder} measured at meter {fact.meter}"
    ),
    DrillEnded: _ended,
    ModelMeasured: _measured,
}
