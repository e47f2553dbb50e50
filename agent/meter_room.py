"""Joins a site's meters to control: from the configuration to what hears them over MQTT and what asks them.

Whatever needs pymodbus is imported only where a meter needs it.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from agent.clock import Clock
from agent.config import Config
from agent.config_schema import Meter
from agent.control.controller import Controller
from agent.control.metering import Said
from agent.control.meters import AskedMeter, Line, Meters
from agent.inputs.meters import BadSample, parse_sample
from agent.links.mqtt import MqttLink
from agent.register_maps import register_map
from agent.settings import prefix_of
from drivers.meter import MeterDriver, MeterReading
from drivers.meter_modbus import ModbusMeter
from drivers.meter_sunspec import SunSpecMeter

ASKED = frozenset({"modbus", "sunspec"})
MODBUS_PORT = 502
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
        asked = [self._asked(meter) for meter in self._config.schema.meter if meter.kind in ASKED]
        if not asked:
            return None
        lines = {meter.place: line_to(meter.place) for meter in asked}
        return Meters(asked, lines, self._read, self._clock)

    def _asked(self, meter: Meter) -> AskedMeter:
        return AskedMeter(
            id=meter.id,
            place=place_of(meter),
            unit=meter.unit,
            driver=driver_of(self._config, meter),
            sign=meter.sign,
            multiplier=meter.multiplier,
            period_s=meter.period_s,
        )

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


def topic_of(config: Config, meter: Meter) -> str:
    """Return where a meter that speaks over MQTT is heard."""
    return meter.topic or f"{prefix_of(config)}/meter/{meter.id}"


def place_of(meter: Meter) -> str:
    """Return HOST:PORT of a meter that is asked."""
    address = meter.address or ""
    host, colon, port = address.rpartition(":")
    return f"{host}:{port}" if colon and port.isdigit() else f"{address}:{MODBUS_PORT}"


def driver_of(config: Config, meter: Meter) -> MeterDriver:
    """Return what speaks with a meter that is asked."""
    return SunSpecMeter() if meter.kind == "sunspec" else ModbusMeter(register_map(meter.map or "", config.folder))


def line_to(place: str) -> Line:
    """Return a line to HOST:PORT."""
    from drivers.transports.modbus_tcp import ModbusLine  # noqa: PLC0415 - pymodbus, where there is such a meter

    host, _, port = place.rpartition(":")
    return ModbusLine(host.strip("[]"), int(port))
