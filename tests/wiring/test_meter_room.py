"""Meters that speak over MQTT, from a message to control."""

from types import SimpleNamespace

from agent.clock import SystemClock
from agent.config import parse
from agent.wiring.meter_room import MeterRoom

SITE = """
[site]
id = "hill"
timezone = "Asia/Almaty"
currency = "KZT"
connection_kw = 1200
[[meter]]
id = "main"
role = "billing"
kind = "mqtt"
multiplier = 10
"""


def room():
    """Return what hears the meter's topic, and what is taken."""
    heard, handlers = [], {}
    metering = SimpleNamespace(
        take=lambda meter, said, _now: heard.append((meter, said.power_w)), state=lambda _at: None
    )
    controller = SimpleNamespace(parts=SimpleNamespace(metering=metering), decision=None)
    MeterRoom(parse(SITE), controller, SystemClock()).listen(SimpleNamespace(listen=handlers.__setitem__))
    [(topic, ear)] = handlers.items()
    return (lambda raw, retained: ear(topic, raw, retained)), heard


def test_what_the_broker_had_kept_is_no_reading_and_what_is_said_now_is():
    say, heard = room()
    say(b'{"power_w": 500}', True)
    assert heard == []
    say(b'{"power_w": 500}', False)
    say(b'{"power": 500}', False)
    assert heard == [("main", 5000.0)]
