"""WhatsMiners with the maker's firmware, API versions 1 and 2: read in plain words, told in encrypted ones.

A power mode outlasts a stop, so one that was low is set to normal as it is woken; a limit that the owner may have set
is lifted by nothing but the mode "full". Pools and passwords are never written.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import replace

from drivers.cgminer_wire import ask
from drivers.errors import DeviceError, Garbled
from drivers.figures import number, watts, words
from drivers.interface import (
    Command,
    Conversation,
    Exchange,
    Identity,
    LimitPower,
    Locate,
    Reading,
    Reboot,
    Receipt,
    Restart,
    SetMode,
    Sleep,
    State,
    Target,
    Wake,
    Want,
)
from drivers.interface import Reply as Answer
from drivers.models import find
from drivers.whatsminer_abilities import abilities_of, model_name, require
from drivers.whatsminer_reading import awake_level, is_limited, reading_of, stands
from drivers.whatsminer_token import Tokens
from drivers.whatsminer_v3 import WhatsminerV3
from drivers.whatsminer_wire import Reply, Summary, Told, faults_of_list, faults_of_summary, must, parse, summary_of

NEW_SINCE = "202411"
"""The month of the first firmware that speaks API version 3 beside this one."""

_JOINED = ask("summary+devs+pools")
_SUMMARY, _DEVICES, _POOLS = ask("summary"), (ask("devs"), ask("edevs")), ask("pools")
_STATUS, _FAULTS, _VERSION, _DETAILS = ask("status"), ask("get_error_code"), ask("get_version"), ask("devdetails")
_INFO = ask("get_miner_info")
_LOW, _NORMAL = {"cmd": "set_low_power"}, {"cmd": "set_normal_power"}
_OFF = {"cmd": "power_off", "respbefore": "true"}
_BLINK = {"cmd": "set_led", "color": "red", "period": 200, "duration": 100, "start": 0}


class Whatsminer:
    """One WhatsMiner with the maker's firmware."""

    def __init__(self, target: Target, identity: Identity | None = None) -> None:
        self.target = target
        self._identity = identity
        self._tokens = Tokens(target.logins)
        self._joins = True
        self._is_awake = False  # as last read: such a one is put to sleep unasked, at once
        self._model = find(
            target.model or (None if identity is None else identity.model),
            None if identity is None else identity.nominal_ths,
        )

    # who it is -----------------------------------------------------------------------------------------------

    def identify(self) -> Conversation[Identity]:
        """Learn model, firmware, MAC and abilities; changes nothing.

        One that speaks API version 3 too is identified by that: it takes no commands in this one's words.
        """
        payload = yield from _bytes(_SUMMARY)
        summary = summary_of(parse(payload), payload)
        version = yield from _document(_VERSION)
        if (words(version.get("fw_ver")) or "") >= NEW_SINCE and (newer := (yield from self._by_v3())) is not None:
            return newer
        if summary is None and not version:
            version = yield from _document(_STATUS)
        if summary is None and not version:
            must(parse(payload))
            raise Garbled("neither figures nor a version", payload)
        info = yield from _document(_INFO)
        reported = model_name(words(version.get("miner_type")) or (yield from _model_of_devices()))
        self._identity = self._identified(summary or Summary(), version, info, reported)
        return self._identity

    def _by_v3(self) -> Generator[Exchange, Answer, Identity | None]:
        try:
            return (yield from WhatsminerV3(self.target).identify())
        except DeviceError:
            return None

    def _identified(
        self, row: Summary, version: Mapping[str, object], info: Mapping[str, object], reported: str | None
    ) -> Identity:
        factory_ghs = number(row.factory_ghs)
        factory_ths = factory_ghs / 1e3 if factory_ghs else None
        model = self._model = find(self.target.model or reported, factory_ths)
        return Identity(
            driver="whatsminer",
            make="MicroBT",
            model=(self.target.model or reported) if model is None else model.model,
            firmware="stock",
            firmware_version=_firmware_version(row, version),
            mac=words(info.get("mac")) or words(row.mac),
            serial=words(info.get("minersn")),
            nominal_ths=factory_ths if model is None else model.hashrate_ths,
            nominal_w=None if model is None else model.power_w,
            abilities=abilities_of(words(version.get("api_ver")), model),
        )

    # what it does --------------------------------------------------------------------------------------------

    def read(self, want: Want) -> Conversation[Reading]:
        """Learn what it does now; by one exchange while it hashes and firmware joins commands."""
        if self._identity is None:
            yield from self.identify()
        reading = reading_of((yield from self._hear(want)), self._model)
        self._is_awake = reading.state is State.HASHING
        return reading

    def _hear(self, want: Want) -> Generator[Exchange, Answer, Told]:
        """Ask for the figures, and for what they leave open; raises what the machine refuses all of them by."""
        told, payload = yield from self._figures(want)
        if want is Want.FULL or stands(told, self._model):
            yield from _hear_status(told)
        if want is Want.FULL or (stands(told, self._model) and not told.is_off):
            told.faults = yield from _faults(told, payload)
        if told.summary is None and told.is_off is None:
            reply = parse(payload)
            must(reply.of_summary[0] if reply.of_summary else reply)
            raise Garbled("no figures, and no word on its state", payload)
        return told

    def _figures(self, want: Want) -> Generator[Exchange, Answer, tuple[Told, bytes]]:
        """Return what the figures tell, and the bytes that hold its summary."""
        told = Told()
        if self._joins:
            payload, joined = yield from _joined()
            if joined is not None:
                _add(told, joined, payload)
                return told, payload
        payload = yield from _bytes(_SUMMARY)
        told.summary = summary_of(parse(payload), payload)
        if told.summary is None:
            return told, payload
        self._joins = False
        for exchange in _DEVICES:
            told.devices = told.devices or (yield from _part(exchange)).devices
        if want is Want.FULL or stands(told, self._model):
            told.pools = (yield from _part(_POOLS)).pools
        return told, payload

    # what it is told -----------------------------------------------------------------------------------------

    def prepare(self) -> Conversation[None]:
        """Get a token for the commands to come; raises NotPermitted where the machine takes none of ours."""
        identity = self._identity or (yield from self.identify())
        if identity.abilities.sleep is not None:
            yield from self._tokens.renew()

    def send(self, command: Command) -> Conversation[Receipt]:
        """Give a command, encrypted, unless the machine is there already."""
        identity = self._identity or (yield from self.identify())
        require(command, identity.abilities)
        match command:
            case Restart():
                return (yield from self._tell({"cmd": "restart_btminer"}, mute=True))
            case Reboot():
                return (yield from self._tell({"cmd": "reboot"}, mute=True))
            case Locate(on=on):
                return (yield from self._tell(_BLINK if on else {"cmd": "set_led", "param": "auto"}))
            case Sleep() if self._is_awake:
                self._is_awake = False
                return (yield from self._tell(_OFF))
            case Sleep() | Wake() | SetMode() | LimitPower():
                told = yield from self._hear(Want.FULL)
                return (yield from self._change(command, told))

    def _change(self, command: Sleep | Wake | SetMode | LimitPower, told: Told) -> Conversation[Receipt]:
        is_asleep = reading_of(told, self._model).state is State.SLEEPING
        match command:
            case Sleep():
                if is_asleep:
                    return Receipt(already=True)
                return (yield from self._tell(_OFF))
            case Wake():
                woken = yield from self._wake(told)
                is_low = awake_level(told.summary or Summary(), self._model) == "low"
                return (yield from self._tell(_NORMAL, mute=True)) if is_low else woken
            case SetMode(mode=mode):
                woken = yield from self._wake(told)
                return (yield from self._set_mode(mode, told)) or woken
            case LimitPower(limit_w=limit_w):
                limited = yield from self._hold_at(limit_w, told)
                woken = yield from self._wake(told)
                return limited or woken

    def _wake(self, told: Told) -> Conversation[Receipt]:
        """Start it, unless it is sure that it was not stopped; older firmware takes that as often as it is told."""
        if told.is_off is False or not stands(told, self._model):
            return Receipt(already=True)
        return (yield from self._tell({"cmd": "power_on"}))

    def _set_mode(self, mode: str, told: Told) -> Generator[Exchange, Answer, Receipt | None]:
        """Set the power mode; to full, lift the limit that holds it too. None where all is so already."""
        row = told.summary or Summary()
        level, done = awake_level(row, self._model), None
        if mode == "full" and self._model is not None and is_limited(row, self._model):
            done = yield from self._limit(self._model.power_w, told)
        if (level == "low") != (mode == "low") or level is None:
            done = yield from self._tell(_LOW if mode == "low" else _NORMAL, mute=True)
        return done

    def _hold_at(self, limit_w: float, told: Told) -> Generator[Exchange, Answer, Receipt | None]:
        """Set the limit, and leave the low mode for it; None where all is so already."""
        row, done = told.summary or Summary(), None
        if watts(row.power_limit) != round(limit_w):
            done = yield from self._limit(limit_w, told)
        if awake_level(row, self._model) == "low":
            done = replace((yield from self._tell(_NORMAL, mute=True)), before="low")
        return done

    def _limit(self, limit_w: float, told: Told) -> Conversation[Receipt]:
        row = told.summary or Summary()
        before = f"limit:{watts(row.power_limit):.0f}" if is_limited(row, self._model) else None
        done = yield from self._tell({"cmd": "adjust_power_limit", "power_limit": f"{limit_w:.0f}"})
        return replace(done, before=before)

    def _tell(self, command: Mapping[str, object], *, mute: bool = False) -> Conversation[Receipt]:
        reply = yield from self._tokens.tell(command, mute=mute)
        return Receipt(message=words(reply.message))


def _bytes(exchange: Exchange) -> Generator[Exchange, Answer, bytes]:
    reply = yield exchange
    assert isinstance(reply, bytes)
    return reply


def _part(exchange: Exchange) -> Generator[Exchange, Answer, Reply]:
    """Ask for one part; what the machine cannot say is an empty reply."""
    try:
        reply = parse((yield from _bytes(exchange)))
    except Garbled:
        return Reply()
    return Reply() if reply.refuses else reply


def _firmware_version(row: Summary, version: Mapping[str, object]) -> str | None:
    told = (version.get("fw_ver"), version.get("FirmwareVersion"), row.firmware_version)
    return next((plain for one in told if (plain := (words(one) or "").strip("' "))), None)


def _document(exchange: Exchange) -> Generator[Exchange, Answer, Mapping[str, object]]:
    return (yield from _part(exchange)).document


def _model_of_devices() -> Generator[Exchange, Answer, str | None]:
    rows = (yield from _part(_DETAILS)).details or []
    return next((words(row.model) for row in rows), None)


def _joined() -> Generator[Exchange, Answer, tuple[bytes, Reply | None]]:
    """Ask for everything at once; None where firmware does not join commands."""
    payload = yield from _bytes(_JOINED)
    try:
        reply = parse(payload)
    except Garbled:
        return payload, None
    return payload, reply if reply.of_summary else None


def _add(told: Told, joined: Reply, payload: bytes) -> None:
    told.summary = summary_of(joined.of_summary[0], payload) if joined.of_summary else None
    told.devices = joined.of_devices[0].devices if joined.of_devices else None
    told.pools = joined.of_pools[0].pools if joined.of_pools else None


def _hear_status(told: Told) -> Generator[Exchange, Answer, None]:
    """Learn whether it was stopped; truths are texts."""
    status = yield from _document(_STATUS)
    for key, surely in (("mineroff", True), ("btmineroff", False)):
        if (off := words(status.get(key))) in {"true", "false"}:
            told.is_off, told.is_off_surely = off == "true", surely
            return


def _faults(told: Told, payload: bytes) -> Generator[Exchange, Answer, tuple[str, ...] | None]:
    """Return its error codes: of the summary where that counts them, else of their own list."""
    if told.summary is not None and number(told.summary.error_code_count) is not None:
        return faults_of_summary(payload)
    return faults_of_list((yield from _bytes(_FAULTS)))
