"""What models really draw at this farm, as drills measured it, over what their makers and tables say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from agent.facts.drill import DrillBegan, DrillEnded, ModelMeasured
from agent.facts.fact import Fact
from agent.fleet.miner import Ladder, Step, descending, limit_of
from agent.values import FULL, SLEEP, Watts
from drivers.interface import Identity

Key = tuple[str, str]
"""A model, and the driver of its firmware's family."""
MOST_OVER = 1.05
"""A machine may draw so much over its measured full: start-up and tuning swing by 5-7 %."""


def key_of(identity: Identity | None) -> Key | None:
    """Return what figures are kept by, None for a machine whose model nobody knows."""
    return None if identity is None or identity.model is None else (identity.model, identity.driver)


class OwnFigures:
    """The latest measurement of each model and firmware family."""

    def __init__(self, plain: Callable[[Identity], Ladder]) -> None:
        self.plain = plain  # the ladder by what machine and tables say
        self._measured: dict[Key, ModelMeasured] = {}
        self.broken_off: tuple[DrillBegan, int] | None = None  # a remembered drill without an end, and its models

    def apply(self, fact: Fact) -> None:
        """Take in a measurement, new or remembered, and which remembered drill has no end; pass over other facts."""
        match fact:
            case ModelMeasured():
                self._measured[fact.model, fact.driver] = fact
                if self.broken_off is not None:
                    self.broken_off = (self.broken_off[0], self.broken_off[1] + 1)
            case DrillBegan():
                self.broken_off = (fact, 0)
            case DrillEnded():
                self.broken_off = None
            case _:
                return

    def all(self) -> Sequence[ModelMeasured]:
        """Return every measurement in force, by model and driver."""
        return [self._measured[key] for key in sorted(self._measured)]

    def of(self, identity: Identity | None) -> ModelMeasured | None:
        """Return what was measured of machines like this one."""
        key = key_of(identity)
        return None if key is None else self._measured.get(key)

    def ladder(self, identity: Identity) -> Ladder:
        """Return the levels of an identified machine, by measurement where there is one."""
        measured = self.of(identity)
        plain = self.plain(identity)
        return plain if measured is None else fitted(plain, measured)

    def respond_s(self, identities: Iterable[Identity | None], usual_s: float) -> float:
        """Return within which time these machines are asleep: the longest measured, `usual_s` for any other."""
        keys = {key_of(identity) for identity in identities}
        found = [None if key is None else self._measured.get(key) for key in keys]
        return max((usual_s if one is None else one.sleep_s for one in found), default=usual_s)


def fitted(ladder: Ladder, measured: ModelMeasured) -> Ladder:
    """Return a ladder with the measured watts and times; a level that was not measured is in full's proportion."""
    full = ladder.steps[0]
    scale = full.power_w / measured.nominal_w
    full_w = measured.levels_w[FULL] * scale

    def watts(step: Step) -> Watts:
        if step.level == SLEEP:
            return min(measured.levels_w.get(SLEEP, step.power_w), full_w)
        own_w, asked_w = measured.levels_w.get(step.level), limit_of(step.level)
        if asked_w is not None:
            return min(asked_w * _drawn_share(asked_w, measured), full_w)
        return (step.power_w * measured.levels_w[FULL] / measured.nominal_w) if own_w is None else own_w * scale

    steps = descending(replace(step, power_w=watts(step)) for step in ladder.steps)
    most_w = max(ladder.most_w, full_w * MOST_OVER)
    return replace(ladder, steps=steps, most_w=most_w, settle_s=measured.sleep_s, wake_s=measured.wake_s)


def _drawn_share(asked_w: Watts, measured: ModelMeasured) -> float:
    """Return which share of its limit a machine draws, by the nearest limit that was measured; 1 where none was."""
    limits = [(limit_w, drawn_w) for level, drawn_w in measured.levels_w.items() if (limit_w := limit_of(level))]
    if not limits:
        return 1.0
    limit_w, drawn_w = min(limits, key=lambda one: abs(one[0] - asked_w))
    return drawn_w / limit_w
