"""A simulated PDU that speaks SNMP 1 and 2c over UDP: get and set of integers, in its own words of ASN.1.

It stands for a family by the table that it is made with: names that are read, names that are written, and what a write
changes. A community that may only read is refused as a real agent does it (RFC 1157, RFC 3416).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

INTEGER, OCTETS, NULL, OID, SEQUENCE = 0x02, 0x04, 0x05, 0x06, 0x30
GET, RESPONSE, SET = 0xA0, 0xA2, 0xA3
NO_SUCH_INSTANCE = 0x81
NO_SUCH_NAME, NO_ACCESS = 2, 6
V1 = 0
Value = tuple[int, bytes]


@dataclass(kw_only=True)
class Pdu:
    """Its numbers by name, who may read and write, and what it was set to; `deaf`: it answers nothing."""

    values: dict[str, int]
    writes: dict[str, Callable[[int], None]] = field(default_factory=dict)
    read: str = "public"
    write: str = "private"
    deaf: bool = False
    told: list[tuple[str, int]] = field(default_factory=list)

    def answer(self, raw: bytes) -> bytes | None:
        """Return the reply to a datagram, None where none is given."""
        version, community, kind, request, bound = _parsed(raw)
        if self.deaf or community not in {self.read, self.write}:
            return None
        failed, found = 0, list[Value]()
        for place, (oid, (tag, body)) in enumerate(bound, 1):
            if kind == SET:
                if community != self.write or oid not in self.writes:
                    return _made(
                        version, community, request, NO_SUCH_NAME if version == V1 else NO_ACCESS, place, bound
                    )
                value = int.from_bytes(body, "big", signed=True)
                self.told.append((oid, value))
                self.writes[oid](value)
                found.append((tag, body))
            elif oid in self.values:
                found.append((INTEGER, _signed(self.values[oid])))
            elif version == V1:
                failed = failed or place
            else:
                found.append((NO_SUCH_INSTANCE, b""))
        if failed:
            return _made(version, community, request, NO_SUCH_NAME, failed, bound)
        said = [(oid, value) for (oid, _), value in zip(bound, found, strict=True)]
        return _made(version, community, request, 0, 0, said)


class PduServer(asyncio.DatagramProtocol):
    """Serves a PDU on a UDP port of its own."""

    def __init__(self, pdu: Pdu) -> None:
        self._pdu = pdu

    @classmethod
    async def serve(cls, pdu: Pdu, host: str = "127.0.0.1", port: int = 0) -> tuple[asyncio.DatagramTransport, int]:
        """Serve; returns the transport, to be closed, and the port."""
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: cls(pdu), local_addr=(host, port))
        return transport, int(transport.get_extra_info("sockname")[1])

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer, unless what came is none of ours."""
        try:
            reply = self._pdu.answer(data)
        except (IndexError, ValueError):
            return
        if reply is not None:
            self._transport.sendto(reply, addr)


def rpdu2(outlets: int = 8, power_w: int = 3200) -> Pdu:
    """Return an APC rPDU2: its state reads 1 off and 2 on, it is told 1 on and 2 off (PowerNet-MIB)."""
    root = "1.3.6.1.4.1.318.1.1.26.9"
    pdu = Pdu(values={})
    for outlet in range(1, outlets + 1):
        state, power, control = f"{root}.2.3.1.5.{outlet}", f"{root}.4.3.1.7.{outlet}", f"{root}.2.4.1.5.{outlet}"

        def switch(value: int, state: str = state, power: str = power) -> None:
            is_on = {1: True, 2: False}.get(value)
            if is_on is not None:
                pdu.values[state], pdu.values[power] = (2, power_w) if is_on else (1, 0)

        switch(1)
        pdu.writes[control] = switch
    return pdu


def _parsed(raw: bytes) -> tuple[int, str, int, bytes, list[tuple[str, Value]]]:
    """Return version, community, kind, request id and what is bound. Raises ValueError, IndexError."""
    message = _each(_one(raw, 0)[1])
    (_, version), (_, community), (kind, body) = message
    (_, request), _, _, (_, bound) = _each(body)
    pairs = [_each(pair) for _, pair in _each(bound)]
    return version[0], community.decode("latin-1"), kind, request, [(_dotted(name[1]), value) for name, value in pairs]


def _one(raw: bytes, at: int) -> tuple[int, bytes, int]:
    """Return tag, body and where the next one begins."""
    tag, length, at = raw[at], raw[at + 1], at + 2
    if length & 0x80:
        count = length & 0x7F
        length, at = int.from_bytes(raw[at : at + count], "big"), at + count
    if at + length > len(raw):
        raise ValueError("cut short")
    return tag, raw[at : at + length], at + length


def _each(raw: bytes) -> list[Value]:
    found, at = list[Value](), 0
    while at < len(raw):
        tag, body, at = _one(raw, at)
        found.append((tag, body))
    return found


def _dotted(body: bytes) -> str:
    numbers, value = [body[0] // 40, body[0] % 40], 0
    for byte in body[1:]:
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            numbers.append(value)
            value = 0
    return ".".join(map(str, numbers))


def _packed(oid: str) -> bytes:
    first, second, *others = map(int, oid.split("."))
    packed = bytearray([40 * first + second])
    for number in others:
        parts = [number & 0x7F]
        while number := number >> 7:
            parts.append(number & 0x7F | 0x80)
        packed += bytes(reversed(parts))
    return bytes(packed)


def _signed(value: int) -> bytes:
    return value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)


def _tagged(tag: int, body: bytes) -> bytes:
    if len(body) < 0x80:
        return bytes([tag, len(body)]) + body
    length = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + body


def _made(
    version: int, community: str, request: bytes, status: int, place: int, bound: list[tuple[str, Value]]
) -> bytes:
    pairs = b"".join(_tagged(SEQUENCE, _tagged(OID, _packed(oid)) + _tagged(*value)) for oid, value in bound)
    body = _tagged(INTEGER, request) + _tagged(INTEGER, _signed(status)) + _tagged(INTEGER, _signed(place))
    reply = _tagged(RESPONSE, body + _tagged(SEQUENCE, pairs))
    head = _tagged(INTEGER, bytes([version])) + _tagged(OCTETS, community.encode("latin-1"))
    return _tagged(SEQUENCE, head + reply)
