"""The site as it is now, said at the broker each interval: the object of `/api/v1/site`."""

from __future__ import annotations

import msgspec

from agent.clock import Clock
from agent.links.mqtt import MqttLink
from agent.outputs.shown import site_json
from agent.outputs.sight import Sight


async def publish_state(link: MqttLink, topic: str, sight: Sight, clock: Clock, interval_s: float) -> None:
    """Say it for ever; while the broker is away it is not kept."""
    while True:
        await clock.sleep(interval_s)
        await link.tell(topic, msgspec.json.encode(site_json(sight)))
