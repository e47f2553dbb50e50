"""Feeders whose limit is in VA, as limits of planning: what each may carry in W at this moment."""

from __future__ import annotations

import numpy as np

from agent.control.metering import Metering
from agent.fleet.apparent import carries_w
from agent.fleet.fleet import Fleet
from agent.fleet.selector import matching
from agent.fleet.view import Flags
from agent.planning.part import Part


class ApparentWatch:
    """One site's limits in VA."""

    def __init__(self, fleet: Fleet, metering: Metering) -> None:
        self._metering = metering
        feeders = enumerate(fleet.tree.feeders)
        self._limited = [(at, feeder.id, feeder.max_va) for at, feeder in feeders if feeder.max_va is not None]
        self._below = {name: _below(fleet, name) for _, name, _ in self._limited}

    def parts(self, mono: float) -> tuple[Part, ...]:
        """Return each as a limit upon what is below its feeder; it binds as the feeder's own in W does, at once."""
        return tuple(
            Part(
                key=f"kva:{name}",
                commanded=self._below[name],
                counted=self._below[name],
                feeder=at,
                cap_w=self._carries_w(at, max_va, mono),
                may_step=True,
            )
            for at, name, max_va in self._limited
        )

    def _carries_w(self, at: int, max_va: float, mono: float) -> float:
        meter = self._metering.feeder_meter(at, mono)
        return carries_w(max_va, *((None, None) if meter is None else (meter.state(mono).draw_w, meter.reactive_var)))


def _below(fleet: Fleet, feeder: str) -> Flags:
    below = np.zeros(len(fleet), np.bool_)
    below[[*matching(fleet, "feeder", feeder)]] = True
    return below
