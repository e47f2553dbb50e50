"""LuxOS, Luxor's firmware for Antminers: cgminer's wire, sleep by curtailment, levels by its profiles.

A machine whose ATM is on changes its profile by itself, after the temperature: it is given none. A profile above
the one that it was sold with is its owner's, and full is at least that.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable

from drivers.cgminer_wire import ask
from drivers.errors import Refused, Unreachable, Unsupported
from drivers.figures import number, watts, whole, words
from drivers.interface import (
    Abilities,
    Command,
    Conversation,
    Exchange,
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
from drivers.luxos_reading import Told, is_curtailed, level_of, reading_of, stands
from drivers.luxos_wire import Config, Part, ProfileRow, Version, asked, must, told
from drivers.models import Model, find

STANDBY_W, SETTLE_S, BOOT_S = 30.0, 30.0, 120.0
"""Its supply goes off within seconds; it ramps up as after a start. The watts are unsure: the meter tells."""
_QUICK = ("summary", "config", "devs", "power")
_WHY = ("pools", "events")
_FULL = (*_QUICK, "fans", "temps", "pools", "events", "stats")


class Luxos:
    """One machine with LuxOS."""

    def __init__(self, target: Target, identity: Identity | None = None) -> None:
        self.target = target
        self._identity = identity
        self._joins = True

    def identify(self) -> Conversation[Identity]:
        """Learn model, MAC, profiles and abilities; changes nothing."""
        version = next(iter(must((yield from asked(ask("version")))).versions or ()), Version())
        config = next(iter((yield from _maybe("config")).config or ()), Config())
        rows = (yield from _maybe("profiles")).profiles or []
        model = find(self.target.model or version.type or config.model, number(config.nameplate_ths))
        self._identity = self._identified(version, config, rows, model)
        return self._identity

    def _identified(
        self, version: Version, config: Config, rows: Iterable[ProfileRow], model: Model | None
    ) -> Identity:
        named = {row.name: row for row in rows if row.name}
        sold = next((row for row in named.values() if whole(row.step) == 0), None)
        full = max((row for row in (sold, named.get(config.profile or "")) if row), key=_step, default=None)
        full_w = None if full is None else watts(full.watts)
        full_ths = number(config.nameplate_ths) if full is None else number(full.hashrate_ths)
        return Identity(
            driver="luxos",
            make=None if model is None else model.make,
            model=self.target.model or (version.type if model is None else model.model),
            firmware="LuxOS",
            firmware_version=(words(version.luxminer) or "").partition("-")[0] or None,
            mac=words(config.mac),
            serial=words(config.serial),
            nominal_ths=full_ths if full_ths or model is None else model.hashrate_ths,
            nominal_w=full_w if full_w or model is None else model.power_w,
            abilities=Abilities(
                sleep=_sleep(model),
                profiles=() if config.moves_itself else tuple(_profiles(named.values())),
                reboot=True,
                locate=True,
                boot_s=BOOT_S,
            ),
        )

    def read(self, want: Want) -> Conversation[Reading]:
        """Learn what it does now, in one exchange where the firmware joins commands; of one that stands why, too."""
        heard = Told()
        yield from self._hear(_QUICK if want is Want.QUICK else _FULL, heard)
        if want is Want.QUICK and stands(heard):
            yield from self._hear((*_QUICK, *_WHY), heard)
        return reading_of(heard)

    def _hear(self, commands: tuple[str, ...], heard: Told) -> Generator[Exchange, Answer, None]:
        joined: tuple[Part, ...] = ()
        if self._joins:
            try:
                joined = (yield from asked(ask("+".join(commands)))).parts
            except Refused:
                joined = ()
            self._joins = any(part.summary for part in joined)
        if not self._joins:
            yield from self._ask_singly(commands, heard)
        for part in joined if self._joins else ():
            heard.add(part)

    def _ask_singly(self, commands: Iterable[str], heard: Told) -> Generator[Exchange, Answer, None]:
        for command in commands:
            part = must((yield from asked(ask(command)))) if command == "summary" else (yield from _maybe(command))
            heard.add(part)

    def send(self, command: Command) -> Conversation[Receipt]:
        """Tell it, within a session of our own; raises Unsupported before any exchange where it has no such ability."""
        identity = self._identity or (yield from self.identify())
        _require(command, identity.abilities)
        match command:
            case Reboot():
                return (yield from _reboot())
            case Locate(on=on):
                return (yield from _tell("ledset", "red", "blink" if on else "auto"))
            case SetMode(mode=mode):
                return (yield from _set_profile(mode))
            case _:
                return (yield from _curtail("sleep" if isinstance(command, Sleep) else "wakeup"))


def _maybe(command: str) -> Generator[Exchange, Answer, Part]:
    """Ask for one part; what the firmware does not know is an empty one."""
    try:
        return must((yield from asked(ask(command))))
    except Refused:
        return Part()


def _tell(command: str, *parameters: str) -> Generator[Exchange, Answer, Receipt]:
    done = yield from told(command, *parameters)
    return Receipt(message=words(done.status[0].message) if done.status else None)


def _curtail(action: str) -> Generator[Exchange, Answer, Receipt]:
    """Put it to sleep or wake it, unless it is so already."""
    config = next(iter(must((yield from asked(ask("config")))).config or ()), Config())
    if is_curtailed(config) == (action == "sleep"):
        return Receipt(already=True)
    return (yield from _tell("curtail", action))


def _reboot() -> Generator[Exchange, Answer, Receipt]:
    """Restart the machine; it may be gone before it answers."""
    try:
        return (yield from _tell("rebootdevice"))
    except Unreachable:
        return Receipt(message="it went without a word")


def _set_profile(mode: str) -> Generator[Exchange, Answer, Receipt]:
    """Set a profile, the one that it was sold with for full; one that sleeps is woken by that."""
    config = next(iter(must((yield from asked(ask("config")))).config or ()), Config())
    if is_curtailed(config):
        yield from _tell("curtail", "wakeup")
    profile = mode
    if mode == "full":
        rows = must((yield from asked(ask("profiles")))).profiles or []
        profile = next((row.name or "" for row in rows if whole(row.step) == 0), "default")
    if config.profile == profile:
        return Receipt(already=not is_curtailed(config))
    level = level_of(config)
    done = yield from _tell("profileset", profile)
    return Receipt(message=done.message, before=None if level == "full" else level)


def _step(row: ProfileRow) -> int:
    return whole(row.step) or 0


def _profiles(rows: Iterable[ProfileRow]) -> Iterable[Profile]:
    for row in rows:
        if row.name:
            yield Profile(name=row.name, power_w=watts(row.watts), hashrate_ths=number(row.hashrate_ths))


def _sleep(model: Model | None) -> SleepAbility:
    standby_w = STANDBY_W if model is None or model.sleep_w is None else model.sleep_w
    return SleepAbility(standby_w=standby_w, settle_s=SETTLE_S)


def _require(command: Command, abilities: Abilities) -> None:
    """Raise Unsupported for what this machine cannot be told."""
    if isinstance(command, Restart):
        raise Unsupported("LuxOS is started anew by a reboot alone")
    if isinstance(command, LimitPower):
        raise Unsupported("LuxOS is limited by its profiles")
    if isinstance(command, SetMode) and command.mode not in {"full", *(one.name for one in abilities.profiles)}:
        raise Unsupported(f"this machine has no profile {command.mode}")
