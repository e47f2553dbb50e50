"""Tells what the site can give to the grid, to the broker and to whoever asks."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import numpy as np

from agent.clock import Clock
from agent.config import Config
from agent.control.controller import Controller
from agent.fleet.view import Flags, Floats
from agent.links.mqtt import MqttLink
from agent.outputs.capability import Means, capability
from agent.settings import prefix_of

EACH_S = 60.0
TURN = 2000
"""So many machines are looked at before the loop may turn."""


class CapabilityRoom:
    """One site's capability."""

    def __init__(self, config: Config, controller: Controller, clock: Clock) -> None:
        self._controller = controller
        self._clock = clock
        self._topic = f"{prefix_of(config)}/capability"
        self._cuttable = _cuttable(config, controller)

    async def now(self) -> dict[str, Any]:
        """Return it as it is now."""
        fleet, limits = self._controller.parts.fleet, self._controller.limits
        settle_s = await self._settle_s()
        moment = self._clock.now()
        restore = self._controller.demand(moment).restore_w_per_s
        means = Means(
            settle_s=settle_s,
            cuttable=self._cuttable & ~self._controller.climate.pumped(),
            restore_w_per_s=min(limits.policy.restore_w_per_s, restore or float("inf"), limits.tree.ramp_w_per_s[0]),
        )
        house_w = self._controller.parts.metering.house.in_force_w(moment.mono)
        return capability(fleet.view(moment.mono), means, house_w=house_w, now=moment)

    async def _settle_s(self) -> Floats:
        ladders = self._controller.parts.fleet.ladders
        settle_s = np.zeros(len(ladders))
        for start in range(0, len(ladders), TURN):
            part = ladders[start : start + TURN]
            settle_s[start : start + len(part)] = [ladder.settle_s for ladder in part]
            await asyncio.sleep(0)
        return settle_s

    async def publish(self, link: MqttLink) -> None:
        """Publish it for ever, retained, each time that it changed."""
        told: dict[str, Any] = {}
        while True:
            await link.connected.wait()
            found = await self.now()
            if {**found, "at": None} != {**told, "at": None}:
                await link.tell(self._topic, msgspec.json.encode(found), retain=True)
                told = found
            await self._clock.sleep(EACH_S)


def _cuttable(config: Config, controller: Controller) -> Flags:
    """Return who stands below an outlet that may be cut."""
    fleet, schema = controller.parts.fleet, config.schema
    cut = np.zeros(len(fleet), np.bool_)
    if not schema.control.allow_hard_cut:
        return cut
    for feeder in schema.feeder:
        if feeder.outlet is not None and not feeder.essential:
            cut |= controller.scopes.below(feeder.id)
    return cut
