"""What a store knew last of its site, where no agent runs: the cap, the orders and how they stand. Unknown is null."""

from __future__ import annotations

from typing import Any

from agent.cli.failure import NO, Failure
from agent.cli.offline import Remembered
from agent.facts import AgentStarted, CapChanged
from agent.inputs.order_document import parse_known
from agent.orders.life import Unreadable
from agent.orders.order_book import BookPolicy, OrderBook
from agent.orders.trust import TrustPolicy
from agent.outputs.shown import order_json
from agent.values import rfc3339

KINDS = (
    "AgentStarted",
    "AgentStopped",
    "CapChanged",
    "OrderReceived",
    "OrderMoved",
    "OrderRefused",
    "OrderHouseLowered",
    "EnergyInterval",
)
UNKNOWN = ("power_w", "power_source", "house_w", "excess_w", "shortfall_w", "reserve_w", "headroom_w", "hashrate_ths")


def last_known(store: Remembered) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the site in the form of the API, and its orders. Raises Failure."""
    book = OrderBook(BookPolicy(trust=TrustPolicy(site="", issuers={})), parse_known)
    mode = at = cap_w = binding = None
    try:
        for fact in store.facts(KINDS):
            at = fact.at
            match fact:
                case AgentStarted():
                    mode = fact.mode
                case CapChanged():
                    cap_w, binding = fact.cap_w, fact.binding_order
                case _:
                    book.apply(fact)
    except Unreadable as error:
        raise Failure(NO, f"an order of the store cannot be read: {error}") from None
    site = {
        "site": store.folder.name if store.config is None else store.config.schema.site.id,
        "at": None if at is None else rfc3339(at),
        "running": False,
        "mode": mode,
        **dict.fromkeys(UNKNOWN),
        "cap_w": cap_w,
        "binding_order": binding,
        "miners": None,
    }
    return site, [order_json(view) for view in book.views()]
