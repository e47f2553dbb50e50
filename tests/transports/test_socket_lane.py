import asyncio
import errno
import socket
from pathlib import Path

import pytest
import uvloop

from drivers.errors import Garbled, NotListening, Unreachable
from drivers.interface import Ends
from drivers.transports import socket_lane
from drivers.transports.lanes import Lanes
from tests.transports.servers import (
    DEADLINE_S,
    HOST,
    PATIENCE_S,
    Patient,
    asking,
    closed_port,
    endless,
    resetting,
    saying,
    serving,
    silent,
    target,
)

pytestmark = pytest.mark.usefixtures("readiness")
REPLY = b'{"STATUS":"S"}'


def descriptors():
    return sorted(link.name for link in Path("/proc/self/fd").iterdir())


# --- replies --------------------------------------------------------------------------------------------------


async def test_a_reply_is_what_comes_before_the_nul(lanes):
    async with serving(saying(REPLY + b"\0never read")) as port:
        assert await lanes.run(target(port), asking(b"ask")) == [REPLY]


async def test_a_reply_without_a_nul_ends_with_the_connection(lanes):
    async with serving(saying(REPLY)) as port:
        assert await lanes.run(target(port), asking(b"ask")) == [REPLY]


async def test_a_reply_that_ends_with_the_connection_keeps_its_nuls(lanes):
    async with serving(saying(b"a\0b\0")) as port:
        assert await lanes.run(target(port), asking(b"ask", ends=Ends.CLOSE)) == [b"a\0b\0"]


async def test_a_reply_that_says_how_long_it_is_ends_there_although_the_miner_holds_the_connection(lanes):
    reply = b"\5\0\0\0a\0b\0c"

    async def holds(reader, writer):
        await reader.read(100)
        for piece in (reply[:2], reply[2:6], reply[6:]):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        await reader.read()

    async with serving(holds) as port:
        assert await lanes.run(target(port), asking(b"ask", ends=Ends.LENGTH)) == [reply]


async def test_a_reply_that_is_shorter_than_it_says_ends_with_the_connection(lanes):
    async with serving(saying(b"\5\0\0\0a")) as port:
        assert await lanes.run(target(port), asking(b"ask", ends=Ends.LENGTH)) == [b"\5\0\0\0a"]


async def test_a_reply_is_whole_although_a_reset_follows(lanes):
    async with serving(resetting(REPLY + b"\0")) as port:
        assert await lanes.run(target(port), asking(b"ask")) == [REPLY]
        assert await lanes.run(target(port), asking(b"ask", ends=Ends.CLOSE)) == [REPLY + b"\0"]


async def test_a_reply_in_many_pieces_is_one(lanes):
    async def slow(reader, writer):
        await reader.read(100)
        for piece in (b"a" * 70_000, b"b" * 70_000, b"c\0"):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)

    async with serving(slow) as port:
        assert await lanes.run(target(port), asking(b"ask")) == [b"a" * 70_000 + b"b" * 70_000 + b"c"]


async def test_the_connection_is_closed_at_the_nul_although_the_miner_holds_it(lanes):
    ended = asyncio.Event()

    async def holds(reader, writer):
        await reader.read(100)
        writer.write(REPLY + b"\0")
        await reader.read()
        ended.set()

    async with serving(holds) as port:
        assert await lanes.run(target(port), asking(b"ask")) == [REPLY]
        await ended.wait()


async def test_each_request_has_a_connection_of_its_own_and_leaves_in_one_piece(lanes):
    asked = []

    async def behave(reader, writer):
        asked.append(await reader.read(8192))
        writer.write(b"%d\0" % len(asked))

    async with serving(behave) as port:
        requests = [b"a" * 4000, b"b", b"c"]
        assert await lanes.run(target(port), asking(*requests)) == [b"1", b"2", b"3"]
        assert asked == requests


# --- no replies -----------------------------------------------------------------------------------------------


async def test_a_reset_without_a_byte_is_unreachable(lanes):
    async with serving(resetting(b"")) as port:
        with pytest.raises(Unreachable):
            await lanes.run(target(port), asking(b"ask"))


async def test_a_close_without_a_byte_is_unreachable(lanes):
    async with serving(saying(b"")) as port:
        with pytest.raises(Unreachable, match="closed"):
            await lanes.run(target(port), asking(b"ask"))


async def test_a_port_that_nobody_listens_on_is_told_apart(lanes):
    with pytest.raises(NotListening):
        await lanes.run(target(closed_port()), asking(b"ask"))


async def test_a_silent_machine_is_given_up_at_the_deadline(hasty):
    loop = asyncio.get_running_loop()
    async with serving(silent) as port:
        began = loop.time()
        with pytest.raises(Unreachable, match="in time"):
            await hasty.run(target(port), asking(b"ask"))
        assert DEADLINE_S <= loop.time() - began < DEADLINE_S + 5
        with pytest.raises(Unreachable, match="in time"):
            await hasty.run(target(port), asking(b"ask", deadline_s=0.05))


async def test_half_a_reply_and_silence_is_given_up_at_the_deadline(hasty):
    async def half(reader, writer):
        await reader.read(100)
        writer.write(REPLY[:5])
        await silent(reader, writer)

    async with serving(half) as port:
        with pytest.raises(Unreachable, match="in time"):
            await hasty.run(target(port), asking(b"ask"))


async def test_half_a_reply_and_a_close_is_what_came(lanes):
    async with serving(saying(REPLY[:5])) as port:
        assert await lanes.run(target(port), asking(b"ask")) == [REPLY[:5]]


async def test_an_endless_reply_is_bounded(lanes):
    async with serving(endless) as port:
        with pytest.raises(Garbled, match="does not end") as caught:
            await lanes.run(target(port), asking(b"ask", most_bytes=100_000, deadline_s=5.0))
        assert caught.value.payload.startswith(b"xxx")


async def test_a_machine_out_of_descriptors_is_an_error_of_that_exchange(lanes, monkeypatch):
    def exhausted(*_args):
        raise OSError(errno.EMFILE, "Too many open files")

    async with serving(saying(REPLY)) as port:
        with monkeypatch.context() as patch:
            patch.setattr(socket_lane.socket, "socket", exhausted)
            with pytest.raises(Unreachable, match="Too many"):
                await lanes.run(target(port), asking(b"ask"))
        assert await lanes.run(target(port), asking(b"ask")) == [REPLY]


# --- many, and what is left -----------------------------------------------------------------------------------


async def test_three_hundred_machines_at_once_are_each_answered_their_own(lanes):
    async def echo(reader, writer):
        writer.write(await reader.read(100) + b"\0")
        await writer.drain()

    async with serving(echo) as port, serving(silent) as dead, serving(resetting(b"")) as gone:
        lively = [lanes.run(target(port), asking(b"%d" % n, b"%d again" % n, deadline_s=5)) for n in range(300)]
        lost = [
            lanes.run(target(which), asking(b"x", deadline_s=DEADLINE_S))
            for which in (dead, gone, closed_port())
            for _ in range(20)
        ]
        answers = await asyncio.gather(*lively, *lost, return_exceptions=True)
    assert answers[:300] == [[b"%d" % n, b"%d again" % n] for n in range(300)]
    assert {isinstance(answer, Unreachable) for answer in answers[300:]} == {True}


async def test_nothing_stays_open_and_nobody_is_called_after_close():
    before = descriptors()
    called = []
    async with asyncio.timeout(10):
        connected = asyncio.Semaphore(0)

        async def hold(reader, writer):
            connected.release()
            await silent(reader, writer)

        async with serving(hold) as port:
            lanes = Lanes(timeout_s=DEADLINE_S)
            for _ in range(10):
                lanes.start(target(port), asking(b"ask"), called.append)
            lanes.start(target(closed_port()), asking(b"ask"), called.append)
            for _ in range(10):
                await connected.acquire()
            await lanes.close()
            await lanes.close()
            lanes.start(target(port), asking(b"late"), called.append)
            await asyncio.sleep(DEADLINE_S + 0.15)
    assert [type(found) for found in called] in ([], [NotListening])
    assert descriptors() == before


async def test_an_address_that_cannot_be_used_is_unreachable_and_not_told_after_close():
    called = []
    lanes = Patient(source_address="192.0.2.1", timeout_s=DEADLINE_S)
    with pytest.raises(Unreachable, match="assign"):
        await lanes.run(target(closed_port()), asking(b"ask"))
    lanes.start(target(closed_port()), asking(b"ask"), called.append)
    await lanes.close()
    for _ in range(5):
        await asyncio.sleep(0)
    assert called == []


async def test_an_answer_that_its_taker_fails_on_stops_no_other(lanes, reported):
    def fail(_found):
        raise RuntimeError("taker")

    async with serving(saying(REPLY)) as port, serving(silent) as dead:
        for _ in range(20):
            lanes.start(target(port), asking(b"ask"), fail)
            lanes.start(target(dead), asking(b"ask", deadline_s=DEADLINE_S), fail)
        answers = await asyncio.gather(*[lanes.run(target(port), asking(b"ask")) for _ in range(50)])
        with pytest.raises(Unreachable):
            await lanes.run(target(dead), asking(b"ask", deadline_s=DEADLINE_S))
        assert await lanes.run(target(port), asking(b"ask")) == [REPLY]
    assert answers == [[REPLY]] * 50
    assert len(reported) == 40


# --- addresses ------------------------------------------------------------------------------------------------


async def test_a_host_by_name_is_looked_up(lanes):
    async with serving(saying(REPLY), host=socket.gethostbyname("localhost")) as port:
        assert await lanes.run(target(port, host="localhost"), asking(b"ask", deadline_s=2)) == [REPLY]


@pytest.mark.parametrize("host", ["a..b", "x" * 80, "nothing.invalid"])
async def test_a_name_that_leads_nowhere_is_unreachable(lanes, host, monkeypatch):
    def nowhere(name, *_args, **_kwargs):
        name.encode("idna")
        raise socket.gaierror(socket.EAI_NONAME, "not known")

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    with pytest.raises(Unreachable):
        await lanes.run(target(1, host=host), asking(b"ask"))


async def test_connections_come_from_the_source_address():
    peers = []

    async def note(reader, writer):
        peers.append(writer.get_extra_info("peername")[0])
        await reader.read(100)
        writer.write(REPLY + b"\0")

    lanes = Patient(source_address="127.0.0.7", timeout_s=PATIENCE_S)
    async with serving(note) as port:
        await lanes.run(target(port), asking(b"ask"))
    await lanes.close()
    assert peers == ["127.0.0.7"]


async def test_ipv6_is_spoken_too(lanes):
    try:
        async with serving(saying(REPLY), host="::1") as port:
            assert await lanes.run(target(port, host="::1"), asking(b"ask")) == [REPLY]
    except OSError as error:
        pytest.skip(f"no IPv6 here: {error}")


def test_it_works_on_uvloop_as_well():
    async def poll():
        async def echo(reader, writer):
            writer.write(await reader.read(100) + b"\0")
            await writer.drain()

        lanes = Lanes(timeout_s=PATIENCE_S)
        async with asyncio.timeout(10), serving(echo) as port, serving(silent) as dead:
            lively = [lanes.run(target(port), asking(b"%d" % n, b"again", deadline_s=5)) for n in range(200)]
            with pytest.raises(Unreachable):
                await lanes.run(target(dead), asking(b"ask", deadline_s=DEADLINE_S))
            with pytest.raises(NotListening):
                await lanes.run(target(closed_port()), asking(b"ask"))
            answers = await asyncio.gather(*lively)
            await lanes.close()
        return answers

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(poll()) == [[b"%d" % n, b"again"] for n in range(200)]


def test_an_exchange_is_with_loopback_alone_in_these_tests():
    assert HOST.startswith("127.")
