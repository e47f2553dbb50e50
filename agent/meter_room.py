"""Joins a site's meters to control: from the configuration to what hears them over MQTT and what asks them."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from agent.clock import Clock
from agent.config import Config
from agent.config_schema import Meter
from agent.control.controller import Controller
from agent.control.metering import Said
from agent.control.meters import AskedMeter, Meters
from agent.inputs.meters import BadSample, parse_sample
from agent.links.mqtt import MqttLink
from agent.meter_ways import MeterWays
from agent.settings import prefix_of
from drivers.meter import MeterReading

log = structlog.get_logger()


class MeterRoom:
    """Takes what meters say to the controller's metering, and wakes it where the draw is above the cap."""

    def __init__(self, config: Config, controller: Controller, clock: Clock) -> None:
        self._config = config
        self._controller = controller
        self._clock = clock

    def listen(self, link: MqttLink) -> None:
        """Hear the meters that speak over MQTT."""
        for meter in self._config.schema.meter:
            if meter.kind == "mqtt":
                link.listen(topic_of(self._config, meter), self._ear(meter))

    def asker(self) -> Meters | None:
        """Return what asks the meters that have to be asked, None where there are none."""
        ways = MeterWays(self._config)
        asked = [_asked(meter, ways) for meter in self._config.schema.meter if meter.kind != "mqtt"]
        return Meters(asked, self._read, self._clock, ways.close) if asked else None

    def _ear(self, meter: Meter) -> Callable[[str, bytes, bool], None]:
        def hear(_topic: str, raw: bytes, _retained: bool) -> None:  # noqa: FBT001 - as the link calls it
            try:
                sample = parse_sample(raw, sign=meter.sign, multiplier=meter.multiplier)
            except BadSample as error:
                log.warning("the meter's message cannot be read", meter_id=meter.id, error=str(error))
                return
            self._take(meter.id, Said(power_w=sample.power_w, energy_wh=sample.energy_wh))

        return hear

    def _read(self, meter: str, reading: MeterReading) -> None:
        said = Said(power_w=reading.power_w, energy_wh=reading.energy_wh, export_wh=reading.export_wh)
        self._take(meter, said)

    def _take(self, meter: str, said: Said) -> None:
        now = self._clock.now()
        metering, decision = self._controller.parts.metering, self._controller.decision
        metering.take(meter, said, now)
        state = metering.state(now.mono)
        if decision is None or decision.cap_w is None or state is None or state.last_w is None:
            return
        if state.last_w > decision.cap_w:
            self._controller.wake()


def _asked(meter: Meter, ways: MeterWays) -> AskedMeter:
    return AskedMeter(
        id=meter.id, ask=ways.to(meter), sign=meter.sign, multiplier=meter.multiplier, period_s=meter.period_s
    )


def topic_of(config: Config, meter: Meter) -> str:
    """Return where a meter that speaks over MQTT is heard."""
    return meter.topic or f"{prefix_of(config)}/meter/{meter.id}"
