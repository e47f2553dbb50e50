"""SNMP over UDP: one device, one request at a time.

The only module that knows pysnmp; it is loaded where there is an SNMP outlet, and only there. Its engine reads its own
MIBs from disk, a second on a small host: that is done in a thread, once.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pysnmp.error import PySnmpError
from pysnmp.hlapi.v3arch.asyncio import (
    CommunityData,
    ContextData,
    ObjectIdentity,
    ObjectType,
    SnmpEngine,
    UdpTransportTarget,
    UsmUserData,
    get_cmd,
    set_cmd,
    usmAesCfb128Protocol,
    usmHMACSHAAuthProtocol,
)
from pysnmp.proto.rfc1902 import Integer32

from drivers.errors import DeviceError, DriverBug, Garbled, NotPermitted, Refused, Unreachable
from drivers.snmp import Access, Community, Set, SnmpAsk, SnmpConversation, User, Values, Wait

T = TypeVar("T")
PORT = 161
ANSWER_S, RETRIES = 2.0, 2
"""PDUs are slow, and a datagram may be lost."""
NO_RIGHT = frozenset({"noAccess", "notWritable", "authorizationError", "readOnly", "noSuchName"})
"""What a device says to who may not write; the last is all that version 1 has for it."""
DENIED = ("digest", "username", "usm", "decryption", "security")
"""Words in the reports of version 3 for who has the wrong name or passphrase."""


class Engine:
    """What speaks for all devices that know us by a community; a user of version 3 has one of its own."""

    def __init__(self) -> None:
        self._engine: Any = None
        self._turn = asyncio.Lock()

    async def get(self) -> Any:
        """Return it, made at the first call."""
        async with self._turn:
            if self._engine is None:
                self._engine = await asyncio.to_thread(SnmpEngine)
            return self._engine

    def close(self) -> None:
        """Close its sockets; the next request opens others."""
        if self._engine is not None:
            self._engine.close_dispatcher()
            self._engine = None


class SnmpLine:
    """One device. `close` it at the end."""

    def __init__(self, host: str, port: int, access: Access, engine: Engine) -> None:
        self._place = (host, port)
        self._access = _credentials(access)
        self._turn = asyncio.Lock()
        self._engine = engine if isinstance(access, Community) else Engine()

    async def run(self, conversation: SnmpConversation[T]) -> T:
        """Run a conversation. Raises DeviceError."""
        async with self._turn:
            told: Values | Refused = {}
            asked = _next(conversation, None)
            while not isinstance(asked, _Ended):
                try:
                    told = await self._ask(asked)
                except Refused as error:
                    told = error
                asked = _next(conversation, told)
            return asked.result

    def close(self) -> None:
        """Close the sockets, also those of the others that share the engine."""
        self._engine.close()

    async def _ask(self, asked: SnmpAsk) -> Values:
        if isinstance(asked, Wait):
            await asyncio.sleep(asked.seconds)
            return {}
        names = (asked.oid,) if isinstance(asked, Set) else asked.oids
        value = (Integer32(asked.value),) if isinstance(asked, Set) else ()
        bound = [ObjectType(ObjectIdentity(tuple(map(int, name.split(".")))), *value) for name in names]
        send = set_cmd if isinstance(asked, Set) else get_cmd
        try:
            target = await UdpTransportTarget.create(self._place, timeout=ANSWER_S, retries=RETRIES)
            failure, status, _, told = await send(
                await self._engine.get(), self._access, target, ContextData(), *bound, lookupMib=False
            )
        except (PySnmpError, OSError) as error:  # a name that is not found, an address that has no way
            raise Unreachable(f"{self._named}: {error}") from error
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise DriverBug(f"{self._named}: {type(error).__name__}: {error}") from error
        if failure:
            raise self._failed(str(failure))
        if int(status):
            word = str(status.prettyPrint())
            kind = NotPermitted if word in NO_RIGHT and isinstance(asked, Set) else Refused
            raise kind(f"{self._named}: {word} for {names[0]}")
        if len(told) != len(names):
            raise Garbled(f"{self._named}: {len(told)} answers to {len(names)} questions")
        return dict(zip(names, (self._integer(bound) for _, bound in told), strict=True))

    def _failed(self, sentence: str) -> DeviceError:
        """Return what a failure means: no answer, or that we are not let in."""
        denied = any(word in sentence.lower() for word in DENIED)
        return (NotPermitted if denied else Unreachable)(f"{self._named}: {sentence}")

    def _integer(self, bound: Any) -> int | None:
        """Return an integer; None for a name that the device does not have."""
        if type(bound).__name__ in {"NoSuchObject", "NoSuchInstance", "EndOfMibView", "Null"}:
            return None
        try:
            return int(bound)
        except (TypeError, ValueError):
            raise Garbled(f"{self._named}: {bound!r} where a number was asked for") from None

    @property
    def _named(self) -> str:
        return f"{self._place[0]}:{self._place[1]}"


def _credentials(access: Access) -> Any:
    match access:
        case Community(name=name, version=version):
            return CommunityData(name, mpModel=version - 1)
        case User(name=name, authentication=authentication, privacy=privacy):
            return UsmUserData(
                name,
                authKey=authentication,
                privKey=privacy,
                authProtocol=usmHMACSHAAuthProtocol,
                privProtocol=usmAesCfb128Protocol,
            )


@dataclass(frozen=True, slots=True)
class _Ended(Generic[T]):
    """A conversation is over, and this is what it learned."""

    result: T


def _next(conversation: SnmpConversation[T], reply: Values | Refused | None) -> SnmpAsk | _Ended[T]:
    """Return what the conversation asks next, or what it has learned. Raises DeviceError."""
    try:
        return next(conversation) if reply is None else conversation.send(reply)
    except StopIteration as done:
        return _Ended(done.value)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise DriverBug(str(error)) from error
