"""Pages of JSON behind a token: how they are asked for, and what a status means. Shared by firmware with web APIs.

The token is got when a page wants one, kept, and got anew once where it is no longer taken.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, TypeVar

import msgspec

from drivers.errors import Garbled, NotPermitted, Refused, Unsupported
from drivers.interface import Exchange, Http, HttpReply
from drivers.interface import Reply as Answer
from drivers.tolerant import decode, plain_decoder

JSON = "application/json"
T = TypeVar("T")
Headers = tuple[tuple[str, str], ...]
Opening = Callable[[], Generator[Exchange, Answer, Headers]]
"""Gets a token; returns the headers that carry it. Raises NotPermitted where no login is taken."""
_ANY = plain_decoder()


class WebSession:
    """One machine's pages, and the token that they are asked for with."""

    def __init__(self, opening: Opening, port: int | None = None) -> None:
        self._opening = opening
        self._port = port
        self._headers: Headers = ()

    def forget(self) -> None:
        """Let the next page be asked for with a new token."""
        self._headers = ()

    def ask(
        self, method: str, path: str, body: object = None, *, open_to_all: bool = False
    ) -> Generator[Exchange, Answer, HttpReply]:
        """Ask for a page; raises what its status means. `open_to_all`: no token is got for it unless it wants one."""
        if not self._headers and not open_to_all:
            self._headers = yield from self._opening()
        reply = yield from self._once(method, path, body)
        if reply.status == 401:
            self._headers = yield from self._opening()
            reply = yield from self._once(method, path, body)
        return judged(reply, path)

    def _once(self, method: str, path: str, body: object) -> Generator[Exchange, Answer, HttpReply]:
        told = None if body is None else msgspec.json.encode(body)
        reply = yield Http(
            method=method,
            path=path,
            body=told if told is not None or method == "GET" else b"",
            content_type=None if told is None else JSON,
            headers=self._headers,
            port=self._port,
        )
        assert isinstance(reply, HttpReply)
        return reply


def judged(reply: HttpReply, path: str) -> HttpReply:
    """Return a reply of success; raises the Refused that its status means, with what the machine says of it."""
    if 200 <= reply.status < 300:
        return reply
    said = f"{path}: status {reply.status}: {reply.body[:200].decode('utf-8', 'replace').strip()}".rstrip(": ")
    if reply.status in {401, 403}:
        raise NotPermitted(said)
    if reply.status in {404, 405, 501}:
        raise Unsupported(said)
    raise Refused(said)


def document(reply: HttpReply, decoder: msgspec.json.Decoder[T]) -> T:
    """Read a page; raises Garbled."""
    return decode(reply.body, decoder)


def anything(reply: HttpReply) -> dict[str, Any]:
    """Read a page that is an object; raises Garbled."""
    told = decode(reply.body, _ANY)
    if not isinstance(told, dict):
        raise Garbled("no object", reply.body)
    return told
