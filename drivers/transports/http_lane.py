"""HTTP exchanges: a bounded number at once, one connection a request, closed at once; digest and basic logins.

Miners' web servers are small: many close without a length, and are away for seconds while they restart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp

from drivers.errors import DeviceError, Garbled, Unreachable
from drivers.interface import Http, HttpReply
from drivers.transports.socket_lane import named

MOST_AT_ONCE = 1024
"""A write takes an Antminer up to 20 s: thousands must be told to sleep within minutes."""
MOST_LOGINS = 20_000
"""Machines whose server's last challenge is kept, which saves a request each time."""

Answered = Callable[[HttpReply | DeviceError], None]


class HttpLane:
    """Runs Https, one task each; each is answered exactly once, unless the lane is closed before."""

    def __init__(self, source_address: str | None = None) -> None:
        self._source = source_address
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False
        self._turns = asyncio.Semaphore(MOST_AT_ONCE)
        self._digests: dict[tuple[str, int, str, str], aiohttp.DigestAuthMiddleware] = {}

    def request(self, address: tuple[str, int], exchange: Http, timeout_s: float, answered: Answered) -> None:
        """Begin an exchange with a numeric address; the timeout runs from its turn on."""
        if self._closed:
            return
        task = asyncio.create_task(self._run(address, exchange, timeout_s, answered), name=f"http {address[0]}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """End every exchange without an answer."""
        self._closed = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def _run(self, address: tuple[str, int], exchange: Http, timeout_s: float, answered: Answered) -> None:
        reply: HttpReply | DeviceError
        try:
            async with self._turns, asyncio.timeout(timeout_s):
                reply = await self._request(address, exchange)
        except TimeoutError:
            reply = Unreachable(f"{exchange.path}: no complete answer in time")
        except DeviceError as error:
            reply = error
        answered(reply)

    async def _request(self, address: tuple[str, int], exchange: Http) -> HttpReply:
        try:
            return await self._exchange(address, exchange)
        except aiohttp.ClientConnectorError as error:
            raise named(error.os_error) from error
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, OSError) as error:
            raise Unreachable(f"{exchange.path}: {error!r}") from error
        except (aiohttp.ClientError, ValueError) as error:
            raise Garbled(f"{exchange.path}: {error!r}") from error

    async def _exchange(self, address: tuple[str, int], exchange: Http) -> HttpReply:
        host = f"[{address[0]}]" if ":" in address[0] else address[0]
        options: dict[str, Any] = {"data": exchange.body, "allow_redirects": False}
        options["headers"] = {"Content-Type": exchange.content_type} if exchange.content_type else {}
        options["middlewares"] = self._logins(address, exchange)
        async with self._open().request(
            exchange.method, f"http://{host}:{address[1]}{exchange.path}", **options
        ) as reply:
            headers = {name.lower(): value for name, value in reply.headers.items()}
            body = await _body(reply, exchange.most_bytes)
            return HttpReply(status=reply.status, headers=headers, body=body)

    def _logins(self, address: tuple[str, int], exchange: Http) -> tuple[aiohttp.ClientMiddlewareType, ...]:
        """Return what answers challenges: the login's own state by machine, so that its nonce serves again."""
        if exchange.user is None or exchange.password is None:
            return ()
        key = (*address, exchange.user, exchange.password)
        digest = self._digests.pop(key, None) or aiohttp.DigestAuthMiddleware(exchange.user, exchange.password)
        self._digests[key] = digest
        if len(self._digests) > MOST_LOGINS:
            del self._digests[next(iter(self._digests))]
        return (_Basic(exchange.user, exchange.password), digest)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            local = None if self._source is None else (self._source, 0)
            connector = aiohttp.TCPConnector(limit=0, force_close=True, local_addr=local)
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(),
                trust_env=False,
            )
        return self._session


class _Basic:
    """Answers a basic challenge, once a request; a digest challenge is another middleware's."""

    def __init__(self, user: str, password: str) -> None:
        self._header = aiohttp.encode_basic_auth(user, password)

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        response = await handler(request)
        challenge = response.headers.get("WWW-Authenticate", "").lower()
        if response.status != 401 or not challenge.startswith("basic"):
            return response
        response.release()
        request.headers["Authorization"] = self._header
        return await handler(request)


async def _body(reply: aiohttp.ClientResponse, most_bytes: int) -> bytes:
    body = bytearray()
    async for piece in reply.content.iter_any():
        body += piece
        if len(body) > most_bytes:
            raise Garbled(f"more than {most_bytes} bytes", bytes(body[:1024]))
    return bytes(body)
