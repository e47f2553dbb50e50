"""Server-sent events: what is told to whom, once for all, and who is let go."""

import asyncio
import json
from contextlib import asynccontextmanager, suppress

import aiohttp
from aiohttp import web

from agent.outputs.http import stream as streams
from agent.outputs.http.problems import as_problems
from agent.outputs.http.stream import BACKLOG, Stream


@asynccontextmanager
async def streaming():
    """Serve a stream alone on a free port; yields it and its address."""
    stream, app = Stream(), web.Application(middlewares=[as_problems])
    app.router.add_get("/", stream.watch)
    app.on_shutdown.append(lambda _app: stream.close())
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            yield stream, session, f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


async def next_event(answer):
    """Return the name and data of the next event."""
    told = {}
    async with asyncio.timeout(60):
        while line := (await answer.content.readline()).decode().rstrip("\n"):
            name, _, value = line.partition(": ")
            told[name] = value
    return told.get("event"), json.loads(told["data"]) if "data" in told else None


async def events(answer, count):
    return [await next_event(answer) for _ in range(count)]


async def until(holds):
    async with asyncio.timeout(60):
        while True:
            if holds():
                return
            await asyncio.sleep(0)


async def test_who_comes_hears_the_latest_state_and_what_happened_then_what_follows():
    async with streaming() as (stream, session, url):
        stream.tell_state("now", {"power_w": 1})
        stream.tell_state("now", {"power_w": 2})
        stream.tell_event("fact", {"text": "one"})
        async with session.get(url) as answer:
            assert answer.headers["Content-Type"].startswith("text/event-stream")
            assert await events(answer, 3) == [("hello", {}), ("now", {"power_w": 2}), ("fact", {"text": "one"})]
            stream.tell_state("now", {"power_w": None})
            assert await next_event(answer) == ("now", {"power_w": None})


async def test_a_hundred_are_told_by_one_encoding(monkeypatch):
    async with streaming() as (stream, session, url):
        async with asyncio.timeout(60):
            answers = await asyncio.gather(*(session.get(url) for _ in range(100)))
            await until(lambda: len(stream) == 100)
        encodings, frame = [], streams._frame
        monkeypatch.setattr(streams, "_frame", lambda *told: encodings.append(told) or frame(*told))
        stream.tell_state("now", {"power_w": 3})
        heard = await asyncio.gather(*(events(answer, 2) for answer in answers))
        assert {name for told in heard for name, _ in told} == {"hello", "now"}
        assert len(encodings) == 1
        for answer in answers:
            answer.close()


async def test_who_does_not_read_is_let_go_and_the_others_go_on():
    async with streaming() as (stream, session, url), session.get(url) as reads:
        _, slow_writer = await asyncio.open_connection(*url.removeprefix("http://").rstrip("/").split(":"))
        slow_writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await until(lambda: len(stream) == 2)
        large = {"text": "x" * 200_000}
        await next_event(reads)
        for _ in range(200):
            stream.tell_state("now", large)
            assert (await next_event(reads))[0] == "now"
            if len(stream) == 1:
                break
        assert len(stream) == 1
        stream.tell_state("now", {"power_w": 4})
        assert await next_event(reads) == ("now", {"power_w": 4})
        slow_writer.close()
        with suppress(ConnectionError):
            await slow_writer.wait_closed()


async def test_whoever_leaves_is_forgotten():
    async with streaming() as (stream, session, url):
        async with session.get(url) as answer:
            await next_event(answer)
            assert len(stream) == 1
        for _ in range(3):
            stream.tell_state("now", {})
            await asyncio.sleep(0)
        await until(lambda: not len(stream))


async def test_only_so_many_may_watch(monkeypatch):
    monkeypatch.setattr(streams, "MOST_CLIENTS", 1)
    async with streaming() as (_stream, session, url), session.get(url) as first:
        await next_event(first)
        async with session.get(url) as second:
            assert second.status == 503
            assert "watch already" in (await second.json(content_type=None))["detail"]


async def test_the_end_of_the_agent_ends_every_stream():
    async with streaming() as (stream, session, url):
        answer = await session.get(url)
        await next_event(answer)
        for _ in range(BACKLOG):
            stream.tell_state("now", {})
        await stream.close()
        async with asyncio.timeout(60):
            assert (await answer.content.read()).endswith(b"\n\n")
        answer.close()
