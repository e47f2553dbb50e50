"""Whatever speaks the CGMiner API and is nobody's: read by what it answers, and hardly told anything.

A command that it has not is asked once. It is put to sleep only where it lists its devices and says itself that this
host may disable them.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from drivers.cgminer import Cgminer, sleep_of
from drivers.cgminer_text import sections_of
from drivers.cgminer_wire import Reply as Answered
from drivers.cgminer_wire import ask, must, parse
from drivers.errors import Unreachable, Unsupported
from drivers.figures import words
from drivers.generic_reading import Told, name_of, reading_of
from drivers.interface import (
    Abilities,
    Command,
    Conversation,
    Exchange,
    Identity,
    Reading,
    Receipt,
    Target,
    Want,
)
from drivers.interface import Reply as Answer
from drivers.models import find
from drivers.tolerant import decode, plain_decoder

SECTIONS = ("SUMMARY", "DEVS", "STATS", "VERSION", "DEVDETAILS")
UNKNOWN_COMMAND = 14
_ANY = plain_decoder()


class Generic:
    """One machine of which nothing is known but its API."""

    def __init__(self, target: Target, identity: Identity | None = None) -> None:
        self.target = target
        self._identity = identity
        self._lacks: set[str] = set()

    def identify(self) -> Conversation[Identity]:
        """Learn program, model and write access, as far as it says; changes nothing."""
        told = yield from self._hear("summary", "version", "devs", "devdetails", "stats")
        _check(told)
        reported = self.target.model or name_of(told)
        model = find(reported)
        program, _, version = (told.described or "").partition(" ")
        may_write = yield from self._may_write(told)
        self._identity = Identity(
            driver="generic",
            make=None if model is None else model.make,
            model=reported if model is None else model.model,
            firmware=words(program),
            firmware_version=words(version),
            nominal_ths=None if model is None else model.hashrate_ths,
            nominal_w=None if model is None else model.power_w,
            abilities=Abilities(sleep=sleep_of(model) if may_write else None),
        )
        return self._identity

    def read(self, want: Want) -> Conversation[Reading]:
        """Learn what it does now; its `stats`, that may be long, in full or where they alone tell its rate."""
        told = yield from self._hear("summary", "devs", "pools", "notify")
        if want is Want.FULL or told.report.summary is None:
            yield from self._add(told, "stats")
        _check(told)
        return reading_of(told)

    def send(self, command: Command) -> Conversation[Receipt]:
        """Tell it to stop or to start, where it proved that it can be; raises Unsupported for all else."""
        identity = self._identity or (yield from self.identify())
        if identity.abilities.sleep is None:
            raise Unsupported(f"nobody knows how this machine is told {command}")
        return (yield from Cgminer(self.target, identity).send(command))

    # what it answers -----------------------------------------------------------------------------------------

    def _hear(self, *commands: str) -> Generator[Exchange, Answer, Told]:
        """Ask one after the other; some hang up at what they do not know. Raises what the first ends with."""
        told = Told()
        for command in commands:
            try:
                yield from self._add(told, command)
            except Unreachable:
                if not told.rows:
                    raise
        told.model = find(self.target.model or (None if self._identity is None else self._identity.model))
        return told

    def _add(self, told: Told, command: str) -> Generator[Exchange, Answer, None]:
        """Ask a command that it is not known to lack, and take in its rows."""
        if command in self._lacks:
            return
        payload = yield ask(command)
        assert isinstance(payload, bytes)
        reply = parse(payload)
        told.report.add(reply)
        told.described = told.described or (None if reply.verdict is None else words(reply.verdict.description))
        if reply.code == UNKNOWN_COMMAND:
            self._lacks.add(command)
            return
        for section, rows in _rows(payload).items():
            told.rows.setdefault(section, []).extend(rows)

    def _may_write(self, told: Told) -> Generator[Exchange, Answer, bool]:
        """Ask whether this host may disable devices of the kind that it lists; only its own yes counts."""
        device = next(iter(told.report.devices or ()), None)
        if device is None or (device.asc is None and device.pga is None):
            return False
        try:
            kind = "ascdisable" if device.asc is not None else "pgadisable"
            reply: Answered = parse((yield from _payload("check", kind)))
        except Unreachable:
            return False
        return any(check.exists == "Y" and check.access == "Y" for check in reply.checks or ())


def _check(told: Told) -> None:
    """Raise what it refuses everything by."""
    if not told.rows and told.report.refusals:
        must(told.report.refusals[0])


def _payload(command: str, parameter: str) -> Generator[Exchange, Answer, bytes]:
    payload = yield ask(command, parameter)
    assert isinstance(payload, bytes)
    return payload


def _rows(payload: bytes) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of a reply's sections as they came, JSON or text."""
    told: Any = sections_of(payload) if payload.startswith(b"STATUS=") else decode(payload, _ANY)
    if not isinstance(told, dict):
        return {}
    sections = {name: rows for name in SECTIONS if isinstance(rows := told.get(name), list)}
    return {name: [row for row in rows if isinstance(row, dict)] for name, rows in sections.items()}
