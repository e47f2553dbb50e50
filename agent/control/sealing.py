"""Seals as control keeps them: put on, taken off by two persons, and watched. What draws behind one is an alarm.

Each change takes the controller's turn and is written down for every open order. A seal is put on even where the disk
refuses: it tightens. Taking one off loosens, and is done only once it is written.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from agent.control.controller import Controller
from agent.control.journal import Unwritten
from agent.facts import AnyFact, SealLifted, SealPlaced
from agent.fleet.seals import Objection, Seal, against_lifting, against_sealing

log = structlog.get_logger()
UNWRITTEN = "the ledger cannot be written: is its disk full?"


class Sealing:
    """Puts seals on machines and takes them off."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._parts = controller.parts

    async def seal(self, miners: Sequence[str], *, number: str, act: str, by: str) -> Objection | None:
        """Seal these machines; returns why not, where nothing was changed. Raises Unwritten."""
        seals = self._parts.seals
        async with self._controller.turn:
            objection = against_sealing(seals.by_miner(), miners, number=number, act=act)
            if objection is not None:
                return objection
            now, orders = self._parts.clock.now(), self._parts.book.open_ids()
            bare = [miner for miner in miners if miner not in seals.by_miner()]
            if not bare:
                return None
            seals.place(bare, Seal(number=number, act=act, by=by, since=now.at))
            self._show()
            await self._write(SealPlaced(at=now.at, miners=bare, number=number, act=act, by=by, orders=orders))
        log.info("sealed", number=number, act=act, miners=len(bare), by=by)
        self._controller.wake()
        return None

    async def unseal(self, miners: Sequence[str], *, by: str, second: str) -> Objection | None:
        """Take the seals off these machines; returns why not, where nothing was changed. Raises Unwritten."""
        seals = self._parts.seals
        async with self._controller.turn:
            objection = against_lifting(seals.by_miner(), miners, by, second)
            if objection is not None:
                return objection
            now, orders, numbers = self._parts.clock.now(), self._parts.book.open_ids(), seals.numbers(miners)
            fact = SealLifted(at=now.at, miners=list(miners), numbers=numbers, by=by, second=second, orders=orders)
            if not await self._parts.journal.attempt([fact]):
                raise Unwritten(UNWRITTEN)
            seals.lift(miners)
            self._show()
        log.info("unsealed", numbers=numbers, miners=len(miners), by=by, second=second)
        self._controller.wake()
        return None

    def _show(self) -> None:
        self._parts.fleet.seal(self._parts.seals.by_miner(), self._parts.seals.broken)

    async def _write(self, fact: AnyFact) -> None:
        if not await self._parts.journal.record([fact]):
            raise Unwritten(UNWRITTEN)
