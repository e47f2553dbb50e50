"""The wire of Auradine's Teraflux (FluxOS, GCMiner): cgminer's form, on the API port and as pages of the same names.

Payloads are lists named in mixed case; many figures are texts with their unit.
"""

from __future__ import annotations

from typing import Any

import msgspec

from drivers.cgminer_wire import Figure, PoolRow, Speeds, Status
from drivers.errors import Garbled, NotPermitted, Refused, Unsupported
from drivers.figures import whole, words
from drivers.interface import Target
from drivers.tolerant import decode

PORT, EVERYBODYS_PORT = 8080, 80
_TOKEN_MARKS = ("TOKEN", "SESSION", "EXPIRED", "UNAUTHORIZED")


def _key(name: str) -> Any:
    return msgspec.field(default=None, name=name)


class Summary(Speeds, gc=False):
    """The row of `summary`; newer firmware tells watts and what it is throttled to."""

    elapsed: Figure = _key("Elapsed")
    accepted: Figure = _key("Accepted")
    rejected: Figure = _key("Rejected")
    stale: Figure = _key("Stale")
    hardware_errors: Figure = _key("Hardware Errors")
    best_share: Figure = _key("Best Share")
    watts: Figure = _key("Wattage")
    throttle_ths: Figure = _key("ThsThrottle")


class Device(Speeds, gc=False):
    """A row of `devs`, numbered from 1; whether it is enabled is a truth."""

    id: Figure = _key("ID")
    enabled: Figure = _key("Enabled")
    status: Figure = _key("Status")
    temperature: Figure = _key("Temperature")


class Mode(msgspec.Struct, gc=False):
    """The row of `mode`; watts and rate are targets of the mode "custom"."""

    mode: str | None = _key("Mode")
    sleep: Figure = _key("Sleep")
    power: Figure = _key("Power")
    rate_ths: Figure = _key("Ths")


class Supply(msgspec.Struct, gc=False):
    """The row of `psu`, all texts with units."""

    power_in: Figure = _key("PowerIn")
    most_out: Figure = _key("PoutMax")


class FanRow(msgspec.Struct, gc=False):
    """A row of `fan`."""

    id: Figure = _key("ID")
    rpm: Figure = _key("Speed")


class Sensor(msgspec.Struct, gc=False):
    """One figure of a list of sensors or chips."""

    temperature: Figure = _key("Temperature")
    frequency: Figure = _key("Frequency")


class Heat(msgspec.Struct, gc=False):
    """A row of `temperature`; 0 is the control board."""

    id: Figure = _key("ID")
    board: list[Sensor] | None = _key("BoardTemp")
    chips: list[Sensor] | None = _key("ChipTemp")


class Beat(msgspec.Struct, gc=False):
    """A row of `frequency`."""

    id: Figure = _key("ID")
    chips: list[Sensor] | None = _key("ChipFrequency")


class Light(msgspec.Struct, gc=False):
    """The row of `led`: what it shows is what it thinks of itself."""

    code: Figure = _key("Code")
    message: str | None = _key("Msg")


class Report(msgspec.Struct, gc=False):
    """The row of `ipreport`: who it is."""

    mac: str | None = None
    model: str | None = None
    version: str | None = None
    serial: str | None = _key("SerialNo")


class Count(msgspec.Struct, gc=False):
    """The row of `asccount`: the chips of all boards."""

    chips: Figure = _key("AsicCount")
    boards: Figure = _key("BoardCount")


class Details(msgspec.Struct, gc=False):
    """A row of `devdetails`."""

    model: str | None = _key("Model")


class Token(msgspec.Struct, gc=False):
    """The row of `token`."""

    token: str | None = _key("Token")


class Part(msgspec.Struct, gc=False):
    """One command's whole reply."""

    status: list[Status] | Status | str | None = _key("STATUS")
    summary: list[Summary] | None = _key("SUMMARY")
    devices: list[Device] | None = _key("DEVS")
    details: list[Details] | None = _key("DEVDETAILS")
    pools: list[PoolRow] | None = _key("POOLS")
    counts: list[Count] | None = _key("ASCCount")
    reports: list[Report] | None = _key("IPReport")
    modes: list[Mode] | None = _key("Mode")
    supplies: list[Supply] | None = _key("PSU")
    fans: list[FanRow] | None = _key("Fan")
    heat: list[Heat] | None = _key("Temperature")
    beats: list[Beat] | None = _key("Frequency")
    lights: list[Light] | None = _key("LED")
    tokens: list[Token] | None = _key("Token")

    @property
    def verdict(self) -> Status:
        """How the command went."""
        match self.status:
            case [Status() as first, *_] | (Status() as first):
                return first
            case str(letter):
                return Status(letter=letter)
            case _:
                return Status()

    @property
    def refuses(self) -> bool:
        """Whether the machine declined."""
        return self.verdict.letter in {"E", "F"}

    @property
    def said(self) -> str:
        """What it says of that in words."""
        return words(self.verdict.message) or f"status {self.verdict.letter}"

    @property
    def wants_token(self) -> bool:
        """Whether it declined for want of a token that holds."""
        return self.refuses and any(mark in self.said.upper() for mark in _TOKEN_MARKS)


_PARTS = msgspec.json.Decoder(Part)


def parse(payload: bytes) -> Part:
    """Read a reply of either way; raises Garbled for one without a status."""
    reply = decode(payload, _PARTS)
    if not reply.status:
        raise Garbled("no status", payload)
    return reply


def must(reply: Part) -> Part:
    """Return the reply where it is a success; raises the Refused that its status means."""
    if not reply.refuses:
        return reply
    code = whole(reply.verdict.code)
    if code == 14:
        raise Unsupported(reply.said)
    raise (NotPermitted if code == 45 or reply.wants_token else Refused)(reply.said)


def port_of(target: Target) -> int:
    """Return where its pages are: on a port of their own, unless the machine was placed at another on purpose."""
    return PORT if target.http_port is None or target.http_port == EVERYBODYS_PORT else target.http_port
