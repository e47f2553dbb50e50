"""Safety inputs from their configuration to control: messages of a broker, several in one, and a real Modbus line."""

import asyncio

import pytest

from agent.clock import SystemClock
from agent.config import parse
from agent.control.asking import Asking
from agent.settings import safety_of
from agent.wiring.device_ways import Ways
from agent.wiring.safety_room import SafetyRoom
from tests.drivers.test_modbus_point import Device
from tests.transports.servers import serving

SITE = '[site]\nid = "hill"\ntimezone = "Asia/Almaty"\ncurrency = "KZT"\nconnection_kw = 1200\n'
INPUT = '[[safety_input]]\nid = "{name}"\nfeeder = "site"\n{rest}\n'


class Controller:
    """The parts of a controller that a safety input reaches."""

    def __init__(self, config, clock):
        self.parts = self
        self.safety = safety_of(config, clock.now().mono)
        self.woken = asyncio.Event()

    def wake(self):
        self.woken.set()

    def says(self):
        return {view.id: view.says for view in self.safety.views(0.0)}


class Link:
    def __init__(self):
        self.handlers = {}

    def listen(self, topic, handler):
        self.handlers[topic] = handler

    def say(self, topic, payload, *, retained=False):
        self.handlers[topic](topic, payload, retained)


def room(**inputs):
    config, clock = parse(SITE + "".join(INPUT.format(name=name, rest=rest) for name, rest in inputs.items())), None
    clock = SystemClock()
    controller = Controller(config, clock)
    return SafetyRoom(config, controller, clock), controller


async def test_messages_are_heard_several_inputs_in_one():
    told, controller = room(
        smoke='kind = "mqtt"\ntopic = "hall"\nwhen = "smoke = true"',
        heat='kind = "mqtt"\ntopic = "hall"\nwhen = "temperature > 60"',
        leak='kind = "mqtt"\ntopic = "leak"',
    )
    link = Link()
    told.listen(link)
    link.say("hall", b'{"smoke": false, "temperature": 71}')
    link.say("leak", b"dry?")
    assert controller.says() == {"smoke": False, "heat": True, "leak": None}
    assert controller.woken.is_set()
    link.say("leak", b"OFF", retained=True)
    assert controller.says()["leak"] is False


@pytest.mark.lasts(5)
async def test_a_contact_on_a_modbus_line_is_asked_for():
    device = Device()
    async with serving(device.serve) as port, asyncio.timeout(60):
        rest = f'kind = "modbus"\naddress = "127.0.0.1:{port}"\npoint = "discrete:0"\nwhen = "false"\nperiod_s = 0.02'
        told, controller = room(door=rest)
        ways = Ways()
        asking = asyncio.create_task(Asking([*told.asked(ways)], SystemClock(), ways.close).run())
        await controller.woken.wait()
        assert controller.says() == {"door": True}
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
