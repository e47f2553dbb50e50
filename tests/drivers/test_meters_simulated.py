"""Each kind of meter that is asked, read over a real line from the simulated farm's own Modbus server."""

import asyncio
import struct
from contextlib import asynccontextmanager

import msgspec
import pytest

from drivers.errors import DeviceError, Garbled, NotListening, Refused, Unreachable, Unsupported
from drivers.meter_map import Register, known_map, known_maps
from drivers.meter_modbus import ModbusMeter
from drivers.meter_sunspec import SunSpecMeter
from drivers.transports import modbus_tcp
from drivers.transports.modbus_tcp import ModbusLine
from simulators.meter_modbus import GRID_HZ, GRID_V, Figures, ModbusFace
from tests.transports.servers import closed_port, serving

TOLD = Figures(power_w=4_123_456.0, energy_wh=987_654_321.0)
UNITS = {
    1: lambda: ModbusMeter(known_map("eastron-sdm630")),
    2: SunSpecMeter,
    3: SunSpecMeter,
    4: lambda: ModbusMeter(known_map("carlo-gavazzi-em340")),
    5: lambda: ModbusMeter(known_map("schneider-iem3000")),
}


@asynccontextmanager
async def line_to(serve):
    async with serving(serve) as port:
        line = ModbusLine("127.0.0.1", port)
        try:
            async with asyncio.timeout(60):
                yield line
        finally:
            line.close()


def face(told=TOLD):
    return ModbusFace(lambda: told).serve


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("power_w", [4_123_456.0, 0.0, -52_000.0])
async def test_a_meter_tells_its_power_its_register_and_its_grid(unit, power_w):
    meter = UNITS[unit]()
    async with line_to(face(Figures(power_w=power_w, energy_wh=TOLD.energy_wh))) as line:
        for _ in range(2):  # the second time by what it learned the first
            reading = await line.run(unit, meter.read())
    assert reading.power_w == pytest.approx(power_w, rel=1e-3, abs=1)
    assert reading.energy_wh == pytest.approx(TOLD.energy_wh, rel=1e-6)
    assert reading.frequency_hz == pytest.approx(GRID_HZ, abs=0.1)
    assert reading.voltage_v is None or reading.voltage_v == pytest.approx(GRID_V, abs=0.5)


async def test_meters_on_one_line_take_turns_and_are_each_answered_their_own():
    async with line_to(face()) as line:
        readings = await asyncio.gather(*[line.run(unit, meter().read()) for unit, meter in UNITS.items()])
    assert [round(reading.power_w, -4) for reading in readings] == [round(TOLD.power_w, -4)] * len(UNITS)


@pytest.mark.parametrize("name", ["siemens-pac", "abb-b23", "janitza-umg96"])
async def test_a_map_of_another_meter_is_refused_or_garbled_and_never_a_figure(name):
    async with line_to(face()) as line:
        for unit in UNITS:
            with pytest.raises((Garbled, Refused)):
                await line.run(unit, ModbusMeter(known_map(name)).read())


async def test_a_unit_that_is_not_there_and_a_meter_without_sunspec_are_told_apart():
    async with line_to(face()) as line:
        with pytest.raises(Unreachable, match="did not answer the gateway"):
            await line.run(9, SunSpecMeter().read())
        with pytest.raises(Unsupported, match="is the unit right"):
            await line.run(5, SunSpecMeter().read())


async def test_what_a_variant_does_not_count_is_left_out_from_then_on():
    served = known_map("schneider-iem3000")
    counted = [one for one in served.register if one.quantity != "reactive_power"]
    absent = Register(quantity="reactive_power", address=9, type="f32", unit="var")
    meter = ModbusMeter(msgspec.structs.replace(served, register=(*counted, absent)))
    async with line_to(face()) as line:
        for _ in range(2):
            reading = await line.run(5, meter.read())
    assert (reading.reactive_var, round(reading.power_w)) == (None, round(TOLD.power_w))


# --- lines that fail ------------------------------------------------------------------------------------------


async def test_nobody_listening_is_told_apart():
    line = ModbusLine("127.0.0.1", closed_port())
    with pytest.raises(NotListening):
        await line.run(1, UNITS[1]().read())
    line.close()


async def test_a_silent_meter_is_given_up_and_read_again_when_it_speaks(monkeypatch):
    monkeypatch.setattr(modbus_tcp, "REQUEST_S", 0.3)
    says = [None]
    async with line_to(ModbusFace(lambda: says[0]).serve) as line:
        meter = UNITS[1]()
        with pytest.raises(Unreachable, match="no answer"):
            await line.run(1, meter.read())
        says[0] = TOLD
        assert (await line.run(1, meter.read())).power_w == pytest.approx(TOLD.power_w, rel=1e-6)


def _saying(reply):
    async def behave(reader, writer):
        while await reader.read(260):
            writer.write(reply)
            await writer.drain()

    return behave


@pytest.mark.parametrize(
    "reply",
    [
        b"\xff" * 40,
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        struct.pack(">HHHBBB", 1, 0, 3, 1, 4, 0),
        struct.pack(">HHHBBB2H", 1, 0, 7, 1, 4, 4, 1, 2),
        struct.pack(">HHHBBB", 1, 0, 3, 1, 0x84, 77),
        struct.pack(">HHHBBB3s", 1, 0, 6, 1, 4, 3, b"abc"),
        struct.pack(">HHHB", 1, 0, 1, 1),
        b"",
    ],
)
async def test_garbage_on_the_line_is_a_device_error_and_the_next_request_goes_on(reply, monkeypatch):
    monkeypatch.setattr(modbus_tcp, "REQUEST_S", 0.3)
    async with line_to(_saying(reply)) as line:
        for _ in range(2):
            with pytest.raises(DeviceError):
                await line.run(1, UNITS[1]().read())


@pytest.mark.parametrize("name", known_maps())
def test_every_map_that_comes_with_us_asks_for_a_power_and_an_energy(name):
    assert {"power", "energy_import"} <= {one.quantity for one in known_map(name).register}
