"""SNMP over a real socket, to a simulated PDU that has its own words of ASN.1."""

import pytest

from drivers.errors import DeviceError, NotPermitted, Unreachable
from drivers.outlet_snmp import SnmpOutlet
from drivers.snmp import Community, Get, User
from drivers.transports import snmp_udp
from drivers.transports.snmp_udp import Engine, SnmpLine
from simulators.pdu import PduServer, rpdu2

ROOT = "1.3.6.1.4.1.318.1.1.26.9"


@pytest.fixture
async def pdu(monkeypatch):
    monkeypatch.setattr("drivers.outlet_snmp.SWITCHES_S", 0.0)
    monkeypatch.setattr(snmp_udp, "ANSWER_S", 0.3)
    monkeypatch.setattr(snmp_udp, "RETRIES", 0)
    made = rpdu2(outlets=200)
    transport, made.port = await PduServer.serve(made)
    yield made
    transport.close()


@pytest.fixture
async def line(pdu):
    lines, engine = [], Engine()

    def make(name="private", version=1):
        lines.append(SnmpLine("127.0.0.1", pdu.port, Community(name=name, version=version), engine))
        return lines[-1]

    yield make
    for one in lines:
        one.close()


@pytest.mark.parametrize("version", [1, 2])
async def test_an_outlet_is_read_switched_off_and_on_again(pdu, line, version):
    way, outlet = line(version=version), SnmpOutlet("apc-rpdu2", 130)
    assert (await way.run(outlet.read())).power_w == 3200.0
    assert (await way.run(outlet.switch(on=False))).on is False
    found = await way.run(outlet.switch(on=True))
    assert (found.on, found.power_w) == (True, 3200.0)
    assert pdu.told == [(f"{ROOT}.2.4.1.5.130", 2), (f"{ROOT}.2.4.1.5.130", 1)]
    assert pdu.values[f"{ROOT}.2.3.1.5.129"] == 2


@pytest.mark.parametrize("version", [1, 2])
async def test_one_that_does_not_measure_is_read_all_the_same(pdu, line, version):
    del pdu.values[f"{ROOT}.4.3.1.7.1"]
    found = await line(version=version).run(SnmpOutlet("apc-rpdu2").read())
    assert (found.on, found.power_w) == (True, None)


@pytest.mark.parametrize("version", [1, 2])
async def test_who_may_only_read_is_told_so_and_nothing_is_switched(pdu, line, version):
    way, outlet = line("public", version), SnmpOutlet("apc-rpdu2")
    assert (await way.run(outlet.read())).on is True
    with pytest.raises(NotPermitted, match="may write"):
        await way.run(outlet.switch(on=False))
    assert (pdu.told, (await way.run(outlet.read())).on) == ([], True)


async def test_silence_is_no_answer_and_the_next_one_counts(pdu, line):
    way, outlet = line(), SnmpOutlet("apc-rpdu2")
    pdu.deaf = True
    with pytest.raises(Unreachable, match="No SNMP response"):
        await way.run(outlet.read())
    pdu.deaf = False
    assert (await way.run(outlet.read())).on is True


async def test_a_wrong_community_is_silence(line):
    with pytest.raises(Unreachable):
        await line("wrong").run(SnmpOutlet("apc-rpdu2").read())


async def test_numbers_below_zero_and_beyond_a_byte_are_read(pdu, line):
    pdu.values |= {"1.3.6.1.4.1.1.1": -1, "1.3.6.1.4.1.1.200000": 70_000}

    def ask():
        return (yield Get(oids=("1.3.6.1.4.1.1.1", "1.3.6.1.4.1.1.200000")))

    assert [*(await line().run(ask())).values()] == [-1, 70_000]


@pytest.mark.parametrize(("host", "user"), [("::1", False), ("127.0.0.1", True)])
async def test_whatever_the_library_cannot_do_is_an_error_of_that_device(host, user, monkeypatch):
    monkeypatch.setattr(snmp_udp, "ANSWER_S", 0.1)
    monkeypatch.setattr(snmp_udp, "RETRIES", 0)
    access = User(name="u", authentication="", privacy="") if user else Community(name="public", version=2)
    one = SnmpLine(host, 1, access, Engine())
    with pytest.raises(DeviceError, match=host):
        await one.run(SnmpOutlet("apc-rpdu2").read())
    one.close()
