"""Looks behind the seals at each tick: who is seen to draw there is told once, and again when silent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import structlog

from agent.facts import AnyFact, SealBroken, SealQuiet
from agent.fleet.fleet import Fleet
from agent.fleet.seals import Seals
from agent.fleet.selector import matching
from agent.fleet.view import Indices
from agent.values import Moment, Watts

SHARE_OF_ONE = 0.5
"""A feeder whose machines are all sealed draws, where its meter shows this share of its smallest machine."""
log = structlog.get_logger()


class SealWatch:
    """Compares what is read and metered with what was told of it before."""

    def __init__(self, fleet: Fleet, seals: Seals) -> None:
        self._fleet = fleet
        self._seals = seals
        self._rows: dict[int, Indices] = {}  # below each feeder

    def look(self, feeders_w: Mapping[int, Watts], orders: Sequence[str], now: Moment) -> list[AnyFact]:
        """Return what changed since the last call. `feeders_w`: what feeders' meters show, by place in the tree."""
        fleet, seals = self._fleet, self._seals
        if not seals.by_miner():
            return []
        draws_w = {fleet.miners[row].id: float(fleet.believed_w[row]) for row in np.flatnonzero(fleet.broken).tolist()}
        fed_w = {fleet.tree.feeders[at].id: power_w for at, power_w in feeders_w.items() if self._draws(at, power_w)}
        broken = SealBroken(
            at=now.at,
            powers_w={miner: round(draws_w[miner], 1) for miner in sorted({*draws_w} - seals.broken)},
            feeders_w={feeder: round(fed_w[feeder], 1) for feeder in sorted({*fed_w} - seals.broken_feeders)},
            numbers=seals.numbers([*draws_w, *self._sealed_below(fed_w)]),
            orders=list(orders),
        )
        quiet = SealQuiet(
            at=now.at,
            miners=sorted(seals.broken - {*draws_w}),
            feeders=sorted(seals.broken_feeders - {*fed_w}),
            orders=list(orders),
        )
        return self._told(broken, quiet)

    def _told(self, broken: SealBroken, quiet: SealQuiet) -> list[AnyFact]:
        facts: list[AnyFact] = []
        if broken.powers_w or broken.feeders_w:
            log.error("draw behind a seal", numbers=broken.numbers, by_w=broken.powers_w | broken.feeders_w)
            self._seals.broke(broken.powers_w, broken.feeders_w)
            facts.append(broken)
        if quiet.miners or quiet.feeders:
            log.warning("silent again behind a seal", miners=quiet.miners, feeders=quiet.feeders)
            self._seals.calmed(quiet.miners, quiet.feeders)
            facts.append(quiet)
        return facts

    def _draws(self, at: int, power_w: Watts) -> bool:
        """Whether a feeder draws though all that hangs below it is sealed."""
        rows = self._below(at)
        if not len(rows) or not bool(self._fleet.sealed[rows].all()):
            return False
        smallest_w: Watts = min(self._fleet.ladders[row].steps[0].power_w for row in rows.tolist())
        return power_w >= SHARE_OF_ONE * smallest_w

    def _sealed_below(self, feeders: Mapping[str, Watts]) -> list[str]:
        tree, miners = self._fleet.tree, self._fleet.miners
        return [miners[row].id for feeder in feeders for row in self._below(tree.positions[feeder]).tolist()]

    def _below(self, at: int) -> Indices:
        if at not in self._rows:
            rows = matching(self._fleet, "feeder", self._fleet.tree.feeders[at].id)
            self._rows[at] = np.array(sorted(rows), np.intp)
        return self._rows[at]
