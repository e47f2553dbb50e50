"""What outputs may look at: the objects that change and the latest decision, handed in by `app`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from agent.fleet.fleet import Fleet
from agent.fleet.holds import Hold
from agent.fleet.meter_view import MeterView
from agent.fleet.outlets import Outlets
from agent.fleet.power import MeterState
from agent.fleet.safety import Safety
from agent.fleet.seals import Seals
from agent.orders.order_book import OrderBook
from agent.outputs.money_desk import MoneyDesk
from agent.planning.decide import Decision
from agent.values import Moment, Watts


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """One site as it is now. Reading it changes nothing."""

    site: str
    mode: str  # observe | enforce
    fleet: Fleet
    book: OrderBook
    now: Callable[[], Moment]
    decision: Callable[[], Decision | None]  # None before the first tick
    meter: Callable[[], MeterState | None]  # None: no billing meter is configured
    house_w: Callable[[], Watts]
    holds: Callable[[], Mapping[str, Hold]]  # by miner id
    not_ready: Callable[[], tuple[str, ...]]  # why /readyz is 503, in words; empty: ready
    money: MoneyDesk | None = None  # None: nobody counts
    meters: Callable[[], tuple[MeterView, ...]] = tuple  # every one, the billing meter first
    links: Callable[[], Mapping[str, bool]] = field(default=dict)  # by name, whether each is up
    seals: Seals = field(default_factory=Seals)
    capability: Callable[[], Awaitable[Mapping[str, Any]]] | None = None  # None: nobody knows
    safety: Safety = field(default_factory=Safety)
    outlets: Outlets = field(default_factory=Outlets)
    timezone: str = "UTC"  # the site's
    day_terms: Callable[[date], Awaitable[Mapping[str, Any]]] | None = None  # None: nobody knows
