"""The time that the agent was away: a fact, bounded by what the meter's register counted meanwhile.

It has no clock: it is handed every remembered fact, then `now` each second. The register is remembered each minute, and
each few seconds while an order is open: what was drawn between then and the end is told as drawn in the absence.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from agent.control.metering import Metering
from agent.facts import AgentStarted, AnyFact, CapChanged
from agent.facts.energy import Absence, RegisterSeen
from agent.fleet.support import counted_wh
from agent.orders.order_book import OrderBook
from agent.values import Moment, Watts

EACH_S, UNDER_ORDER_S = 60.0, 10.0
PATIENCE_S = 120.0
"""So long the meter may take to show its register after the start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Over:
    """Wh above a cap: what was at the least, and what can have been at the most."""

    least_wh: float
    most_wh: float


def over_cap(drawn_wh: float, seconds: float, *, cap_w: Watts, most_w: Watts) -> Over:
    """Bound the Wh above `cap_w` by a register's difference, where nobody can draw more than `most_w`.

    At the least the draw was even; at the most it stood at `most_w` and then at nothing.
    """
    least_wh = max(0.0, drawn_wh - cap_w * seconds / 3600)
    share = max(0.0, 1 - cap_w / most_w) if most_w > 0 else 0.0
    return Over(least_wh=least_wh, most_wh=max(least_wh, drawn_wh * share))


class Away:
    """Tells of one absence, once the register is known or was waited for; and keeps the register for the next.

    While it may be later than is told, nobody knows how long the absence was.
    """

    def __init__(self, metering: Metering, book: OrderBook) -> None:
        self._metering = metering
        self._book = book
        self._since: datetime | None = None
        self._until: Moment | None = None
        self._before: RegisterSeen | None = None
        self._cap_w: Watts | None = None
        self._orders: list[str] = []
        self._kept_at: float | None = None

    def replayed(self, fact: AnyFact) -> None:
        """Take in a fact of the lives before this one."""
        match fact:
            case AgentStarted():  # of an absence that it did not live to tell, it was away since
                self._since = self._since or fact.away_since
            case Absence():
                self._since = None
            case RegisterSeen():
                self._before = fact
            case CapChanged():
                self._cap_w = fact.cap_w
            case _:
                return

    def began(self, last_at: datetime | None, now: Moment) -> None:
        """Note that the agent is back; orders that are open now were open meanwhile."""
        self._since = self._since or last_at
        self._until = now if self._since is not None else None
        self._orders = self._book.open_ids()

    def tick(self, now: Moment) -> list[AnyFact]:
        """Return the absence once it can be told, and the register when it is due."""
        facts: list[AnyFact] = []
        policy, after_wh = self._metering.policy, self._metering.energy_wh
        if self._since is not None and self._until is not None:
            back_s = now.mono - self._until.mono
            waits = policy is not None and after_wh is None and back_s < PATIENCE_S
            if not waits and not now.may_be_later:
                facts.append(self._told(self._since, max(self._since, now.at - timedelta(seconds=back_s)), now))
        if self._since is None and policy is not None and after_wh is not None and self._is_due(now.mono):
            self._kept_at = now.mono
            facts.append(RegisterSeen(at=now.at, meter=policy.id, energy_wh=after_wh))
        return facts

    def last_words(self, now: Moment) -> list[AnyFact]:
        """Return the register as it stands when the agent ends."""
        self._kept_at = None
        return self.tick(now)

    def _is_due(self, mono: float) -> bool:
        each_s = UNDER_ORDER_S if self._book.is_open() else EACH_S
        return self._kept_at is None or mono - self._kept_at >= each_s

    def _told(self, since: datetime, until: datetime, now: Moment) -> Absence:
        policy, before, after_wh = self._metering.policy, self._before, self._metering.energy_wh
        known = policy is not None and before is not None and before.meter == policy.id
        over = None
        if policy is not None and known:
            over = self._over(before, after_wh, at=now.at, most_w=policy.most_w)
        self._since = None
        return Absence(
            at=now.at,
            since=since,
            until=until,
            meter=None if policy is None else policy.id,
            register_since=before.at if known and before is not None else None,
            before_wh=before.energy_wh if known and before is not None else None,
            after_wh=after_wh,
            cap_w=self._cap_w,
            over_least_wh=None if over is None else round(over.least_wh, 1),
            over_most_wh=None if over is None else round(over.most_wh, 1),
            orders=self._orders,
        )

    def _over(self, before: RegisterSeen | None, after_wh: float | None, *, at: datetime, most_w: Watts) -> Over | None:
        """Return what the registers bound; None where one is unknown or was set back, or nothing bound."""
        if before is None or after_wh is None or self._cap_w is None:
            return None
        policy = self._metering.policy
        drawn_wh = counted_wh(before.energy_wh, after_wh, None if policy is None else policy.rolls_over_wh)
        if drawn_wh is None:
            return None
        seconds = max(0.0, (at - before.at).total_seconds())
        return over_cap(drawn_wh, seconds, cap_w=self._cap_w, most_w=most_w)
