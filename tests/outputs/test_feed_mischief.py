"""A page of hashprices, and a broker, that behave badly: said in words, in bounded time and memory; no quote."""

import asyncio
import gc
import random
import ssl
from dataclasses import replace

import aiomqtt
import pytest

from agent.inputs.hashprice import MOST_BYTES
from agent.links import mqtt
from agent.links.mqtt import Broker, MqttLink
from agent.wiring import feeds
from tests.outputs.test_feeds import Room
from tests.transports import mischief as does
from tests.transports.mischief import BOMB, Sender, certified, quiet_handshakes
from tests.transports.servers import HOST, response, serving

QUOTE = b'{"hashprice_per_ph_day": "50"}'
PAGE = response(body=QUOTE)
ENDLESS = b"HTTP/1.1 200 OK\r\n\r\n"
LONG = b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n"
PACKED = response(body=BOMB, Content_Encoding="gzip")
MOST_SENT = 16_000_000
REACHED = "cannot be reached"
TABLE = [
    (does.hang, b"", REACHED),
    (does.slow, b"", REACHED),
    (does.slow_reply, b"", REACHED),
    (does.half, b"", REACHED),
    (does.half_and_hang, b"", REACHED),
    (does.half_and_reset, b"", REACHED),
    (does.close, b"", REACHED),
    (does.reset, b"", REACHED),
    (does.endless, b"", REACHED),
    (does.endless, ENDLESS, f"more than {MOST_BYTES} bytes"),
    (does.huge, LONG, f"more than {MOST_BYTES} bytes"),
    (does.say, PACKED, "no hashprice"),
]


def room(url):
    made = Room('source = "http"\nurl = "http://x/"\n')
    made.feed._told = replace(made.feed._told, url=url)
    return made


async def fetched(url):
    """Fetch once; returns what went wrong, None where a quote came."""
    made = room(url)
    async with asyncio.timeout(60):
        await made.feed._fetch()
    assert (made.told == []) == (made.feed._quotes.trouble is not None)
    return made.feed._quotes.trouble


@pytest.mark.parametrize(("how", "head", "says"), TABLE, ids=lambda value: getattr(value, "__name__", None))
async def test_a_page_that_behaves_badly_is_said_in_bounded_time_and_memory(how, head, says, monkeypatch):
    monkeypatch.setattr(feeds, "FETCHED_WITHIN_S", 0.4)
    sender = Sender(how, head=head, whole=head if how is does.say else PAGE)
    async with serving(sender) as port:
        assert says in await fetched(f"http://{HOST}:{port}/")
    assert sender.sent < MOST_SENT


async def test_a_page_in_pieces_is_one():
    async def pieces(sender, writer):
        for piece in (PAGE[:-20], PAGE[-20:-10], PAGE[-10:]):
            await sender.send(writer, piece)
            await asyncio.sleep(0.02)

    async with serving(Sender(pieces)) as port:
        assert await fetched(f"http://{HOST}:{port}/") is None


async def test_a_redirect_to_another_host_is_not_followed():
    other = Sender(does.say, whole=PAGE)
    async with serving(other, "127.0.0.2") as elsewhere:
        sender = Sender(does.say, whole=response(302, Location=f"http://127.0.0.2:{elsewhere}/"))
        async with serving(sender) as port:
            assert "answers 302" in await fetched(f"http://{HOST}:{port}/")
    assert (sender.connections, other.connections) == (1, 0)


async def test_a_certificate_that_nobody_vouches_for_is_no_page(tmp_path):
    context, _ = certified(tmp_path)
    with quiet_handshakes():
        async with await asyncio.start_server(lambda *_: None, HOST, 0, ssl=context) as server:
            says = await fetched(f"https://localhost:{server.sockets[0].getsockname()[1]}/")
    assert "certificate verify failed" in says


# --- a broker -------------------------------------------------------------------------------------------------


def link_to(port, tls=None):
    where = Broker(host="localhost", port=port, client_id="agent", prefix="hashwatt/test", tls=tls)
    return MqttLink(where, None, random.Random(1))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("vouched", [False, True])
async def test_a_broker_with_a_wrong_certificate_is_not_spoken_to(tmp_path, vouched):
    """Once by nobody's word, once by that of a known authority but for another host."""
    context, file = certified(tmp_path, "elsewhere" if vouched else "localhost")
    trusted = ssl.create_default_context(cafile=file if vouched else None)
    heard = []

    async def hear(reader, _writer):
        heard.append(await reader.read(100))

    with quiet_handshakes():
        async with await asyncio.start_server(hear, HOST, 0, ssl=context) as server, asyncio.timeout(60):
            with pytest.raises(aiomqtt.MqttError, match="ertificate"):
                await link_to(server.sockets[0].getsockname()[1], trusted)._session()
    assert [said for said in heard if said] == []
    gc.collect()  # paho leaves the socket of a failed handshake to it


@pytest.mark.parametrize("how", [does.hang, does.close, does.reset, does.endless, does.slow])
async def test_a_broker_that_behaves_badly_is_an_error_in_bounded_time(how, monkeypatch):
    monkeypatch.setattr(mqtt, "CONNECT_S", 0.3)
    async with serving(Sender(how)) as port, asyncio.timeout(60):
        with pytest.raises(aiomqtt.MqttError):
            await link_to(port)._session()
