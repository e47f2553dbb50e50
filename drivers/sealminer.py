"""Bitdeer's SealMiners: read over the API port, stopped and started there, or by the page where that port may not.

Its power limit is told over the API port and holds from a new start, which takes its quarter of an hour of tuning.
Nobody tells its bounds: it is never set above what its model is sold with, nor below six tenths of that, and what its
figures name afterwards is the proof. What its modes do is not known. Sources: asic-rs (asic-rs-firmwares/sealminer),
pyasic (web/sealminer.py), bitcap-ipr.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import msgspec

from drivers.cgminer_wire import Report, Version, ask, must, parse
from drivers.errors import DeviceError, Garbled, NotPermitted, Refused, Unreachable, Unsupported
from drivers.figures import words
from drivers.interface import (
    Abilities,
    Ask,
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
from drivers.sealminer_reading import (
    RUNS,
    STARTUP_S,
    Told,
    holds_to_limit,
    is_full,
    level_in_force,
    limit_of,
    reading_of,
    rests,
    row_of,
    starts,
)
from drivers.web_json import Headers, WebSession, anything

LOGIN = Login(user="seal", password="seal")  # noqa: S106 - the vendor's
STANDBY_W, SETTLE_S, WAKE_S, BOOT_S = 60.0, 60.0, 900.0, 120.0
"""The watts of a stop are unsure: the meter tells. It tunes for twelve minutes after a start."""
LEAST_LIMIT = 0.6
"""Of what its model is sold with: the least limit that is set."""
FORM = "application/x-www-form-urlencoded; charset=UTF-8"
_CGI = "/cgi-bin/{}.php"
_SESSION = re.compile(r"PHPSESSID=[^;,\s]+")


@dataclass(slots=True)
class Owed:
    """The new start that a limit which was told waits for: since which running time, and what holds until then."""

    elapsed_s: float
    level: str | None
    before: str | None
    answered: bool = False

    @classmethod
    def of(cls, told: Told) -> Owed:
        """Return what a machine that told this waits for; its limit before, where that was its owner's own."""
        before = None if is_full(told) or not holds_to_limit(told) else f"limit:{limit_of(told):.0f}"
        return cls(elapsed_s=told.one("Elapsed") or 0.0, level=level_in_force(told), before=before)

    def is_paid(self, elapsed_s: float | None) -> bool:
        """Whether it has started anew since."""
        if elapsed_s is None:
            return False
        return elapsed_s < self.elapsed_s or (self.answered and elapsed_s < STARTUP_S)


class SealMiner:
    """One machine with Bitdeer's own firmware."""

    def __init__(self, target: Target, identity: Identity | None = None) -> None:
        self.target = target
        self._identity = identity
        self._web = WebSession(self._log_in)
        self._owed: Owed | None = None
        self._started_under: int | None = None  # the limit, W, that its last new start was for

    # who it is -----------------------------------------------------------------------------------------------

    def identify(self) -> Conversation[Identity]:
        """Learn model, MAC, serial and version; changes nothing. Everything but its light is shown to everybody."""
        told = yield from self._hear()
        version = parse((yield from _asked(ask("version"))))
        program = next(iter(version.versions or ()), Version())
        model = told.model
        self._identity = Identity(
            driver="sealminer",
            make="Bitdeer" if model is None else model.make,
            model=self.target.model or (words(told.row.get("Model")) if model is None else model.model),
            firmware="SealMiner",
            firmware_version=words(told.row.get("Firmware")) or words(program.cgminer),
            mac=words(told.row.get("MAC")),
            serial=words(told.row.get("Ctrl Board SN")),
            nominal_ths=told.rate_ths("Rated") if model is None else model.hashrate_ths,
            nominal_w=None if model is None else model.power_w,
            abilities=Abilities(
                sleep=_sleep(model), power_limit=_limits(model), reboot=True, locate=True, boot_s=BOOT_S
            ),
        )
        return self._identity

    def _hear(self, *others: str) -> Generator[Exchange, Answer, Told]:
        """Ask for its figures, and one after the other for what else is wanted."""
        report = Report()
        for command in ("stats", *others):
            report.add(parse((yield from _asked(ask(command)))))
        if report.stats is None and report.refusals:
            must(report.refusals[0])
        row = row_of(report.stats)
        told = Told(row=row, summary=report.summary, pools=report.pools)
        told.model = self._model_of(told)
        if self._owed is not None and self._owed.is_paid(told.one("Elapsed")):
            self._owed, limit_w = None, limit_of(told)
            self._started_under = None if limit_w is None else round(limit_w)
        return told

    def _model_of(self, told: Told) -> Model | None:
        """Return its row: liquid is what tells a Hyd from an Air of one name."""
        name = words(told.row.get("Model"))
        if self.target.model is not None:
            return find(self.target.model)
        if name is None:
            return None if self._identity is None else find(self._identity.model)
        liquid = told.row.get("Liquid Cooling") is True
        names = (f"SealMiner {name} Hyd",) if liquid else (f"SealMiner {name}", f"SealMiner {name} Air")
        rated_ths = told.rate_ths("Rated")
        return next((model for one in names if (model := find(one, rated_ths)) is not None), None)

    # what it does --------------------------------------------------------------------------------------------

    def read(self, want: Want) -> Conversation[Reading]:
        """Learn what it does now: by its figures; its pools too where it stands."""
        told = yield from self._hear(*(("summary", "pools") if want is Want.FULL else ()))
        present = told.rate_ths("Sample")
        if told.pools is None and told.state == RUNS and not present:
            told.pools = (yield from self._hear("pools")).pools
        reading = reading_of(told)
        if self._owed is not None and reading.level not in {None, "sleep"}:
            return msgspec.structs.replace(reading, level=self._owed.level)
        return reading

    # what it is told -----------------------------------------------------------------------------------------

    def send(self, command: Command) -> Conversation[Receipt]:
        """Tell it; raises Unsupported before any exchange where it has no such ability."""
        limits = None if self._identity is None else self._identity.abilities.power_limit
        match command:
            case Sleep():
                return (yield from self._switch(on=False))
            case Wake():
                return (yield from self._switch(on=True))
            case SetMode(mode="full"):
                return (yield from self._limit(None if limits is None else limits.most_w))
            case LimitPower(limit_w=limit_w) if limits is not None and limits.least_w <= limit_w <= limits.most_w:
                return (yield from self._limit(limit_w))
            case Reboot():
                return (yield from self._reboot())
            case Locate(on=on):
                return (yield from self._light(on=on))
            case _:
                raise Unsupported(f"this machine cannot do {command}")

    def _switch(self, *, on: bool) -> Generator[Exchange, Answer, Receipt]:
        """Stop it, or start its miner anew, by the API port; by the page where it does not permit that."""
        told = yield from self._hear()
        if (told.state == RUNS or starts(told)) if on else rests(told):
            return Receipt(already=True)
        wish = ask("restart") if on else ask("ascset", "0,suspend")
        try:
            reply = must(parse((yield from _asked(wish))))
        except (NotPermitted, Unsupported):
            return (yield from self._switch_by_page(on=on))
        except (Unreachable, Garbled):
            if on:  # its miner may be gone before it answers
                return Receipt(message="it went without a word")
            raise
        return Receipt(message=None if reply.verdict is None else words(reply.verdict.message))

    def _limit(self, limit_w: float | None) -> Generator[Exchange, Answer, Receipt]:
        """Set its limit and start it anew, so that it holds; one that stands under it already is only started.

        The page is asked first, since nothing but its new start lets a limit hold. None: only let it run.
        """
        told = yield from self._hear()
        before_w, wanted_w = limit_of(told), None if limit_w is None else round(limit_w)
        raises_to_full = told.model is not None and limit_w == told.model.power_w
        stands = before_w is None or round(before_w) == wanted_w or (raises_to_full and is_full(told))
        if wanted_w is None or (stands and self._owed is None and holds_to_limit(told)):
            return (yield from self._switch(on=True))
        if stands and self._owed is None and self._started_under == wanted_w:
            raise Refused(
                f"it draws {told.one('PSU Input Power'):.0f} W over a limit of {wanted_w} W, after a new start too"
            )
        if not stands:
            anything((yield from self._web.ask("GET", _CGI.format("get_system_info"))))
            value = msgspec.json.encode({"value": str(wanted_w)}).decode()
            owed_before, self._owed = self._owed, self._owed or Owed.of(told)
            try:
                must(parse((yield from _asked(ask("ascset", f"0,powerlimit,{value}")))))
            except Refused:
                self._owed = owed_before
                raise
        owed = self._owed = self._owed or Owed.of(told)
        owed.answered = True  # where the page hangs up it went, or it is told again
        yield from self._reboot()
        return Receipt(before=owed.before)

    def _switch_by_page(self, *, on: bool) -> Generator[Exchange, Answer, Receipt]:
        """Set its mining; raises Refused for an answer that is no success."""
        told = anything((yield from self._web.ask("POST", _CGI.format("mining_setting"), {"params_data": int(on)})))
        if told.get("result") != 0:
            raise Refused(f"mining_setting: result {told.get('result')!r}"[:200])
        return Receipt()

    def _reboot(self) -> Generator[Exchange, Answer, Receipt]:
        """Restart it; what answers without a document is a page of another kind, such as that of the login."""
        anything((yield from self._web.ask("GET", _CGI.format("reboot"))))
        return Receipt()

    def _light(self, *, on: bool) -> Generator[Exchange, Answer, Receipt]:
        wanted = "on" if on else "off"
        if anything((yield from self._web.ask("GET", _CGI.format("get_system_info")))).get("led") == wanted:
            return Receipt(already=True)
        anything((yield from self._web.ask("POST", _CGI.format("led_conf"), {"key": "led", "value": wanted})))
        return Receipt()

    def _log_in(self) -> Generator[Exchange, Answer, Headers]:
        """Open a session with the first login that is taken; the body says so, the status never."""
        logins = self.target.logins or (LOGIN,)
        for login in logins:
            form = urlencode({"username": login.user or LOGIN.user, "origin_pwd": login.password})
            reply = yield Http(method="POST", path=_CGI.format("login"), body=form.encode(), content_type=FORM)
            assert isinstance(reply, HttpReply)
            session = _SESSION.search(reply.headers.get("set-cookie", ""))
            if reply.status == 200 and session is not None and _lets_in(reply):
                return (("Cookie", f"username={login.user or LOGIN.user}; userLanguage=en; {session[0]}"),)
        raise NotPermitted(f"no login is accepted, tried {', '.join(login.user for login in logins)}")


def _asked(exchange: Ask) -> Generator[Exchange, Answer, bytes]:
    payload = yield exchange
    assert isinstance(payload, bytes)
    return payload


def _lets_in(reply: HttpReply) -> bool:
    try:
        told: dict[str, Any] = anything(reply)
    except DeviceError:
        return False
    return told.get("state") == 0


def _limits(model: Model | None) -> PowerRange | None:
    return None if model is None else PowerRange(least_w=round(LEAST_LIMIT * model.power_w), most_w=model.power_w)


def _sleep(model: Model | None) -> SleepAbility:
    standby_w = STANDBY_W if model is None or model.sleep_w is None else model.sleep_w
    return SleepAbility(standby_w=standby_w, settle_s=SETTLE_S, wake_s=WAKE_S)
