"""Outlets from their configuration to control: read and switched over a real Modbus line, and by messages."""

import asyncio

import pytest

from agent.clock import SystemClock
from agent.config import parse
from agent.control.asking import Asking
from agent.settings import outlets_of
from agent.wiring.device_ways import Ways
from agent.wiring.outlet_room import OutletRoom
from simulators.pdu import PduServer, rpdu2
from tests.drivers.test_modbus_point import Device
from tests.transports.servers import serving

SITE = '[site]\nid = "hill"\ntimezone = "Asia/Almaty"\ncurrency = "KZT"\nconnection_kw = 1200\n'
FEEDER = '[[feeder]]\nid = "T1"\noutlet = "q1"\n'
OUTLET = '[[outlet]]\nid = "q1"\nperiod_s = 0.02\n{rest}\n'


class Controller:
    """The parts of a controller that an outlet reaches."""

    def __init__(self, config):
        self.parts = self.cutting = self
        self.outlets = outlets_of(config)
        self.switch = None
        self.news = asyncio.Event()

    def show(self, _mono):
        return

    def wake(self):
        self.news.set()

    def is_on(self):
        [view] = self.outlets.views(SystemClock().now().mono)
        return view.on

    async def becomes(self, on):
        while self.is_on() is not on:
            self.news.clear()
            await self.news.wait()


class Link:
    def __init__(self):
        self.handlers, self.told, self.spoken = {}, [], asyncio.Event()

    def listen(self, topic, handler):
        self.handlers[topic] = handler

    async def tell(self, topic, payload, **_rest):
        self.told.append((topic, payload))
        self.spoken.set()


def room(rest):
    config = parse(SITE + FEEDER + OUTLET.format(rest=rest))
    controller = Controller(config)
    return OutletRoom(config, controller, SystemClock()), controller


@pytest.mark.lasts(5)
async def test_a_coil_is_read_and_switched_over_a_real_line():
    device = Device()
    async with serving(device.serve) as port, asyncio.timeout(60):
        told, controller = room(f'kind = "modbus"\naddress = "127.0.0.1:{port}"\npoint = "coil:5"')
        ways = Ways()
        asking = asyncio.create_task(Asking([*told.asked(ways)], SystemClock(), ways.close).run())
        await controller.becomes(True)
        controller.switch("q1", False)
        await controller.becomes(False)
        assert device.bits[1, 5] == 0
        device.bits[1, 5] = 1  # a hand at the contactor
        await controller.becomes(True)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)


@pytest.mark.lasts(5)
async def test_a_pdu_is_read_and_switched_over_snmp_with_what_its_login_says(monkeypatch):
    monkeypatch.setattr("drivers.outlet_snmp.SWITCHES_S", 0.0)
    monkeypatch.setenv("PDU", "ops")
    pdu = rpdu2(power_w=3100)
    pdu.write = "ops"
    transport, port = await PduServer.serve(pdu)
    login = '[credentials.pdu]\nlogins = [{ user = "v2c", password = "env:PDU" }]'
    rest = (
        f'kind = "snmp"\naddress = "127.0.0.1:{port}"\nprofile = "apc-rpdu2"\noutput = 3\ncredentials = "pdu"\n{login}'
    )
    told, controller = room(rest)
    ways = Ways()
    asking = asyncio.create_task(Asking([*told.asked(ways)], SystemClock(), ways.close).run())
    async with asyncio.timeout(60):
        await controller.becomes(True)
        controller.switch("q1", False)
        await controller.becomes(False)
    [view] = controller.outlets.views(SystemClock().now().mono)
    assert view.power_w == 0.0
    assert pdu.told == [("1.3.6.1.4.1.318.1.1.26.9.2.4.1.5.3", 2)]
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    transport.close()


@pytest.mark.lasts(5)
async def test_over_a_broker_it_is_told_and_asked_and_what_was_kept_proves_nothing():
    told, controller = room('kind = "mqtt"\ntopic = "pdu"\nprofile = "tasmota"')
    link = Link()
    told.listen(link)
    hear = link.handlers["stat/pdu/POWER"]
    hear("", b"OFF", True)
    assert controller.is_on() is None
    hear("", b"ON", False)
    assert controller.is_on() is True
    controller.switch("q1", False)
    async with asyncio.timeout(60):
        await link.spoken.wait()
        [asked] = told.asked(Ways())
        await asked.ask()
    assert link.told == [("cmnd/pdu/POWER", b"OFF"), ("cmnd/pdu/POWER", b"")]
    hear("", b"gone", False)
    hear("", b"OFF", False)
    assert controller.is_on() is False
