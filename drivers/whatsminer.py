"""WhatsMiners with the maker's firmware, API versions 1 and 2: read in plain words, told in encrypted ones.

A power mode outlasts a stop, so one that was low is set to normal as it is woken; a limit that the owner may have set
is lifted by nothing but the mode "full". Pools and passwords are never written.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from dataclasses import replace

from drivers.cgminer_wire import ask
from drivers.errors import Garbled, Unsupported
from drivers.figures import number, watts, words
from drivers.interface import (
    Abilities,
    Command,
    Conversation,
    Exchange,
    Identity,
    LimitPower,
    Locate,
    LowAbility,
    PowerRange,
    Reading,
    Reboot,
    Receipt,
    SetMode,
    Sleep,
    SleepAbility,
    State,
    Target,
    Wake,
    Want,
)
from drivers.interface import Reply as Answer
from drivers.models import Model, find
from drivers.whatsminer_reading import awake_level, is_limited, reading_of, stands
from drivers.whatsminer_token import Tokens
from drivers.whatsminer_wire import Reply, Summary, Told, faults_of_list, faults_of_summary, must, parse, summary_of

STANDBY_W = 45.0
"""What one draws switched off where its model's row does not say: control board and supply."""
SETTLE_S, WAKE_S, BOOT_S = 60.0, 900.0, 120.0
LOW_POWER, LOW_HASHRATE = 0.8, 0.85
"""Shares of full in the low power mode where the model's row does not say; rough: readings tell."""
LEAST_SHARE = 0.6
"""A limit below this share of nominal is not asked for: the machine may not come up again."""
LIMITS_FROM = (2, 0, 5)
"""The API version that has power limits."""

_JOINED = ask("summary+devs+pools")
_SUMMARY, _DEVICES, _POOLS = ask("summary"), (ask("devs"), ask("edevs")), ask("pools")
_STATUS, _FAULTS, _VERSION, _DETAILS = ask("status"), ask("get_error_code"), ask("get_version"), ask("devdetails")
_INFO = ask("get_miner_info")
_LOW, _NORMAL = {"cmd": "set_low_power"}, {"cmd": "set_normal_power"}
_BLINK = {"cmd": "set_led", "color": "red", "period": 200, "duration": 100, "start": 0}
_DIGITS = re.compile(r"\d+")


class Whatsminer:
    """One WhatsMiner with the maker's firmware."""

    def __init__(self, target: Target, identity: Identity | None = None) -> None:
        self.target = target
        self._identity = identity
        self._tokens = Tokens(target.logins)
        self._joins = True
        self._model = find(
            target.model or (None if identity is None else identity.model),
            None if identity is None else identity.nominal_ths,
        )

    # who it is -----------------------------------------------------------------------------------------------

    def identify(self) -> Conversation[Identity]:
        """Learn model, firmware, MAC and abilities; changes nothing."""
        payload = yield from _bytes(_SUMMARY)
        summary = summary_of(parse(payload), payload)
        version = yield from _document(_VERSION)
        if summary is None and not version:
            must(parse(payload))
            raise Garbled("neither figures nor a version", payload)
        info = yield from _document(_INFO)
        reported = _model_name(words(version.get("miner_type")) or (yield from _model_of_devices()))
        self._identity = self._identified(summary or Summary(), version, info, reported)
        return self._identity

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
            firmware_version=words(version.get("fw_ver")) or (words(row.firmware_version) or "").strip("' ") or None,
            mac=words(info.get("mac")) or words(row.mac),
            serial=words(info.get("minersn")),
            nominal_ths=factory_ths if model is None else model.hashrate_ths,
            nominal_w=None if model is None else model.power_w,
            abilities=_abilities(words(version.get("api_ver")), model),
        )

    # what it does --------------------------------------------------------------------------------------------

    def read(self, want: Want) -> Conversation[Reading]:
        """Learn what it does now; by one exchange while it hashes and firmware joins commands."""
        if self._identity is None:
            yield from self.identify()
        return reading_of((yield from self._hear(want)), self._model)

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
        _require(command, identity.abilities)
        match command:
            case Reboot():
                return (yield from self._tell({"cmd": "reboot"}, mute=True))
            case Locate(on=on):
                return (yield from self._tell(_BLINK if on else {"cmd": "set_led", "param": "auto"}))
            case Sleep() | Wake() | SetMode() | LimitPower():
                told = yield from self._hear(Want.FULL)
                return (yield from self._change(command, told))

    def _change(self, command: Sleep | Wake | SetMode | LimitPower, told: Told) -> Conversation[Receipt]:
        is_asleep = reading_of(told, self._model).state is State.SLEEPING
        match command:
            case Sleep():
                if is_asleep:
                    return Receipt(already=True)
                return (yield from self._tell({"cmd": "power_off", "respbefore": "true"}))
            case Wake():
                woken = yield from self._wake(told)
                is_low = awake_level(told.summary or Summary(), self._model) == "low"
                return (yield from self._tell(_NORMAL, mute=True)) if is_low else woken
            case SetMode(mode=mode):
                woken = yield from self._wake(told)
                return (yield from self._set_mode(mode, told)) or woken
            case LimitPower(limit_w=limit_w):
                there = told.summary is not None and watts(told.summary.power_limit) == round(limit_w)
                return Receipt(already=True) if there else (yield from self._limit(limit_w, told))

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


def _model_name(reported: str | None) -> str | None:
    """Write a model as the table does: M30S_VE43 is an M30SVE40, whose last digit is the batch."""
    if reported is None:
        return None
    plain = reported.replace("_", "")
    return f"{plain[:-1]}0" if "V" in plain and plain[-1].isdigit() else plain


def _abilities(api: str | None, model: Model | None) -> Abilities:
    """Return what the API version has; a machine without one is too old to be told anything."""
    if api is None:
        return Abilities(boot_s=BOOT_S)
    version = tuple(int(part) for part in _DIGITS.findall(api))
    power_w = None if model is None or version < LIMITS_FROM else model.power_w
    return Abilities(
        sleep=_sleep(model),
        power_limit=None
        if power_w is None
        else PowerRange(least_w=float(round(LEAST_SHARE * power_w)), most_w=power_w),
        low=_low(model),
        reboot=True,
        locate=True,
        boot_s=BOOT_S,
    )


def _sleep(model: Model | None) -> SleepAbility:
    standby_w = STANDBY_W if model is None or model.sleep_w is None else model.sleep_w
    return SleepAbility(standby_w=standby_w, settle_s=SETTLE_S, wake_s=WAKE_S)


def _low(model: Model | None) -> LowAbility:
    power = None if model is None else model.low_power
    hashrate = None if model is None else model.low_hashrate
    return LowAbility(power_share=power or LOW_POWER, hashrate_share=hashrate or LOW_HASHRATE)


def _require(command: Command, abilities: Abilities) -> None:
    """Raise Unsupported for what this machine cannot be told."""
    match command:
        case LimitPower(limit_w=limit_w):
            within = abilities.power_limit
            has = within is not None and within.least_w <= limit_w <= within.most_w
        case SetMode(mode=mode):
            has = abilities.low is not None and mode in {"full", "low"}
        case Sleep() | Wake():
            has = abilities.sleep is not None
        case Reboot() | Locate():
            has = abilities.reboot
    if not has:
        raise Unsupported(f"this machine cannot do {command}")
