"""The agent's own counters, and the scrape: they with the gauges of what is so.

The only module that knows prometheus_client. A scrape copies on the loop and makes its text in a thread.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.openmetrics import exposition as openmetrics_form

from agent.facts import AnyFact, OrderMoved, OrderRefused, SealBroken, UnauthorisedWake
from agent.facts.remedies import Remedied
from agent.orders.lifecycle import OrderEvent
from agent.outputs.exposition import OPENMETRICS, TEXT, Text
from agent.outputs.gauges import write
from agent.outputs.money_gauges import MoneyShot, money_shot, write_money
from agent.outputs.sight import Sight
from agent.outputs.snapshot import Snapshot, snapshot

DURATIONS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
GZIP = 16 + zlib.MAX_WBITS
POLL_RESULTS = ("ok", "unreachable", "garbled", "denied")
REFUSALS = (
    *("malformed", "unknown_field", "bad_value", "id_mismatch", "unsigned", "bad_signature", "unknown_issuer"),
    *("not_allowed", "foreign_site", "replayed", "stale", "lower_revision", "revision_conflict", "unknown_target"),
    *("declined", "too_many"),
)
"""The codes of contract 3: each is counted from 0, so that its first refusal is a rise."""

prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]  # the contract knows no _created series


@dataclass(frozen=True, slots=True, kw_only=True)
class Scrape:
    """One answer to a scraper."""

    pieces: tuple[bytes, ...]
    content_type: str


class ComplyTimes:
    """How long each order took from its start to its first compliance, from the facts of its life."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._started: dict[str, datetime] = {}

    def heard(self, fact: OrderMoved) -> None:
        """Take in a step, new or replayed."""
        if fact.event == OrderEvent.START:
            self._started[fact.order_id] = fact.at
            self.seconds.pop(fact.order_id, None)
        elif fact.event == OrderEvent.COMPLY and (start := self._started.pop(fact.order_id, None)) is not None:
            self.seconds[fact.order_id] = (fact.at - start).total_seconds()


class Metrics:
    """What the agent counts of itself. Its methods are called where things happen, and are cheap."""

    def __init__(self, *, site: str, version: str) -> None:
        self.comply = ComplyTimes()
        self.registry = CollectorRegistry()
        self._site = site
        self._turn = asyncio.Lock()
        self._polls = self._counter("hashwatt_polls", "Polls by their result.", "result")
        self._commands = self._counter("hashwatt_commands", "Commands by what became of them.", "command", "result")
        self._rejected = self._counter("hashwatt_orders_rejected", "Order documents refused, by code.", "reason")
        wakes = self._counter("hashwatt_unauthorised_wakes", "Miners found hashing against their setpoint.")
        self._wakes = wakes.labels(site)
        self._remedies = self._counter("hashwatt_remedies", "What was done to stuck machines.", "remedy")
        seals = self._counter("hashwatt_seals_broken", "Miners and feeders found drawing behind their seals.")
        self._seals = seals.labels(site)
        self._lag = self._gauge("hashwatt_poll_cycle_lag_seconds", "How late the latest polls began.")
        self._loop_lag = self._gauge("hashwatt_event_loop_lag_seconds", "How late the event loop turned last.")
        self._links = self._gauge("hashwatt_link_up", "Whether a link is up.", "link")
        self._gauge("hashwatt_build_info", "The agent that runs.", "version").labels(site, version).set(1)
        duration = Histogram(
            "hashwatt_poll_duration_seconds",
            "How long polls took.",
            ("site",),
            buckets=DURATIONS_S,
            registry=self.registry,
        )
        self._duration = duration.labels(site)
        for result in POLL_RESULTS:
            self._polls.labels(site, result)
        for code in REFUSALS:
            self._rejected.labels(site, code)

    def _counter(self, name: str, says: str, *names: str) -> Counter:
        return Counter(name, says, ("site", *names), registry=self.registry)

    def _gauge(self, name: str, says: str, *names: str) -> Gauge:
        return Gauge(name, says, ("site", *names), registry=self.registry)

    # what is counted ------------------------------------------------------------------------------------------

    def polls(self, result: str) -> None:
        """Count one poll by its result."""
        self._polls.labels(self._site, result).inc()

    def poll_duration(self, seconds: float) -> None:
        """Observe how long one poll took."""
        self._duration.observe(seconds)

    def poll_lag(self, seconds: float) -> None:
        """Observe how late the latest polls began."""
        self._lag.labels(self._site).set(seconds)

    def command(self, command: str, result: str) -> None:
        """Count one command by what became of it."""
        self._commands.labels(self._site, command, result).inc()

    def loop_lag(self, seconds: float) -> None:
        """Observe how late the event loop turned."""
        self._loop_lag.labels(self._site).set(seconds)

    def link(self, name: str, up: bool) -> None:  # noqa: FBT001 - a gauge is called with what it shows
        """Note whether a link is up."""
        self._links.labels(self._site, name).set(int(up))

    def heard(self, facts: Sequence[AnyFact]) -> None:
        """Count facts as they happen; replayed ones belong to `comply` alone."""
        for fact in facts:
            match fact:
                case OrderRefused(code=code, count=count):
                    self._rejected.labels(self._site, code).inc(count)
                case UnauthorisedWake(miners=miners):
                    self._wakes.inc(len(miners))
                case Remedied(remedy=remedy, dry=False):
                    self._remedies.labels(self._site, remedy).inc()
                case SealBroken(powers_w=powers_w, feeders_w=feeders_w):
                    self._seals.inc(len(powers_w) + len(feeders_w))
                case OrderMoved():
                    self.comply.heard(fact)
                case _:
                    continue

    # what is shown --------------------------------------------------------------------------------------------

    async def scrape(self, sight: Sight, *, openmetrics: bool, zipped: bool) -> Scrape:
        """Return everything, in one of the two forms; one text is made at a time."""
        async with self._turn:
            shot, comply_s = snapshot(sight), self.comply.seconds.copy()
            money = money_shot(sight)
            pieces = await asyncio.to_thread(
                self._pieces, shot, comply_s, money, openmetrics=openmetrics, zipped=zipped
            )
        return Scrape(pieces=pieces, content_type=OPENMETRICS if openmetrics else TEXT)

    def _pieces(
        self, shot: Snapshot, comply_s: dict[str, float], money: MoneyShot | None, *, openmetrics: bool, zipped: bool
    ) -> tuple[bytes, ...]:
        text = Text(openmetrics=openmetrics)
        write(shot, text, comply_s)
        if money is not None:
            write_money(money, text)
        own = openmetrics_form.generate_latest if openmetrics else prometheus_client.generate_latest
        pieces = (*text.pieces, own(self.registry))
        return _zipped(pieces) if zipped else pieces


def _zipped(pieces: Sequence[bytes]) -> tuple[bytes, ...]:
    packer = zlib.compressobj(level=1, wbits=GZIP)
    return (*map(packer.compress, pieces), packer.flush())
