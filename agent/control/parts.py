"""What a controller is built of, and what it keeps to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from agent.clock import Clock
from agent.control.climate_watch import ClimatePolicy
from agent.control.dispatcher import Dispatcher
from agent.control.journal import Journal
from agent.control.metering import Metering
from agent.fleet.fleet import Fleet
from agent.fleet.holds import Holds
from agent.fleet.outlets import Outlets
from agent.fleet.own_figures import OwnFigures
from agent.fleet.remedies import RemedyPolicy
from agent.fleet.safety import Safety
from agent.fleet.seals import Seals
from agent.orders.order_book import OrderBook
from agent.planning.ladder import build_ladder
from agent.planning.situation import Policy
from agent.planning.tree import Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What control keeps to, from the configuration."""

    policy: Policy
    tree: Tree
    enforce: bool
    climate: ClimatePolicy = field(default_factory=ClimatePolicy)
    remedies: RemedyPolicy = field(default_factory=RemedyPolicy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a controller is built of."""

    fleet: Fleet
    book: OrderBook
    journal: Journal
    dispatcher: Dispatcher
    metering: Metering
    holds: Holds
    seals: Seals
    clock: Clock
    proved: Callable[[], bool]  # two poll rounds are over, or everybody was heard
    safety: Safety = field(default_factory=Safety)
    outlets: Outlets = field(default_factory=Outlets)
    own_figures: OwnFigures = field(default_factory=lambda: OwnFigures(build_ladder))
