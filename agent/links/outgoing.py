"""A message that must reach the broker, written with the fact that it tells of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One row of the lasting outbox."""

    topic: str
    payload: bytes
    retain: bool
    number: int = 0  # its place in the outbox, once written
