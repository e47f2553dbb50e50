"""HTTP exchanges: a bounded number at once, one connection a request, closed at once; digest and basic logins.

Miners' web servers are small: many close without a length, and are away for seconds while they restart. The bytes go
through the socket lane, a few events a turn: a thousand machines that answer at once do not hold up the loop.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Callable
from functools import partial

import h11

from drivers.errors import DeviceError, Garbled, Unreachable
from drivers.interface import Ask, Http, HttpReply
from drivers.transports.http_logins import Digest, Login, asks_for_basic, digest_of
from drivers.transports.http_wire import MOST_HEAD_BYTES, HttpWire, is_whole
from drivers.transports.socket_lane import SocketLane

MOST_AT_ONCE = 1024
"""Where nobody says more. A write takes an Antminer up to 20 s: all of a farm's may be under way at once."""
MOST_LOGINS = 20_000
"""Machines whose server's last challenge is kept, which saves a request each time."""
UNAUTHORIZED = 401

Answered = Callable[[HttpReply | DeviceError], None]


class HttpLane:
    """Runs Https; each is answered exactly once, unless the lane is closed before."""

    def __init__(self, sockets: SocketLane, loop: asyncio.AbstractEventLoop, most_at_once: int = MOST_AT_ONCE) -> None:
        self._most_at_once = most_at_once
        self._sockets = sockets
        self._loop = loop
        self._waiting: deque[_Request] = deque()
        self._under_way = 0
        self._closed = False
        self._digests: dict[tuple[str, int, str, str], Digest] = {}

    def request(self, address: tuple[str, int], exchange: Http, timeout_s: float, answered: Answered) -> None:
        """Begin an exchange with a numeric address; the timeout runs from its turn on."""
        if self._closed:
            return
        request = _Request(self, address, exchange, timeout_s, answered)
        if self._under_way >= self._most_at_once:
            self._waiting.append(request)
        else:
            self._begin(request)

    def close(self) -> None:
        """Begin nothing any more; what is under way ends with the socket lane."""
        self._closed = True
        self._waiting.clear()

    def _begin(self, request: _Request) -> None:
        self._under_way += 1
        request.begin(self._loop.time())

    def ended(self, request: _Request, reply: HttpReply | DeviceError) -> None:
        """Give the turn to the next, then answer."""
        self._under_way -= 1
        if self._waiting:
            self._loop.call_soon(self._next)
        request.answered(reply)

    def refuse(self, request: _Request, error: DeviceError) -> None:
        """End an exchange that cannot be begun, soon: nobody is answered before `request` returns."""
        self._loop.call_soon(self._refused, request, error)

    def _refused(self, request: _Request, error: DeviceError) -> None:
        if not self._closed:
            self.ended(request, error)

    def _next(self) -> None:
        while self._waiting and self._under_way < self._most_at_once:
            self._begin(self._waiting.popleft())

    def send(self, request: _Request, wire: HttpWire) -> None:
        """Send one request of an exchange, within what is left of its time."""
        ask = Ask(request=wire.request, most_bytes=request.exchange.most_bytes + MOST_HEAD_BYTES)
        left_s = max(0.0, request.ends_at - self._loop.time())
        self._sockets.ask(request.address, ask, left_s, lambda got: request.replied(wire, got), whole=is_whole)

    def digest(self, request: _Request) -> Digest | None:
        """Return the challenge that this machine made last."""
        return self._digests.get(request.key)

    def keep(self, request: _Request, digest: Digest) -> None:
        """Keep a machine's challenge; the machine that was not spoken to for longest is forgotten."""
        self._digests.pop(request.key, None)
        self._digests[request.key] = digest
        if len(self._digests) > MOST_LOGINS:
            del self._digests[next(iter(self._digests))]


class _Request:
    """One exchange: the request, and a second one where a challenge is answered."""

    def __init__(
        self, lane: HttpLane, address: tuple[str, int], exchange: Http, timeout_s: float, answered: Answered
    ) -> None:
        self.address = address
        self.exchange = exchange
        self.answered = answered
        self.ends_at = 0.0
        user, password = exchange.user, exchange.password
        self._login = None if user is None or password is None else Login(user, password)
        self.key = (*address, user or "", password or "")
        self._lane = lane
        self._timeout_s = timeout_s
        self._challenged = False

    def begin(self, now: float) -> None:
        """Send the request, signed for the challenge that is known."""
        self.ends_at = now + self._timeout_s
        digest = None if self._login is None else self._lane.digest(self)
        self._send(_nobody if digest is None else partial(self._signed, digest))

    def replied(self, wire: HttpWire, got: bytes | DeviceError) -> None:
        """Take what came; a first challenge is answered."""
        if isinstance(got, DeviceError):
            self._lane.ended(self, _with_path(got, self.exchange.path))
            return
        try:
            reply, challenges = wire.reply(got)
        except DeviceError as error:
            self._lane.ended(self, error)
            return
        authorize = self._answer(challenges) if reply.status == UNAUTHORIZED and not self._challenged else None
        if authorize is None:
            self._lane.ended(self, reply)
        else:
            self._challenged = True
            self._send(authorize)

    def _send(self, authorize: Callable[[], str | None]) -> None:
        host, port = self.address
        named = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            wire = HttpWire(self.exchange, named, authorize())
        except (h11.LocalProtocolError, ValueError) as error:  # a path, or a login, that no request can hold
            self._lane.refuse(self, Garbled(f"{self.exchange.path}: cannot be asked: {error}"))
        else:
            self._lane.send(self, wire)

    def _answer(self, challenges: tuple[str, ...]) -> Callable[[], str] | None:
        if self._login is None:
            return None
        digest = digest_of(challenges)
        if digest is None:
            return self._login.basic if asks_for_basic(challenges) else None
        return partial(self._signed, digest)

    def _signed(self, digest: Digest) -> str:
        assert self._login is not None
        self._lane.keep(self, digest)
        return digest.sign(self._login, self.exchange.method, self.exchange.path, secrets.token_hex(8))


def _nobody() -> None:
    """Log in as nobody."""


def _with_path(error: DeviceError, path: str) -> DeviceError:
    """Return a bare time-out with the page that did not come; every other error as it is."""
    return Unreachable(f"{path}: {error}") if type(error) is Unreachable else error
