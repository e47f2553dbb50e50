"""Canaan's Avalons, of farms (A7 to A16) and of homes (Nano, Mini, Q): cgminer's wire, telemetry in one text.

It sleeps by a soft-off where its firmware has one: farm machines wake by a restart, home machines by a soft-on at an
instant of their own clock. Neither outlasts a power cut. Home machines have work modes, which are told live and refused
while they tune or stand; what a farm machine's modes do is not known.
"""

from __future__ import annotations

import re
from collections.abc import Generator

import msgspec

from drivers.avalon_reading import Told, elapsed_of, is_off, mode_of, modes_of, reading_of, words_of
from drivers.cgminer_wire import Reply as Answered
from drivers.cgminer_wire import Report, ask, must, parse
from drivers.errors import Garbled, Refused, Unreachable, Unsupported
from drivers.figures import number, words
from drivers.interface import (
    Abilities,
    Ask,
    Command,
    Conversation,
    Exchange,
    Identity,
    Locate,
    Reading,
    Reboot,
    Receipt,
    SetMode,
    Sleep,
    SleepAbility,
    Target,
    Wake,
    Want,
)
from drivers.interface import Reply as Answer
from drivers.models import Model, find
from drivers.tolerant import decode

STANDBY_W, SETTLE_S, WAKE_S, BOOT_S = 25.0, 30.0, 600.0, 120.0
DUE_S = 5
"""A soft-off of a home machine names an instant; all that were seen to work named one so far ahead."""
_DONE = frozenset({"S", "I"})
_OWN = re.compile(r"^(.*?)-?(\d{8}_[0-9a-f]+.*)$")
_PLAIN_MAC = re.compile(r"[0-9A-Fa-f]{12}")


class Version(msgspec.Struct, gc=False):
    """The row of `version`."""

    product: str | None = msgspec.field(default=None, name="PROD")
    model: str | None = msgspec.field(default=None, name="MODEL")
    version: str | None = msgspec.field(default=None, name="VERSION")
    home_version: str | None = msgspec.field(default=None, name="LVERSION")
    serial: str | None = msgspec.field(default=None, name="DNA")
    own_serial: str | None = msgspec.field(default=None, name="HDNA")
    mac: str | None = msgspec.field(default=None, name="MAC")


class _Versions(msgspec.Struct, gc=False):
    rows: list[Version] | None = msgspec.field(default=None, name="VERSION")


_VERSIONS = msgspec.json.Decoder(_Versions)


class Avalon:
    """One Avalon."""

    def __init__(self, target: Target, identity: Identity | None = None) -> None:
        self.target = target
        self._identity = identity
        self._model = find(
            target.model or (None if identity is None else identity.model),
            None if identity is None else identity.nominal_ths,
        )

    # who it is -----------------------------------------------------------------------------------------------

    def identify(self) -> Conversation[Identity]:
        """Learn model, version, MAC and abilities; changes nothing."""
        row = yield from _version()
        telemetry = Told(words=words_of((yield from self._hear("stats")).stats or ()))
        told, own = _told_of(telemetry.words.get("Ver"))
        name = row.product or row.model or told
        model = self._model = find(self.target.model or row.model or told) or find(name)
        home = self._is_home(row.model or told)
        sleeps = telemetry.has_soft_off and not _is_nano(row.model or told)
        self._identity = Identity(
            driver="avalon",
            make="Canaan",
            model=self.target.model or (name if model is None else model.model),
            firmware="stock",
            firmware_version=words(row.version) or words(row.home_version) or own,
            mac=_mac(row.mac),
            serial=words(row.own_serial) or words(row.serial),
            nominal_ths=None if model is None else model.hashrate_ths,
            nominal_w=None if model is None else model.power_w,
            abilities=Abilities(
                sleep=_sleep(model) if sleeps else None,
                profiles=modes_of(model)[:-1] if home else (),
                reboot=True,
                locate=not home,
                boot_s=BOOT_S,
            ),
        )
        return self._identity

    def _is_home(self, name: str | None) -> bool:
        """Whether it is one of those with a clock of their own; farm machines count seconds since their start."""
        return (name or "").partition("-")[0].lower().removeprefix("avalon ").strip() in {"q", "mini3"} or _is_nano(
            name
        )

    # what it does --------------------------------------------------------------------------------------------

    def read(self, want: Want) -> Conversation[Reading]:
        """Learn what it does now: by its telemetry, and by what that leaves open."""
        if self._identity is None:
            yield from self.identify()
        report = yield from self._hear(*(("stats",) if want is Want.QUICK else ("stats", "summary", "pools")))
        telemetry = words_of(report.stats or ())
        speed = number(telemetry.get("GHSspd"))
        if speed is None and report.summary is None:
            report.summary = (yield from self._hear("summary")).summary
        usual_ghs = 0.0 if self._model is None else self._model.hashrate_ths * 1e3
        stands = speed is not None and speed < 0.9 * usual_ghs
        pools, elapsed_s = report.pools, elapsed_of(report.stats or ())
        if pools is None and stands and not is_off(Told(words=telemetry)):
            pools = (yield from self._hear("pools")).pools
        told = Told(words=telemetry, summary=report.summary, pools=pools, elapsed_s=elapsed_s)
        return reading_of(told, self._model)

    def _hear(self, *commands: str) -> Generator[Exchange, Answer, Report]:
        """Ask one after the other: it serves one at a time. Raises what it refuses all of them by."""
        report = Report()
        for command in commands:
            report.add((yield from _asked(ask(command))))
        if report.stats is None and report.summary is None and report.pools is None and report.refusals:
            must(report.refusals[0])
        return report

    # what it is told -----------------------------------------------------------------------------------------

    def send(self, command: Command) -> Conversation[Receipt]:
        """Tell it; raises Unsupported before any exchange where it has no such ability."""
        identity = self._identity or (yield from self.identify())
        _require(command, identity.abilities)
        home = self._is_home(identity.model)
        match command:
            case Reboot():
                return (yield from _tell("reboot,0", mute=True))
            case Locate(on=on):
                return (yield from _tell(f"led,1-{int(on)}"))
            case Sleep():
                return (yield from self._switch(home, on=False))
            case SetMode(mode=mode) if identity.abilities.profiles:
                return (yield from self._set_mode(mode))
            case _:
                return (yield from self._switch(home, on=True))

    def _set_mode(self, mode: str) -> Generator[Exchange, Answer, Receipt]:
        """Set a work mode; one that was told to stop is let run first, and told its mode when it runs."""
        report = yield from self._hear("stats")
        told, modes = Told(words=words_of(report.stats or ())), modes_of(self._model)
        if is_off(told):
            return (yield from self._switch(home=True, on=True))
        names = [profile.name for profile in modes[:-1]]
        wanted, before = f"profile:{mode}" if mode in names else mode, mode_of(told, self._model)
        if before == wanted:
            return Receipt(already=True)
        at = names.index(mode) if mode in names else len(names)
        done = yield from _tell(f"workmode,set,{at}")
        return Receipt(before=None if before == "full" else before, message=done.message)

    def _switch(self, home: bool, *, on: bool) -> Generator[Exchange, Answer, Receipt]:  # noqa: FBT001 - of itself
        report = yield from self._hear("stats")
        if is_off(Told(words=words_of(report.stats or ()))) is not on:
            return Receipt(already=True)
        if not home:
            return (yield from _tell("reboot,1", mute=True)) if on else (yield from _tell("softoff"))
        due = int(report.said_at or 0) + DUE_S
        return (yield from _tell(f"{'softon' if on else 'softoff'},1:{due}"))


def _asked(exchange: Ask) -> Generator[Exchange, Answer, Answered]:
    payload = yield exchange
    assert isinstance(payload, bytes)
    return parse(payload)


def _version() -> Generator[Exchange, Answer, Version]:
    """Ask who it is; old firmware does not say."""
    payload = yield ask("version")
    assert isinstance(payload, bytes)
    try:
        must(parse(payload))
    except Refused:
        return Version()
    try:
        return next(iter(decode(payload, _VERSIONS).rows or ()), Version())
    except Garbled:
        return Version()


def _tell(option: str, *, mute: bool = False) -> Generator[Exchange, Answer, Receipt]:
    """Set an option; `mute`: it may be gone before it answers. Raises what it refuses it by."""
    try:
        reply = yield from _asked(ask("ascset", f"0,{option}"))
    except (Unreachable, Garbled):
        if mute:
            return Receipt(message="it went without a word")
        raise
    verdict = reply.verdict
    if verdict is None:
        raise Garbled(f"{option}: no verdict")
    if verdict.letter not in _DONE:
        must(reply)
    return Receipt(message=words(verdict.message))


def _told_of(own: str | None) -> tuple[str | None, str | None]:
    """Split what a telemetry's `Ver` holds: the model with its bin, and the firmware's version."""
    found = _OWN.match(own or "")
    return (words(own), None) if found is None else (words(found[1]), found[2])


def _is_nano(name: str | None) -> bool:
    return "nano" in (name or "").lower()


def _mac(told: str | None) -> str | None:
    """Write a MAC with its colons."""
    mac = words(told)
    if mac is None or _PLAIN_MAC.fullmatch(mac) is None:
        return mac
    return ":".join(mac[at : at + 2] for at in range(0, 12, 2))


def _sleep(model: Model | None) -> SleepAbility:
    standby_w = STANDBY_W if model is None or model.sleep_w is None else model.sleep_w
    return SleepAbility(
        standby_w=standby_w, settle_s=SETTLE_S, wake_s=WAKE_S, survives_reboot=False, survives_power_cut=False
    )


def _require(command: Command, abilities: Abilities) -> None:
    """Raise Unsupported for what this machine cannot be told."""
    match command:
        case SetMode(mode=mode) if abilities.profiles:
            has = mode == "full" or any(profile.name == mode for profile in abilities.profiles)
        case Sleep() | Wake() | SetMode(mode="full"):
            has = abilities.sleep is not None
        case Reboot():
            has = abilities.reboot
        case Locate():
            has = abilities.locate
        case _:
            has = False
    if not has:
        raise Unsupported(f"this machine cannot do {command}")
