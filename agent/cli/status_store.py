"""What a store knew last of its site, where no agent runs: the cap, the orders and how they stand. Unknown is null."""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

from agent.cli.failure import NO, Failure
from agent.cli.offline import Remembered
from agent.facts import AgentStarted, CapChanged, MinerSeen, SetpointsChanged
from agent.facts.identity import MinersDisowned, MinersLetGo
from agent.inputs.order_document import parse_known
from agent.orders.life import Unreadable
from agent.orders.order_book import BookPolicy, OrderBook
from agent.orders.trust import TrustPolicy
from agent.outputs.shown import order_json
from agent.state_dir import sites_dir
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
PLANNED = ("at", "running", "mode", "power_w", "cap_w", "binding_order", "excess_w", "shortfall_w", "headroom_w")


def _site(store: Remembered) -> str | None:
    """Return its name, where the configuration says it, or a folder that is called so."""
    if store.config is not None:
        return store.config.schema.site.id
    return store.folder.name if store.folder.parent == sites_dir(os.environ) else None


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
        "site": _site(store),
        "at": None if at is None else rfc3339(at),
        "running": False,
        "mode": mode,
        **dict.fromkeys(UNKNOWN),
        "cap_w": cap_w,
        "binding_order": binding,
        "miners": None,
    }
    return site, [order_json(view) for view in book.views()]


def last_plan(store: Remembered) -> dict[str, Any]:
    """Return what was to be done last, in the form of the API: machines by setpoint, and what bound. Raises Failure.

    A machine that was never told anything hashes in full.
    """
    site, _ = last_known(store)
    setpoints: dict[str, str] = {}
    for fact in store.facts(("SetpointsChanged", "MinerSeen", "MinersLetGo", "MinersDisowned")):
        match fact:
            case SetpointsChanged(levels=told):
                setpoints |= {miner: level for level, ids in told.items() for miner in ids}
            case MinerSeen(miner=miner):
                setpoints.setdefault(miner, "full")
            case MinersLetGo(miners=gone) | MinersDisowned(miners=gone):
                for miner in gone:
                    setpoints.pop(miner, None)
            case _:
                continue
    levels = {
        level: {"intended": None, "setpoint": count, "seen": None}
        for level, count in sorted(Counter(setpoints.values()).items())
    }
    return {**{name: site[name] for name in PLANNED}, "levels": levels, "next": []}
