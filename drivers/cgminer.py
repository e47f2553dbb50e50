"""cgminer and bfgminer, on any hardware: read by joined commands, told by disabling and enabling every device.

State goes by what the devices are and by the present speed; averages stay high long after a machine stopped.
A command's answer is a receipt: bfgminer says "set disable flag" and hashes on for seconds.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass

from drivers.cgminer_reading import reading_of
from drivers.cgminer_wire import Device, Reply, Report, ask, must, parse
from drivers.errors import Refused, Unsupported
from drivers.figures import number, words
from drivers.interface import (
    Abilities,
    Command,
    Conversation,
    Exchange,
    Identity,
    Reading,
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

STANDBY_W = 50.0
"""What a machine with every device disabled draws where its model's row does not say."""
SETTLE_S, WAKE_S = 45.0, 300.0

_VERSION, _DETAILS, _PRIVILEGED = ask("version"), ask("devdetails"), ask("privileged")
_SUMMARY, _DEVICES, _POOLS, _NOTICES = ask("summary"), ask("devs"), ask("pools"), ask("notify")
_EVERYTHING = ask("summary+devs+pools+notify")
"""Also for a quick read: a board that was unplugged shows in its notice alone, so the state hangs on that too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """How a kind of device is named in commands."""

    disable: str
    enable: str


_ASC = _Kind(disable="ascdisable", enable="ascenable")
_PGA = _Kind(disable="pgadisable", enable="pgaenable")


class Cgminer:
    """One machine that speaks the cgminer wire."""

    def __init__(self, target: Target, identity: Identity | None = None) -> None:
        self.target = target
        self._identity = identity
        self._model = _model_of(target, identity)
        self._joins = True

    def identify(self) -> Conversation[Identity]:
        """Learn program, model and write access; changes nothing."""
        version = must(parse((yield from _ask(_VERSION))))
        devices = (yield from self._devices()).devices or []
        details = parse((yield from _ask(_DETAILS)))
        named = next(iter(details.details or details.devices or ()), None)
        reported = named.model or named.name if named is not None else None
        self._model = find(self.target.model or reported)
        may_write = yield from _may_any(dict.fromkeys(_kind(device) for device in devices) or (_ASC, _PGA))
        self._identity = self._identified(version, reported, may_write=may_write)
        return self._identity

    def _identified(self, version: Reply, reported: str | None, *, may_write: bool) -> Identity:
        model = self._model
        firmware, firmware_version = _program(version)
        return Identity(
            driver="cgminer",
            make=None if model is None else model.make,
            model=(self.target.model or reported) if model is None else model.model,
            firmware=firmware,
            firmware_version=firmware_version,
            nominal_ths=None if model is None else model.hashrate_ths,
            nominal_w=None if model is None else model.power_w,
            abilities=Abilities(sleep=sleep_of(model) if may_write else None),
        )

    def read(self, want: Want) -> Conversation[Reading]:
        """Learn what it does now, in one exchange where the firmware joins commands."""
        report = Report()
        if self._joins:
            reply = parse((yield from _ask(_EVERYTHING)))
            if reply.joined:
                report.add(reply)
                return self._reading(report)
        report = yield from self._ask_singly(want)
        self._joins = self._joins and report.summary is None
        return self._reading(report)

    def _reading(self, report: Report) -> Reading:
        if report.summary is None and report.devices is None and report.refusals:
            must(report.refusals[0])
        return reading_of(report, self._model)

    def _ask_singly(self, want: Want) -> Generator[Exchange, Answer, Report]:
        report = Report()
        asks = (_SUMMARY, _DEVICES, _POOLS) if want is Want.QUICK else (_SUMMARY, _DEVICES, _POOLS, _NOTICES)
        for exchange in asks:
            report.add(parse((yield from _ask(exchange))))
        return report

    def send(self, command: Command) -> Conversation[Receipt]:
        """Disable or enable every device, one exchange each, those alone that are not so yet.

        One that refuses keeps none of the others from being told; its refusal is raised at the end.
        Where no device shows at present none is told, and the receipt does not say `already`.
        """
        match command:
            case Sleep():
                wanted = "N"
            case Wake() | SetMode(mode="full"):
                wanted = "Y"
            case _:
                raise Unsupported(f"cgminer has no {type(command).__name__.lower()}")
        identity = self._identity or (yield from self.identify())
        if identity.abilities.sleep is None:
            raise Unsupported("this machine gives no write access")
        return (yield from self._switch(wanted))

    def _switch(self, wanted: str) -> Conversation[Receipt]:
        report = yield from self._devices()
        if report.devices is None and report.refusals:
            must(report.refusals[0])
        devices = report.devices or []
        others = [device for device in devices if device.enabled != wanted]
        if devices and not others:
            return Receipt(already=True)
        answers = Report()
        for device in others:
            answers.add(parse((yield from _ask(_telling(device, wanted)))))
        for refusal in answers.refusals:
            must(refusal)
        return Receipt(message=f"{len(others)} of {len(devices)} devices told")

    def _devices(self) -> Generator[Exchange, Answer, Report]:
        report = Report()
        report.add(parse((yield from _ask(_DEVICES))))
        return report


def _ask(exchange: Exchange) -> Generator[Exchange, Answer, bytes]:
    reply = yield exchange
    assert isinstance(reply, bytes)
    return reply


def _may_any(kinds: Iterable[_Kind]) -> Generator[Exchange, Answer, bool]:
    """Ask whether this host may disable devices of any of these kinds."""
    for kind in kinds:
        if (yield from _may(kind.disable)):
            return True
    return False


def _may(command: str) -> Generator[Exchange, Answer, bool]:
    """Ask whether this host may give a command that changes something."""
    reply = parse((yield from _ask(ask("check", command))))
    if reply.checks:
        return reply.checks[0].exists == "Y" and reply.checks[0].access == "Y"
    try:
        must(parse((yield from _ask(_PRIVILEGED))))
    except Refused:
        return False
    return True


def _kind(device: Device) -> _Kind:
    return _ASC if device.asc is not None else _PGA


def _telling(device: Device, wanted: str) -> Exchange:
    kind, slot = _kind(device), device.pga if device.asc is None else device.asc
    if slot is None:
        raise Unsupported(f"{device.name or 'a device'} has no number to name it by")
    return ask(kind.disable if wanted == "N" else kind.enable, str(slot))


def _model_of(target: Target, identity: Identity | None) -> Model | None:
    return find(target.model) if identity is None else find(target.model or identity.model, identity.nominal_ths)


def sleep_of(model: Model | None) -> SleepAbility:
    """Return what disabling every device does: no program keeps it over a new start."""
    standby_w = STANDBY_W if model is None or model.sleep_w is None else model.sleep_w
    return SleepAbility(
        standby_w=standby_w, settle_s=SETTLE_S, wake_s=WAKE_S, survives_reboot=False, survives_power_cut=False
    )


def _program(reply: Reply) -> tuple[str | None, str | None]:
    """Return the program's name and version, from the description, "cgminer 4.11.1", or the version's own row."""
    described = (reply.verdict.description or "").split() if reply.verdict is not None else []
    if len(described) == 2:
        return described[0].lower(), described[1]
    row = next(iter(reply.versions or ()), None)
    told = None if row is None else row.cgminer
    version = words(told) or (None if number(told) is None else str(told))
    return (described[0].lower() if described else "cgminer"), version
