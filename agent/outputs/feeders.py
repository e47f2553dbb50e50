"""What flows through each feeder: by its own meter where that speaks, else by what is below it. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from agent.fleet.apparent import carries_w
from agent.fleet.meter_view import MeterView
from agent.fleet.miner import Feeder, FeederTree
from agent.fleet.view import Floats
from agent.orders.arbitration import Cap
from agent.values import Watts


@dataclass(frozen=True, slots=True, kw_only=True)
class FeederDraw:
    """One feeder: its draw, who says so (meter: its own; beliefs: what is below it), and the least that caps it."""

    id: str
    parent: str | None
    power_w: Watts
    power_source: str
    cap_w: Watts | None
    max_kva: float | None = None
    reactive_kvar: float | None = None  # by its own meter
    phase: str | None = None


def ordered_caps(cap: Cap, feeders: Container[str]) -> dict[str, Watts]:
    """Return by feeder the least that orders upon just that feeder allow now; a stop that spares some caps none."""
    caps_w: dict[str, Watts] = {}
    for bound in cap.parts:
        if bound.stops and bound.order.exempt.names_any:
            continue
        targets, at = bound.order.targets, bound.order.measure.at
        named = targets.feeders if targets.names_any else (at,)
        if len(named) == 1 and named[0] in feeders and not (targets.tags or targets.miners):
            caps_w[named[0]] = min(bound.cap_w, caps_w.get(named[0], bound.cap_w))
    return caps_w


def feeder_draws(
    tree: FeederTree,
    believed_w: Floats,
    meters: Iterable[MeterView],
    site: tuple[Watts, str],
    ordered_w: Mapping[str, Watts] = MappingProxyType({}),
) -> list[FeederDraw]:
    """Return every feeder, the root first; `believed_w` is of the miners right on each, `site` the root's own draw.

    `ordered_w` is what orders allow by feeder; the cap of each is the least of that and what it may carry.
    """
    drawn_w, measured = believed_w.tolist(), _measured(meters)
    parents = tree.parents()
    for at in range(len(tree.feeders) - 1, 0, -1):
        meter = measured.get(tree.feeders[at].id)
        if meter is not None:
            drawn_w[at] = meter.power_w
        drawn_w[parents[at]] += drawn_w[at]
    drawn_w[0], root_source = site
    return [
        FeederDraw(
            id=feeder.id,
            parent=feeder.parent,
            power_w=drawn_w[at],
            power_source=root_source if at == 0 else "beliefs" if feeder.id not in measured else "meter",
            cap_w=_least(feeder.max_w, ordered_w.get(feeder.id), _carries_w(feeder, measured.get(feeder.id))),
            max_kva=_thousands(feeder.max_va),
            reactive_kvar=_thousands(_var_of(measured.get(feeder.id))),
            phase=feeder.phase,
        )
        for at, feeder in enumerate(tree.feeders)
    ]


def _least(*caps_w: Watts | None) -> Watts | None:
    return min((cap_w for cap_w in caps_w if cap_w is not None), default=None)


def _carries_w(feeder: Feeder, meter: MeterView | None) -> Watts | None:
    if feeder.max_va is None:
        return None
    return carries_w(feeder.max_va, None if meter is None else meter.state.draw_w, _var_of(meter))


def _var_of(meter: MeterView | None) -> float | None:
    return None if meter is None else meter.reactive_var


def _thousands(value: float | None) -> float | None:
    return None if value is None else value / 1000


def _measured(meters: Iterable[MeterView]) -> Mapping[str, MeterView]:
    """Return each feeder's own fresh meter; of several the one that shows the most, as control goes by."""
    found: dict[str, MeterView] = {}
    for meter in meters:
        feeder, power_w = meter.measures, meter.power_w
        if feeder is None or power_w is None:
            continue
        other = found.get(feeder)
        if other is None or other.power_w is None or power_w > other.power_w:
            found[feeder] = meter
    return found
