"""AxeOS (Bitaxe) and its fork of the NerdAxes: one page tells all, a pause or a shutdown stops, frequencies are levels.

Any frequency that a client names is taken and kept in flash, harmful ones too: a machine is set to frequencies that it
lists itself and to the one that it had before, and its voltage is never touched. No stop outlasts a new start.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable

import msgspec

from drivers.axeos_reading import Asic, Info, Told, is_told_to_stop, mode_of, reading_of
from drivers.errors import Garbled, Refused, Unsupported
from drivers.figures import number, watts, words
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
    Wake,
    Want,
)
from drivers.interface import Reply as Answer
from drivers.models import Model, find
from drivers.web_json import JSON, document, judged

INFO, ASIC, SETTINGS = "/api/system/info", "/api/system/asic", "/api/system"
PAUSE, RESUME = "/api/system/pause", "/api/system/resume"
SHUTDOWN, RESTART, IDENTIFY = "/api/system/shutdown", "/api/system/restart", "/api/system/identify"
STANDBY_W, SETTLE_S, WAKE_S, BOOT_S = 4.0, 10.0, 90.0, 20.0
"""Chips without voltage, the fan at a third, radio and display on; unsure: the meter tells."""
MOST_ABOVE = 1.5
"""What its owner had set comes back up to its board's limit, else to so much above the highest that it lists."""
_BOARDS = {
    "Max": ("2.2", "102"),
    "Ultra": ("0.11", "201", "202", "203", "204", "205", "207"),
    "Hex": ("302", "303"),
    "Supra": ("400", "401", "402", "403"),
    "Gamma": ("600", "601", "602", "603"),
    "GammaDuo": ("650",),
    "SupraHex": ("701", "702"),
    "GammaTurbo": ("800", "801"),
}
"""What builds before 2.9 leave to the board's version. Source: ESP-Miner main/device_config.h."""


class AxeOs:
    """One machine with AxeOS."""

    def __init__(self, target: Target, identity: Identity | None = None) -> None:
        self.target = target
        self._identity = identity
        self._asic: Asic | None = None
        self._asked = False

    def identify(self) -> Conversation[Identity]:
        """Learn model, MAC, frequencies and abilities; changes nothing. Anybody of its network may read and tell it."""
        told = yield from self._hear()
        info = told.info
        is_nerd = words(info.device) is not None
        sold_ths = told.rate_ths(told.default_mhz)
        model = told.model
        nominal_w = watts(info.most_w) if model is None else model.power_w
        self._identity = Identity(
            driver="axeos",
            make=("NerdAxe" if is_nerd else "Bitaxe") if model is None else model.make,
            model=self.target.model or (_named(told) if model is None else model.model),
            firmware="NerdAxe" if is_nerd else "AxeOS",
            firmware_version=words(info.version),
            mac=words(info.mac),
            nominal_ths=sold_ths or (None if model is None else model.hashrate_ths),
            nominal_w=nominal_w,
            abilities=_abilities(told, nominal_w),
        )
        return self._identity

    def read(self, want: Want) -> Conversation[Reading]:  # noqa: ARG002 - one page holds all of it
        """Learn what it does now: one page."""
        return reading_of((yield from self._hear()))

    def _hear(self) -> Generator[Exchange, Answer, Told]:
        """Ask for the page of what it does, and once for that of what it is, which old builds do not have."""
        info = document((yield from _asked("GET", INFO)), Info.decoder)
        if not self._asked:
            try:
                self._asic = document((yield from _asked("GET", ASIC)), Asic.decoder)
            except (Refused, Garbled):
                self._asic = None
            self._asked = True
        told = Told(info=info, asic=self._asic)
        told.model = find(self.target.model or _device(told))
        return told

    # what it is told -----------------------------------------------------------------------------------------

    def send(self, command: Command) -> Conversation[Receipt]:
        """Tell it; raises Unsupported before any change where it has no such ability."""
        if self._identity is None:
            yield from self.identify()
        assert self._identity is not None
        abilities = self._identity.abilities
        _require(command, abilities)
        match command:
            case Reboot():
                return (yield from _told(RESTART))
            case Locate(on=on):
                return (yield from self._greet(on=on))
            case SetMode(mode=mode):
                return (yield from self._set_frequency(mode))
            case _:
                told = yield from self._hear()
                return (yield from self._switch(told.info, on=not isinstance(command, Sleep)))

    def _switch(self, info: Info, *, on: bool) -> Generator[Exchange, Answer, Receipt]:
        """Stop or start it; what was shut down starts by a restart alone."""
        if is_told_to_stop(info) is not on:
            return Receipt(already=True)
        if info.paused is None:
            return (yield from _told(RESTART if on else SHUTDOWN))
        return (yield from _told(RESUME if on else PAUSE))

    def _greet(self, *, on: bool) -> Generator[Exchange, Answer, Receipt]:
        """Let it greet on its screen for half a minute; what lets it is a toggle, so nobody tells it to stop."""
        if not on:
            return Receipt(already=True, message="it ends by itself after 30 s")
        return (yield from _told(IDENTIFY))

    def _set_frequency(self, mode: str) -> Generator[Exchange, Answer, Receipt]:
        """Set a frequency, for full the one that it was sold with; a machine that was stopped starts."""
        told = yield from self._hear()
        if mode == "full" and told.default_mhz is None:
            return (yield from self._switch(told.info, on=True))
        before_mhz, wanted_mhz = number(told.info.frequency_mhz), _wanted(mode, told)
        is_there = before_mhz == wanted_mhz or (mode == "full" and before_mhz is not None and before_mhz > wanted_mhz)
        if not is_there:
            yield from self._write_frequency(wanted_mhz)
        if is_told_to_stop(told.info):
            yield from self._switch(told.info, on=True)
        elif is_there:
            return Receipt(already=True)
        whole = before_mhz is None or before_mhz == told.default_mhz
        return Receipt(before=None if whole else f"profile:{mode_of(before_mhz or 0.0)}")

    def _write_frequency(self, wanted_mhz: float) -> Generator[Exchange, Answer, None]:
        """Set it and look; raises Refused where it was answered and not taken."""
        wish = int(wanted_mhz) if wanted_mhz.is_integer() else wanted_mhz
        yield from _asked("PATCH", SETTINGS, {"frequency": wish})
        kept = number(document((yield from _asked("GET", INFO)), Info.decoder).frequency_mhz)
        if kept != wanted_mhz:
            raise Refused(f"a frequency of {mode_of(wanted_mhz)} MHz was answered and not taken: {kept!r} is set")


def _asked(method: str, path: str, body: object = None) -> Generator[Exchange, Answer, HttpReply]:
    """Ask for a page; raises what its status means. A page that it does not have is a way back to its front page."""
    told = None if body is None else msgspec.json.encode(body)
    reply = yield Http(
        method=method,
        path=path,
        body=told if told is not None or method == "GET" else b"",
        content_type=None if told is None else JSON,
    )
    assert isinstance(reply, HttpReply)
    if 300 <= reply.status < 400:
        raise Unsupported(f"{path}: this build has no such page")
    return judged(reply, path)


def _told(path: str) -> Generator[Exchange, Answer, Receipt]:
    reply = yield from _asked("POST", path)
    return Receipt(message=words(reply.body[:200].decode("utf-8", "replace")))


def _device(told: Told) -> str | None:
    """Return what it calls itself, by its board's version where it does not say; a lone chip says enough."""
    own = words(told.info.device) or (None if told.asic is None else words(told.asic.device))
    board = words(told.info.board)
    by_board = next((device for device, boards in _BOARDS.items() if board in boards), None)
    return own or by_board or (words(told.info.asic) if told.chips in {None, 1} else None)


def _named(told: Told) -> str | None:
    device = _device(told) or words(told.info.asic)
    return device if device is None or words(told.info.device) is not None else f"Bitaxe {device}"


def _wanted(mode: str, told: Told) -> float:
    """Return the frequency of a mode, MHz; raises Unsupported for one that would be none of its own."""
    if mode == "full":
        if told.default_mhz is None:
            raise Unsupported("it does not say which frequency it was sold with")
        return told.default_mhz
    wanted_mhz, listed_mhz = number(mode), max(_options(told), default=0.0)
    most_mhz = (None if told.asic is None else number(told.asic.most_mhz)) or MOST_ABOVE * listed_mhz
    if wanted_mhz is None or not 0 < wanted_mhz <= most_mhz:
        raise Unsupported(f"this machine has no frequency {mode}")
    return wanted_mhz


def _options(told: Told) -> list[float]:
    """Return the frequencies that it lists, ascending, MHz."""
    listed = () if told.asic is None else told.asic.options_mhz or ()
    return sorted({mhz for option in listed if (mhz := number(option))})


def _abilities(told: Told, nominal_w: float | None) -> Abilities:
    """Return what it can be told; with one-time passwords nothing but its shutdown, from which nobody could wake it."""
    info = told.info
    if info.one_time_password:
        return Abilities(boot_s=BOOT_S)
    stops = info.paused is not None or info.shut_down is not None
    return Abilities(
        sleep=_sleep(told.model) if stops else None,
        profiles=tuple(_profiles(told, nominal_w)),
        reboot=True,
        locate=info.minute_ghs is not None and words(info.device) is None,
        boot_s=BOOT_S,
    )


def _sleep(model: Model | None) -> SleepAbility:
    standby_w = STANDBY_W if model is None or model.sleep_w is None else model.sleep_w
    return SleepAbility(
        standby_w=standby_w, settle_s=SETTLE_S, wake_s=WAKE_S, survives_reboot=False, survives_power_cut=False
    )


def _profiles(told: Told, nominal_w: float | None) -> Iterable[Profile]:
    """Yield the frequencies below the one that it was sold with; at an equal voltage its watts go with them."""
    sold_mhz = told.default_mhz
    if sold_mhz is None or nominal_w is None:
        return
    for mhz in _options(told):
        if 0 < mhz < sold_mhz:
            yield Profile(
                name=mode_of(mhz), power_w=round(nominal_w * mhz / sold_mhz, 1), hashrate_ths=told.rate_ths(mhz)
            )


def _require(command: Command, abilities: Abilities) -> None:
    """Raise Unsupported for what this machine cannot be told."""
    match command:
        case Sleep() | Wake():
            has = abilities.sleep is not None
        case Reboot():
            has = abilities.reboot
        case Locate():
            has = abilities.locate
        case LimitPower() | Restart():
            has = False
        case SetMode(mode=mode):
            has = number(mode) is not None and bool(abilities.profiles)
            has = has or (mode == "full" and bool(abilities.profiles or abilities.sleep))
    if not has:
        raise Unsupported(f"this machine cannot do {command}")
