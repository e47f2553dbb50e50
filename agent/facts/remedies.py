"""Facts of what was done about trouble: to a machine that was stuck, and to whom an alarm was told."""

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


class NoticeTold(Fact, frozen=True):
    """A webhook took an alarm, or was given up for it: it is not told again after a restart."""

    webhook: str  # its mark: the address may hold a secret
    notice: str  # the alarm's mark
    kind: str
    given_up: bool = False


DeedFact = Remedied | NoticeTold
