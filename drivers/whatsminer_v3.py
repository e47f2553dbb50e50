"""WhatsMiners with the maker's firmware, API version 3: read in frames of JSON, told with a token for each command.

A token is made of the machine's own clock, which it shows beside its salt: no clock of ours has to be near it. A power
mode outlasts a stop, so one that was low is set to normal as it is woken; a limit that the owner may have set is lifted
by nothing but the mode "full". Pools and passwords are never written.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import replace
from typing import Any

from drivers.errors import Garbled, NotListening, NotPermitted, Refused, Unreachable
from drivers.figures import number, watts, whole, words
from drivers.interface import (
    Command,
    Conversation,
    Exchange,
    Identity,
    LimitPower,
    Locate,
    Login,
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
from drivers.whatsminer_v3_wire import (
    Grain,
    Reply,
    asking,
    devices_of,
    faults_of,
    mode_of,
    must,
    parse,
    pools_of,
    port_of,
    refuses_token,
    rows,
    section,
    summary_of,
    telling,
)
from drivers.whatsminer_wire import Summary, Told

LOGIN = Login(user="super", password="super")  # noqa: S106 - as every machine leaves the maker
_INFO, _STATUS = "get.device.info", "get.miner.status"
_PARTS = ("summary", "pools", "edevs")
_BLINK = [{"color": "red", "period": 200, "duration": 100, "start": 0}]


class WhatsminerV3:
    """One WhatsMiner that speaks version 3."""

    def __init__(self, target: Target, identity: Identity | None = None) -> None:
        self.target = target
        self._identity = identity
        self._port = port_of(target)
        self._logins = target.logins or (LOGIN,)
        self._joins = True
        self._mode: str | None = None  # the power mode, as last told
        self._mode_at = 0  # how long the miner had run then: a change starts it anew
        self._model = find(
            target.model or (None if identity is None else identity.model),
            None if identity is None else identity.nominal_ths,
        )

    # who it is -----------------------------------------------------------------------------------------------

    def identify(self) -> Conversation[Identity]:
        """Learn model, firmware, MAC, serial and abilities; changes nothing."""
        info = (yield from self._info()).document
        miner, system = section(info, "miner"), section(info, "system")
        row = yield from self._status("summary")
        factory_ths = number(section(row, "summary").get("factory-hash"))
        reported = model_name(words(miner.get("type")))
        model = self._model = find(self.target.model or reported, factory_ths)
        rated_ths = factory_ths if factory_ths is not None and factory_ths > 0 else None
        self._identity = Identity(
            driver="whatsminer-v3",
            make="MicroBT",
            model=(self.target.model or reported) if model is None else model.model,
            firmware="stock",
            firmware_version=words(system.get("fwversion")),
            mac=words(section(info, "network").get("mac")),
            serial=words(miner.get("miner-sn")),
            nominal_ths=rated_ths if model is None else model.hashrate_ths,
            nominal_w=None if model is None else model.power_w,
            abilities=abilities_of(words(system.get("api")) or "3", model),
        )
        return self._identity

    # what it does --------------------------------------------------------------------------------------------

    def read(self, want: Want) -> Conversation[Reading]:
        """Learn what it does now: by one exchange while it hashes, in the mode that is known, and joins its parts."""
        if self._identity is None:
            yield from self.identify()
        return reading_of((yield from self._hear(want))[0], self._model)

    def _hear(self, want: Want) -> Generator[Exchange, Answer, tuple[Told, Reply | None]]:
        """Ask for the figures, and for what they leave open; the second is what it says of itself, where asked."""
        status = yield from self._figures()
        row, told, info = section(status, "summary"), Told(), None
        told.summary = summary_of(row, self._mode)
        devices, pools = rows(status, "edevs"), rows(status, "pools")
        told.devices = None if devices is None else devices_of(devices, row)
        told.pools = None if pools is None else pools_of(pools)
        if want is Want.FULL or self._mode is None or self._began_anew(row) or stands(told, self._model):
            info = yield from self._info()
            self._add(told, info.document, row)
        return told, info

    def _began_anew(self, row: Mapping[str, Any]) -> bool:
        return (whole(row.get("elapsed")) or 0) < self._mode_at

    def _add(self, told: Told, info: Mapping[str, Any], row: Mapping[str, Any]) -> None:
        """Take in what it says of itself: the mode, whether it works, what is wrong with it."""
        self._mode = mode_of(section(info, "power").get("mode"))
        self._mode_at = whole(row.get("elapsed")) or 0
        told.summary = summary_of(row, self._mode)
        working = words(section(info, "miner").get("working"))
        if working in {"true", "false"}:
            told.is_off, told.is_off_surely = working == "false", True
        told.faults = faults_of(info.get("error-code"))

    def _figures(self) -> Generator[Exchange, Answer, dict[str, Any]]:
        """Ask for every part at once, part by part where firmware does not join them."""
        if self._joins:
            joined = yield from self._status("+".join(_PARTS))
            if joined:
                return joined
        singly: dict[str, Any] = {}
        for part in _PARTS:
            singly |= yield from self._status(part)
        self._joins = self._joins and not singly
        return singly

    def _status(self, param: str) -> Generator[Exchange, Answer, dict[str, Any]]:
        """Ask for parts; what the machine cannot say is an empty document."""
        try:
            return must((yield from self._asked(asking(self._port, _STATUS, param)))).document
        except Refused:
            return {}

    def _info(self) -> Generator[Exchange, Answer, Reply]:
        return must((yield from self._asked(asking(self._port, _INFO))))

    def _asked(self, exchange: Exchange) -> Generator[Exchange, Answer, Reply]:
        payload = yield exchange
        assert isinstance(payload, bytes)
        return parse(payload)

    # what it is told -----------------------------------------------------------------------------------------

    def prepare(self) -> Conversation[None]:
        """See that its owner lets it be told; raises NotPermitted where not. A token is made anew for each command."""
        _grain((yield from self._info()))

    def send(self, command: Command) -> Conversation[Receipt]:
        """Give a command, unless the machine is there already."""
        identity = self._identity or (yield from self.identify())
        require(command, identity.abilities)
        match command:
            case Restart():
                return (yield from self._tell((yield from self._info()), "set.miner.service", "restart"))
            case Reboot():
                return (yield from self._tell((yield from self._info()), "set.system.reboot", None, mute=True))
            case Locate(on=on):
                return (yield from self._tell((yield from self._info()), "set.system.led", _BLINK if on else "auto"))
            case Sleep() | Wake() | SetMode() | LimitPower():
                told, info = yield from self._hear(Want.FULL)
                assert info is not None
                return (yield from self._change(command, told, info))

    def _change(
        self, command: Sleep | Wake | SetMode | LimitPower, told: Told, info: Reply
    ) -> Generator[Exchange, Answer, Receipt]:
        is_asleep = reading_of(told, self._model).state is State.SLEEPING
        match command:
            case Sleep():
                if is_asleep:
                    return Receipt(already=True)
                return (yield from self._tell(info, "set.miner.service", "stop"))
            case Wake():
                woken = yield from self._wake(told, info)
                is_low = awake_level(told.summary or Summary(), self._model) == "low"
                return (yield from self._set_power_mode("normal", info)) if is_low else woken
            case SetMode(mode=mode):
                woken = yield from self._wake(told, info)
                return (yield from self._set_mode(mode, told, info)) or woken
            case LimitPower(limit_w=limit_w):
                limited = yield from self._hold_at(limit_w, told, info)
                woken = yield from self._wake(told, info)
                return limited or woken

    def _wake(self, told: Told, info: Reply) -> Generator[Exchange, Answer, Receipt]:
        """Start it, unless it is sure that it was not stopped."""
        if told.is_off is False or not stands(told, self._model):
            return Receipt(already=True)
        return (yield from self._tell(info, "set.miner.service", "start"))

    def _set_mode(self, mode: str, told: Told, info: Reply) -> Generator[Exchange, Answer, Receipt | None]:
        """Set the power mode; to full, lift the limit that holds it too. None where all is so already."""
        row = told.summary or Summary()
        level, done = awake_level(row, self._model), None
        if mode == "full" and self._model is not None and is_limited(row, self._model):
            done = yield from self._limit(self._model.power_w, told, info)
        if (level == "low") != (mode == "low") or level is None:
            done = yield from self._set_power_mode("low" if mode == "low" else "normal", info)
        return None if done is None else replace(done, before=None if level == "full" else level)

    def _hold_at(self, limit_w: float, told: Told, info: Reply) -> Generator[Exchange, Answer, Receipt | None]:
        """Set the limit, and leave the low mode for it; None where all is so already."""
        row, done = told.summary or Summary(), None
        if watts(row.power_limit) != round(limit_w):
            done = yield from self._limit(limit_w, told, info)
        if awake_level(row, self._model) == "low":
            done = replace((yield from self._set_power_mode("normal", info)), before="low")
        return done

    def _set_power_mode(self, mode: str, info: Reply) -> Generator[Exchange, Answer, Receipt]:
        self._mode = None
        return (yield from self._tell(info, "set.miner.power_mode", mode))

    def _limit(self, limit_w: float, told: Told, info: Reply) -> Generator[Exchange, Answer, Receipt]:
        row = told.summary or Summary()
        before = f"limit:{watts(row.power_limit):.0f}" if is_limited(row, self._model) else None
        done = yield from self._tell(info, "set.miner.power_limit", round(limit_w))
        return replace(done, before=before)

    def _tell(
        self, info: Reply, command: str, param: object, *, mute: bool = False
    ) -> Generator[Exchange, Answer, Receipt]:
        """Give a command by the first login that is taken, the one that was taken last first.

        A mute command may never be answered: once it was sent, silence is no refusal. Raises what the machine refuses
        it by, NotPermitted where it takes no login or its owner has not opened it for writing.
        """
        grain = _grain(info)
        for login in self._logins:
            try:
                reply = yield from self._asked(telling(self._port, command, param, grain, login))
            except Unreachable as error:
                if not mute or isinstance(error, NotListening):
                    raise
                return Receipt(message=f"no answer: {error}")
            if not refuses_token(reply):
                self._logins = (login, *(other for other in self._logins if other != login))
                return Receipt(message=words(must(reply).message))
        raise NotPermitted(f"no login is accepted, tried {', '.join(login.user for login in self._logins)}")


def _grain(info: Reply) -> Grain:
    """Return what a token is made of. Raises NotPermitted for a machine that takes none."""
    if words(section(info.document, "system").get("apiswitch")) == "0":
        raise NotPermitted("the owner must open the machine's API for writing")
    salt, ts = words(info.document.get("salt")), whole(info.when)
    if salt is None or ts is None:
        raise Garbled("no salt or no time for a token", repr(info.when).encode())
    return Grain(salt=salt, ts=ts)
