"""A day's terms, as the agent tells them, as planning takes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import inf
from typing import Any

import numpy as np

from agent.cli.failure import NO, Failure
from agent.cli.show import plain
from agent.planning.day import Bound, Day, DayPeak, Kind
from agent.planning.day_later import later_bands
from agent.planning.guard import Later, Left


def read(terms: dict[str, Any]) -> Day:
    """Return it. Raises Failure where something must be known for a plan that nobody knows."""
    _must_know(terms)
    kinds = tuple(_kind(told) for told in terms["kinds"])
    day = Day(
        step_s=float(terms["step_s"]),
        prices=np.array(terms["per_kwh"], float),
        per_ths_h=terms["per_ths_h"],
        kinds=kinds,
        fixed_w=terms["fixed_w"],
        caps_w=np.array(terms["caps_w"], float),
        pue=terms["pue"],
        min_on_s=terms["min_on_s"],
        min_off_s=terms["min_off_s"],
        start_cost=terms["restart_cost"],
    )
    bounds = (*_feeders(terms, len(day.prices)), *_limits(terms, kinds))
    return replace(day, bounds=bounds, peaks=tuple(_peak(told, day, terms) for told in terms["peaks"]))


def _kind(told: dict[str, Any]) -> Kind:
    return Kind(
        name=told["model"],
        feeder=told["feeder"],
        count=told["count"],
        levels=tuple(level["level"] for level in told["levels"]),
        watts=tuple(level["power_w"] for level in told["levels"]),
        ths=tuple(level["hashrate_ths"] for level in told["levels"]),
        pays_per_kwh=told.get("pays_per_kwh"),
        fixed=told.get("fixed", False),
        band=told.get("band", 0.0),
        min_on_s=told.get("min_on_s"),
        min_off_s=told.get("min_off_s"),
        start_cost=told.get("restart_cost"),
    )


def _feeders(terms: dict[str, Any], intervals: int) -> Iterator[Bound]:
    """Yield the feeders' own limits; the site's is in its cap."""
    for one in terms["feeders"][1:]:
        if one["max_w"] is not None:
            below = _below(one["id"], terms["feeders"])
            yield Bound(
                name=f"feeder {one['id']}",
                kinds=frozenset(place for place, kind in enumerate(terms["kinds"]) if kind["feeder"] in below),
                caps_w=(one["max_w"],) * intervals,
                fixed_w=one.get("fixed_w", 0.0),
                factor=one.get("factor", 1.0),
            )


def _below(feeder: str, feeders: list[dict[str, Any]]) -> frozenset[str]:
    found = {feeder}
    for one in feeders:  # each stands after its parent
        if one["parent"] in found:
            found.add(one["id"])
    return frozenset(found)


def _limits(terms: dict[str, Any], kinds: Sequence[Kind]) -> Iterator[Bound]:
    """Yield what orders limit; under a stop everybody is as low as it goes."""
    for number, one in enumerate(terms.get("limits", [])):
        under = frozenset(place for place, kind in enumerate(terms["kinds"]) if number in kind.get("under", ()))
        asleep_w = sum(kinds[place].count * min(kinds[place].watts) for place in under)
        caps_w = [asleep_w if one["stop"] and cap_w is not None else cap_w for cap_w in one["caps_w"]]
        at = "" if one["feeder"] is None else f" at feeder {one['feeder']}"
        yield Bound(
            name=f"{'order' if len(one['orders']) == 1 else 'orders'} {', '.join(one['orders'])}{at}",
            kinds=under,
            exempt=frozenset(place for place, kind in enumerate(terms["kinds"]) if number in kind.get("exempt", ())),
            caps_w=tuple(inf if cap_w is None else cap_w for cap_w in caps_w),
            fixed_w=one["fixed_w"],
            factor=one["factor"],
        )


def _peak(told: dict[str, Any], day: Day, terms: dict[str, Any]) -> DayPeak:
    known = [price for price in (*terms["per_kwh"], *terms.get("week_per_kwh", [])) if price is not None]
    prices = np.sort(np.array(known, float))
    later = [
        Later(
            months=one["months"],
            share=one["share"],
            kw=one["kw"],
            bands=tuple((start, price) for start, price in one["bands"]),
            left=Left(hours=one["hours"], prices=prices),
        )
        for one in told.get("later", [])
    ]
    return DayPeak(
        name=told["name"],
        windows=tuple(map(tuple, told["windows"])),
        kw=told["kw"],
        bands=tuple((start, price) for start, price in told["bands"]),
        jump=told["jump"],
        later=later_bands(day, later, told["share"]) if later else (),
    )


def _must_know(terms: dict[str, Any]) -> None:
    if not terms["tariff"]:
        raise Failure(NO, "the agent has no tariff: there is no price to plan by")
    if terms["per_ths_h"] is None:
        raise Failure(NO, "nobody knows what hashing earns: there is nothing to plan for ([revenue])")
    if not terms["kinds"]:
        raise Failure(NO, "no machine is known yet that may be moved and hashes something")
    missing = [at for at, price in zip(terms["starts"], terms["per_kwh"], strict=True) if price is None]
    if missing:
        raise Failure(NO, f"no price is known from {plain(missing[0])} on: {len(missing)} intervals have none")
