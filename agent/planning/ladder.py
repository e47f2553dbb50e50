"""From abilities to a ladder: the levels that a planner may give a machine, with their watts and hashrate."""

from __future__ import annotations

from agent.fleet.miner import UNKNOWN_MODEL_W, Ladder, Step
from agent.values import FULL, LOW, SLEEP
from drivers.interface import Identity

OVERSHOOT = 1.05
"""Start-up and tuning draw up to this times full power: swings of 7 % were seen, nameplates carry 3-10 %."""


def build_ladder(identity: Identity, *, scale_delays: float = 1.0) -> Ladder:
    """Return the levels of an identified machine; one without figures counts as UNKNOWN_MODEL_W."""
    full_w = identity.nominal_w or UNKNOWN_MODEL_W
    full_ths = identity.nominal_ths or 0.0
    steps = [Step(level=FULL, power_w=full_w, hashrate_ths=full_ths)]
    low, sleep = identity.abilities.low, identity.abilities.sleep
    if low is not None:
        steps.append(Step(level=LOW, power_w=full_w * low.power_share, hashrate_ths=full_ths * low.hashrate_share))
    if sleep is None:
        return Ladder(steps=tuple(steps), most_w=full_w * OVERSHOOT)
    steps.append(Step(level=SLEEP, power_w=min(sleep.standby_w, full_w), hashrate_ths=0.0))
    return Ladder(
        steps=tuple(steps),
        most_w=full_w * OVERSHOOT,
        settle_s=sleep.settle_s * scale_delays,
        wake_s=sleep.wake_s * scale_delays,
    )
