"""Bitmain's own firmware on its Antminers: read on the API port, told over the web page.

The API port cannot say whether a machine sleeps or broke down: only the work mode in the configuration proves sleep.
That mode changes with a new start of the mining process alone, so what was read of it holds while the uptime grows.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

import msgspec

from drivers.antminer_control import Change, change_mode, locate, reboot
from drivers.antminer_reading import (
    NOTHING,
    Figures,
    faults_of_page,
    figures_of_api,
    figures_of_page,
    merged,
    pools_of_page,
    reading_of,
    with_counters,
)
from drivers.antminer_web import NORMAL, Configuration, Document, Web, document, generation_of, rows
from drivers.cgminer_reading import pool_of
from drivers.cgminer_wire import Report, ask, parse
from drivers.errors import DeviceError, Garbled, NotListening, NotPermitted, Refused, Unreachable, Unsupported
from drivers.figures import number, words
from drivers.interface import (
    Abilities,
    Ask,
    Command,
    Conversation,
    DeviceFault,
    Exchange,
    Identity,
    LimitPower,
    Locate,
    LowAbility,
    Pool,
    Reading,
    Reboot,
    Receipt,
    Reply,
    Restart,
    SetMode,
    Sleep,
    SleepAbility,
    State,
    Target,
    Wake,
    Want,
)
from drivers.models import Model, find

STANDBY_W = 30.0
"""What one draws asleep where its model's row does not say."""
SETTLE_S = 60.0
SEEN_S = 30
"""A mining process as old as this is not taken for its successor between two polls, which are seldom further apart."""

_STATS, _POOLS, _SUMMARY, _VERSION = ask("stats"), ask("pools"), ask("summary"), ask("version")
_JOINED = ask("summary+stats+pools")


class AntminerStock:
    """One Antminer with Bitmain's firmware, of any generation."""

    def __init__(self, target: Target, identity: Identity | None = None) -> None:
        self.target = target
        self._identity = identity
        self._web = Web(target.logins)
        self._joins: bool | None = None  # None: not tried yet
        self._mode: str | None = None  # as last read, while it holds
        self._uptime_s = 0
        self._know(None if identity is None else identity.model, None if identity is None else identity.nominal_ths)

    def _know(self, reported: str | None, hashrate_ths: float | None) -> None:
        name = self.target.model or reported
        self._model = find(name, hashrate_ths)
        self._generation = generation_of(name)

    # who it is -----------------------------------------------------------------------------------------------

    def identify(self) -> Conversation[Identity]:
        """Learn model, firmware, MAC and abilities; changes nothing. Without a login it has no MAC and no abilities."""
        missed: list[DeviceError] = []
        header: Document = {}
        page: Document = {}
        configuration: Configuration | None = None
        try:
            header = yield from self._header()
        except (Unreachable, Refused) as error:
            missed.append(error)
        try:
            page, configuration = yield from self._pages()
        except DeviceError as error:
            missed.append(error)
        if len(missed) == 2:
            raise next((error for error in missed if isinstance(error, NotPermitted)), missed[0])
        shut = next((str(error) for error in missed if isinstance(error, NotPermitted)), None)
        self._identity = replace(self._identified(header, page, configuration), shut=shut)
        return self._identity

    def _header(self) -> Generator[Exchange, Reply, Document]:
        """Ask the API port who it is: `version` may name a cousin where `stats` names the model itself."""
        report = yield from self._ask_api(_STATS)
        told = merged(report.stats or ())
        if "Type" in told:
            return told
        for version in parse((yield from _bytes(_VERSION))).versions or ():
            return told | {"Type": version.type, "CompileTime": version.compiled}
        raise Unsupported("the API port does not say what it is")

    def _pages(self) -> Generator[Exchange, Reply, tuple[Document, Configuration | None]]:
        """Ask the pages who it is and what it is set to; each may be missing, but not both."""
        page: Document = {}
        try:
            page = document((yield from self._web.get("get_system_info.cgi")))
        except Unsupported:
            return page, (yield from self._web.configuration())
        try:
            return page, (yield from self._web.configuration())
        except (Refused, Garbled, Unreachable):
            return page, None

    @staticmethod
    def _version(header: Document, page: Document) -> str | None:
        """Return when the firmware was made, as the API port says: the page tells another date of the same firmware."""
        return (words(header.get("CompileTime")) or words(page.get("system_filesystem_version"))) if header else None

    def _identified(self, header: Document, page: Document, configuration: Configuration | None) -> Identity:
        reported = _name(header.get("Type")) or _name(page.get("minertype"))
        ideal_ghs = number(header.get("total_rateideal"))
        self._know(reported, None if ideal_ghs is None else ideal_ghs / 1e3)
        model = self._model
        return Identity(
            driver="antminer-stock",
            make="Bitmain",
            model=(self.target.model or reported) if model is None else model.model,
            firmware="stock",
            firmware_version=self._version(header, page),
            mac=words(page.get("macaddr")),
            serial=words(page.get("serinum")) or words(page.get("serial_no")),
            nominal_ths=None if model is None else model.hashrate_ths,
            nominal_w=None if model is None else model.power_w,
            abilities=self._abilities(configuration, web=bool(page) or configuration is not None),
        )

    def _abilities(self, configuration: Configuration | None, *, web: bool) -> Abilities:
        has_modes = configuration is not None and configuration.has_modes
        return Abilities(
            sleep=_sleep(self._model) if has_modes and self._generation.sleep is not None else None,
            low=_low(self._model) if has_modes and self._generation.low is not None else None,
            reboot=web,
            locate=web and self._generation.blinks,
        )

    @property
    def _is_shut(self) -> bool:
        """Whether its pages took no login when it was identified: they are asked no more until it is again."""
        return self._identity is not None and self._identity.shut is not None

    # what it does --------------------------------------------------------------------------------------------

    def read(self, want: Want) -> Conversation[Reading]:
        """Learn what it does now: by `stats` alone while it hashes, by its pages what that cannot say."""
        if self._identity is None:
            yield from self.identify()
        try:
            report = yield from self._hear(want)
        except NotListening:
            report = Report()
        figures = figures_of_api(report.stats or (), self._model, self._generation)
        if figures is NOTHING:
            figures = yield from self._figures_of_pages()
        self._note(figures)
        mode = yield from self._mode_of(figures, want)
        stands = not figures.hashes and not self._generation.sleeps_in(mode)
        wanted = want is Want.FULL or stands or figures.falls(self._model)
        pools = yield from self._pools_of(report, wanted=wanted)
        reading = reading_of(figures, mode, self._generation, pools, self._model)
        if report.summary is not None:
            reading = with_counters(reading, report.summary)
        if want is Want.FULL and reading.state is State.FAULT:
            reading = msgspec.structs.replace(reading, errors=(yield from self._complaints()))
        return reading

    def _hear(self, want: Want) -> Generator[Exchange, Reply, Report]:
        """Ask the API port; older firmware joins commands, which is tried once."""
        if want is Want.QUICK:
            return (yield from self._ask_api(_STATS))
        if self._joins is not False:
            try:
                report = yield from self._ask_api(_JOINED)
            except NotListening:
                raise
            except Unreachable:
                report = Report()
            self._joins = report.stats is not None
            if self._joins:
                return report
        return (yield from self._ask_api(_STATS, _SUMMARY, _POOLS))

    def _ask_api(self, *asks: Ask) -> Generator[Exchange, Reply, Report]:
        """Ask one after the other; what is refused is left out."""
        report = Report()
        for exchange in asks:
            try:
                report.add(parse((yield from _bytes(exchange))))
            except Refused:
                continue
        return report

    def _figures_of_pages(self) -> Generator[Exchange, Reply, Figures]:
        """Ask the pages instead; NOTHING where it has none, or they tell nothing because it sleeps."""
        if not self._generation.pages:
            return NOTHING
        for page, section in (("stats.cgi", "STATS"), ("summary.cgi", "SUMMARY")):
            try:
                told = rows(document((yield from self._web.get(page))).get(section))
            except Unsupported:
                continue
            return figures_of_page(told[0], self._model) if told else NOTHING
        return NOTHING

    def _note(self, figures: Figures) -> None:
        """Forget the mode unless the mining process has run on, long enough for a new start to be seen."""
        uptime_s = figures.uptime_s or 0
        if not uptime_s >= self._uptime_s >= SEEN_S:
            self._mode = None
        self._uptime_s = uptime_s

    def _mode_of(self, figures: Figures, want: Want) -> Generator[Exchange, Reply, str | None]:
        """Learn the work mode where it matters; None where nobody can say. Raises what silence of both ports means."""
        if figures.mode is not None:
            return figures.mode
        if figures.hashes and not self._can_low:
            return None
        if self._mode is not None and (figures.hashes or want is Want.QUICK):
            return self._mode
        if self._is_shut and figures is not NOTHING:
            return None
        try:
            self._mode = (yield from self._web.configuration()).mode
        except DeviceError:
            if figures is NOTHING:
                raise
            self._mode = None
        return self._mode

    def _pools_of(self, report: Report, *, wanted: bool) -> Generator[Exchange, Reply, tuple[Pool, ...] | None]:
        if report.pools is None and wanted and report.stats is not None:
            report = yield from self._ask_api(_POOLS)
        if report.pools is not None:
            return tuple(pool_of(row) for row in report.pools if row.url)
        if not wanted or report.stats is not None or not self._generation.pages:
            return None
        try:
            return pools_of_page(document((yield from self._web.get("pools.cgi"))))
        except (Unreachable, Refused):
            return None

    def _complaints(self) -> Generator[Exchange, Reply, tuple[DeviceFault, ...] | None]:
        """Ask what it complains of itself; None where it has no such page, or no login."""
        if not self._generation.pages or self._is_shut:
            return None
        try:
            told = rows(document((yield from self._web.get("summary.cgi"))).get("SUMMARY"))
        except (Unreachable, Refused):
            return None
        return faults_of_page(told[0]) if told else None

    # what it is told -----------------------------------------------------------------------------------------

    def send(self, command: Command) -> Conversation[Receipt]:
        """Change the work mode, reboot or blink, each over the pages."""
        if isinstance(command, LimitPower | Restart) or (
            isinstance(command, SetMode) and command.mode not in {"full", "low"}
        ):
            raise Unsupported(f"stock firmware cannot do {command}")
        if self._identity is None:
            yield from self.identify()
        match command:
            case Reboot():
                return (yield from reboot(self._web))
            case Locate(on=on):
                return (yield from locate(self._web, self._generation, on=on))
            case Sleep() | Wake() | SetMode():
                change = self._change(command)
                self._mode = None
                return (yield from change_mode(self._web, self._generation, change))

    def _change(self, command: Sleep | Wake | SetMode) -> Change:
        """Return what a command means in this generation's modes; raises Unsupported."""
        generation = self._generation
        match command:
            case Sleep() if generation.sleep is not None:
                return Change(wanted=generation.sleep, served=generation.sleeps_in)
            case Wake(mode=None) if generation.sleep is not None:
                return Change(wanted=NORMAL, served=generation.wakes_in)
            case Wake(mode=str(mode)) if generation.sleep is not None:
                wanted = mode if mode.isdigit() and generation.wakes_in(mode) else NORMAL
                return Change(wanted=wanted, served=lambda there: there == wanted)
            case SetMode(mode="full") if generation.sleep is not None:
                return Change(
                    wanted=NORMAL, served=lambda there: generation.wakes_in(there) and there != generation.low
                )
            case SetMode(mode="low") if self._can_low and generation.low is not None:
                return Change(wanted=generation.low, served=lambda there: there == generation.low)
            case _:
                raise Unsupported(f"this machine cannot do {command}")

    @property
    def _can_low(self) -> bool:
        return self._identity is not None and self._identity.abilities.low is not None


def _bytes(exchange: Ask) -> Generator[Exchange, Reply, bytes]:
    reply = yield exchange
    assert isinstance(reply, bytes)
    return reply


def _name(told: object) -> str | None:
    """Cut a reported model to the model: some carry a version in brackets, some a line's break."""
    named = words(told)
    return None if named is None else " ".join(named.split(" (")[0].split())


def _sleep(model: Model | None) -> SleepAbility:
    """Return the ability of firmware with work modes; the mode is kept in the configuration."""
    standby_w = STANDBY_W if model is None or model.sleep_w is None else model.sleep_w
    return SleepAbility(standby_w=standby_w, settle_s=SETTLE_S, survives_reboot=True, survives_power_cut=True)


def _low(model: Model | None) -> LowAbility | None:
    if model is None or model.low_power is None or model.low_hashrate is None:
        return None
    return LowAbility(power_share=model.low_power, hashrate_share=model.low_hashrate)
