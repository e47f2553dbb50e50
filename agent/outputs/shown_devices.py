"""Devices that are no machines and no meters as JSON objects: safety inputs, outlets. Unknown is null, never 0."""

from __future__ import annotations

from typing import Any

from agent.fleet.outlets import OutletView
from agent.fleet.safety import SafetyView
from agent.outputs.sight import Sight
from agent.values import rfc3339


def safety_json(sight: Sight) -> list[dict[str, Any]]:
    """Return every safety input: what it says, how old that is, and since when it sheds its feeder."""
    return [_safety(view) for view in sight.safety.views(sight.now().mono)]


def _safety(view: SafetyView) -> dict[str, Any]:
    trip = view.trip
    return {
        "id": view.id,
        "feeder": view.feeder,
        "says": view.says,
        "age_s": None if view.age_s is None else round(view.age_s, 1),
        "tripped": None if trip is None else {"why": trip.why, "since": rfc3339(trip.since)},
    }


def climate_json(sight: Sight) -> dict[str, Any]:
    """Return how warm it is, who is too hot, and whether loops must stay pumped; null where there is none."""
    climate, feeders = sight.fleet.climate.seen, sight.fleet.tree.feeders
    told = zip(feeders, climate.by_feeder_c, strict=False)
    return {
        "ambient_c": climate.ambient_c,
        "feeders_c": {feeder.id: round(inlet_c, 1) for feeder, inlet_c in told if inlet_c is not None},
        "hot": climate.hot,
        "loops": climate.liquid,
        "frost": climate.frost if climate.liquid else None,
    }


def outlets_json(sight: Sight) -> list[dict[str, Any]]:
    """Return every outlet: whether it is on, what it cuts, and whether we have cut it."""
    return [_outlet(view) for view in sight.outlets.views(sight.now().mono)]


def _outlet(view: OutletView) -> dict[str, Any]:
    return {
        "id": view.id,
        "feeders": list(view.feeders),
        "on": view.on,
        "age_s": None if view.age_s is None else round(view.age_s, 1),
        "power_w": view.power_w,
        "cut": view.wanted is False,
        "waits": view.waits,
    }
