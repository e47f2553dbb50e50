"""Which facts are worth waking somebody for, and what is said of them. Pure."""

from __future__ import annotations

from typing import Any

from agent.facts import AnyFact, OrderMoved, OrderRefused, SealBroken, SendingPaused, ShortfallChanged, UnauthorisedWake
from agent.facts.climate import HeatSeen
from agent.facts.clock import ClockStepped
from agent.facts.energy import MeterLost
from agent.facts.orders import IssuerSilent, OrderVanished
from agent.facts.safety import SafetyTripped
from agent.orders.lifecycle import OrderEvent
from agent.outputs.words import sentence
from agent.values import rfc3339

ALWAYS: dict[type[Any], str] = {
    UnauthorisedWake: "unauthorised_wake",
    SealBroken: "seal_broken",
    SafetyTripped: "safety",
    IssuerSilent: "issuer_silent",
    OrderVanished: "order_vanished",
    MeterLost: "meter_lost",
    ClockStepped: "clock_stepped",
    SendingPaused: "ledger_not_written",
}
GRAVE = frozenset({"bad_signature", "replayed", "revision_conflict"})
"""Refusals that are worth a look, whoever they came from."""


def alarm(fact: AnyFact) -> str | None:
    """Return the kind of alarm that a fact is, None where it is none."""
    match fact:
        case OrderMoved(event=OrderEvent.BREACH.value):
            return None if "test: " in (fact.reason or "") else "order_violated"
        case OrderRefused(code=code) if code in GRAVE:
            return "order_refused"
        case ShortfallChanged(shortfall_w=shortfall_w) if shortfall_w > 0:
            return "shortfall"
        case HeatSeen(hot=hot) if hot:
            return "machines_hot"
        case _:
            return ALWAYS.get(type(fact))


def notice(fact: AnyFact, kind: str, site: str) -> dict[str, Any]:
    """Return what is sent of an alarm."""
    return {
        "site": site,
        "kind": kind,
        "at": rfc3339(fact.at),
        "text": sentence(fact),
        "order_id": getattr(fact, "order_id", None) or getattr(fact, "binding_order", None),
    }
