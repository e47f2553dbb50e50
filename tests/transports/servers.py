"""Small servers on loopback that behave as miners' do, and the conversations that tests hold with them."""

import asyncio
import hashlib
import re
import socket
import struct
from contextlib import asynccontextmanager

from drivers.interface import Ask, Http, Target
from drivers.transports.lanes import Lanes

HOST = "127.0.0.1"
PATIENCE_S = 3.0  # of machines that answer
DEADLINE_S = 0.2  # of those that do not


@asynccontextmanager
async def serving(behave, host=HOST):
    """Serve `behave(reader, writer)` to every connection; yields the port. Connections end with the block."""
    tasks = set()

    async def serve(reader, writer):
        tasks.add(asyncio.current_task())
        try:
            await behave(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            return
        finally:
            tasks.discard(asyncio.current_task())
            writer.close()

    server = await asyncio.start_server(serve, host, 0, backlog=512)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        left = list(tasks)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await server.wait_closed()


def saying(reply):
    """Answer whatever is asked with these bytes, then close."""

    async def behave(reader, writer):
        await reader.read(8192)
        writer.write(reply)
        await writer.drain()

    return behave


def resetting(reply):
    """Answer with these bytes, then reset the connection."""

    async def behave(reader, writer):
        await reader.read(8192)
        if reply:
            writer.write(reply)
            await writer.drain()
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    return behave


async def silent(reader, _writer):
    """Take whatever comes and never answer."""
    while await reader.read(8192):
        continue


async def endless(reader, writer):
    """Answer without an end."""
    await reader.read(8192)
    while True:
        writer.write(b"x" * 4096)
        await writer.drain()


def closed_port():
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def target(port=None, http_port=None, host=HOST):
    return Target(host=host, port=port, http_port=http_port)


class Patient(Lanes):
    """Lanes whose conversations end within a minute, or the test fails."""

    async def run(self, target, conversation):
        async with asyncio.timeout(60):
            return await super().run(target, conversation)


def asking(*requests, **rest):
    """Converse: ask each request in turn and return the replies."""
    replies = {}
    for turn, request in enumerate(requests):
        replies[turn] = yield Ask(request=request, **rest)
    return list(replies.values())


def getting(path="/", method="GET", **rest):
    """Converse: make one HTTP request and return its reply."""
    return (yield Http(method=method, path=path, **rest))


# --- HTTP -----------------------------------------------------------------------------------------------------


async def request_of(reader):
    """Return the first line, the headers by lower-case name, and the body of one request."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return first, headers, await reader.readexactly(int(headers.get("content-length", 0)))


def response(status=200, body=b"", **headers):
    """Write an HTTP response; header names with underscores."""
    named = {"Content-Length": str(len(body)), "Connection": "close"}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in named.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Web:
    """A web server behind a digest or basic login: `answer(first_line)` writes a page; `asked` keeps every request."""

    def __init__(self, *, login=None, scheme="digest", answer=None):
        self.login = login
        self.scheme = scheme
        self.answer = answer or (lambda _first: response(body=b"page"))
        self.asked = []
        self.nonces = 0

    async def __call__(self, reader, writer):
        first, headers, body = await request_of(reader)
        self.asked.append((first, headers, body))
        may = self._may(first, headers.get("authorization", ""))
        writer.write(self.answer(first) if may else self._challenge())
        await writer.drain()

    def _challenge(self):
        if self.scheme == "basic":
            return response(401, WWW_Authenticate='Basic realm="x"')
        self.nonces += 1
        challenge = f'Digest realm="antMiner Configuration", nonce="n{self.nonces}", qop="auth", algorithm=MD5'
        return response(401, WWW_Authenticate=challenge)

    def _may(self, first, authorization):
        if self.login is None:
            return True
        if self.scheme == "basic":
            return authorization == "Basic " + self.login
        told = dict(re.findall(r'(\w+)="?([^",]*)"?', authorization))
        user, password = self.login
        method, uri, _ = first.split(" ")
        secret = md5(f"{user}:antMiner Configuration:{password}")
        parts = (secret, told.get("nonce"), told.get("nc"), told.get("cnonce"), "auth", md5(f"{method}:{uri}"))
        return told.get("response") == md5(":".join(map(str, parts))) and told.get("uri") == uri


def md5(text):
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
