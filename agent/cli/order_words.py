"""Order documents as the shell makes them, and orders as it tells them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.cli.show import figure, plain
from agent.words.limits import limit_words

FINAL = frozenset({"rejected", "superseded", "closed"})


def in_force(order: Mapping[str, Any]) -> bool:
    """Whether an order's life is not over."""
    return order["state"] not in FINAL


def demand(document: Mapping[str, Any]) -> str:
    """Return in a few words what a document asks for."""
    limit = document.get("limit") or {}
    if document.get("status") == "cancelled" and not limit:
        return "cancel"
    if limit.get("stop"):
        return "stop"
    if "max_import_kw" in limit:
        return f"at most {figure(limit['max_import_kw'], 'kW', 1)}"
    return plain(limit_words(limit)) or "nothing"


def next_change(order: Mapping[str, Any]) -> str:
    """Return what happens next to an order, and when."""
    document = order["document"]
    if not in_force(order):
        return "over"
    if order["state"] in {"ended", "cancelled", "restoring"}:
        return "power is coming back"
    if _awaits_release(order) or order["state"] == "received":
        return "waits to be released" if _awaits_release(order) else "an offer: waits for accept or decline"
    if order["state"] == "scheduled":
        return f"starts {plain(order.get('starts_at') or document.get('starts_at'))}"
    if document.get("ends_at"):
        return f"ends {plain(document['ends_at'])}{_then(document)}"
    return "until revoked"


def _awaits_release(order: Mapping[str, Any]) -> bool:
    said = str((order.get("last_ack") or {}).get("reason"))
    return bool(order.get("awaiting_release")) or said.startswith("awaiting_release")


def _then(document: Mapping[str, Any]) -> str:
    """Return who must release it when it ends, ready to be put behind its end."""
    who = document.get("resume") or ("issuer" if document.get("class") == "law" else "auto")
    return "" if who == "auto" else f", then waits for the {plain(who)}"


def cancelling(document: Mapping[str, Any], revision: int) -> dict[str, Any]:
    """Return the document that takes an order back."""
    kept = {key: document[key] for key in ("order_id", "site", "issuer", "class") if document.get(key) is not None}
    return {**kept, "revision": revision, "status": "cancelled"}


def ack_line(ack: Mapping[str, Any]) -> str:
    """Return an ack as one line."""
    said = f"order {plain(ack.get('order_id'))} revision {plain(ack.get('revision'))}: {plain(ack.get('state'))}"
    return f"{said} ({plain(ack['reason'])})" if ack.get("reason") else said
