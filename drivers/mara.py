"""MARA's firmware for Antminers: pages of JSON behind a digest login, one configuration with the mode in it.

A mode is changed by sending the configuration back whole, as it was read but for the mode: pools, passwords and fans
stay what they are. Where no login of ours is taken it is read on its API port, as other firmware of Antminers is.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from drivers.antminer_clone import AntminerClone, Clone
from drivers.antminer_web import Document, Web, document, rows
from drivers.errors import Garbled, NotListening, NotPermitted, Refused, Unreachable, Unsupported
from drivers.figures import number, words
from drivers.interface import (
    Abilities,
    Command,
    Conversation,
    Exchange,
    HttpReply,
    Identity,
    LimitPower,
    Locate,
    PowerRange,
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
from drivers.mara_reading import (
    AUTO,
    BY_POWER,
    BY_RATE,
    FIXED,
    OF_FIXED,
    OF_RATE,
    SELECTORS,
    SLEEP,
    STOCK,
    Mode,
    Told,
    ideal_ths,
    mode_of,
    reading_of,
    section,
    stands,
)
from drivers.models import Model, find
from drivers.tolerant import decode, plain_decoder

STANDBY_W, SETTLE_S, BOOT_S = 60.0, 60.0, 120.0
"""How long a stop and a start take, and what is drawn between them, nobody says: the meter tells."""
LEAST_SHARE = 0.6
"""The range of targets is not told: less than this share of nominal is not asked for."""
MOST_SHARE = 1.5
"""A target of its owner's own comes back up to this share of nominal; no slip of a digit."""
MARA = Clone(driver="mara", firmware="MARA")

MARAS_PAGES = "/kaonsu/v1/"

_CONFIG, _HISTORY = "miner_config", "log?type=miner_config_history"
_JSON = "application/json"
_NO_PAGES = (NotPermitted, NotListening, Unsupported)
_ANY = plain_decoder()


class Mara:
    """One Antminer with MARA's firmware."""

    def __init__(self, target: Target, identity: Identity | None = None) -> None:
        self.target = target
        self._identity = identity
        self._web = Web(target.logins, MARAS_PAGES)
        self._clone = AntminerClone(MARA, target, identity)
        self._is_shut = False  # its pages took no login: they are not asked again until it is told something
        self._before: str | None = None  # the level that a sleep of ours ended, "" for stock
        self._model = find(
            target.model or (None if identity is None else identity.model),
            None if identity is None else identity.nominal_ths,
        )

    # who it is -----------------------------------------------------------------------------------------------

    def identify(self) -> Conversation[Identity]:
        """Learn model, MAC, version and abilities; changes nothing."""
        try:
            told = document((yield from self._web.get("overview")))
            brief = document((yield from self._web.get("brief")))
        except _NO_PAGES as error:
            self._is_shut = isinstance(error, NotPermitted)
            seen = yield from self._clone.identify()
            self._model = find(self.target.model or seen.model, seen.nominal_ths)
            self._identity = replace(seen, abilities=_abilities(self._model))
            return self._identity
        reported, ideal = words(told.get("model")), ideal_ths(brief)
        model = self._model = find(self.target.model or reported, ideal)
        self._identity = Identity(
            driver="mara",
            make="Bitmain" if model is None else model.make,
            model=self.target.model or (reported if model is None else model.model),
            firmware="MARA",
            firmware_version=words(told.get("version_firmware")),
            mac=words(told.get("mac")),
            nominal_ths=ideal if model is None else model.hashrate_ths,
            nominal_w=None if model is None else model.power_w,
            abilities=_abilities(model),
        )
        return self._identity

    # what it does --------------------------------------------------------------------------------------------

    def read(self, want: Want) -> Conversation[Reading]:
        """Learn what it does now: by its pages, without a login by its API port, which does not tell its level."""
        if self._identity is None:
            yield from self.identify()
        if not self._is_shut:
            try:
                return (yield from self._read_pages(want))
            except _NO_PAGES as error:
                self._is_shut = isinstance(error, NotPermitted)
        reading = yield from self._clone.read(want)
        return msgspec.structs.replace(reading, level=None)

    def _read_pages(self, want: Want) -> Generator[Exchange, Answer, Reading]:
        brief = document((yield from self._web.get("brief")))
        told = Told(brief=brief, mode=mode_of((yield from self._config())))
        told.boards = section_of((yield from self._maybe("hashboards")), "hashboards")
        if want is Want.FULL or (stands(told, self._model) and not told.mode.sleeps):
            told.pools = yield from self._maybe("pools")
        if want is Want.FULL:
            told.details = section_of((yield from self._maybe("details")), "hashboard_infos")
            told.fans = section_of((yield from self._maybe("fans")), "fans")
            told.events = section_of((yield from self._maybe("event_chart")), "event_flags")
        return reading_of(told, self._model)

    def _config(self) -> Generator[Exchange, Answer, Document]:
        return document((yield from self._web.get(_CONFIG)))

    def _maybe(self, page: str) -> Generator[Exchange, Answer, Any]:
        """Ask for a page that a build may not have."""
        try:
            return decode((yield from self._web.get(page)).body, _ANY)
        except (Unsupported, Garbled):
            return None

    # what it is told -----------------------------------------------------------------------------------------

    def prepare(self) -> Conversation[None]:
        """See a login taken by a read; raises NotPermitted where none is."""
        yield from self._config()
        self._is_shut = False

    def send(self, command: Command) -> Conversation[Receipt]:
        """Tell it; raises Unsupported before any exchange where it has no such ability."""
        identity = self._identity or (yield from self.identify())
        _require(command, identity.abilities)
        self._is_shut = False
        assert not isinstance(command, Restart)  # refused above
        match command:
            case Reboot():
                return (yield from self._reboot())
            case Locate(on=on):
                return (yield from self._tell("locate_miner", {"blinking": on}))
            case Sleep() | Wake() | SetMode() | LimitPower():
                config = yield from self._config()
                return (yield from self._change(command, config, mode_of(config)))

    def _change(
        self, command: Sleep | Wake | SetMode | LimitPower, config: Document, mode: Mode
    ) -> Generator[Exchange, Answer, Receipt]:
        match command:
            case Sleep():
                return (yield from self._sleep(config, mode))
            case Wake(mode=own):
                return (yield from self._wake(config, own)) if mode.sleeps else Receipt(already=True)
            case SetMode(mode="full") if mode.sleeps:
                return (yield from self._wake(config, None))
            case SetMode(mode="full"):
                there = mode.level(self._model) == "full"
                return Receipt(already=True) if there else (yield from self._set(config, mode, {}, STOCK))
            case SetMode(mode=name):
                return (yield from self._set_own(config, mode, f"profile:{name}"))
            case LimitPower(limit_w=limit_w):
                return (yield from self._set_own(config, mode, f"limit:{limit_w:.0f}"))

    def _sleep(self, config: Document, mode: Mode) -> Generator[Exchange, Answer, Receipt]:
        if mode.sleeps:
            return Receipt(already=True)
        done = yield from self._set(config, mode, {}, SLEEP)
        self._before = mode.own or ""
        return done

    def _wake(self, config: Document, own: str | None) -> Generator[Exchange, Answer, Receipt]:
        """Return to the mode that a sleep ended: as told, as we remember, as its history has it; else to stock."""
        asleep = mode_of(config)
        own = own if own is not None else self._before
        if own:
            return (yield from self._set_own(config, asleep, own))
        selector = STOCK if own is not None else (yield from self._selector_before())
        return (yield from self._set(config, asleep, {}, selector))

    def _selector_before(self) -> Generator[Exchange, Answer, str]:
        """Return the selector that its last change to Sleep replaced."""
        found = STOCK
        for entry in rows((yield from self._maybe(_HISTORY))):
            for changes in entry.values():
                for change in rows(changes):
                    if change.get("path") == ["Mode", "WorkModeSelector"] and _selector(change.get("to")) == SLEEP:
                        found = _selector(change.get("from")) or found
        return found if found != SLEEP else STOCK

    def _set_own(self, config: Document, mode: Mode, own: str) -> Generator[Exchange, Answer, Receipt]:
        """Set a level by its name."""
        if mode.own == own and not mode.sleeps:
            return Receipt(already=True)
        kind, _, argument = own.partition(":")
        if kind == "limit":
            aim: Document = {"mode-select": BY_POWER, "power-target": round(float(argument))}
            return (yield from self._set(config, mode, aim, AUTO))
        if argument == OF_RATE:
            return (yield from self._set(config, mode, {"mode-select": BY_RATE}, AUTO))
        return (yield from self._set(config, mode, {}, FIXED))

    def _set(self, config: Document, mode: Mode, aim: Document, selector: str) -> Generator[Exchange, Answer, Receipt]:
        """Send the configuration back with another mode, and look; raises Refused where it was answered and not taken.

        One that reads back without a pool is not sent: what it leaves out may be lost.
        """
        if not any(words(pool.get("url")) for pool in rows(config.get("pools"))):
            raise Refused("its configuration reads back without a pool: it is not written")
        told = section(config, "mode")
        wish = told | {"work-mode-selector": selector}
        if aim:
            wish["concorde"] = section(told, "concorde") | aim
        done = yield from self._tell(_CONFIG, config | {"mode": wish})
        kept, wanted = mode_of((yield from self._config())), mode_of({"mode": wish})
        if kept != wanted:
            raise Refused(f"mode {selector} was answered and not taken: {kept.selector} is set")
        return replace(done, before=mode.own if not mode.sleeps else None)

    def _reboot(self) -> Generator[Exchange, Answer, Receipt]:
        """Restart it; it may be gone before it answers."""
        try:
            return (yield from self._tell("maintenance", {"type": "reboot"}))
        except NotListening:
            raise
        except Unreachable:
            return Receipt(message="it went without a word")

    def _tell(self, page: str, body: Mapping[str, object]) -> Generator[Exchange, Answer, Receipt]:
        """Send to a page; raises Refused for an answer of an error. An empty one is taken for yes."""
        reply = yield from self._web.post(page, msgspec.json.encode(body), _JSON)
        told = _answer(reply)
        if told.get("error"):
            raise Refused(words(told.get("msg")) or f"{page}: refused")
        return Receipt(message=words(told.get("msg")))


def section_of(page: object, name: str) -> object:
    """Return a list of a page; None where the page, or the list, is not there."""
    return page.get(name) if isinstance(page, dict) else None


def _answer(reply: HttpReply) -> Document:
    return document(reply) if reply.body.strip() else {}


def _selector(told: object) -> str | None:
    return SELECTORS.get((words(told) or "").lower())


def _abilities(model: Model | None) -> Abilities:
    standby_w = STANDBY_W if model is None or model.sleep_w is None else model.sleep_w
    limits = None
    if model is not None:
        limits = PowerRange(least_w=float(round(LEAST_SHARE * model.power_w)), most_w=model.power_w)
    return Abilities(
        sleep=SleepAbility(standby_w=standby_w, settle_s=SETTLE_S),
        power_limit=limits,
        reboot=True,
        locate=True,
        boot_s=BOOT_S,
    )


def _require(command: Command, abilities: Abilities) -> None:
    """Raise Unsupported for what this machine cannot be told; what its owner had set may be told again."""
    match command:
        case LimitPower(limit_w=limit_w):
            within = abilities.power_limit
            has = within is not None and within.least_w <= limit_w <= MOST_SHARE * within.most_w
        case SetMode(mode=mode):
            has = mode in {"full", OF_FIXED, OF_RATE}
        case Wake(mode=own):
            kind, _, argument = (own or "").partition(":")
            by_name = argument in {OF_FIXED, OF_RATE} if kind == "profile" else number(argument) is not None
            has = own is None or (kind in {"profile", "limit"} and by_name)
        case Restart():
            has = False
        case _:
            has = True
    if not has:
        raise Unsupported(f"this machine cannot do {command}")
