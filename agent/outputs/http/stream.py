"""Server-sent events: each is written down once and sent to everybody who watches; who cannot keep up is let go."""

from __future__ import annotations

import asyncio
from collections import deque
from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import web

from agent.outputs.http.problems import Problem

MOST_CLIENTS = 500
BACKLOG = 30
"""Events that may wait for one client: half a minute of seconds."""
REMEMBERED = 80
RETRY_MS = 2000
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Accel-Buffering": "no"}


class Stream:
    """Tells everybody. A new client first hears the latest of each state, and the last events."""

    def __init__(self) -> None:
        self._queues: dict[asyncio.Queue[bytes], web.Request] = {}
        self._latest: dict[str, bytes] = {}
        self._recent: deque[bytes] = deque(maxlen=REMEMBERED)
        self._closed = asyncio.Event()

    def __len__(self) -> int:
        """Return how many watch."""
        return len(self._queues)

    def tell_state(self, name: str, told: Any) -> None:
        """Tell how something is now; the latest of each name is told to who comes later."""
        frame = self._latest[name] = _frame(name, told)
        self._send(frame)

    def tell_event(self, name: str, told: Any) -> None:
        """Tell what happened."""
        frame = _frame(name, told)
        self._recent.append(frame)
        self._send(frame)

    def _send(self, frame: bytes) -> None:
        for queue, request in [*self._queues.items()]:
            if queue.full():
                self._let_go(queue, request)
            else:
                queue.put_nowait(frame)

    def _let_go(self, queue: asyncio.Queue[bytes], request: web.Request) -> None:
        del self._queues[queue]
        if request.transport is not None:
            request.transport.abort()

    async def close(self) -> None:
        """Let everybody go."""
        self._closed.set()
        for queue in self._queues:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(b"")

    async def watch(self, request: web.Request) -> web.StreamResponse:
        """Tell, as server-sent events, how the site is each second, its orders, and what happens."""
        if len(self._queues) >= MOST_CLIENTS:
            raise Problem(
                HTTPStatus.SERVICE_UNAVAILABLE, f"{MOST_CLIENTS} watch already", headers={"Retry-After": "10"}
            )
        response = web.StreamResponse(headers={**HEADERS, "Content-Type": "text/event-stream; charset=utf-8"})
        queue: asyncio.Queue[bytes] = asyncio.Queue(BACKLOG)
        self._queues[queue] = request
        try:
            await response.prepare(request)
            await response.write(self._opening())
            while not self._closed.is_set() and (frame := await queue.get()):
                await response.write(frame)
        except ConnectionError:
            return response
        finally:
            self._queues.pop(queue, None)
        return response

    def _opening(self) -> bytes:
        return b"".join([b"retry: %d\n" % RETRY_MS, _frame("hello", {}), *self._latest.values(), *self._recent])


def _frame(name: str, told: Any) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), msgspec.json.encode(told))
