import asyncio
import base64
from contextlib import suppress

import pytest
import uvloop

from drivers.errors import Garbled, NotListening, Unreachable
from drivers.interface import Ask, Http
from drivers.transports import http_lane
from tests.transports.servers import (
    PATIENCE_S,
    Patient,
    Web,
    closed_port,
    endless,
    getting,
    resetting,
    response,
    saying,
    serving,
    silent,
    target,
)

pytestmark = pytest.mark.usefixtures("readiness")
LOGIN = {"user": "root", "password": "secret"}


async def get(lanes, port, path="/", **rest):
    return await lanes.run(target(http_port=port), getting(path, **rest))


async def test_a_reply_is_status_headers_and_body_whatever_the_status(lanes):
    web = Web(answer=lambda _first: response(404, b"none", X_Miner="A"))
    async with serving(web) as port:
        reply = await get(lanes, port, "/cgi-bin/x.cgi?a=1")
    assert (reply.status, reply.body, reply.headers["x-miner"]) == (404, b"none", "A")
    assert web.asked[0][0] == "GET /cgi-bin/x.cgi?a=1 HTTP/1.1"


async def test_a_body_is_posted_with_its_type(lanes):
    web = Web()
    async with serving(web) as port:
        await get(lanes, port, method="POST", body=b'{"a":1}', content_type="application/json")
    first, headers, body = web.asked[0]
    assert (first, headers["content-type"], body) == ("POST / HTTP/1.1", "application/json", b'{"a":1}')


async def test_a_digest_challenge_is_answered_and_its_nonce_serves_again(lanes):
    web = Web(login=("root", "secret"))
    async with serving(web) as port:
        for _ in range(3):
            assert (await get(lanes, port, "/cgi-bin/stats.cgi", **LOGIN)).body == b"page"
        posted = await get(lanes, port, "/cgi-bin/set.cgi", method="POST", body=b"{}", **LOGIN)
    assert posted.body == b"page"
    assert (len(web.asked), web.nonces) == (5, 1)


async def test_a_password_that_is_wrong_is_a_401_and_no_loop(lanes):
    web = Web(login=("root", "other"))
    async with serving(web) as port:
        assert (await get(lanes, port, **LOGIN)).status == 401
    assert len(web.asked) == 2


async def test_a_challenge_without_a_login_is_a_401(lanes):
    web = Web(login=("root", "secret"))
    async with serving(web) as port:
        assert (await get(lanes, port)).status == 401
    assert len(web.asked) == 1


async def test_two_logins_at_one_machine_are_kept_apart(lanes):
    web = Web(login=("root", "secret"))
    async with serving(web) as port:
        assert (await get(lanes, port, user="root", password="wrong")).status == 401
        assert (await get(lanes, port, **LOGIN)).status == 200


async def test_a_basic_challenge_is_answered_once(lanes):
    web = Web(login=base64.b64encode(b"root:secret").decode(), scheme="basic")
    async with serving(web) as port:
        assert (await get(lanes, port, **LOGIN)).status == 200
        web.login = "another"
        assert (await get(lanes, port, **LOGIN)).status == 401
    assert len(web.asked) == 4


async def test_kept_logins_are_bounded(lanes, monkeypatch):
    monkeypatch.setattr(http_lane, "MOST_LOGINS", 2)
    web = Web(login=("root", "secret"))
    async with serving(web) as port:
        await get(lanes, port, **LOGIN)
        await get(lanes, port, user="x", password="secret")
        asked = len(web.asked)
        await get(lanes, port, **LOGIN)
        assert len(web.asked) == asked + 1
        for user in ("y", "z"):
            await get(lanes, port, user=user, password="secret")
        asked = len(web.asked)
        await get(lanes, port, **LOGIN)
        assert len(web.asked) == asked + 2


@pytest.mark.parametrize("realm", ["é", "\xff\x80", "a\tb", "Ж"])
async def test_a_realm_in_any_bytes_is_answered_in_the_same(lanes, realm):
    challenge = f'Digest realm="{realm}", nonce="n", qop="auth"'.encode()
    asked = []

    async def once(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head)
        told = response(200, b"page") if b"Authorization" in head else response(401, WWW_Authenticate="CHALLENGE")
        writer.write(told.replace(b"CHALLENGE", challenge))
        await writer.drain()

    async with serving(once) as port:
        assert (await get(lanes, port, user="rööt", password="пароль")).body == b"page"
    assert b'realm="%s"' % realm.encode() in asked[1]
    assert 'username="rööt"'.encode() in asked[1]


async def test_what_cannot_be_asked_is_an_error_of_that_exchange_and_stops_no_other():
    lanes = Patient(timeout_s=PATIENCE_S, most=1)
    async with serving(Web()) as port:
        bad = [get(lanes, port, "/a b"), get(lanes, port, "/é"), get(lanes, port, content_type="a\r\nb", body=b"")]
        found = await asyncio.gather(get(lanes, port), *bad, get(lanes, port), return_exceptions=True)
    await lanes.close()
    assert [getattr(reply, "body", type(reply)) for reply in found] == [b"page", Garbled, Garbled, Garbled, b"page"]


async def test_a_redirect_is_not_followed(lanes):
    web = Web(answer=lambda _first: response(302, Location="http://127.0.0.1:9/elsewhere"))
    async with serving(web) as port:
        reply = await get(lanes, port)
    assert (reply.status, reply.headers["location"]) == (302, "http://127.0.0.1:9/elsewhere")
    assert len(web.asked) == 1


async def test_a_page_without_a_length_ends_with_the_connection(lanes):
    async with serving(saying(b"HTTP/1.0 200 OK\r\n\r\nold page")) as port:
        assert (await get(lanes, port)).body == b"old page"


async def test_too_big_a_body_is_garbled(lanes):
    async with serving(saying(response(body=b"x" * 50_000))) as port:
        assert len((await get(lanes, port, most_bytes=50_000)).body) == 50_000
        with pytest.raises(Garbled, match="more than 49999 bytes"):
            await get(lanes, port, most_bytes=49_999)


async def test_a_body_without_an_end_is_garbled(lanes):
    async def forever(reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await endless(reader, writer)

    async with serving(forever) as port:
        with pytest.raises(Garbled):
            await get(lanes, port, most_bytes=100_000, deadline_s=5.0)


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhal",
    ],
)
@pytest.mark.parametrize("end", [saying, resetting])
async def test_a_connection_that_is_dropped_is_unreachable(lanes, reply, end):
    async with serving(end(reply)) as port:
        with pytest.raises(Unreachable):
            await get(lanes, port)


@pytest.mark.parametrize(
    "reply",
    [
        b"\x00\x01\x02 not the web\r\n\r\n",
        b'{"STATUS":"E"}\r\n\r\n',
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
    ],
)
async def test_what_is_not_http_is_a_device_error(lanes, reply):
    async with serving(saying(reply)) as port:
        with pytest.raises((Garbled, Unreachable)):
            await get(lanes, port)


@pytest.mark.parametrize(
    "challenge",
    [
        *("Digest", "Digest realm", "Digest qop=odd", 'Digest realm="x", nonce="y", algorithm=ODD', "", "Basic"),
        *("Negotiate x", 'Digest realm="x", nonce=""', 'Digest realm="é", nonce="n", qop="auth-int"'),
    ],
)
async def test_an_odd_challenge_is_a_401_or_garbled(lanes, challenge):
    async with serving(saying(response(401, WWW_Authenticate=challenge))) as port:
        with suppress(Garbled):
            assert (await get(lanes, port, **LOGIN)).status == 401


async def test_a_silent_server_is_given_up_at_the_deadline(hasty):
    async with serving(silent) as port:
        with pytest.raises(Unreachable, match="in time"):
            await get(hasty, port)
        with pytest.raises(Unreachable, match="in time"):
            await get(hasty, port, deadline_s=0.05)


async def test_a_port_that_nobody_listens_on_is_told_apart(lanes):
    with pytest.raises(NotListening):
        await get(lanes, closed_port())


async def test_three_hundred_at_once_take_turns_and_are_each_answered(lanes):
    at_once, most = 0, 0

    async def page(reader, writer):
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(response(body=head.split(b" ")[1]))
        await writer.drain()
        at_once -= 1

    async with serving(page) as port:
        gets = [get(lanes, port, f"/{n}", deadline_s=10.0) for n in range(300)]
        replies = await asyncio.gather(*gets)
    assert [reply.body for reply in replies] == [b"/%d" % n for n in range(300)]
    assert most <= http_lane.MOST_AT_ONCE


async def test_one_conversation_goes_over_both_lanes(lanes):
    def both():
        told = yield Ask(request=b"ask")
        page = yield Http(method="GET", path="/")
        return told, page.body

    async with serving(saying(b"socket\0")) as port, serving(Web()) as http_port:
        assert await lanes.run(target(port, http_port), both()) == (b"socket", b"page")


async def test_nothing_is_called_after_close_and_nothing_stays_open():
    called, arrived = [], asyncio.Event()

    async def hold(reader, writer):
        arrived.set()
        await silent(reader, writer)

    lanes = Patient(timeout_s=5.0)
    async with serving(hold) as port:
        for _ in range(5):
            lanes.start(target(http_port=port), getting(), called.append)
        await arrived.wait()
        await lanes.close()
        lanes.start(target(http_port=port), getting(), called.append)
        assert [task for task in asyncio.all_tasks() if task.get_name().startswith("http")] == []
        await asyncio.sleep(0.05)
    assert called == []


def test_it_works_on_uvloop_as_well():
    async def log_in():
        lanes = Patient(timeout_s=PATIENCE_S)
        async with serving(Web(login=("root", "secret"))) as port:
            reply = await get(lanes, port, **LOGIN)
        with pytest.raises(NotListening):
            await get(lanes, closed_port())
        await lanes.close()
        return reply.body

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(log_in()) == b"page"
