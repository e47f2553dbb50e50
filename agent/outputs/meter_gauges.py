"""What meters say and what flows through feeders, as Prometheus reads it. A metric is a row of a table here."""

from __future__ import annotations

from collections.abc import Callable

from agent.fleet.apparent import phases_of
from agent.fleet.meter_view import MeterView
from agent.outputs.exposition import Text, labels
from agent.outputs.feeders import FeederDraw, feeder_draws
from agent.outputs.snapshot import Snapshot, site_power

_FEEDER_GAUGES: tuple[tuple[str, str, Callable[[FeederDraw], float | None]], ...] = (
    ("power_watts", "Draw through this feeder: by its own meter, else by what is below it.", lambda f: f.power_w),
    ("cap_watts", "The least of what this feeder may carry and orders on it allow.", lambda f: f.cap_w),
    ("metered", "Whether its draw is a meter's word.", lambda f: int(f.power_source == "meter")),
)
_METER_GAUGES: tuple[tuple[str, str, Callable[[MeterView], float | None]], ...] = (
    ("up", "Whether this meter speaks.", lambda m: int(m.state.fresh)),
    ("age_seconds", "Since its last figure.", lambda m: m.age_s),
    ("stands_in", "Whether it fills the billing meter's silence.", lambda m: int(m.standing_in_for is not None)),
)


def write_meters(shot: Snapshot, text: Text) -> None:
    """Write every feeder and every meter of one moment."""
    site = site_power(shot.meter, float(shot.believed_w.sum()), shot.house_w)
    feeders = feeder_draws(shot.tree, shot.drawn_w, shot.meters, site, shot.ordered_w)
    for name, says, of in _FEEDER_GAUGES:
        samples = ((labels(site=shot.site, feeder=feeder.id), of(feeder)) for feeder in feeders)
        text.gauge(f"hashwatt_feeder_{name}", says, samples)
    drawn_w = {feeder.id: feeder.power_w for feeder in feeders}
    unbalance = (
        (labels(site=shot.site, feeder=one.parent), one.unbalance) for one in phases_of(shot.tree.feeders, drawn_w)
    )
    says = "How far the most loaded phase below this feeder is above the mean of the three."
    text.gauge("hashwatt_feeder_unbalance_ratio", says, unbalance)
    with_role = ((labels(site=shot.site, meter=meter.id, role=meter.role), meter.power_w) for meter in shot.meters)
    text.gauge("hashwatt_meter_power_watts", "What this meter shows.", with_role)
    for name, says, of_meter in _METER_GAUGES:
        told = ((labels(site=shot.site, meter=meter.id), of_meter(meter)) for meter in shot.meters)
        text.gauge(f"hashwatt_meter_{name}", says, told)
