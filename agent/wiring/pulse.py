"""One look at the site each second: told to those who watch, and kept as the past by the minute.

Sits beside `app`, since it joins what outputs see with what the ledger's room keeps.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from agent.clock import Clock
from agent.facts import AnyFact
from agent.ledger.history import History
from agent.outputs.http.stream import REMEMBERED, Stream
from agent.outputs.http.turns import each
from agent.outputs.http.watch import Watch
from agent.outputs.shown import site_json
from agent.outputs.sight import Sight
from agent.outputs.snapshot import Snapshot, hottest_c, machine_power, snapshot
from agent.outputs.standing import listed, order_line, standing
from agent.outputs.words import QUIET, sentence
from agent.past import MINER_STEP_S, SITE_STEP_S, MinerColumns, MinerPoint, SitePoint
from agent.values import rfc3339

EACH_S = 1.0
FINE_STEP_S, FINE_KEPT_S = 5, 3600
"""The last hour is known more finely, from memory."""
ORDERS_EACH = 15
"""Seconds after which orders are told again, whether or not anything befell them."""
TOLD_AT_ONCE = 64
"""Orders that are told at once, and in one piece."""
Links = Callable[[], dict[str, bool]]


class Step:
    """What was seen of the site within one step of time."""

    def __init__(self, start: int) -> None:
        self.start = start
        self._seen: list[dict[str, Any]] = []

    def add(self, site: dict[str, Any]) -> None:
        """Take in one look."""
        self._seen.append(site)

    def point(self) -> SitePoint:
        """Return what was seen as one point of the past."""
        draws = self._known("power_w")
        return SitePoint(
            at=datetime.fromtimestamp(self.start, UTC),
            power_w=_mean(draws),
            power_max_w=max(draws, default=None),
            cap_w=_mean(self._known("cap_w")),
            excess_w=max(self._excesses_w(), default=None),
            house_w=_mean(self._known("house_w")),
            hashrate_ths=_mean(self._known("hashrate_ths")),
            price_per_kwh=self._seen[-1]["price_per_kwh"] if self._seen else None,
            miners=self._seen[-1]["miners"] if self._seen else {},
        )

    def _excesses_w(self) -> list[float]:
        both = [site for site in self._seen if site["power_w"] is not None and site["cap_w"] is not None]
        return [max(0.0, site["power_w"] - site["cap_w"]) for site in both]

    def _known(self, name: str) -> list[float]:
        return [site[name] for site in self._seen if site[name] is not None]


class Steps:
    """Steps of one length, one after the other; `ended` is handed each one that is over."""

    def __init__(self, step_s: int, ended: Callable[[SitePoint], None]) -> None:
        self._step_s = step_s
        self._ended = ended
        self._step: Step | None = None

    def add(self, site: dict[str, Any], at: datetime) -> None:
        """Take in one look."""
        start = int(at.timestamp()) // self._step_s * self._step_s
        if self._step is not None and self._step.start != start:
            self._ended(self._step.point())
            self._step = None
        if self._step is None:
            self._step = Step(start)
        self._step.add(site)

    def under_way(self) -> list[SitePoint]:
        """Return the step that has not ended yet, as far as it has come."""
        return [] if self._step is None else [self._step.point()]

    def end(self) -> None:
        """End the step under way."""
        if self._step is not None:
            self._ended(self._step.point())
        self._step = None


class Pulse:
    """Tells the stream and the history; answers what was, as finely as it is known."""

    def __init__(self, sight: Sight, history: History, clock: Clock) -> None:
        self._sight = sight
        self._stream = Stream()
        self._history = history
        self._clock = clock
        self._fine: deque[SitePoint] = deque(maxlen=FINE_KEPT_S // FINE_STEP_S)
        self._fives = Steps(FINE_STEP_S, self._fine.append)
        self._minutes = Steps(SITE_STEP_S, history.keep_site)
        self._miners_at: int | None = None
        self._beats = 0
        self._orders_due = False
        self._before: deque[AnyFact] = deque(maxlen=REMEMBERED)

    def watch(self) -> Watch:
        """Return what the HTTP server lets people watch."""
        return Watch.of(self._sight, self, self._stream)

    async def close(self) -> None:
        """Write what is waiting."""
        await self._history.close()

    async def run(self) -> None:
        """Beat for ever; what the last minute held is kept when it is ended."""
        self.tell_before()
        try:
            while True:
                self.beat()
                if self._orders_due:
                    await self._tell_many_orders()
                await self._clock.sleep(EACH_S)
        finally:
            self._fives.end()
            self._minutes.end()

    def beat(self) -> None:
        """Look once."""
        sight, now = self._sight, self._sight.now()
        site = site_json(sight)
        seen = {**site, "price_per_kwh": self._price_per_kwh(now.at)}
        self._fives.add(seen, now.at)
        self._minutes.add(seen, now.at)
        self._keep_miners(now.at)
        self._stream.tell_state("now", self._now(site))
        if self._beats % ORDERS_EACH == 0:
            self._tell_orders()
        self._beats += 1

    def _price_per_kwh(self, at: datetime) -> float | None:
        price = None if self._sight.money is None else self._sight.money.price_now(at)
        return None if price is None else float(price)

    def _keep_miners(self, at: datetime) -> None:
        second = int(at.timestamp()) // MINER_STEP_S * MINER_STEP_S
        if second == self._miners_at:
            return
        if self._miners_at is not None:  # not at once at the start, when nobody was asked yet
            taken = snapshot(self._sight)
            self._history.keep_miners(datetime.fromtimestamp(second, UTC), lambda: columns_of(taken))
        self._miners_at = second

    def _now(self, site: dict[str, Any]) -> dict[str, Any]:
        sight, meter, decision = self._sight, self._sight.meter(), self._sight.decision()
        change = sight.book.next_change(sight.now())
        return {
            "site": site,
            "standing": standing(site, sight.book.views()),
            "meter": meter,
            "links": sight.links(),
            "not_ready": sight.not_ready(),
            "next_change": None if change is None else rfc3339(change),
            "restore_pending_w": None if decision is None else decision.restore_pending_w,
        }

    def _tell_orders(self) -> None:
        """Tell the orders, where they are few; many are told with the next beat, and the loop turns meanwhile."""
        views = listed(self._sight.book.views())
        self._orders_due = len(views) > TOLD_AT_ONCE
        if not self._orders_due:
            self._stream.tell_state("orders", [order_line(view, self._sight.now()) for view in views])

    async def _tell_many_orders(self) -> None:
        self._orders_due = False
        views, now = listed(self._sight.book.views()), self._sight.now()
        lines = await each(views, lambda view: order_line(view, now), TOLD_AT_ONCE)
        self._stream.tell_state("orders", lines)

    def remember(self, fact: AnyFact) -> None:
        """Take in a fact of a life before this one; the latest are told to who comes."""
        if type(fact).__name__ not in QUIET:
            self._before.append(fact)

    def tell_before(self) -> None:
        """Tell what is remembered of the lives before this one."""
        while self._before:
            self._tell(self._before.popleft())

    def heard(self, facts: Sequence[AnyFact]) -> None:
        """Tell facts as they happen."""
        for fact in facts:
            self._tell(fact)
        if any(type(fact).__name__.startswith("Order") for fact in facts):
            self._tell_orders()

    def _tell(self, fact: AnyFact) -> None:
        kind = type(fact).__name__
        if kind not in QUIET:
            told = {"at": rfc3339(fact.at), "fact": kind, "text": sentence(fact)}
            self._stream.tell_event("fact", {**told, "state": getattr(fact, "state", None)})

    # what was -------------------------------------------------------------------------------------------------

    async def site(self, since: datetime, until: datetime, step_s: int) -> list[SitePoint]:
        """Return the site, a point a step; below a minute from memory, an hour back, in steps of 5 s."""
        if step_s < SITE_STEP_S:
            told = [*self._fine, *self._fives.under_way()]
        else:
            told = await self._history.site(since, until, step_s)
            told += self._minutes.under_way() if step_s == SITE_STEP_S else []
        return [point for point in told if since - timedelta(seconds=step_s) < point.at < until]

    async def miner(self, miner: str, since: datetime, until: datetime) -> list[MinerPoint]:
        """Return one machine, a point each five minutes."""
        return await self._history.miner(miner, since, until)


def columns_of(taken: Snapshot) -> MinerColumns:
    """Return what is kept of every machine; what does not speak now hashes and heats at an unknown rate."""
    readings = taken.current()
    believed = taken.believed_w.tolist()
    return MinerColumns(
        state=taken.state,
        power_w=np.array([machine_power(*row)[0] for row in zip(readings, believed, strict=True)], np.float32),
        hashrate_ths=_floats([None if reading is None else reading.hashrate_ths for reading in readings]),
        hottest_c=_floats([hottest_c(reading) for reading in readings]),
    )


def _floats(values: list[float | None]) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.array([np.nan if value is None else value for value in values], np.float32)


def _mean(values: list[float]) -> float | None:
    return round(sum(values) / len(values), 1) if values else None
