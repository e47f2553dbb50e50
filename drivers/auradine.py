"""Auradine's Teraflux: read on the API port and by pages, asleep by its mode, limited by a power target of its own.

A mode, its target and its sleep are three settings: a stop keeps the mode that its owner chose. Pools and passwords
are never written.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping

import msgspec

from drivers.auradine_reading import Told, is_asleep, level_of, reading_of, stands
from drivers.auradine_wire import Mode, Part, must, parse, port_of
from drivers.cgminer_wire import ask
from drivers.errors import DeviceError, Garbled, NotListening, NotPermitted, Refused, Unreachable, Unsupported
from drivers.figures import watts, words
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
    Login,
    PowerRange,
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
from drivers.web_json import JSON, Headers, WebSession

LOGIN = Login(user="admin", password="admin")  # noqa: S106 - the vendor's
STANDBY_W, SETTLE_S, BOOT_S = 60.0, 60.0, 120.0
"""A machine that stood drew 59 W; how long a stop and a start take nobody says: readings tell."""
LEAST_SHARE = 0.6
"""The range of targets is not told: less than this share of nominal is not asked for."""
PROFILES = ("eco", "turbo")
_LIGHTS = {True: 3, False: 2}
_QUICK = ("summary", "devs", "mode", "psu")
_WHY = ("pools", "led")
_FULL = (*_QUICK, *_WHY, "fan", "temperature", "frequency", "asccount")
_MUST = "summary"


class Auradine:
    """One Teraflux."""

    def __init__(self, target: Target, identity: Identity | None = None) -> None:
        self.target = target
        self._identity = identity
        self._port = port_of(target)
        self._web = WebSession(self._log_in, self._port)
        self._paged: set[str] = set()  # what the API port does not know
        self._is_shut = False  # its pages took no login: they are not asked again until it is told something
        self._model = find(target.model or (None if identity is None else identity.model))

    # who it is -----------------------------------------------------------------------------------------------

    def identify(self) -> Conversation[Identity]:
        """Learn model, MAC, version and abilities; changes nothing."""
        version = yield from self._asked("version")
        report = next(iter((yield from self._maybe("ipreport")).reports or ()), None)
        details = next(iter((yield from self._maybe("devdetails")).details or ()), None)
        supplies = (yield from self._maybe("psu")).supplies or ()
        told = (None if details is None else words(details.model)) or (None if report is None else words(report.model))
        model = self._model = find(self.target.model or told)
        described = words(version.verdict.description)
        self._identity = Identity(
            driver="auradine",
            make="Auradine",
            model=self.target.model or (told if model is None else model.model),
            firmware="FluxOS",
            firmware_version=(None if report is None else words(report.version)) or _version_in(described),
            mac=None if report is None else words(report.mac),
            serial=None if report is None else words(report.serial),
            nominal_ths=None if model is None else model.hashrate_ths,
            nominal_w=None if model is None else model.power_w,
            abilities=_abilities(model, sum(watts(supply.most_out) or 0.0 for supply in supplies)),
        )
        return self._identity

    # what it does --------------------------------------------------------------------------------------------

    def read(self, want: Want) -> Conversation[Reading]:
        """Learn what it does now: one exchange a command, since it joins none."""
        if self._identity is None:
            yield from self.identify()
        told = Told()
        for command in _QUICK if want is Want.QUICK else _FULL:
            told.add((yield from self._asked(command)) if command == _MUST else (yield from self._maybe(command)))
        if want is Want.QUICK and stands(told, self._model) and not is_asleep(told.mode):
            for command in _WHY:
                told.add((yield from self._maybe(command)))
        return reading_of(told, self._model)

    def _maybe(self, command: str) -> Generator[Exchange, Answer, Part]:
        """Ask for one part; what the machine cannot say, or shows to none of our logins, is an empty one."""
        try:
            return (yield from self._asked(command))
        except (Refused, Garbled, NotListening):
            return Part()

    def _asked(self, command: str) -> Generator[Exchange, Answer, Part]:
        """Ask on the API port, which wants no login; for what it does not know, by a page."""
        if command not in self._paged and (reply := (yield from self._by_socket(command))) is not None:
            return reply
        if self._is_shut:
            raise NotPermitted("its pages take no login of ours")
        try:
            return (yield from self._page("GET", command))
        except NotPermitted:
            self._is_shut = True
            raise

    def _by_socket(self, command: str) -> Generator[Exchange, Answer, Part | None]:
        """Ask on the API port; None where that is shut, or does not know the command."""
        try:
            payload = yield ask(command)
        except NotListening:
            return None
        assert isinstance(payload, bytes)
        reply = parse(payload)
        if not reply.refuses:
            return reply
        if command == _MUST:
            must(reply)
        self._paged.add(command)
        return None

    def _page(
        self, method: str, command: str, body: Mapping[str, object] | None = None
    ) -> Generator[Exchange, Answer, Part]:
        """Ask by a page; a read without a token until one is wanted, and with a new one where it holds no more."""
        told = None if body is None else {"command": command, **body}
        is_read, path = body is None, f"/{command}"
        reply = parse((yield from self._web.ask(method, path, told, open_to_all=is_read)).body)
        if reply.wants_token:
            self._web.forget()
            reply = parse((yield from self._web.ask(method, path, told)).body)
        return must(reply)

    # what it is told -----------------------------------------------------------------------------------------

    def prepare(self) -> Conversation[None]:
        """Get a token and see it taken by a read; raises NotPermitted where no login is taken."""
        self._is_shut = False
        yield from self._page("GET", "mode")

    def send(self, command: Command) -> Conversation[Receipt]:
        """Tell it by its pages; raises Unsupported before any exchange where it has no such ability."""
        identity = self._identity or (yield from self.identify())
        _require(command, identity.abilities)
        self._is_shut = False
        match command:
            case Reboot():
                return (yield from self._reboot())
            case Locate(on=on):
                return (yield from self._tell("led", {"code": _LIGHTS[on]}))
            case LimitPower(limit_w=limit_w):
                wish: Mapping[str, object] = {"mode": "custom", "tune": "power", "power": round(limit_w)}
                return (yield from self._set(f"limit:{round(limit_w)}", wish))
            case SetMode(mode=mode):
                name = "normal" if mode == "full" else mode
                return (yield from self._set("full" if mode == "full" else f"profile:{name}", {"mode": name}))
            case _:
                return (yield from self._switch((yield from self._mode()), on=not isinstance(command, Sleep)))

    def _mode(self) -> Generator[Exchange, Answer, Mode]:
        mode = next(iter((yield from self._asked("mode")).modes or ()), None)
        if mode is None:
            raise Refused("it does not say which mode it is in")
        return mode

    def _switch(self, mode: Mode, *, on: bool) -> Generator[Exchange, Answer, Receipt]:
        """Stop or start it, unless it is so already."""
        if is_asleep(mode) is not on:
            return Receipt(already=True)
        return (yield from self._tell("mode", {"sleep": "off" if on else "on"}))

    def _set(self, level: str, wish: Mapping[str, object]) -> Generator[Exchange, Answer, Receipt]:
        """Set mode and target, then start what sleeps."""
        mode = yield from self._mode()
        before = level_of(mode, self._model)
        own = "profile:turbo" if (words(mode.mode) or "").lower() == "turbo" else before
        if level in {before, own}:
            return (yield from self._switch(mode, on=True))
        done = yield from self._tell("mode", wish)
        if is_asleep(mode):
            yield from self._tell("mode", {"sleep": "off"})
        return Receipt(message=done.message, before=None if own == "full" else own)

    def _reboot(self) -> Generator[Exchange, Answer, Receipt]:
        """Restart it; it may be gone before it answers."""
        try:
            return (yield from self._tell("restart", {}))
        except NotListening:
            raise
        except Unreachable:
            return Receipt(message="it went without a word")

    def _tell(self, command: str, wish: Mapping[str, object]) -> Generator[Exchange, Answer, Receipt]:
        return Receipt(message=words((yield from self._page("POST", command, wish)).verdict.message))

    # who may -------------------------------------------------------------------------------------------------

    def _log_in(self) -> Generator[Exchange, Answer, Headers]:
        """Get a token by the first login that is taken."""
        logins = self.target.logins or (LOGIN,)
        for login in logins:
            told = {"command": "token", "user": login.user, "password": login.password}
            reply = yield Http(
                method="POST", path="/token", body=msgspec.json.encode(told), content_type=JSON, port=self._port
            )
            assert isinstance(reply, HttpReply)
            if reply.status == 404:
                raise Unsupported("it gives no tokens")
            if (token := _token_in(reply)) is not None:
                return (("Token", token),)
        raise NotPermitted(f"no login is accepted, tried {', '.join(login.user for login in logins)}")


def _token_in(reply: HttpReply) -> str | None:
    """Return the token of a reply, None for a refusal."""
    if reply.status != 200:
        return None
    try:
        row = next(iter(must(parse(reply.body)).tokens or ()), None)
    except DeviceError:
        return None
    return None if row is None else words(row.token)


def _version_in(described: str | None) -> str | None:
    """Return the version in GCMiner-2023-05.24-0ce5e7cc, or in a newer, plain 2.2.0."""
    name, dash, rest = (described or "").partition("-")
    return (rest.rpartition("-")[0] or rest if dash else name) or None


def _abilities(model: Model | None, most_out_w: float) -> Abilities:
    standby_w = STANDBY_W if model is None or model.sleep_w is None else model.sleep_w
    limits = None
    if model is not None:
        most_w = min(model.power_w, most_out_w or model.power_w)
        least_w = float(round(LEAST_SHARE * model.power_w))
        limits = PowerRange(least_w=least_w, most_w=most_w) if least_w <= most_w else None
    return Abilities(
        sleep=SleepAbility(standby_w=standby_w, settle_s=SETTLE_S),
        power_limit=limits,
        profiles=tuple(Profile(name=name) for name in PROFILES),
        reboot=True,
        locate=True,
        boot_s=BOOT_S,
    )


def _require(command: Command, abilities: Abilities) -> None:
    """Raise Unsupported for what this machine cannot be told."""
    match command:
        case LimitPower(limit_w=limit_w):
            within = abilities.power_limit
            has = within is not None and within.least_w <= limit_w <= within.most_w
        case SetMode(mode=mode):
            has = mode in {"full", *PROFILES}
        case Restart():
            has = False
        case _:
            has = True
    if not has:
        raise Unsupported(f"this machine cannot do {command}")
