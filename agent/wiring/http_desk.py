"""The desk as the HTTP server sees it: control's own desk, and the ledger's memory of events."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from agent.control.clockwork import Confirming
from agent.control.desk import Desk
from agent.control.journal import Unwritten
from agent.facts import AnyFact, OrderMoved, OrderRefused
from agent.facts.energy import DayPlanned, ReadsCorrected
from agent.fleet.seals import Objection
from agent.inputs.order_document import parse_order
from agent.ledger.attest import Attest
from agent.ledger.ledger import Ledger
from agent.orders.order import Rejection
from agent.orders.order_book import OrderBook
from agent.outputs.http.desk import Adoption, CannotWrite, Chains, WhatIf
from agent.outputs.http.tokens import LOCAL
from agent.outputs.http.turns import taken
from agent.outputs.words import no_record
from agent.search import Search
from agent.trusted_time import Standing
from agent.values import Moment, Watts
from agent.wiring import newcomers
from agent.wiring.drill_json import drill_json, plan_json

LastStep = Callable[[bytes], OrderMoved | None]
"""The last step of the order that a document is of, where it is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """What is remembered and proved."""

    ledger: Ledger
    attest: Attest
    now: Callable[[], Moment]


class HttpDesk:
    """Joins what the rooms must not know of each other."""

    def __init__(
        self,
        desk: Desk,
        recalled: Recalled,
        last_step: LastStep,
        confirming: Confirming,
        new: newcomers.Newcomers,
    ) -> None:
        self._desk = desk
        self._fleet = desk.fleet
        self._newcomers = new
        self._confirming = confirming
        self._ledger = recalled.ledger
        self._attest = recalled.attest
        self._now = recalled.now
        self._last_step = last_step

    async def receive(self, raw: bytes, *, by: str) -> OrderMoved | OrderRefused | None:
        """Take in an order's document; one that is known already is answered with its last step.

        Whoever has the token of the state directory sits at this host's shell.
        """
        facts = await self._desk.take_in(raw, transport="shell" if by == LOCAL else "http", by=by)
        steps = [fact for fact in facts if isinstance(fact, OrderMoved | OrderRefused)]
        return steps[-1] if steps else self._last_step(raw)

    async def release(self, order_id: str, *, by: str, second: str | None = None) -> OrderMoved | Rejection:
        """Release an order by hand."""
        try:
            return await self._desk.release(order_id, by=by, second=second)
        except Unwritten as error:
            raise CannotWrite(str(error)) from error

    async def answer(self, order_id: str, *, accept: bool, by: str) -> OrderMoved | Rejection:
        """Accept or decline an offer by hand."""
        try:
            return await self._desk.answer(order_id, accept=accept, by=by)
        except Unwritten as error:
            raise CannotWrite(str(error)) from error

    async def set_level(self, miners: Sequence[str], level: str, *, by: str) -> None:
        """Set the level that the owner wants of these machines when nothing binds."""
        try:
            await self._desk.set_level(miners, level, by=by)
        except Unwritten as error:
            raise CannotWrite(str(error)) from error

    async def excuses(self, miners: Sequence[str], errand: str) -> Mapping[str, str]:
        """Return which of these machines would not be sent on an errand, and why."""
        return await taken(self._desk.errands.excusing(miners, errand))

    async def send(self, miners: Sequence[str], errand: str, *, by: str) -> Sequence[str]:
        """Have these machines reboot or blink; returns who is busy and was not told."""
        return await self._desk.errands.send(miners, errand, by=by)

    async def hold(self, miners: Sequence[str], *, kind: str, by: str, until: datetime | None) -> None:
        """Lock these machines."""
        try:
            await self._desk.hold(miners, kind=kind, by=by, until=until)
        except Unwritten as error:
            raise CannotWrite(str(error)) from error

    async def unhold(self, miners: Sequence[str], *, by: str) -> None:
        """Unlock these machines."""
        try:
            await self._desk.unhold(miners, by=by)
        except Unwritten as error:
            raise CannotWrite(str(error)) from error

    async def seal(self, miners: Sequence[str], *, number: str, act: str, by: str) -> Objection | None:
        """Seal these machines; returns why nothing was changed."""
        try:
            return await self._desk.sealing.seal(miners, number=number, act=act, by=by)
        except Unwritten as error:
            raise CannotWrite(str(error)) from error

    async def unseal(self, miners: Sequence[str], *, by: str, second: str) -> Objection | None:
        """Take the seals off these machines; returns why nothing was changed."""
        try:
            return await self._desk.sealing.unseal(miners, by=by, second=second)
        except Unwritten as error:
            raise CannotWrite(str(error)) from error

    def proposals(self) -> Sequence[Mapping[str, object]]:
        """Return each machine that was found."""
        return self._newcomers.items()

    async def adopt(self, miners: Sequence[str], how: Adoption, *, by: str) -> Objection | None:
        """Take these machines into the farm."""
        wanted = newcomers.Adoption(by=by, feeder=how.feeder, credentials=how.credentials, tags=tuple(how.tags))
        if how.dry_run:
            return self._newcomers.objection(miners, wanted)
        try:
            return await self._newcomers.adopt(miners, wanted)
        except Unwritten as error:
            raise CannotWrite(str(error)) from error

    async def disown(self, miners: Sequence[str], *, by: str, dry_run: bool) -> Objection | None:
        """Let go of machines that were adopted."""
        try:
            return await self._newcomers.disown(miners, by=by, dry_run=dry_run)
        except Unwritten as error:
            raise CannotWrite(str(error)) from error

    async def clear_safety(self, name: str, *, by: str) -> Objection | None:
        """Clear a safety input that no longer says true; returns why nothing was changed."""
        try:
            return await self._desk.safety.clear(name, by=by)
        except Unwritten as error:
            raise CannotWrite(str(error)) from error

    async def drill_plan(self, feeder: str, percent: float) -> Mapping[str, object]:
        """Return whom a drill would measure."""
        return plan_json(await taken(self._desk.drills.planning(feeder, percent)), self._fleet)

    async def begin_drill(self, feeder: str, percent: float, *, by: str) -> Objection | None:
        """Begin a drill; returns why nothing was begun."""
        plan = await taken(self._desk.drills.planning(feeder, percent))
        try:
            return await self._desk.drills.begin(plan, by=by)
        except Unwritten as error:
            raise CannotWrite(str(error)) from error

    async def stop_drill(self, *, by: str) -> bool:
        """End the drill that goes; False where none does."""
        return await self._desk.drills.stop(by=by)

    def drill(self) -> Mapping[str, object]:
        """Return the drill that goes or went last, and what was ever measured."""
        return drill_json(self._desk.drills, self._fleet)

    def clock(self) -> Standing:
        """Return how the host's clock stands to the time that is told."""
        return self._confirming.standing()

    async def trust_clock(self, *, by: str) -> bool:
        """Take the host's clock for right; False where it is not doubted."""
        try:
            return await self._confirming.trust(by=by)
        except Unwritten as error:
            raise CannotWrite(str(error)) from error

    async def keep(self, plan: DayPlanned) -> None:
        """Remember a plan of a day."""
        try:
            await self._desk.keep(plan)
        except Unwritten as error:
            raise CannotWrite(str(error)) from error

    async def correct(self, fact: ReadsCorrected) -> None:
        """Remember what intervals really counted."""
        try:
            await self._desk.keep(fact)
        except Unwritten as error:
            raise CannotWrite(str(error)) from error

    def plan(self, max_import_w: Watts) -> WhatIf:
        """Return what would be done under this cap at the meter."""
        planned = self._desk.plan(max_import_w)
        return WhatIf(
            levels=planned.levels,
            power_w=planned.power_w,
            hashrate_ths=planned.hashrate_ths,
            shortfall_w=planned.shortfall_w,
        )

    async def events(self, *, after: int, kinds: Sequence[str], limit: int) -> list[tuple[int, AnyFact]]:
        """Return facts with their numbers after a number, in order."""
        return await self._ledger.since(after, kinds=kinds, limit=limit)

    async def find(self, search: Search) -> list[tuple[int, AnyFact]]:
        """Return the facts that are meant, with their numbers."""
        return await self._ledger.find(search)

    async def evidence(self, *, after: str, limit: int) -> Chains:
        """Return the chains after an order's, by order."""
        chains, head = await self._attest.kept(after, limit), await self._attest.last_head()
        return Chains(chains=chains, key=self._attest.public.text, site_head=head)

    async def record(self, order_id: str) -> Sequence[bytes] | str:
        """Return an order's record as the lines of a file that proves itself, or why there is none."""
        lines = await self._attest.export(order_id, self._now().at)
        if lines is not None:
            return lines
        return no_record(order_id, await self._attest.dropped(order_id))


def last_step(book: OrderBook, raw: bytes) -> OrderMoved | None:
    """Return the last step of the order that a document is of, where it is known."""
    parsed = parse_order(raw)
    found = None if isinstance(parsed, Rejection) else book.view(parsed.order_id)
    return None if found is None else found.last_ack
