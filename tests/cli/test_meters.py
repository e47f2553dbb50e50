"""`meters`: what an agent knows of them, and what they themselves say, over a real wire and a real broker."""

import asyncio
import json
from contextlib import contextmanager
from threading import Event, Thread

import paho.mqtt.client as paho
import pytest

from simulators.meter_modbus import Figures, ModbusFace
from simulators.meter_pages import MeterPages
from tests.brokers import Mosquitto, free_port
from tests.cli.farm import SITE

TOLD = Figures(power_w=41_500.0, energy_wh=2_500_000.0)
SITE_TABLE = '[site]\nid = "kg-1"\ntimezone = "Asia/Bishkek"\ncurrency = "KGS"\nconnection_kw = 100\n'
MINERS = '[[miners]]\nhosts = ["127.0.0.1"]\n'


def meter(name, role, **rest):
    told = {
        "id": name, "role": role, "feeder": "site", "kind": "modbus", "map": "eastron-sdm630", "power_w": 41_500.0,
        "energy_wh": 2_500_000.0, "age_s": 1.2, "fresh": True, "standing_in_for": None,
    }  # fmt: skip
    return {**told, **rest}


# of a running agent -----------------------------------------------------------------------------------------------


@pytest.fixture
def agents_meters(monkeypatch):
    told = [
        meter("main", "billing", power_w=None, age_s=None, energy_wh=None, fresh=False),
        meter("check", "check", standing_in_for="main"),
    ]
    monkeypatch.setitem(SITE, "meters", told)
    return told


def test_meters_are_listed_with_what_each_says_and_for_whom_it_stands_in(farm, say, agents_meters):
    result = say("meters")
    main, check = result.stdout.splitlines()[2:4]
    assert main.split() == ["main", "billing", "site", "-", "-", "-", "NO", "modbus", "eastron-sdm630"]
    assert check.split()[3:8] == ["41.5", "kW", "2,500.0", "1.2", "s"]
    assert "check stands in for main, which is silent" in result.stdout
    assert result.exit_code == 0


def test_meters_are_listed_as_json(farm, say, agents_meters):
    assert json.loads(say("meters", "--json").stdout) == {"items": agents_meters, "next": None}


def test_an_agent_without_meters_lists_none(farm, say):
    assert "0 meters" in say("meters").stdout


def test_status_names_a_silent_meter_of_another_role(farm, say, agents_meters):
    agents_meters.append(meter("t1", "feeder", feeder="T1", fresh=False, age_s=41.0))
    said = say("status").stdout
    assert "meter     t1 (feeder at T1) is silent for 41 s" in said
    assert "main (billing" not in said


# by themselves ----------------------------------------------------------------------------------------------------


def modbus(says):
    """Let a meter of several makes answer at a port, in a thread of its own."""
    face = ModbusFace(says)
    return serving(face.serve, face.drop)


def answering(pages):
    """Let pages be answered at a port, in a thread of its own."""

    async def serve(reader, writer):
        writer.write(await pages.answer(0, await reader.readuntil(b"\r\n\r\n")))
        writer.close()

    return serving(serve, lambda: None)


@contextmanager
def serving(behave, drop):
    port, up, loop = free_port(), Event(), asyncio.new_event_loop()

    async def serve():
        ended = asyncio.Event()
        loop.ended = ended
        async with await asyncio.start_server(behave, "127.0.0.1", port):
            up.set()
            await ended.wait()
            drop()
            await asyncio.sleep(0)

    thread = Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert up.wait(5)
        yield port
    finally:
        loop.call_soon_threadsafe(loop.ended.set)
        thread.join(5)
        loop.close()


def written(folder, *meters, head=""):
    tables = ["[[meter]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in one.items()) for one in meters]
    config = folder / "farm.toml"
    config.write_text("\n".join([SITE_TABLE, head, *tables, MINERS]))
    return config


def at(port, name, **rest):
    told = {"id": name, "kind": "modbus", "address": f"127.0.0.1:{port}", "map": "eastron-sdm630"}
    return {**told, **rest}


def test_each_meter_is_asked_by_its_own_map_and_shows_its_registers(say, tmp_path):
    with modbus(lambda: TOLD) as port:
        sunspec = {"id": "spec", "role": "check", "kind": "sunspec", "address": f"127.0.0.1:{port}", "unit": 2}
        config = written(tmp_path, at(port, "main"), sunspec)
        result = say("meters", "read", "--config", config)
        told = json.loads(say("meters", "read", "--config", config, "--json").stdout)["items"]
    assert result.exit_code == 0
    assert f"main: billing at site, modbus 127.0.0.1:{port} unit 1, map eastron-sdm630" in result.stdout
    assert "41,500.0 W, 2,500.0 kWh imported, 0.0 kWh exported" in result.stdout
    assert "input 0x0034 x 24: 4722 1C00 0000 0000" in result.stdout
    assert [(one["id"], one["power_w"], one["energy_wh"]) for one in told] == [
        ("main", 41_500.0, 2_500_000.0),
        ("spec", 41_500.0, 2_500_000.0),
    ]
    assert all(request["words"] for one in told for request in one["asked"])


def test_a_meter_behind_a_page_shows_its_pages_and_no_password(say, tmp_path, monkeypatch):
    monkeypatch.setenv("METER_PASSWORD", "s3cret")
    pages = MeterPages(lambda: TOLD, "tasmota", {"admin": "s3cret"})
    with answering(pages) as port:
        told = {"id": "main", "kind": "tasmota", "address": f"127.0.0.1:{port}", "credentials": "meters"}
        head = '[credentials.meters]\nlogins = [{ user = "admin", password = "env:METER_PASSWORD" }]\n'
        config = written(tmp_path, told, head=head)
        result = say("meters", "read", "--config", config)
        [shown] = json.loads(say("meters", "read", "--config", config, "--json").stdout)["items"]
    assert result.exit_code == 0
    assert "41,500.0 W, 2,500.0 kWh imported" in result.stdout
    assert "GET /cm?user=admin&password=***&cmnd=Status%208: 200 {" in result.stdout
    assert (shown["power_w"], shown["unit"], shown["asked"][0]["status"]) == (41_500.0, None, 200)
    assert "s3cret" not in result.stdout + json.dumps(shown)


def test_a_meter_is_turned_as_it_is_wired(say, tmp_path):
    with modbus(lambda: TOLD) as port:
        config = written(tmp_path, at(port, "main", sign=-1, multiplier=10))
        [told] = json.loads(say("meters", "read", "--config", config, "--json").stdout)["items"]
    assert (told["power_w"], told["export_wh"]) == (-415_000.0, 25_000_000.0)


def test_a_meter_that_refuses_is_named_with_its_refusal(say, tmp_path):
    with modbus(lambda: TOLD) as port:
        config = written(tmp_path, at(port, "main", unit=3))
        result = say("meters", "read", "--config", config)
    assert result.exit_code == 1
    assert "Refused: 127.0.0.1" in result.stdout
    assert "exception 1, illegal function" in result.stdout


def test_a_meter_that_does_not_answer_is_named_beside_one_that_does(say, tmp_path):
    with modbus(lambda: TOLD) as port:
        config = written(tmp_path, at(port, "main"), at(free_port(), "gone", role="check"))
        result = say("meters", "read", "--config", config)
        assert say("meters", "read", "--config", config, "--meter", "main").exit_code == 0
    assert result.exit_code == 3
    assert "41,500.0 W" in result.stdout
    assert "NotListening: 127.0.0.1" in result.stdout


def test_a_meter_that_is_not_configured_is_bad_usage(say, tmp_path):
    result = say("meters", "read", "--config", written(tmp_path, at(1, "main")), "--meter", "mian")
    assert result.exit_code == 2
    assert "there is no meter mian; there are main" in result.stderr


def test_a_configuration_with_mistakes_or_without_meters_is_said(say, tmp_path):
    assert say("meters", "read", "--config", tmp_path / "none.toml").exit_code == 2
    assert say("meters", "read", "--config", written(tmp_path)).exit_code == 1


# over MQTT --------------------------------------------------------------------------------------------------------


def test_a_meter_on_the_broker_is_waited_for_and_a_kept_message_is_none(say, tmp_path):
    (tmp_path / "broker").mkdir()
    with Mosquitto(tmp_path / "broker") as broker, publishing(broker.port) as publish:
        head = f'[mqtt]\nurl = "mqtt://127.0.0.1:{broker.port}"\n'
        config = written(tmp_path, {"id": "main", "kind": "mqtt"}, head=head)
        asked = ("meters", "read", "--config", config, "--json", "--wait")
        publish({"power_w": 900}, retain=True)
        kept = say(*asked, 0.5)
        [old] = json.loads(kept.stdout)["items"]
        with publish.again({"power_w": 1250.5, "energy_wh": 10}):
            spoken = say(*asked, 20)
        with publish.again({"power": 1250.5}):
            wrong = say(*asked, 20)
    assert kept.exit_code == 3
    assert (old["power_w"], old["error"]["message"]) == (None, "no message in 0.5 s, but one that the broker had kept")
    [new] = json.loads(spoken.stdout)["items"]
    assert (spoken.exit_code, new["power_w"], new["energy_wh"]) == (0, 1250.5, 10)
    [bad] = json.loads(wrong.stdout)["items"]
    assert (wrong.exit_code, bad["error"]["kind"], bad["payload"]) == (1, "BadSample", '{"power": 1250.5}')


def test_a_broker_that_is_not_there_is_said(say, tmp_path):
    port = free_port()
    config = written(tmp_path, {"id": "main", "kind": "mqtt"}, head=f'[mqtt]\nurl = "mqtt://127.0.0.1:{port}"\n')
    result = say("meters", "read", "--config", config, "--wait", 5)
    assert result.exit_code == 3
    assert f"127.0.0.1:{port}" in result.stdout


class Publisher:
    def __init__(self, client):
        self._client = client

    def __call__(self, told, *, retain=False):
        self._client.publish("hashwatt/kg-1/meter/main", json.dumps(told), qos=1, retain=retain).wait_for_publish(5)

    @contextmanager
    def again(self, told):
        """Publish it again and again, as a meter does."""
        ended = Event()

        def speak():
            while not ended.wait(0.05):
                self(told)

        thread = Thread(target=speak)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join(5)


@contextmanager
def publishing(port):
    client = paho.Client(paho.CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", port)
    client.loop_start()
    try:
        yield Publisher(client)
    finally:
        client.disconnect()
        client.loop_stop()
