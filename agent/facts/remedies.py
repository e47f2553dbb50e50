"""Facts of remedies: what was done to a machine that was stuck."""

from __future__ import annotations

from msgspec import field

from agent.facts.fact import Fact


class Remedied(Fact, frozen=True):
    """A stuck machine is to be set going again: written before it is told. `dry`: nothing is sent, it is only said."""

    miner: str
    remedy: str  # restart | reboot | outlet_cycle
    why: str
    dry: bool = False
    outlet: str | None = None  # that is switched off and on
    orders: list[str] = field(default_factory=list)  # whose evidence this belongs to
