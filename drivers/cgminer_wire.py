"""The cgminer wire: requests, replies as typed structs, and what a refusal means. Shared by all who speak it.

Unknown keys are skipped; a figure may be a number or a text of one. What a firmware calls a row differs, so every
field may be missing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from drivers.cgminer_text import sections_of
from drivers.errors import Garbled, NotPermitted, Refused, Unreachable, Unsupported
from drivers.figures import number, whole
from drivers.interface import Ask
from drivers.tolerant import convert, decode

Figure = float | str | bool | None
NO_DEVICES = 10
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def _key(name: str) -> Any:
    return msgspec.field(default=None, name=name)


class Status(msgspec.Struct, gc=False):
    """How a command went: letters S, I and W are success, E and F are not."""

    letter: str | None = _key("STATUS")
    when: Figure = _key("When")
    code: Figure = _key("Code")
    message: str | None = _key("Msg")
    description: str | None = _key("Description")


Verdict = list[Status] | Status | str
"""How firmware writes it: as a row, as the row alone, or as its letter."""


def verdicts(told: Verdict | None) -> list[Status]:
    """Return how a command went, as rows; an empty list where the reply does not say."""
    match told:
        case None:
            return []
        case list():
            return told
        case str(word):
            return [Status(letter=word)]
        case _:
            return [told]


class Speeds(msgspec.Struct, gc=False):
    """A hashrate by unit and averaging window; each firmware has some of these."""

    mhs_5s: Figure = _key("MHS 5s")
    mhs_20s: Figure = _key("MHS 20s")
    mhs_30s: Figure = _key("MHS 30s")
    mhs_1m: Figure = _key("MHS 1m")
    mhs_5m: Figure = _key("MHS 5m")
    mhs_15m: Figure = _key("MHS 15m")
    mhs_av: Figure = _key("MHS av")
    ghs_5s: Figure = _key("GHS 5s")
    ghs_20s: Figure = _key("GHS 20s")
    ghs_30s: Figure = _key("GHS 30s")
    ghs_1m: Figure = _key("GHS 1m")
    ghs_5m: Figure = _key("GHS 5m")
    ghs_15m: Figure = _key("GHS 15m")
    ghs_av: Figure = _key("GHS av")
    khs_5s: Figure = _key("KHS 5s")
    khs_20s: Figure = _key("KHS 20s")
    khs_30s: Figure = _key("KHS 30s")
    khs_1m: Figure = _key("KHS 1m")
    khs_5m: Figure = _key("KHS 5m")
    khs_15m: Figure = _key("KHS 15m")
    khs_av: Figure = _key("KHS av")


class Summary(Speeds, gc=False):
    """The row of `summary`."""

    elapsed: Figure = _key("Elapsed")
    accepted: Figure = _key("Accepted")
    rejected: Figure = _key("Rejected")
    stale: Figure = _key("Stale")
    hardware_errors: Figure = _key("Hardware Errors")
    best_share: Figure = _key("Best Share")
    power: Figure = _key("Power")


class Device(Speeds, gc=False):
    """A row of `devs` or `devdetails`: one board, or one stick."""

    asc: int | None = _key("ASC")
    pga: int | None = _key("PGA")
    name: str | None = _key("Name")
    enabled: str | None = _key("Enabled")
    status: str | None = _key("Status")
    temperature: Figure = _key("Temperature")
    frequency: Figure = _key("Frequency")
    voltage: Figure = _key("Voltage")
    model: str | None = _key("Model")


class PoolRow(msgspec.Struct, gc=False):
    """A row of `pools`."""

    url: str | None = _key("URL")
    user: str | None = _key("User")
    status: str | None = _key("Status")
    priority: Figure = _key("Priority")
    stratum_active: Figure = _key("Stratum Active")
    accepted: Figure = _key("Accepted")
    rejected: Figure = _key("Rejected")
    stale: Figure = _key("Stale")


class Version(msgspec.Struct, gc=False):
    """The row of `version`; the program's name is the key of its own version."""

    cgminer: Figure = _key("CGMiner")
    bmminer: Figure = _key("BMMiner")
    miner: Figure = _key("Miner")
    compiled: str | None = _key("CompileTime")
    type: str | None = _key("Type")


class Notice(msgspec.Struct, gc=False):
    """A row of `notify`: what a device suffered last."""

    number: Figure = _key("NOTIFY")
    name: str | None = _key("Name")
    not_well_at: Figure = _key("Last Not Well")
    reason: str | None = _key("Reason Not Well")


class Check(msgspec.Struct, gc=False):
    """The row of `check`: whether a command is there and may be used."""

    exists: str | None = _key("Exists")
    access: str | None = _key("Access")


class Reply(msgspec.Struct, gc=False):
    """One reply, plain or joined: a joined one holds a plain one under each command's name."""

    status: list[Status] | Status | str | None = _key("STATUS")
    summary: list[Summary] | None = _key("SUMMARY")
    devices: list[Device] | None = _key("DEVS")
    pools: list[PoolRow] | None = _key("POOLS")
    stats: list[dict[str, Any]] | None = _key("STATS")
    versions: list[Version] | None = _key("VERSION")
    details: list[Device] | None = _key("DEVDETAILS")
    notices: list[Notice] | None = _key("NOTIFY")
    checks: list[Check] | None = _key("CHECK")
    of_summary: list[Reply] | None = _key("summary")
    of_devs: list[Reply] | None = _key("devs")
    of_pools: list[Reply] | None = _key("pools")
    of_stats: list[Reply] | None = _key("stats")
    of_version: list[Reply] | None = _key("version")
    of_notify: list[Reply] | None = _key("notify")

    @property
    def joined(self) -> tuple[Reply, ...]:
        """The plain replies inside, in no order."""
        parts = (self.of_summary, self.of_devs, self.of_pools, self.of_stats, self.of_version, self.of_notify)
        return tuple([part[0] for part in parts if part])

    @property
    def verdict(self) -> Status | None:
        """How the command went; None where the reply does not say."""
        match self.status:
            case [first, *_]:
                return first
            case Status():
                return self.status
            case str(word):
                return Status(letter=word)
            case _:
                return None

    @property
    def code(self) -> int | None:
        """The number of the verdict."""
        verdict = self.verdict
        return None if verdict is None else whole(verdict.code)


_REPLIES = msgspec.json.Decoder(Reply)


def ask(command: str, parameter: str | None = None, **flags: bool) -> Ask:
    """Build the request of a command; it must leave in one segment and without a NUL."""
    request: dict[str, object] = {"command": command}
    if parameter is not None:
        request["parameter"] = parameter
    return Ask(request=msgspec.json.encode(request | flags))


def parse(payload: bytes) -> Reply:
    """Read one reply, JSON or text; raises Garbled, or Unreachable for a miner that says it is going away."""
    payload = payload.removeprefix(BYTE_ORDER_MARK)
    if payload.startswith((b"STATUS=", b"CMD=")):
        reply = convert(sections_of(payload), Reply, payload)
    else:
        reply = decode(payload, _REPLIES)
    verdict = reply.verdict
    if verdict is None and not reply.joined:
        raise Garbled("neither a status nor a known section", payload)
    if verdict is not None and verdict.letter in {"BYE", "RESTART"}:
        raise Unreachable(f"the miner says {verdict.letter}")
    return reply


def must(reply: Reply) -> Reply:
    """Return the reply where it is a success; raises the Refused that its verdict means."""
    verdict = reply.verdict
    if verdict is None or verdict.letter in {"S", "I", "W"}:
        return reply
    said = (verdict.message or f"status {verdict.letter}")[:200]
    match reply.code:
        case 45:
            raise NotPermitted(said)
        case 14:
            raise Unsupported(said)
        case _:
            raise Refused(said)


@dataclass(slots=True)
class Report:
    """What several replies told together; a section that was not asked for, or refused, is None."""

    summary: Summary | None = None
    devices: list[Device] | None = None
    pools: list[PoolRow] | None = None
    stats: list[dict[str, Any]] | None = None
    notices: list[Notice] | None = None
    said_at: float | None = None
    refusals: list[Reply] = field(default_factory=list)

    def add(self, reply: Reply) -> None:
        """Take in one reply, or the parts of a joined one."""
        for part in reply.joined or (reply,):
            self._add_plain(part)

    def _add_plain(self, reply: Reply) -> None:
        self.summary = reply.summary[0] if reply.summary else self.summary
        self.devices = self.devices if reply.devices is None else reply.devices
        self.pools = self.pools if reply.pools is None else reply.pools
        self.stats = self.stats if reply.stats is None else reply.stats
        self.notices = self.notices if reply.notices is None else reply.notices
        if (verdict := reply.verdict) is not None:
            self._judge(reply, verdict)

    def _judge(self, reply: Reply, verdict: Status) -> None:
        self.said_at = number(verdict.when)
        if verdict.letter not in {"E", "F"}:
            return
        if reply.code == NO_DEVICES:
            self.devices = []
        else:
            self.refusals.append(reply)
