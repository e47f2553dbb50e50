"""ePIC (PowerPlay, UMC OS): pages of JSON on port 4028, where others have a socket; a password in each command.

What a tuner holds is its level: terahashes, or watts where it has a tuner of watts. It does one command at a time and
refuses a second one until then.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from drivers.epic_pages import (
    IDLES,
    STOPS,
    WHOLE,
    Capabilities,
    Rows,
    Summary,
    Told,
    is_of_power,
    level_of,
    presets,
)
from drivers.epic_reading import reading_of
from drivers.errors import Garbled, NotPermitted, Refused, Unsupported
from drivers.figures import number, whole, words
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
    Pause,
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
    Wake,
    Want,
)
from drivers.interface import Reply as Answer
from drivers.models import Model, find
from drivers.tolerant import decode, plain_decoder
from drivers.web_json import JSON, judged

PORT = 4028
PASSWORD = "letmein"  # noqa: S105 - the vendor's, known to everybody
STANDBY_W, SETTLE_S, BOOT_S = 60.0, 60.0, 120.0
"""Boards are off after a stop unless it is set to keep them on; the watts are unsure: the meter tells."""
BUSY_S, MOST_TRIES = 2.0, 5
"""How long a machine that does its last command is waited for, and how often."""
_BUSY = frozenset({"LastCmdStillPending", "SystemUpdateInProgress"})
_UNABLE = frozenset({"InvalidMethod", "InvalidUrl", "MissingParam", "PSUInfoNotDetected", "InvalidBoardId"})
_ANY = plain_decoder()
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """What a tuner shall hold: TH/s, or W."""

    algorithm: str
    target: float


class Epic:
    """One machine with ePIC's firmware."""

    def __init__(self, target: Target, identity: Identity | None = None) -> None:
        self.target = target
        self._identity = identity
        self._able: Capabilities | None = None
        self._asked = False
        self._passwords = [login.password for login in target.logins] or [PASSWORD]

    # who it is -----------------------------------------------------------------------------------------------

    def identify(self) -> Conversation[Identity]:
        """Learn model, MAC, tuners and abilities; changes nothing. Everything is shown to everybody."""
        told = yield from self._hear()
        network = yield from self._maybe("/network", _ANY)
        model, able = told.model, told.able or Capabilities()
        firmware, _, version = (words(told.summary.software) or "ePIC").partition(" ")
        self._identity = Identity(
            driver="epic",
            make=None if model is None else model.make,
            model=self.target.model or (_named(able) if model is None else model.model),
            firmware="ePIC" if firmware.lower().startswith("epic") else f"ePIC {firmware}",
            firmware_version=words(version.removeprefix("v")),
            mac=_mac(network),
            serial=words(able.serial),
            nominal_ths=told.sold_ths if model is None else model.hashrate_ths,
            nominal_w=told.sold_w,
            abilities=_abilities(told),
        )
        return self._identity

    def _hear(self) -> Generator[Exchange, Answer, Told]:
        """Ask what it does, and once what it can; old firmware does not say."""
        summary = yield from self._page("/summary", Summary.decoder)
        if not self._asked:
            self._able = yield from self._maybe("/capabilities", Capabilities.decoder)
            self._asked = True
        model = find(self.target.model or (None if self._able is None else _named(self._able)))
        return Told(summary=summary, able=self._able, model=model)

    def _page(self, path: str, decoder: msgspec.json.Decoder[T]) -> Generator[Exchange, Answer, T]:
        reply = yield Http(method="GET", path=path, port=self.target.port or PORT)
        assert isinstance(reply, HttpReply)
        _judge(judged(reply, path))
        return decode(reply.body, decoder)

    def _maybe(self, path: str, decoder: msgspec.json.Decoder[T]) -> Generator[Exchange, Answer, T | None]:
        """Ask for a page that may be missing, or not ready."""
        try:
            return (yield from self._page(path, decoder))
        except (Refused, Garbled):
            return None

    # what it does --------------------------------------------------------------------------------------------

    def read(self, want: Want) -> Conversation[Reading]:
        """Learn what it does now: one page, and in full what it lists by board."""
        told = yield from self._hear()
        if want is Want.FULL:
            told.board_c = _by_index((yield from self._maybe("/temps", Rows.decoder)))
            told.chip_c = _by_index((yield from self._maybe("/temps/chip", Rows.decoder)))
            told.chips = _by_index((yield from self._maybe("/hashrate", Rows.decoder)))
        return reading_of(told)

    # what it is told -----------------------------------------------------------------------------------------

    def send(self, command: Command) -> Conversation[Receipt]:
        """Tell it; raises Unsupported before any change where it has no such ability."""
        if self._identity is None:
            yield from self.identify()
        assert self._identity is not None
        if isinstance(command, Restart):
            raise Unsupported("ePIC is started anew by a reboot alone")
        _require(command, self._identity.abilities)
        match command:
            case Reboot():
                return (yield from self._tell("/reboot", 0))
            case Locate(on=on):
                told = yield from self._hear()
                if told.summary.misc is not None and told.summary.misc.light is on:
                    return Receipt(already=True)
                return (yield from self._tell("/identify", on))
            case Sleep() | Wake():
                return (yield from self._switch((yield from self._hear()), on=isinstance(command, Wake)))
            case _:
                return (yield from self._tune((yield from self._hear()), command))

    def _switch(self, told: Told, *, on: bool) -> Generator[Exchange, Answer, Receipt]:
        """Stop or start it; one that idles for a reason of its own is told to stop too."""
        stopped = told.is_asleep or told.state == STOPS
        if stopped is not on and (stopped or told.state != IDLES):
            return Receipt(already=True)
        return (yield from self._tell("/miner", "Autostart" if on else "Stop"))

    def _tune(self, told: Told, command: Command) -> Generator[Exchange, Answer, Receipt]:
        """Give a tuner its target; how far it may throttle is sent with it, since it would be lost."""
        tuner = told.tuner
        stopped = told.is_asleep or told.state == STOPS
        if tuner is None:
            return (yield from self._switch(told, on=True))
        wish = _wish(command, told)
        name, target = tuner[0], number(tuner[1].target)
        if name == wish.algorithm and target == wish.target:
            return (yield from self._switch(told, on=True)) if stopped else Receipt(already=True)
        told_limits = {"min_throttle": tuner[1].least, "throttle_step": tuner[1].step} if name == wish.algorithm else {}
        limits = {key: whole(value) for key, value in told_limits.items() if whole(value) is not None}
        parameter = {"algo": wish.algorithm, "target": int(wish.target)} | limits
        yield from self._tell("/perpetualtune/algo", parameter)
        if stopped:
            yield from self._switch(told, on=True)
        sold = told.sold_w if is_of_power(name) else told.sold_ths
        was_whole = name == wish.algorithm and target == sold
        return Receipt(before=None if was_whole or target is None else level_of(name, target))

    def _tell(self, path: str, parameter: object) -> Generator[Exchange, Answer, Receipt]:
        """Tell it with the first password that is taken, once it has done what it was told before."""
        for _ in range(MOST_TRIES):
            error = yield from self._told_once(path, parameter)
            if error is None:
                return Receipt()
            if error not in _BUSY:
                break
            yield Pause(seconds=BUSY_S)
        raise (Unsupported if error in _UNABLE else Refused)(f"{path}: {error}")

    def _told_once(self, path: str, parameter: object) -> Generator[Exchange, Answer, str | None]:
        """Return the error of a command, None for none; raises NotPermitted where no password is taken."""
        for at, password in enumerate(self._passwords):
            body = msgspec.json.encode({"param": parameter, "password": password})
            reply = yield Http(method="POST", path=path, body=body, content_type=JSON, port=self.target.port or PORT)
            assert isinstance(reply, HttpReply)
            error = _error(judged(reply, path))
            if error != "BadPassword":
                self._passwords.insert(0, self._passwords.pop(at))
                return error
        raise NotPermitted(f"no password is accepted, tried {len(self._passwords)}")


def _judge(reply: HttpReply) -> None:
    """Raise Refused for a page that is an error all the same: its figures are not ready."""
    error = _error(reply)
    if error is not None:
        raise Refused(error)


def _error(reply: HttpReply) -> str | None:
    """Return the error in an answer: a name, or an object whose key it is."""
    told: Any = decode(reply.body, _ANY)
    if not isinstance(told, dict) or told.get("result") is not False:
        return None
    error = told.get("error")
    return str(next(iter(error), "refused") if isinstance(error, dict) else error or "refused")[:200]


def _named(able: Capabilities) -> str | None:
    name = words(able.model)
    return None if name == "Undefined" else name


def _mac(network: object) -> str | None:
    """Return the MAC, that stands under how the address was got."""
    parts = network.values() if isinstance(network, dict) else ()
    return next((mac for part in parts if isinstance(part, dict) and (mac := words(part.get("mac_address")))), None)


def _by_index(rows: list[Rows] | None) -> dict[int, list[Any]]:
    return {index: row.data for row in rows or () if (index := whole(row.index)) is not None and row.data is not None}


def _spans(told: Told) -> dict[str, tuple[float, float]]:
    """Return between which targets each tuner may be set."""
    spans = {}
    for row in (told.able.spans if told.able is not None else None) or ():
        least, most = number(row.least), number(row.most)
        if row.algorithm is not None and least is not None and most is not None:
            spans[row.algorithm] = least, most
    return spans


def _abilities(told: Told) -> Abilities:
    watts_of = next((span for name, span in _spans(told).items() if is_of_power(name)), None)
    tunes = told.tuner is not None
    return Abilities(
        sleep=None if told.summary.standing is None else _sleep(told.model),
        power_limit=PowerRange(least_w=watts_of[0], most_w=watts_of[1]) if watts_of is not None and tunes else None,
        profiles=tuple(_profiles(told)) if watts_of is None else (),
        reboot=True,
        locate=told.summary.misc is not None,
        boot_s=BOOT_S,
    )


def _profiles(told: Told) -> Iterable[Profile]:
    """Yield the presets below what it was sold as, as targets of the tuner that runs."""
    tuner, sold_ths = told.tuner, told.sold_ths
    least, most = _spans(told).get(tuner[0], (0.0, 0.0)) if tuner is not None else (0.0, 0.0)
    for ths, power_w in sorted(presets(told.able)):
        if tuner is not None and sold_ths is not None and least <= ths <= most and ths < WHOLE * sold_ths:
            name = level_of(tuner[0], ths).partition(":")[2]
            yield Profile(name=name, power_w=power_w, hashrate_ths=ths)


def _sleep(model: Model | None) -> SleepAbility:
    standby_w = STANDBY_W if model is None or model.sleep_w is None else model.sleep_w
    return SleepAbility(standby_w=standby_w, settle_s=SETTLE_S)


def _wish(command: Command, told: Told) -> _Wish:
    """Return what the tuner shall hold; raises Unsupported for what lies outside of what it may be set to."""
    spans, tuner = _spans(told), told.tuner
    assert tuner is not None
    power = next((name for name in spans if is_of_power(name)), None)
    match command:
        case LimitPower(limit_w=limit_w) if power is not None:
            wish = _Wish(algorithm=power, target=round(limit_w))
        case SetMode(mode="full"):
            of_power = is_of_power(tuner[0])
            sold = told.sold_w if of_power else told.sold_ths
            least, most = spans.get(tuner[0], (0.0, float("inf")))
            if sold is None:
                raise Unsupported("nobody knows what is full")
            return _Wish(algorithm=tuner[0], target=round(min(max(sold, least), most)))
        case SetMode(mode=mode):
            name, _, target = mode.rpartition("-")
            wish = _Wish(algorithm=name, target=number(target) or 0.0)
        case _:
            raise Unsupported(f"this machine cannot do {command}")
    least, most = spans.get(wish.algorithm, (0.0, 0.0))
    if not least <= wish.target <= most or wish.target <= 0:
        raise Unsupported(f"{wish.algorithm} cannot be set to {wish.target:g}")
    return wish


def _require(command: Sleep | Wake | Reboot | Locate | LimitPower | SetMode, abilities: Abilities) -> None:
    """Raise Unsupported for what this machine cannot be told."""
    limits, tunes = abilities.power_limit, bool(abilities.profiles or abilities.power_limit)
    match command:
        case Sleep() | Wake():
            has = abilities.sleep is not None
        case Reboot():
            has = abilities.reboot
        case Locate():
            has = abilities.locate
        case LimitPower(limit_w=limit_w):
            has = limits is not None and limits.least_w <= limit_w <= limits.most_w
        case SetMode(mode="full"):
            has = tunes or abilities.sleep is not None
        case SetMode(mode=mode):
            has = tunes and mode != "low"
    if not has:
        raise Unsupported(f"this machine cannot do {command}")
