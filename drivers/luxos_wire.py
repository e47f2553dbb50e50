"""The LuxOS wire: cgminer's form with sections of its own, and the one session that a write needs.

A session is a lock, not a secret: one at a time, opened by `logon` and closed by `logoff`, gone after 60 s unused.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import msgspec

from drivers.cgminer_wire import Device, Figure, PoolRow, Status, Summary, Verdict, ask, verdicts
from drivers.errors import DeviceError, Garbled, NotPermitted, Refused, Unsupported
from drivers.figures import whole, words
from drivers.interface import Ask, Exchange, Pause
from drivers.interface import Reply as Answer
from drivers.tolerant import decode

ANOTHER_SESSION = 402
PATIENCE = 3
"""How often a session is asked for while another holds it, a second between."""


def _key(name: str) -> Any:
    return msgspec.field(default=None, name=name)


class Version(msgspec.Struct, gc=False):
    """The row of `version`."""

    luxminer: str | None = _key("LUXminer")
    type: str | None = _key("Type")


class Config(msgspec.Struct, gc=False):
    """The row of `config`: who it is, which profile it runs, and whether it is curtailed."""

    mac: str | None = _key("MACAddr")
    serial: str | None = _key("SerialNumber")
    model: str | None = _key("Model")
    nameplate_ths: Figure = _key("NameplateTHS")
    profile: str | None = _key("Profile")
    profile_step: Figure = _key("ProfileStep")
    curtailed: str | None = _key("CurtailMode")
    supply_on: bool | None = _key("IsPowerSupplyOn")
    moves_itself: bool | None = _key("IsAtmEnabled")
    red_led: str | None = _key("RedLed")


class Board(Device, gc=False):
    """A row of `devs`: not in the order of the boards."""

    nominal_mhs: Figure = _key("Nominal MHS")
    ramps: bool | None = _key("IsRamping")


class FanRow(msgspec.Struct, gc=False):
    """A row of `fans`."""

    id: Figure = _key("ID")
    rpm: Figure = _key("RPM")


class Power(msgspec.Struct, gc=False):
    """The row of `power`; by the supply, or an estimate."""

    watts: Figure = _key("Watts")


class ProfileRow(msgspec.Struct, gc=False):
    """A row of `profiles`: step 0 is what the machine was sold as."""

    name: str | None = _key("Profile Name")
    step: Figure = _key("Step")
    hashrate_ths: Figure = _key("Hashrate")
    watts: Figure = _key("Watts")


class Event(msgspec.Struct, gc=False):
    """A row of `events`: a condition that is there now."""

    code: str | None = _key("Code")
    description: str | None = _key("Description")
    target: str | None = _key("Target")
    id: Figure = _key("ID")


class Session(msgspec.Struct, gc=False):
    """The row of `logon`."""

    id: str | None = _key("SessionID")


class Part(msgspec.Struct, gc=False):
    """One command's whole reply."""

    verdict: Verdict | None = _key("STATUS")
    summary: list[Summary] | None = _key("SUMMARY")
    versions: list[Version] | None = _key("VERSION")
    config: list[Config] | None = _key("CONFIG")
    boards: list[Board] | None = _key("DEVS")
    power: list[Power] | None = _key("POWER")
    fans: list[FanRow] | None = _key("FANS")
    temperatures: list[dict[str, Any]] | None = _key("TEMPS")
    labels: list[dict[str, Any]] | None = _key("METADATA")
    pools: list[PoolRow] | None = _key("POOLS")
    events: list[Event] | None = _key("EVENTS")
    stats: list[dict[str, Any]] | None = _key("STATS")
    profiles: list[ProfileRow] | None = _key("PROFILES")
    sessions: list[Session] | None = _key("SESSION")

    @property
    def status(self) -> list[Status]:
        """How the command went."""
        return verdicts(self.verdict)


class Joined(Part, gc=False):
    """The reply to one command, or to several, each with its own below its name."""

    of_summary: list[Part] | None = _key("summary")
    of_config: list[Part] | None = _key("config")
    of_devs: list[Part] | None = _key("devs")
    of_power: list[Part] | None = _key("power")
    of_fans: list[Part] | None = _key("fans")
    of_temps: list[Part] | None = _key("temps")
    of_pools: list[Part] | None = _key("pools")
    of_events: list[Part] | None = _key("events")
    of_stats: list[Part] | None = _key("stats")

    @property
    def parts(self) -> tuple[Part, ...]:
        """The replies inside; none where one command was asked."""
        named = (
            self.of_summary, self.of_config, self.of_devs, self.of_power, self.of_fans,
            self.of_temps, self.of_pools, self.of_events, self.of_stats,
        )  # fmt: skip
        return tuple(part[0] for part in named if part)


_REPLIES = msgspec.json.Decoder(Joined)


def parse(payload: bytes) -> Joined:
    """Read a reply; raises Garbled for one without a status."""
    reply = decode(payload, _REPLIES)
    if not reply.status and not reply.parts:
        raise Garbled("neither a status nor a known section", payload)
    return reply


def must(reply: Part) -> Part:
    """Return the reply where it is a success; raises the Refused that its status means."""
    status = reply.status[0] if reply.status else None
    if status is None or status.letter in {None, "S", "I", "W"}:
        return reply
    said = status.message or f"status {status.letter}"
    match whole(status.code):
        case 14:
            raise Unsupported(said)
        case 45:
            raise NotPermitted(said)
        case _:
            raise Refused(said)


def asked(exchange: Ask) -> Generator[Exchange, Answer, Joined]:
    """Ask, and read the reply."""
    payload = yield exchange
    assert isinstance(payload, bytes)
    return parse(payload)


def told(command: str, *parameters: str) -> Generator[Exchange, Answer, Part]:
    """Give commands that need a session: ours is opened, used and closed, whatever came of it.

    Another's is waited for, and named by Refused where it stays. Raises what the machine refuses the command by.
    """
    session = yield from _session()
    try:
        done = must((yield from asked(ask(command, ",".join((session, *parameters))))))
    except DeviceError:
        yield from _close(session)
        raise
    yield from _close(session)
    return done


def _session() -> Generator[Exchange, Answer, str]:
    said = "another session is active"
    for turn in range(PATIENCE):
        if turn:
            yield Pause(seconds=1.0)
        reply = yield from asked(ask("logon"))
        status = reply.status[0] if reply.status else None
        if status is not None and whole(status.code) == ANOTHER_SESSION:
            said = status.message or said
            continue
        row = next(iter(must(reply).sessions or ()), None)
        if row is None or words(row.id) is None:
            raise Garbled("a session without an id", repr(status).encode())
        return row.id or ""
    raise Refused(f"{said}: somebody else holds the one session that the machine has")


def _close(session: str) -> Generator[Exchange, Answer, None]:
    """Give the session back; what goes wrong there ends by itself, after a minute."""
    try:
        yield ask("logoff", session)
    except DeviceError:
        return
