"""Every transport against everything that a peer can do to it: the right error, in bounded time and memory."""

import asyncio
import struct
import tracemalloc

import pytest

from drivers.cgminer_wire import ask, parse
from drivers.errors import Garbled, Refused, Unreachable
from drivers.interface import Http
from drivers.meter_map import known_map
from drivers.meter_modbus import ModbusMeter
from drivers.transports import modbus_tcp
from drivers.transports.modbus_tcp import ModbusLine
from drivers.web_json import anything, judged
from drivers.whatsminer_v3_wire import asking
from drivers.whatsminer_v3_wire import parse as parse_v3
from tests.transports import mischief as does
from tests.transports.mischief import BOMB, Sender, certified, quiet_handshakes
from tests.transports.servers import HOST, closed_port, response, serving, target

MOST_SENT = 8_000_000
"""What may be in the buffers of both ends; no peer gets rid of more before it is cut off."""
DEADLINE_S = 0.3
CGMINER = b'{"STATUS":[{"STATUS":"S"}],"VERSION":[{"CGMiner":"4.11.1"}]}\0'
V3 = b'{"code":0,"when":1700000000,"msg":{"salt":"x"},"desc":"get.device.info"}'
FRAME = struct.pack("<I", len(V3)) + V3
PAGE = response(body=b'{"a": 1}')
REGISTERS = struct.pack(">HHHBBB", 1, 0, 3 + 2 * 2, 1, 4, 4) + bytes(4)


def plain_api():
    return parse((yield ask("version")))


def framed_api():
    return parse_v3((yield asking(None, "get.device.info", "salt")))


def page():
    reply = yield Http(method="GET", path="/x")
    return anything(judged(reply, "/x"))


LANES = {"plain": (plain_api, CGMINER), "framed": (framed_api, FRAME), "page": (page, PAGE)}
"""What is asked of a machine, and the right reply to it."""
ENDLESS_PAGE = b"HTTP/1.1 200 OK\r\n\r\n"
ENDLESS_HEAD = b"HTTP/1.1 200 OK\r\nX-"
ENDLESS_FRAME = b"\xff\xff\xff\xff"
LONG_PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n"
PACKED = response(body=BOMB, Content_Encoding="gzip")
TABLE = [
    ("plain", does.hang, b"", Unreachable),
    ("plain", does.slow, b"", Unreachable),
    ("plain", does.slow_reply, b"", Unreachable),
    ("plain", does.half, b"", Garbled),
    ("plain", does.half_and_hang, b"", Unreachable),
    ("plain", does.half_and_reset, b"", (Garbled, Unreachable)),
    ("plain", does.close, b"", Unreachable),
    ("plain", does.reset, b"", Unreachable),
    ("plain", does.endless, b"", Garbled),
    ("plain", does.huge, b"", Garbled),
    ("plain", does.say, BOMB, Garbled),
    ("plain", does.say, response(302, Location="http://127.0.0.2/"), Garbled),
    ("framed", does.hang, b"", Unreachable),
    ("framed", does.slow, b"", (Garbled, Unreachable)),
    ("framed", does.slow_reply, b"", Unreachable),
    ("framed", does.half, b"", (Garbled, Unreachable)),
    ("framed", does.half_and_hang, b"", Unreachable),
    ("framed", does.half_and_reset, b"", (Garbled, Unreachable)),
    ("framed", does.close, b"", Unreachable),
    ("framed", does.reset, b"", Unreachable),
    ("framed", does.endless, ENDLESS_FRAME, Garbled),
    ("framed", does.huge, ENDLESS_FRAME, Garbled),
    ("framed", does.say, struct.pack("<I", len(BOMB)) + BOMB, Garbled),
    ("page", does.hang, b"", Unreachable),
    ("page", does.slow, b"", Unreachable),
    ("page", does.slow_reply, b"", Unreachable),
    ("page", does.half, b"", Unreachable),
    ("page", does.half_and_hang, b"", Unreachable),
    ("page", does.half_and_reset, b"", Unreachable),
    ("page", does.close, b"", Unreachable),
    ("page", does.reset, b"", Unreachable),
    ("page", does.endless, ENDLESS_PAGE, Garbled),
    ("page", does.endless, ENDLESS_HEAD, Garbled),
    ("page", does.endless, b"", Garbled),
    ("page", does.huge, LONG_PAGE, Garbled),
    ("page", does.say, PACKED, Garbled),
]
ENDS_BY_ITSELF = {does.half, does.half_and_reset, does.close, does.reset, does.endless, does.huge, does.say}


def named(value):
    return getattr(value, "__name__", None)


@pytest.mark.usefixtures("readiness")
@pytest.mark.parametrize(("lane", "how", "head", "error"), TABLE, ids=named)
async def test_a_machine_that_behaves_badly_is_the_right_error_in_bounded_time_and_memory(
    lane, how, head, error, lanes, hasty
):
    conversation, whole = LANES[lane]
    sender = Sender(how, head=head, whole=head if how is does.say else whole)
    async with serving(sender) as port:
        patient = lanes if how in ENDS_BY_ITSELF else hasty
        with pytest.raises(error) as caught:
            await patient.run(target(port, port), conversation())
    assert sender.sent < MOST_SENT
    assert len(getattr(caught.value, "payload", b"")) <= 65_536
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("lane", LANES)
async def test_what_is_asked_in_the_table_is_answered_by_a_machine_that_behaves(lane, lanes):
    conversation, whole = LANES[lane]
    async with serving(Sender(does.say, whole=whole)) as port:
        assert await lanes.run(target(port, port), conversation()) is not None


async def test_a_redirect_to_another_host_is_refused_and_the_other_host_is_not_asked(lanes):
    other = Sender(does.say, whole=PAGE)
    async with serving(other, "127.0.0.2") as elsewhere:
        sender = Sender(does.say, whole=response(302, Location=f"http://127.0.0.2:{elsewhere}/x"))
        async with serving(sender) as port:
            with pytest.raises(Refused, match="302"):
                await lanes.run(target(http_port=port), page())
    assert (sender.connections, other.connections) == (1, 0)


async def test_a_machine_behind_a_certificate_is_an_error_and_no_reading(lanes, tmp_path):
    context, _ = certified(tmp_path)
    with quiet_handshakes():
        server = await asyncio.start_server(lambda *_: None, HOST, 0, ssl=context)
        async with server:
            port = server.sockets[0].getsockname()[1]
            for conversation in (plain_api, page):
                with pytest.raises((Garbled, Unreachable)):
                    await lanes.run(target(port, port), conversation())


LINE = [
    (does.hang, b"", Unreachable),
    (does.slow, b"", Unreachable),
    (does.slow_reply, b"", Unreachable),
    (does.half, b"", Unreachable),
    (does.half_and_hang, b"", Unreachable),
    (does.half_and_reset, b"", Unreachable),
    (does.close, b"", Unreachable),
    (does.reset, b"", Unreachable),
    (does.endless, b"", Unreachable),
    (does.endless, struct.pack(">HHHB", 1, 0, 65_535, 1), Unreachable),
    (does.endless, struct.pack(">HHHB", 9, 0, 7, 1), Unreachable),
    (does.huge, REGISTERS, (Garbled, Unreachable)),
    (does.say, BOMB, Unreachable),
    (does.say, response(302, Location="http://127.0.0.2/"), Unreachable),
]


@pytest.mark.parametrize(("how", "head", "error"), LINE, ids=named)
async def test_a_meter_that_behaves_badly_is_the_right_error_in_bounded_time_and_memory(how, head, error, monkeypatch):
    monkeypatch.setattr(modbus_tcp, "REQUEST_S", DEADLINE_S)
    sender = Sender(how, head=head, whole=head or REGISTERS)
    async with serving(sender) as port:
        line = ModbusLine(HOST, port)
        tracemalloc.start()
        try:
            async with asyncio.timeout(20):
                with pytest.raises(error) as caught:
                    await line.run(1, ModbusMeter(known_map("eastron-sdm630")).read())
            most = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
            line.close()
    assert most < MOST_SENT  # it reads on until the deadline, and throws away what is too much
    assert len(str(caught.value)) < 1000


async def test_a_meter_that_nobody_is_at_is_the_error_of_a_shut_port():
    line = ModbusLine(HOST, closed_port())
    with pytest.raises(Unreachable):
        await line.run(1, ModbusMeter(known_map("eastron-sdm630")).read())
    line.close()
