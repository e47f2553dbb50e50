"""A programme's call proved by an order's evidence: the exported file is verified, and says baseline and times.

What does not hold, is not settled, or is of another order or time is a mistake of the tariff, and bills nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from agent.facts import AnyFact, OrderMoved
from agent.facts.orders import BaselineTold, OrderSettled
from agent.orders.lifecycle import OrderEvent, OrderState
from agent.proof.evidence import BrokenAt, check, links_of
from agent.proof.signature import PublicKey

METHODS = ("before_after", "ten_of_ten", "same_day")
GRID = timedelta(hours=1)
"""A programme's times stand on the hours of its market: an order may begin within one, and end within one."""
PROVING = ("evidence", "method", "key")
LATER = "its baselines rest on the hours after it too, so export it again when they are over"
OVER = frozenset(state.value for state in (OrderState.ENDED, OrderState.CANCELLED, OrderState.SUPERSEDED))


class Unproved(Exception):
    """Why a file proves no call: in which key of it, and what."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(reason)
        self.key = key


class _Link(msgspec.Struct):
    fact: AnyFact


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What an order's evidence proves of a call."""

    order_id: str
    began_at: datetime
    ended_at: datetime
    baseline: BaselineTold


_decoder = msgspec.json.Decoder(_Link)


def proved(event: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return an event's table with what its `evidence` says in its place. Raises Unproved."""
    if not isinstance(event.get("evidence"), str):
        return event
    if "baseline_kw" in event:
        raise Unproved("baseline_kw", "is what the evidence says: leave it out")
    name, method = event["evidence"], event.get("method", METHODS[0])
    if method not in METHODS:
        raise Unproved("method", f"must be one of {', '.join(METHODS)}")
    found = proof(_read(folder / name, name), name, method, _keys(event.get("key")))
    if event.get("order", found.order_id) != found.order_id:
        raise Unproved("order", f"{name} is the evidence of {found.order_id}")
    told = {key: value for key, value in event.items() if key not in PROVING}
    told |= {"order": found.order_id, "proof": f"{method} of {name}" + ("" if "key" in event else ", no key given")}
    told.setdefault("from", found.began_at)
    told.setdefault("until", found.ended_at)
    _within(told["from"], told["until"], found)
    return {**told, "baseline_kw": Decimal(str(round((found.baseline.mean_w or 0.0) / 1000, 6)))}


def proof(raw: bytes, name: str, method: str, keys: Sequence[PublicKey]) -> Proof:
    """Return what a file proves by one rule of baselines. Raises Unproved."""
    try:
        proven = check(raw, keys)
    except BrokenAt as error:
        raise Unproved("evidence", f"{name}: line {error.line} does not hold: {error}") from None
    facts = [_decoder.decode(line).fact for line in links_of(raw)]
    began = next((f.at for f in facts if isinstance(f, OrderMoved) and f.event == OrderEvent.START), None)
    ended = next((f.at for f in reversed(facts) if isinstance(f, OrderMoved) and f.state in OVER), None)
    settled = next((f for f in reversed(facts) if isinstance(f, OrderSettled)), None)
    if began is None or ended is None or settled is None:
        raise Unproved("evidence", f"{name}: order {proven.order_id} is not over and settled in it")
    if not settled.last:
        raise Unproved("evidence", f"{name}: order {proven.order_id} is not settled for the last time in it: {LATER}")
    baseline = next((one for one in settled.baselines if one.method == method), None)
    if baseline is None or baseline.mean_w is None:
        why = "it has none" if baseline is None else baseline.why
        raise Unproved("method", f"{name} has no baseline by {method}: {why}")
    return Proof(order_id=proven.order_id, began_at=began, ended_at=ended, baseline=baseline)


def _within(start: object, end: object, found: Proof) -> None:
    if not (isinstance(start, datetime) and isinstance(end, datetime)):
        return  # what is wrong with them is said where all fields are read
    if start.tzinfo is None or end.tzinfo is None or found.began_at - GRID <= start < end <= found.ended_at + GRID:
        return
    span = f"{found.began_at:%Y-%m-%dT%H:%M:%SZ} to {found.ended_at:%Y-%m-%dT%H:%M:%SZ}"
    raise Unproved("from", f"order {found.order_id} was in force from {span}, and not then")


def _read(path: Path, name: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unproved("evidence", f"{name} cannot be read: {error.strerror}") from None


def _keys(told: object) -> list[PublicKey]:
    if told is None:
        return []
    try:
        return [PublicKey.read(str(told))]
    except ValueError as error:
        raise Unproved("key", f"is no key of a site: {error}") from None
