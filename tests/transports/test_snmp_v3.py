"""SNMP version 3 over a real socket, to an agent of pysnmp's own: who is let in, and who is told that he is not."""

import pytest
from pysnmp.carrier.asyncio.dgram import udp
from pysnmp.entity import config
from pysnmp.entity.engine import SnmpEngine
from pysnmp.entity.rfc3413 import cmdrsp, context
from pysnmp.proto.rfc1902 import Integer32
from pysnmp.smi.instrum import AbstractMibInstrumController

from drivers.errors import NotPermitted
from drivers.outlet_snmp import SnmpOutlet
from drivers.snmp import User
from drivers.transports import snmp_udp
from drivers.transports.snmp_udp import Engine, SnmpLine
from tests.transports.servers import closed_port

ROOT = (1, 3, 6, 1, 4, 1, 318, 1, 1, 12, 3)
STATE, CONTROL = (*ROOT, 5, 1, 1, 4, 1), (*ROOT, 3, 1, 1, 4, 1)


class Rpdu(AbstractMibInstrumController):
    """The one outlet of an APC rPDU: 1 on, 2 off, by both its objects."""

    def __init__(self):
        self.state = 1

    def read_variables(self, *bound, **_context):
        return [(name, Integer32(self.state)) for name, _ in bound]

    def write_variables(self, *bound, **_context):
        for _, value in bound:
            self.state = int(value)
        return [*bound]


@pytest.fixture
async def pdu(monkeypatch):
    monkeypatch.setattr("drivers.outlet_snmp.SWITCHES_S", 0.0)
    monkeypatch.setattr(snmp_udp, "ANSWER_S", 1.0)
    made, engine, port = Rpdu(), SnmpEngine(), closed_port()
    config.add_transport(engine, udp.DOMAIN_NAME, udp.UdpTransport().open_server_mode(("127.0.0.1", port)))
    keys = (config.USM_AUTH_HMAC96_SHA, "first-passphrase", config.USM_PRIV_CFB128_AES, "other-passphrase")
    config.add_v3_user(engine, "hashwatt", *keys)
    config.add_vacm_user(engine, 3, "hashwatt", "authPriv", ROOT, ROOT)
    named = context.SnmpContext(engine)
    named.unregister_context_name(b"")
    named.register_context_name(b"", made)
    cmdrsp.GetCommandResponder(engine, named)
    cmdrsp.SetCommandResponder(engine, named)
    made.port = port
    yield made
    engine.close_dispatcher()


async def spoken(pdu, user, conversation):
    line = SnmpLine("127.0.0.1", pdu.port, user, Engine())
    try:
        return await line.run(conversation)
    finally:
        line.close()


async def test_a_user_with_both_passphrases_reads_and_switches(pdu):
    user = User(name="hashwatt", authentication="first-passphrase", privacy="other-passphrase")
    assert (await spoken(pdu, user, SnmpOutlet("apc-rpdu").switch(on=False))).on is False
    assert pdu.state == 2


async def test_a_wrong_passphrase_and_a_stranger_are_told_that_they_are_not_let_in(pdu):
    for user in (
        User(name="hashwatt", authentication="wrong-passphrase", privacy="other-passphrase"),
        User(name="nobody", authentication="first-passphrase", privacy="other-passphrase"),
    ):
        with pytest.raises(NotPermitted):
            await spoken(pdu, user, SnmpOutlet("apc-rpdu").read())
