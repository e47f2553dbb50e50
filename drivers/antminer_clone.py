"""Firmware on Antminers that answers as stock does on the API port: Hiveon, MSKMiner, VNish before its web API.

It is read alone: what its pages take is nowhere written down, so that it is told nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from dataclasses import dataclass

from drivers.antminer_reading import figures_of_api, merged, reading_of, with_counters
from drivers.antminer_web import generation_of
from drivers.cgminer_reading import pool_of
from drivers.cgminer_wire import Report, ask, must, parse
from drivers.errors import Refused, Unsupported
from drivers.figures import number, words
from drivers.interface import Ask, Command, Conversation, Exchange, Identity, Reading, Receipt, Target, Want
from drivers.interface import Reply as Answer
from drivers.models import find

_STATS, _SUMMARY, _POOLS, _VERSION = ask("stats"), ask("summary"), ask("pools"), ask("version")
_MODEL = re.compile(r"(?:Antminer )?([A-Z]\d+[a-z]*(?: (?:Pro|XP|Hyd|JPro|Plus)\b)?[+]*)", re.IGNORECASE)
_NUMBERED = re.compile(r"v?\.?(\d+(?:\.\d+)+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Clone:
    """One such firmware: the registry's name of it, and its own; `numbered`: its version stands in the model's text."""

    driver: str
    firmware: str
    numbered: bool = True


VNISH = Clone(driver="vnish-old", firmware="VNish")
HIVEON = Clone(driver="hiveon", firmware="Hiveon", numbered=False)
MSKMINER = Clone(driver="mskminer", firmware="MSKMiner")


class AntminerClone:
    """One Antminer with such firmware."""

    def __init__(self, clone: Clone, target: Target, identity: Identity | None = None) -> None:
        self.clone = clone
        self.target = target
        self._identity = identity
        self._know(None if identity is None else identity.model, None if identity is None else identity.nominal_ths)

    def _know(self, reported: str | None, hashrate_ths: float | None) -> None:
        name = self.target.model or reported
        self._model, self._generation = find(name, hashrate_ths), generation_of(name)

    def identify(self) -> Conversation[Identity]:
        """Learn model and version; changes nothing."""
        header = merged((yield from self._hear(_STATS)).stats or ())
        for version in (yield from _version()) if "Type" not in header else ():
            header = {"Type": version[0], "CompileTime": version[1]} | header
        told = words(header.get("Type")) or ""
        found = _MODEL.search(told)
        reported = None if found is None else f"Antminer {found[1]}"
        ideal_ghs = number(header.get("total_rateideal"))
        self._know(reported, None if ideal_ghs is None else ideal_ghs / 1e3)
        numbered, model = _NUMBERED.search(told), self._model
        own = numbered[1] if self.clone.numbered and numbered is not None else words(header.get("CompileTime"))
        self._identity = Identity(
            driver=self.clone.driver,
            make="Bitmain",
            model=self.target.model or (reported if model is None else model.model),
            firmware=self.clone.firmware,
            firmware_version=own,
            nominal_ths=None if model is None else model.hashrate_ths,
            nominal_w=None if model is None else model.power_w,
        )
        return self._identity

    def read(self, want: Want) -> Conversation[Reading]:
        """Learn what it does now; it joins no commands."""
        if self._identity is None:
            yield from self.identify()
        report = yield from self._hear(*((_STATS,) if want is Want.QUICK else (_STATS, _SUMMARY, _POOLS)))
        figures = figures_of_api(report.stats or (), self._model, self._generation)
        if report.pools is None and figures.falls(self._model):
            report.pools = (yield from self._hear(_POOLS)).pools
        pools = None if report.pools is None else tuple(pool_of(row) for row in report.pools if row.url)
        reading = reading_of(figures, None, self._generation, pools, self._model)
        return reading if report.summary is None else with_counters(reading, report.summary)

    def _hear(self, *asks: Ask) -> Generator[Exchange, Answer, Report]:
        """Ask one after the other; what is refused is left out, unless that is all. Raises Refused."""
        report = Report()
        for exchange in asks:
            payload = yield exchange
            assert isinstance(payload, bytes)
            report.add(parse(payload))
        if report.stats is None and report.pools is None and report.refusals:
            must(report.refusals[0])
        return report

    def send(self, command: Command) -> Conversation[Receipt]:
        """Tell it nothing. Raises Unsupported."""
        yield from ()
        raise Unsupported(f"nobody knows how {self.clone.firmware} is told {command}")


def _version() -> Generator[Exchange, Answer, list[tuple[str | None, str | None]]]:
    payload = yield _VERSION
    assert isinstance(payload, bytes)
    try:
        return [(row.type, row.compiled) for row in must(parse(payload)).versions or ()]
    except Refused:
        return []


def making(clone: Clone) -> Callable[[Target, Identity | None], AntminerClone]:
    """Return what makes drivers of one such firmware."""
    return lambda target, identity: AntminerClone(clone, target, identity)
