"""Looks at the climate now and then: who is hot, which loops must stay pumped, and what of it is worth a fact."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import structlog

from agent.facts import AnyFact
from agent.facts.climate import FrostSeen, HeatSeen
from agent.fleet.fleet import Fleet
from agent.fleet.view import Flags
from agent.values import Moment

LOOKS_EACH_S = 5.0
TOLD_EACH_S = 600.0
"""Who became hot or cool is told together, no more often."""
log = structlog.get_logger()


class ModelClimate(Protocol):
    """How a model is cooled (air | hydro | immersion), and the most its inlet and chips bear, °C; None: as others."""

    @property
    def cooling(self) -> str:
        """How it is cooled."""

    @property
    def inlet_max_c(self) -> float | None:
        """The warmest air that its maker lets it breathe."""

    @property
    def chip_max_c(self) -> float | None:
        """The chip at which it stops itself."""


def _nobody_says(_model: str) -> ModelClimate | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClimatePolicy:
    """Below which ambient loops must stay pumped, °C; `climate_of` says what a model bears, None where unknown."""

    freeze_c: float = 5.0
    climate_of: Callable[[str], ModelClimate | None] = _nobody_says


class ClimateWatch:
    """One site's climate, judged from what its machines say."""

    def __init__(self, fleet: Fleet, policy: ClimatePolicy) -> None:
        self._fleet = fleet
        self._policy = policy
        self._looked_at = self._told_at = -np.inf
        self._told_hot = np.zeros(len(fleet), np.bool_)
        self._told_frost = False

    def look(self, now: Moment) -> list[AnyFact]:
        """Judge anew where it is time to; returns what changed."""
        if now.mono - self._looked_at < LOOKS_EACH_S:
            return []
        self._looked_at = now.mono
        fleet, climate = self._fleet, self._fleet.climate
        while climate.unasked:
            self._ask(climate.unasked.pop())
        feeders = len(fleet.tree.feeders)
        climate.look(fleet.fresh(now.mono), fleet.feeder, feeders, freeze_c=self._policy.freeze_c)
        return [*self._heat(now), *self._frost(now)]

    def pumped(self) -> Flags:
        """Return whose loop must stay pumped: power is not cut from them, but for what endangers life."""
        climate = self._fleet.climate
        return climate.liquid if climate.seen.frost else np.zeros(len(self._fleet), np.bool_)

    def _ask(self, row: int) -> None:
        identity, told = self._fleet.identities[row], self._fleet.miners[row].model
        model = told or (None if identity is None else identity.model)
        found = None if model is None else self._policy.climate_of(model)
        if found is None:
            self._fleet.climate.cooled_by(row, None)
        else:
            self._fleet.climate.cooled_by(row, found.cooling, inlet_c=found.inlet_max_c, chip_c=found.chip_max_c)

    def _heat(self, now: Moment) -> list[AnyFact]:
        hot, seen = self._fleet.climate.hot, self._fleet.climate.seen
        soon = now.mono - self._told_at < TOLD_EACH_S or not self._fleet.everyone_known()
        if soon or (hot == self._told_hot).all():
            return []
        fact = HeatSeen(
            at=now.at,
            hot=self._ids(hot & ~self._told_hot),
            cool=self._ids(self._told_hot & ~hot),
            ambient_c=seen.ambient_c,
        )
        self._told_at, self._told_hot = now.mono, hot
        log.warning("machines are hot", hot=seen.hot, more=len(fact.hot), cool_again=len(fact.cool))
        return [fact]

    def _frost(self, now: Moment) -> list[AnyFact]:
        seen = self._fleet.climate.seen
        frost = seen.frost and seen.liquid > 0
        if frost == self._told_frost or not self._fleet.everyone_known():
            return []
        self._told_frost = frost
        log.warning("loops must stay pumped" if frost else "loops may stand again", ambient_c=seen.ambient_c)
        return [FrostSeen(at=now.at, frost=frost, machines=seen.liquid, ambient_c=seen.ambient_c)]

    def _ids(self, rows: Flags) -> list[str]:
        return [self._fleet.miners[row].id for row in np.flatnonzero(rows).tolist()]
