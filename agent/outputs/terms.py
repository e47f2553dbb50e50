"""What energy costs and hashing earns, as everything about money is handed it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from agent.planning.economics import Earning
from agent.planning.hashprice import Revenue
from agent.tariffs.auction import Auction
from agent.tariffs.dues import Due
from agent.tariffs.metering import AS_COUNTED, Metering
from agent.tariffs.stops import Stop
from agent.tariffs.tariff import Tariff


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What energy costs and hashing earns, from the configuration; None where nobody says."""

    currency: str  # the site's
    zone: tzinfo
    tariff: Tariff | None = None
    revenue: Revenue | None = None
    metering: Metering = AS_COUNTED
    doubts: tuple[str, ...] = ()  # what could not be honoured, in words
    dues: Mapping[str, Due] = field(default_factory=dict)  # by component, when a levy is to be paid
    stops: tuple[Stop, ...] = ()  # that the jurisdiction is known for: facts, which bind nobody

    auction: Auction | None = None  # at which energy is bought

    def earning_at(self, at: datetime) -> Earning | None:
        """Return what hashing earns at an instant; None where no price of hashrate is known."""
        return None if self.revenue is None else self.revenue.earning(at, self.currency, self.zone)
