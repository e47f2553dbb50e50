"""VNish (AnthillOS) by its web API: read by one page, stopped and started, set to presets that are tuned.

An untuned preset tunes for minutes to hours, and a preset switcher moves presets after the temperature: a machine is
given tuned presets alone, and none while its switcher is on.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Any

import msgspec

from drivers.antminer_clone import VNISH, AntminerClone
from drivers.errors import DeviceError, NotListening, NotPermitted, Refused, Unsupported
from drivers.figures import number, words
from drivers.interface import (
    Abilities,
    Command,
    Conversation,
    Exchange,
    Http,
    HttpReply,
    Identity,
    LimitPower,
    Locate,
    Profile,
    Reading,
    Reboot,
    Receipt,
    Restart,
    SetMode,
    Sleep,
    SleepAbility,
    Target,
    Want,
)
from drivers.interface import Reply as Answer
from drivers.models import Model, find
from drivers.vnish_reading import Info, Preset, Presets, Summary, Told, is_stopped, rate_of, reading_of
from drivers.web_json import JSON, Headers, WebSession, anything, document

PASSWORD = "admin"  # noqa: S105 - the vendor's, known to everybody
STANDBY_W, SETTLE_S, BOOT_S = 60.0, 60.0, 120.0
"""Chains are powered down within seconds of a stop; the watts are unsure: the meter tells."""
_V1 = "/api/v1"


class Vnish:
    """One machine with VNish."""

    def __init__(self, target: Target, identity: Identity | None = None) -> None:
        self.target = target
        self._identity = identity
        self._web = WebSession(self._unlock)
        self._preset: tuple[object, str | None] = (None, None)  # the preset in force, and the rate that went with it

    def identify(self) -> Conversation[Identity]:
        """Learn model, MAC, presets and abilities; changes nothing. Presets are shown to a password alone.

        One before the web API is identified as what its API port says.
        """
        try:
            page = yield from self._web.ask("GET", f"{_V1}/info", open_to_all=True)
        except (NotListening, Unsupported, NotPermitted):
            return (yield from AntminerClone(VNISH, self.target).identify())
        info = document(page, Info.decoder)
        model = find(self.target.model or info.miner)
        presets, stays = yield from self._behind_the_lock()
        network = info.system.network if info.system is not None else None
        self._identity = Identity(
            driver="vnish",
            make=None if model is None else model.make,
            model=self.target.model or (info.miner if model is None else model.model),
            firmware="VNish",
            firmware_version=words(info.version),
            mac=None if network is None else words(network.mac),
            serial=None if info.serial == "N/A" else words(info.serial),
            nominal_ths=None if model is None else model.hashrate_ths,
            nominal_w=None if model is None else model.power_w,
            abilities=Abilities(
                sleep=_sleep(model, stays=stays),
                profiles=tuple(presets),
                restart=True,
                reboot=True,
                locate=True,
                boot_s=BOOT_S,
            ),
        )
        return self._identity

    def _behind_the_lock(self) -> Generator[Exchange, Answer, tuple[list[Profile], bool | None]]:
        """Return the presets that it may be set to, and whether a stop outlasts a new start; none without a login."""
        try:
            settings = anything((yield from self._web.ask("GET", f"{_V1}/settings")))
            rows = document((yield from self._web.ask("GET", f"{_V1}/autotune/presets")), Presets)
        except Refused:
            return [], None
        miner = _object(settings, "miner")
        stays = _object(miner, "misc").get("remain_stopped_on_reboot")
        switched = _object(_object(miner, "overclock"), "preset_switcher").get("enabled")
        return [] if switched else list(_profiles(rows)), stays if isinstance(stays, bool) else None

    def _unlock(self) -> Generator[Exchange, Answer, Headers]:
        """Get a token by the first password that is taken."""
        passwords = [login.password for login in self.target.logins] or [PASSWORD]
        for password in passwords:
            reply = yield Http(
                method="POST", path=f"{_V1}/unlock", body=msgspec.json.encode({"pw": password}), content_type=JSON
            )
            assert isinstance(reply, HttpReply)
            if reply.status == 429:
                raise Refused(f"unlocked too often: {reply.body[:100].decode('utf-8', 'replace')}")
            if reply.status == 200 and (token := words(anything(reply).get("token"))) is not None:
                return (("Authorization", f"Bearer {token}"),)
        raise NotPermitted(f"no password is accepted, tried {len(passwords)}")

    # what it does --------------------------------------------------------------------------------------------

    def read(self, want: Want) -> Conversation[Reading]:
        """Learn what it does now: one page, and the preset where its rate says that it may have changed."""
        summary = document((yield from self._web.ask("GET", f"{_V1}/summary", open_to_all=True)), Summary.decoder)
        told = Told(miner=summary.miner, model=self._model())
        rate = rate_of(summary.miner)
        if want is Want.FULL or rate != self._preset[0] or self._preset[1] is None:
            self._preset = rate, (yield from self._preset_now())
        told.preset = self._preset[1]
        if want is Want.FULL:
            info = document((yield from self._web.ask("GET", f"{_V1}/info", open_to_all=True)), Info.decoder)
            told.uptime = None if info.system is None else info.system.uptime
        return reading_of(told)

    def _preset_now(self) -> Generator[Exchange, Answer, str | None]:
        try:
            page = anything((yield from self._web.ask("GET", f"{_V1}/perf-summary", open_to_all=True)))
        except (Refused, DeviceError):
            return None
        return words(_object(page, "current_preset").get("name"))

    def _model(self) -> Model | None:
        return find(self.target.model or (None if self._identity is None else self._identity.model))

    # what it is told -----------------------------------------------------------------------------------------

    def send(self, command: Command) -> Conversation[Receipt]:
        """Tell it; raises Unsupported before any exchange where it has no such ability."""
        if self._identity is None:
            yield from self.identify()
        _require(command)
        match command:
            case Restart():
                return _done((yield from self._web.ask("POST", f"{_V1}/mining/restart")))
            case Reboot():
                return _done((yield from self._web.ask("POST", f"{_V1}/system/reboot")))
            case Locate(on=on):
                return (yield from self._light(on=on))
            case SetMode(mode=mode):
                return (yield from self._set_preset(mode))
            case _:
                return (yield from self._switch(on=not isinstance(command, Sleep)))

    def _state(self) -> Generator[Exchange, Answer, dict[str, Any]]:
        return anything((yield from self._web.ask("GET", f"{_V1}/status", open_to_all=True)))

    def _switch(self, *, on: bool) -> Generator[Exchange, Answer, Receipt]:
        state = words((yield from self._state()).get("miner_state"))
        if is_stopped(state) is not on:
            return Receipt(already=True)
        if not on:
            return _done((yield from self._web.ask("POST", f"{_V1}/mining/stop")))
        try:
            return _done((yield from self._web.ask("POST", f"{_V1}/mining/start")))
        except Unsupported:
            return _done((yield from self._web.ask("POST", f"{_V1}/mining/resume")))

    def _light(self, *, on: bool) -> Generator[Exchange, Answer, Receipt]:
        """Switch the light; what switches it is a toggle."""
        if (yield from self._state()).get("find_miner") is on:
            return Receipt(already=True)
        return _done((yield from self._web.ask("POST", f"{_V1}/find-miner", {"on": on})))

    def _set_preset(self, mode: str) -> Generator[Exchange, Answer, Receipt]:
        """Set a preset, for full the one nearest to what it was sold as; every other setting stays as it is."""
        settings = anything((yield from self._web.ask("GET", f"{_V1}/settings")))
        overclock = _object(_object(settings, "miner"), "overclock")
        before = words(overclock.get("preset"))
        preset = mode
        if mode == "full":
            rows = document((yield from self._web.ask("GET", f"{_V1}/autotune/presets")), Presets)
            preset = _nearest(rows, None if self._identity is None else self._identity.nominal_w)
        stopped = is_stopped(words((yield from self._state()).get("miner_state")))
        if before == preset:
            return (yield from self._switch(on=True)) if stopped else Receipt(already=True)
        wish = {"miner": {"overclock": overclock | {"preset": preset}}}
        answer = anything((yield from self._web.ask("POST", f"{_V1}/settings", wish)))
        yield from self._verify(preset)
        if stopped:
            yield from self._switch(on=True)
        elif answer.get("restart_required"):
            yield from self._web.ask("POST", f"{_V1}/mining/restart")
        return Receipt(before=None if before is None else f"profile:{before}")

    def _verify(self, preset: str) -> Generator[Exchange, Answer, None]:
        """Raise Refused where the setting was answered and ignored."""
        settings = anything((yield from self._web.ask("GET", f"{_V1}/settings")))
        kept = _object(_object(settings, "miner"), "overclock").get("preset")
        if kept != preset:
            raise Refused(f"preset {preset} was answered and not taken: {kept!r} is set"[:200])


def _object(told: object, key: str) -> dict[str, Any]:
    found = told.get(key) if isinstance(told, dict) else None
    return found if isinstance(found, dict) else {}


def _done(reply: HttpReply) -> Receipt:
    return Receipt(message=words(reply.body[:200].decode("utf-8", "replace")))


def _profiles(rows: Iterable[Preset]) -> Iterable[Profile]:
    for row in rows:
        power_w = number(row.name)
        if row.name is not None and power_w and row.status == "tuned" and not row.modded_supply:
            yield Profile(name=row.name, power_w=power_w, hashrate_ths=row.hashrate_ths)


def _nearest(rows: Iterable[Preset], nominal_w: float | None) -> str:
    """Return the preset whose watts are nearest to what the machine was sold as; raises Unsupported for none."""
    named = {row.name: watts for row in rows if row.name is not None and (watts := number(row.name))}
    if not named or nominal_w is None:
        raise Unsupported("nobody knows which preset is full")
    return min(named, key=lambda name: (abs(named[name] - nominal_w), named[name]))


def _sleep(model: Model | None, *, stays: bool | None) -> SleepAbility:
    standby_w = STANDBY_W if model is None or model.sleep_w is None else model.sleep_w
    return SleepAbility(standby_w=standby_w, settle_s=SETTLE_S, survives_reboot=stays, survives_power_cut=stays)


def _require(command: Command) -> None:
    """Raise Unsupported for what this machine cannot be told."""
    if isinstance(command, LimitPower):
        raise Unsupported("VNish is limited by its presets")
    if isinstance(command, SetMode) and command.mode == "low":
        raise Unsupported("VNish has no low mode")
