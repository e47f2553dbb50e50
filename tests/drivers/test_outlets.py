"""Outlets of each kind: what is asked, what is told, what is read back; and the simulated farm's contactors."""

import asyncio

import pytest

from drivers.errors import Garbled, NotPermitted, Refused, Unsupported
from drivers.interface import Http, Login
from drivers.outlet_coil import Coil
from drivers.outlet_http import http_outlet
from drivers.outlet_mqtt import MqttOutlet
from drivers.outlet_shelly import ShellyOutlet
from drivers.outlet_tasmota import TasmotaOutlet
from drivers.transports.modbus_tcp import ModbusLine
from simulators.relays import UNIT, Relays
from tests.drivers.conversations import Talk, Turns, converse, ok, scripted
from tests.simulators.farms import farm

LOGIN = Login(user="admin", password="a&b")
FIRST, LATER = {"type": "SHPLG-S"}, {"gen": 2}


def talk(replies):
    return Talk(scripted(replies))


@pytest.mark.pure
def test_a_shelly_of_the_first_generation_is_switched_by_its_relay():
    held = talk({
        "GET /shelly": FIRST,
        "GET /relay/1": Turns([{"ison": True}, {"ison": False}]),
        "GET /relay/1?turn=off": {"ison": False},
    })  # fmt: skip
    assert held.hold(ShellyOutlet(2, LOGIN).switch(on=False)).on is False
    assert held.names == ["GET /shelly", "GET /relay/1", "GET /relay/1?turn=off", "GET /relay/1"]


@pytest.mark.pure
def test_a_later_shelly_is_switched_by_rpc_and_its_receipt_is_no_proof():
    held = talk({
        "GET /shelly": LATER,
        "GET /rpc/Switch.GetStatus?id=0": {"output": True, "apower": 812.5},
        "GET /rpc/Switch.Set?id=0&on=false": {"was_on": True},
    })  # fmt: skip
    told = held.hold(ShellyOutlet(1, LOGIN).switch(on=False))
    assert (told.on, told.power_w) == (True, 812.5)
    assert all(asked.password == "a&b" for asked in held.asked if isinstance(asked, Http) and asked.path != "/shelly")


@pytest.mark.pure
@pytest.mark.parametrize("answer", [{}, {"output": None}, {"output": 1}, b"<html>"])
def test_a_shelly_that_does_not_say_its_state_is_garbled(answer):
    with pytest.raises(Garbled):
        converse(ShellyOutlet().read(), scripted({"GET /shelly": LATER, "GET /rpc/Switch.GetStatus?id=0": answer}))


@pytest.mark.pure
def test_tasmota_is_told_by_a_command_and_asked_by_one_without_a_word():
    who = "user=admin&password=a%26b&"
    held = talk({
        f"GET /cm?{who}cmnd=Power1%20OFF": {"POWER": "OFF"},
        f"GET /cm?{who}cmnd=Power1": {"POWER1": "OFF"},
    })  # fmt: skip
    assert held.hold(TasmotaOutlet(1, LOGIN).switch(on=False)).on is False
    assert converse(TasmotaOutlet(2).read(), scripted({"GET /cm?cmnd=Power2": {"POWER2": "ON"}})).on is True
    with pytest.raises(Garbled):
        converse(TasmotaOutlet(2).read(), scripted({"GET /cm?cmnd=Power2": {"POWER1": "ON"}}))
    with pytest.raises(NotPermitted):
        converse(TasmotaOutlet().read(), scripted({"GET /cm?cmnd=Power1": {"WARNING": "Need user"}}))


@pytest.mark.pure
def test_a_digital_loggers_strip_is_counted_from_nothing_and_wants_its_header():
    path = "/restapi/relay/outlets/=2/state/"
    held = talk({f"PUT {path}": ok(status=204), f"GET {path}": b"[false]"})
    assert held.hold(http_outlet("dli", 3, LOGIN).switch(on=False)).on is False
    put = held.asked[0]
    assert (put.body, put.headers, put.user) == (b"value=false", (("X-CSRF", "x"),), "admin")
    with pytest.raises(Garbled):
        converse(http_outlet("dli", 3, LOGIN).read(), scripted({f"GET {path}": b"[true,false]"}))
    with pytest.raises(NotPermitted):
        converse(http_outlet("dli", 3, LOGIN).switch(on=True), scripted({f"PUT {path}": ok(status=403)}))


@pytest.mark.pure
def test_a_netio_strip_is_told_an_action_for_its_output():
    told = {"Outputs": [{"ID": 1, "State": 1, "Load": 20}, {"ID": 2, "State": 0, "Load": 0}]}
    held = talk({"POST /netio.json": told, "GET /netio.json": told})
    reading = held.hold(http_outlet("netio", 2, LOGIN).switch(on=False))
    assert (reading.on, reading.power_w) == (False, 0)
    assert held.asked[0].body == b'{"Outputs":[{"ID":2,"Action":0}]}'
    with pytest.raises(Unsupported, match="no output 3"):
        converse(http_outlet("netio", 3, LOGIN).read(), scripted({"GET /netio.json": told}))


@pytest.mark.pure
@pytest.mark.parametrize(
    ("profile", "output", "state", "command", "off", "says"),
    [
        ("plain", 1, "pdu/a", "pdu/a/set", b"off", b"OFF"),
        ("tasmota", 1, "stat/pdu/a/POWER", "cmnd/pdu/a/POWER", b"OFF", b"OFF"),
        ("tasmota", 3, "stat/pdu/a/POWER3", "cmnd/pdu/a/POWER3", b"OFF", b"OFF"),
        ("shelly", 2, "pdu/a/status/switch:1", "pdu/a/command/switch:1", b"off", b'{"output":false,"apower":0.0}'),
    ],
)
def test_outlets_over_mqtt_by_their_profiles(profile, output, state, command, off, says):
    outlet = MqttOutlet.of(profile, "pdu/a", output)
    assert (outlet.state_topic, outlet.command_topic, outlet.word(on=False)) == (state, command, off)
    assert outlet.reading(says).on is False
    for wrong in (b"", b"offline", b'{"output":"off"}', b"[" * 100_000):
        with pytest.raises(Garbled):
            outlet.reading(wrong)


# --- the simulated farm's contactors --------------------------------------------------------------------------


@pytest.mark.pure
def test_relays_refuse_what_is_no_coil_and_no_word_for_one():
    switched = []
    relays = Relays(3, lambda at, on: switched.append((at, on)))
    assert relays.answer(bytes.fromhex("0500010000")) == bytes.fromhex("0500010000")
    assert relays.answer(bytes.fromhex("0500010000")) == bytes.fromhex("0500010000")
    assert switched == [(1, False)]
    assert relays.answer(bytes.fromhex("0100000003")) == bytes.fromhex("010105")
    for request, reply in (
        ("0500035500", "8503"),
        ("050003ff00", "8502"),
        ("0100020002", "8102"),
        ("0300000001", "8301"),
    ):
        assert relays.answer(bytes.fromhex(request)) == bytes.fromhex(reply)


async def test_a_contactor_of_the_simulated_farm_takes_its_feeders_power_over_a_real_line():
    async with farm(miners=4, feeders=2) as made:
        line = ModbusLine("127.0.0.1", made.meter_port)
        async with asyncio.timeout(60):
            assert (await line.run(UNIT, Coil(0).read())).on is True
            assert (await line.run(UNIT, Coil(0).switch(on=False))).on is False
            await asyncio.sleep(0.3)
            powers_w = [miner["power_w"] for miner in made.state()["miners"]]
            assert powers_w[:2] == [0, 0]
            assert min(powers_w[2:]) > 1000
            assert (await line.run(UNIT, Coil(0).switch(on=True))).on is True
            assert [miner["state"] for miner in made.state()["miners"]][:2] == ["starting", "starting"]
            with pytest.raises(Refused):
                await line.run(UNIT, Coil(2).read())
        line.close()
