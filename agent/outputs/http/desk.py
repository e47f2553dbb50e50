"""What may be changed over HTTP: the one interface between the server and control."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from agent.facts import AnyFact, OrderMoved, OrderRefused
from agent.facts.energy import DayPlanned, ReadsCorrected
from agent.fleet.seals import Objection
from agent.orders.order import Rejection
from agent.proof.evidence import Kept
from agent.proof.heads import Head
from agent.search import Search
from agent.trusted_time import Standing
from agent.values import Watts


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """What would be done under a cap, from the present state; nothing was done."""

    levels: Mapping[str, str]  # every miner's level
    power_w: Watts  # at the meter, house load included
    hashrate_ths: float
    shortfall_w: Watts


@dataclass(frozen=True, slots=True, kw_only=True)
class Chains:
    """The chains of orders, the key that signs, and the last head of the site's own chain."""

    chains: Sequence[Kept]
    key: str
    site_head: Head | None


class Adoption(Protocol):
    """How new machines are taken in; a dry run only says what is against it."""

    feeder: str
    credentials: str | None
    tags: list[str]
    dry_run: bool


class CannotWrite(Exception):
    """The ledger refused: what was asked is not done, except that what tightens goes on."""


class Desk(Protocol):
    """Where hands and dispatchers put what they want; each call is durable when it returns. Raises CannotWrite."""

    async def receive(self, raw: bytes, *, by: str) -> OrderMoved | OrderRefused | None:
        """Take in an order's document over HTTP; returns its last step or its refusal, None where it was rolled up."""

    async def release(self, order_id: str, *, by: str, second: str | None = None) -> OrderMoved | Rejection:
        """Release an order by hand, a law's by two; returns its last step, or why not."""

    async def answer(self, order_id: str, *, accept: bool, by: str) -> OrderMoved | Rejection:
        """Accept or decline an offer by hand; returns its last step, or why not."""

    async def set_level(self, miners: Sequence[str], level: str, *, by: str) -> None:
        """Set the level that the owner wants of these machines when nothing binds."""

    async def excuses(self, miners: Sequence[str], errand: str) -> Mapping[str, str]:
        """Return which of these machines would not be sent on an errand, and why."""

    async def send(self, miners: Sequence[str], errand: str, *, by: str) -> Sequence[str]:
        """Have these machines reboot or blink; returns who is busy and was not told."""

    async def hold(self, miners: Sequence[str], *, kind: str, by: str, until: datetime | None) -> None:
        """Lock these machines."""

    async def unhold(self, miners: Sequence[str], *, by: str) -> None:
        """Unlock these machines."""

    async def seal(self, miners: Sequence[str], *, number: str, act: str, by: str) -> Objection | None:
        """Seal these machines; returns why nothing was changed."""

    async def unseal(self, miners: Sequence[str], *, by: str, second: str) -> Objection | None:
        """Take the seals off these machines; returns why nothing was changed."""

    def proposals(self) -> Sequence[Mapping[str, object]]:
        """Return each machine that was found, with its `id` and a `note` of what speaks against adopting it."""

    async def adopt(self, miners: Sequence[str], how: Adoption, *, by: str) -> Objection | None:
        """Take these machines into the farm; returns why nothing was changed."""

    async def disown(self, miners: Sequence[str], *, by: str, dry_run: bool) -> Objection | None:
        """Let go of machines that were adopted; returns why nothing was changed."""

    async def clear_safety(self, name: str, *, by: str) -> Objection | None:
        """Clear a safety input that no longer says true; returns why nothing was changed."""

    async def drill_plan(self, feeder: str, percent: float) -> Mapping[str, object]:
        """Return whom a drill would measure; `against` says why it may not be now. Raises ValueError for a feeder."""

    async def begin_drill(self, feeder: str, percent: float, *, by: str) -> Objection | None:
        """Begin a drill of a share of a feeder's machines; returns why nothing was begun. Raises ValueError."""

    async def stop_drill(self, *, by: str) -> bool:
        """End the drill that goes; False where none does."""

    def drill(self) -> Mapping[str, object]:
        """Return the drill that goes or the last that went, None where there was none, and what was ever measured."""

    def clock(self) -> Standing:
        """Return how the host's clock stands to the time that is told."""

    async def trust_clock(self, *, by: str) -> bool:
        """Take the host's clock for right; False where it is not doubted."""

    async def keep(self, plan: DayPlanned) -> None:
        """Remember a plan of a day, to be held against what the day makes."""

    async def correct(self, fact: ReadsCorrected) -> None:
        """Remember what intervals really counted."""

    def plan(self, max_import_w: Watts) -> WhatIf:
        """Return what would be done under this cap at the meter."""

    async def events(self, *, after: int, kinds: Sequence[str], limit: int) -> list[tuple[int, AnyFact]]:
        """Return facts with their numbers after a number, in order."""

    async def find(self, search: Search) -> list[tuple[int, AnyFact]]:
        """Return the facts that are meant, with their numbers."""

    async def evidence(self, *, after: str, limit: int) -> Chains:
        """Return the chains after an order's, by order."""

    async def record(self, order_id: str) -> Sequence[bytes] | str:
        """Return an order's record as the lines of a file that proves itself, or why there is none."""
