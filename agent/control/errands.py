"""What a hand has machines do at once and that is no level: reboot, blink. Nobody is rebooted who sleeps or is locked.

A new start ends the sleep of much firmware: who is lowered by an order, or by the owner, must not be woken by it. Many
are told in turns, in the background, and each is looked at again before it is told.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

import structlog

from agent.control.parts import Limits, Parts
from agent.facts import ErrandSent
from agent.fleet.selector import Turns
from agent.fleet.view import Flags
from drivers.interface import Command, Locate, Reboot

TURN = 200
"""Machines looked at in one turn: a millisecond."""
AT_ONCE, SLICE = 200, 8
"""So many are told before the hand has its answer, and so many before the loop may turn; of more, one slice a pause."""
PAUSE_S = 0.02
TRIES = 500
"""So often one that is busy is tried again."""
REBOOT, BLINK, DARK = "reboot", "locate", "unlocate"
COMMANDS: dict[str, Command] = {REBOOT: Reboot(), BLINK: Locate(), DARK: Locate(on=False)}
log = structlog.get_logger()


class Errands:
    """Sends machines on errands, or says why not."""

    def __init__(self, parts: Parts, limits: Limits) -> None:
        self._parts = parts
        self._limits = limits
        self._waiting: deque[tuple[str, str, int]] = deque()  # miner, errand, and how often it was busy
        self._come = asyncio.Event()

    def excusing(self, miners: Sequence[str], errand: str) -> Turns[dict[str, str]]:
        """Find which of these miners would not be told, and why."""
        found: dict[str, str] = {}
        for start in range(0, len(miners), TURN):
            fresh = self._fresh()
            for miner in miners[start : start + TURN]:
                if (why := self._why_not(miner, errand, fresh)) is not None:
                    found[miner] = why
            yield
        return found

    def _fresh(self) -> Flags:
        return self._parts.fleet.fresh(self._parts.clock.now().mono)

    def _why_not(self, miner: str, errand: str, fresh: Flags) -> str | None:
        row = self._parts.fleet.index[miner]
        return self._excuse(row, errand, fresh=bool(fresh[row]))

    def _excuse(self, row: int, errand: str, *, fresh: bool) -> str | None:
        fleet = self._parts.fleet
        identity = fleet.identities[row]
        reboots = errand == REBOOT
        reasons = {
            "observe: nothing is sent": not self._limits.enforce,
            "is out of reach": identity is None or not fresh,
            f"cannot {errand}": identity is None or (REBOOT if reboots else BLINK) not in identity.abilities.names(),
            "is held": reboots and bool(fleet.held[row]),
            "is sealed": reboots and bool(fleet.sealed[row]),
            "is lowered, and might wake by it": reboots and bool(fleet.setpoint[row] > 0 or fleet.seen[row] > 0),
        }
        return next((reason for reason, holds in reasons.items() if holds), None)

    async def send(self, miners: Sequence[str], errand: str, *, by: str) -> list[str]:
        """Write down who is told, then tell them; returns who could not be told after all. What fails is logged.

        Of many the first are told before it returns, the others by `run`.
        """
        now = self._parts.clock.now()
        await self._parts.journal.record([ErrandSent(at=now.at, miners=list(miners), errand=errand, by=by)])
        index, busy, fresh = self._parts.fleet.index, list[str](), self._fresh()
        for place, miner in enumerate(miners[:AT_ONCE], 1):
            if self._why_not(miner, errand, fresh) is not None or not self._parts.dispatcher.tell(
                index[miner], COMMANDS[errand]
            ):
                busy.append(miner)
            if place % SLICE == 0:
                await asyncio.sleep(0)
        for start in range(AT_ONCE, len(miners), TURN):
            self._waiting.extend((miner, errand, 0) for miner in miners[start : start + TURN])
            await asyncio.sleep(0)
        if self._waiting:
            self._come.set()
        return busy

    async def run(self) -> None:
        """Tell those who wait, for ever: a slice, a pause."""
        while True:
            await self._come.wait()
            self._come.clear()
            while self._waiting:
                self.tell_some()
                await self._parts.clock.sleep(PAUSE_S)

    def tell_some(self) -> None:
        """Tell the first few of those who wait, whom nothing speaks against by now; who is busy waits on."""
        fresh, index = self._fresh(), self._parts.fleet.index
        for _ in range(min(SLICE, len(self._waiting))):
            miner, errand, tries = self._waiting.popleft()
            why = self._why_not(miner, errand, fresh)
            if why is None and not self._parts.dispatcher.tell(index[miner], COMMANDS[errand]):
                if tries < TRIES:
                    self._waiting.append((miner, errand, tries + 1))
                    continue
                why = "is busy"
            if why is not None:
                log.warning("not told", miner_id=miner, errand=errand, reason=why)
