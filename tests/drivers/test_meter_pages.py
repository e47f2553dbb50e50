"""Meters behind pages: each make's figures become a reading, or a refusal that says why there is none."""

from contextlib import asynccontextmanager

import pytest

from drivers.errors import DeviceError, Garbled, NotPermitted, Unreachable, Unsupported
from drivers.interface import Login, Target
from drivers.meter_http import HttpMeter
from drivers.meter_shelly import ShellyMeter
from drivers.meter_tasmota import TasmotaMeter
from drivers.transports.lanes import Lanes
from simulators.meter_modbus import GRID_HZ, GRID_V, Figures
from simulators.meter_pages import MAKES, MeterPages
from tests.drivers.conversations import converse, ok, scripted
from tests.transports.servers import serving

TOLD = Figures(power_w=4_123_456.0, energy_wh=987_654_321.0)
LOGIN = Login(user="admin", password="long & secret=1")
FIRST = {"type": "SHEM-3", "mac": "C8C9A3"}
LATER = {"gen": 2, "mac": "C8C9A3"}
STATUS_8 = "GET /cm?cmnd=Status%208"


def meter(make, login=None):
    match make:
        case "http":
            return HttpMeter("/meter", login)
        case "tasmota":
            return TasmotaMeter(login)
        case _:
            return ShellyMeter(1, login)


@asynccontextmanager
async def asking(pages):
    async def behave(reader, writer):
        request = await reader.readuntil(b"\r\n\r\n")
        if (reply := await pages.answer(0, request)) is None:
            await reader.read()
            return
        writer.write(reply)
        await writer.drain()

    async with serving(behave) as port:
        lanes = Lanes(timeout_s=0.5)
        try:
            yield lambda meter: lanes.run(Target(host="127.0.0.1", http_port=port), meter.read())
        finally:
            await lanes.close()


@pytest.mark.parametrize("make", MAKES)
@pytest.mark.parametrize("power_w", [4_123_456.0, 0.0, -52_000.0])
async def test_a_simulated_meter_tells_its_power_and_its_register(make, power_w):
    one = meter(make)
    async with asking(MeterPages(lambda: Figures(power_w=power_w, energy_wh=TOLD.energy_wh), make)) as ask:
        for _ in range(2):  # the second time by what it learned the first
            reading = await ask(one)
    assert reading.power_w == pytest.approx(power_w)
    assert reading.energy_wh == pytest.approx(TOLD.energy_wh)
    assert reading.voltage_v in {None, GRID_V}
    assert reading.frequency_hz in {None, GRID_HZ}


@pytest.mark.parametrize("make", [make for make in MAKES if make != "http"])
async def test_a_meter_behind_a_login_is_read_with_it_and_refuses_without(make):
    pages = MeterPages(lambda: TOLD, make, {LOGIN.user: LOGIN.password})
    async with asking(pages) as ask:
        assert (await ask(meter(make, LOGIN))).power_w == pytest.approx(TOLD.power_w)
        for wrong in (None, Login(user="admin", password="guessed")):
            with pytest.raises(NotPermitted) as caught:
                await ask(meter(make, wrong))
            assert "guessed" not in str(caught.value)


async def test_a_silent_meter_is_out_of_reach_and_is_read_again():
    says = [None]
    async with asking(MeterPages(lambda: says[0], "shelly-2")) as ask:
        one = meter("shelly-2")
        with pytest.raises(Unreachable):
            await ask(one)
        says[0] = TOLD
        assert (await ask(one)).power_w == pytest.approx(TOLD.power_w)


# --- what the makes say ---------------------------------------------------------------------------------------


def read(driver, replies):
    return converse(driver.read(), scripted(replies))


def later(status, unit=1):
    return read(ShellyMeter(unit), {"GET /shelly": LATER, "GET /rpc/Shelly.GetStatus": status})


def first(status, unit=1):
    return read(ShellyMeter(unit), {"GET /shelly": FIRST, "GET /status": status})


@pytest.mark.pure
def test_a_plug_of_the_first_generation_counts_watt_minutes_and_an_energy_meter_watt_hours():
    plug = first({"meters": [{"power": 1200.0, "is_valid": True, "total": 90_000}]})
    assert (plug.power_w, plug.energy_wh, plug.export_wh) == (1200, 1500, None)
    emeters = [{"power": -300.5, "voltage": 229.0, "total": 40.0, "total_returned": 7.0, "reactive": 12.0}, {}]
    one = first({"emeters": emeters, "meters": []})
    assert (one.power_w, one.energy_wh, one.export_wh, one.reactive_var) == (-300.5, 40, 7, 12)


@pytest.mark.pure
def test_three_phases_that_returned_energy_have_no_register_of_the_whole():
    phases = [{"power": 1.0, "voltage": 230.0, "total": 10.0, "total_returned": 0.0} for _ in range(3)]
    assert first({"emeters": phases, "total_power": 3.0}).energy_wh == 30
    phases[1]["total_returned"] = 0.1
    assert first({"emeters": phases, "total_power": 3.0}).energy_wh is None


@pytest.mark.pure
def test_what_a_plug_returned_is_no_import():
    plug = {"id": 0, "output": True, "apower": 800.0, "aenergy": {"total": 500.0}, "ret_aenergy": {"total": 20.0}}
    told = later({"switch:0": plug})
    assert (told.power_w, told.energy_wh, told.export_wh) == (800, 480, 20)
    assert later({"switch:0": {**plug, "ret_aenergy": None}}).energy_wh == 500


@pytest.mark.pure
def test_meters_of_one_shelly_are_told_apart_by_their_units():
    status = {f"em1:{at}": {"act_power": 100.0 + at} for at in range(3)}
    status |= {f"em1data:{at}": {"total_act_energy": 10.0 * at} for at in range(3)} | {"switch:0": {"output": True}}
    assert [(later(status, unit).power_w, later(status, unit).energy_wh) for unit in (1, 2, 3)] == [
        (100, 0),
        (101, 10),
        (102, 20),
    ]
    with pytest.raises(Unsupported, match="3 meters, and none is unit 4"):
        later(status, 4)


@pytest.mark.pure
@pytest.mark.parametrize(
    ("status", "error"),
    [
        ({}, Unsupported),
        ({"em:0": {"total_act_power": None}}, Garbled),
        ({"em:0": {"total_act_power": 1e12}}, Garbled),
        ({"em:0": {"total_act_power": 5.0, "a_freq": 500.0}}, Garbled),
        ({"em:0": 5}, Unsupported),
        ([1], Garbled),
        (b"<html>", Garbled),
        (ok(status=503), DeviceError),
    ],
)
def test_what_is_no_figure_of_a_meter_is_an_error(status, error):
    with pytest.raises(error):
        later(status)


@pytest.mark.pure
def test_what_is_not_valid_by_its_own_word_is_no_figure():
    with pytest.raises(Garbled, match="not valid"):
        first({"meters": [{"power": 0.0, "is_valid": False}]})


@pytest.mark.pure
def test_another_device_at_the_address_is_asked_anew_what_it_is():
    one = ShellyMeter()
    assert read(one, {"GET /shelly": FIRST, "GET /status": {"meters": [{"power": 1.0}]}}).power_w == 1
    with pytest.raises(Unsupported):
        read(one, {"GET /status": ok(status=404)})
    told = read(one, {"GET /shelly": LATER, "GET /rpc/Shelly.GetStatus": {"pm1:0": {"apower": 2.0}}})
    assert told.power_w == 2
    with pytest.raises(Garbled, match="no Shelly"):
        read(ShellyMeter(), {"GET /shelly": {"hello": 1}})


@pytest.mark.pure
def test_tasmota_tells_its_own_meter_its_phases_and_one_that_it_reads_by_its_head():
    single = {"Total": 12.5, "Power": 800, "Voltage": 231, "Frequency": 50, "ReactivePower": 30, "ExportActive": 0.5}
    told = read(TasmotaMeter(), {STATUS_8: {"StatusSNS": {"ENERGY": single}}})
    assert (told.power_w, told.energy_wh, told.export_wh, told.voltage_v) == (800, 12_500, 500, 231)
    phases = {"Total": [1.0, 2.0], "Power": [10, -4], "Voltage": [230, 231]}
    told = read(TasmotaMeter(), {STATUS_8: {"StatusSNS": {"ENERGY": phases}}})
    assert (told.power_w, told.energy_wh, told.voltage_v) == (6, 3000, 230)
    sml = {"total_in": 4321.5, "total_out": 0.0, "power_curr": -250}
    told = read(TasmotaMeter(), {STATUS_8: {"StatusSNS": {"SML": sml}}})
    assert (told.power_w, told.energy_wh) == (-250, 4_321_500)


@pytest.mark.pure
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"StatusSNS": {"Time": "2026-01-01T00:00:00"}}, Unsupported),
        ({"StatusSNS": {"ENERGY": {"Power": [1, None]}}}, Garbled),
        ({"StatusSNS": {"ENERGY": {}}}, Garbled),
        ({"Command": "Unknown"}, Unsupported),
        ({"WARNING": "Need user=<username>&password=<password>"}, NotPermitted),
        ({}, Unsupported),
    ],
)
def test_tasmota_without_a_figure_says_why(answer, error):
    with pytest.raises(error):
        read(TasmotaMeter(), {STATUS_8: answer})


@pytest.mark.pure
def test_a_page_of_ones_own_tells_as_a_message_over_mqtt_does():
    told = read(HttpMeter("/p"), {"GET /p": {"power_w": 5.5, "energy_wh": 7, "export_wh": 1, "kvar": 0.2}})
    assert (told.power_w, told.energy_wh, told.export_wh, told.reactive_var) == (5.5, 7, 1, 200)
    with pytest.raises(Garbled, match="no power"):
        read(HttpMeter("/p"), {"GET /p": {"power": 5.5}})
