"""Joins a site's meters to control: from the configuration to what hears them over MQTT and what asks them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import structlog

from agent.clock import Clock
from agent.config import Config
from agent.config.schema import Meter
from agent.control.asking import Asked
from agent.control.controller import Controller
from agent.control.metering import Said
from agent.inputs.meters import BadSample, MeterSample, parse_sample
from agent.links.mqtt import MqttLink
from agent.settings import prefix_of
from agent.wiring.device_ways import Ways
from agent.wiring.meter_ways import ask_of
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

    def asked(self, ways: Ways) -> Iterator[Asked]:
        """Yield the meters that have to be asked. Raises ConfigError for a secret."""
        for meter in self._config.schema.meter:
            if meter.kind != "mqtt":
                yield self._asked(meter, ways)

    def _asked(self, meter: Meter, ways: Ways) -> Asked:
        return Asked(
            kind="meter",
            id=meter.id,
            ask=ask_of(self._config, meter, ways),
            hear=lambda reading: self._read(meter, reading),
            period_s=meter.period_s,
        )

    def _ear(self, meter: Meter) -> Callable[[str, bytes, bool], None]:
        def hear(_topic: str, raw: bytes, retained: bool) -> None:  # noqa: FBT001 - as the link calls it
            if retained:
                return  # what the broker had kept may be of any age: it would make a dead meter fresh
            try:
                sample = parse_sample(raw, sign=meter.sign, multiplier=meter.multiplier)
            except BadSample as error:
                log.warning("the meter's message cannot be read", meter_id=meter.id, error=str(error))
                return
            self._take(meter.id, Said(power_w=sample.power_w, energy_wh=sample.energy_wh, reactive_var=_var(sample)))

        return hear

    def _read(self, meter: Meter, reading: MeterReading) -> None:
        told = reading.turned(sign=meter.sign, multiplier=meter.multiplier)
        said = Said(
            power_w=told.power_w,
            energy_wh=told.energy_wh,
            export_wh=told.export_wh,
            reactive_var=told.reactive_var,
        )
        self._take(meter.id, said)

    def _take(self, meter: str, said: Said) -> None:
        now = self._clock.now()
        metering, decision = self._controller.parts.metering, self._controller.decision
        metering.take(meter, said, now)
        state = metering.state(now.mono)
        if decision is None or decision.cap_w is None or state is None or state.last_w is None:
            return
        if state.last_w > decision.cap_w:
            self._controller.wake()


def topic_of(config: Config, meter: Meter) -> str:
    """Return where a meter that speaks over MQTT is heard."""
    return meter.topic or f"{prefix_of(config)}/meter/{meter.id}"


def _var(sample: MeterSample) -> float | None:
    return None if sample.kvar is None else sample.kvar * 1000
