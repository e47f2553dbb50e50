"""From abilities to a ladder: the levels that a planner may give a machine, with their watts and hashrate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from agent.fleet.miner import UNKNOWN_MODEL_W, USUAL_WAKE_S, Ladder, Step, descending, limited
from agent.values import FULL, LOW, SLEEP
from drivers.interface import Abilities, Identity

OVERSHOOT = 1.05
"""Start-up and tuning draw up to this times full power: swings of 7 % were seen, nameplates carry 3-10 %."""
SHARES = (0.9, 0.8, 0.7, 0.6)
"""Of full power: where limits are set between full and sleep, and which of a firmware's profiles are of use."""
WHOLE_W = 10.0
"""Limits are whole tens of watts."""


def build_ladder(identity: Identity, *, scale_delays: float = 1.0, wake_settle_s: float = USUAL_WAKE_S) -> Ladder:
    """Return the levels of an identified machine; one without figures counts as UNKNOWN_MODEL_W.

    `wake_settle_s` is how long it rises after a wake where nobody says that of its firmware.
    """
    full = Step(level=FULL, power_w=identity.nominal_w or UNKNOWN_MODEL_W, hashrate_ths=identity.nominal_ths or 0.0)
    abilities, most_w = identity.abilities, full.power_w * OVERSHOOT
    within, sleep = abilities.power_limit, abilities.sleep
    steps = [full, *_between(full, abilities)]
    if sleep is not None:
        steps.append(Step(level=SLEEP, power_w=min(sleep.standby_w, full.power_w), hashrate_ths=0.0))
    plain = Ladder(
        steps=descending(steps),
        most_w=most_w,
        limits_w=None if within is None else (within.least_w, within.most_w),
        others=tuple(_profiles(abilities)),
        wake_s=wake_settle_s,
    )
    if sleep is None:
        return plain
    wake_s = wake_settle_s if sleep.wake_s is None else sleep.wake_s * scale_delays
    keeps = sleep.survives_power_cut is True
    return replace(plain, settle_s=sleep.settle_s * scale_delays, wake_s=wake_s, keeps=keeps)


def _between(full: Step, abilities: Abilities) -> Iterator[Step]:
    """Yield the levels between full and sleep: limits, else the firmware's own profiles; its low mode."""
    within, low = abilities.power_limit, abilities.low
    if within is not None:
        limits_w = {round(share * full.power_w / WHOLE_W) * WHOLE_W for share in SHARES}
        yield from (limited(full, limit_w) for limit_w in limits_w if within.least_w <= limit_w <= within.most_w)
    else:
        yield from _useful(full, list(_profiles(abilities)))
    if low is not None:
        power_w, hashrate_ths = full.power_w * low.power_share, full.hashrate_ths * low.hashrate_share
        yield Step(level=LOW, power_w=power_w, hashrate_ths=hashrate_ths)


def _profiles(abilities: Abilities) -> Iterator[Step]:
    for one in abilities.profiles:
        if one.power_w is not None and one.hashrate_ths is not None:
            yield Step(level=f"profile:{one.name}", power_w=one.power_w, hashrate_ths=one.hashrate_ths)


def _useful(full: Step, profiles: Sequence[Step]) -> set[Step]:
    """Return for each share of full power the profile that comes nearest below it."""
    below = ([step for step in profiles if step.power_w <= share * full.power_w] for share in SHARES)
    return {max(fitting, key=lambda step: (step.power_w, step.hashrate_ths)) for fitting in below if fitting}
