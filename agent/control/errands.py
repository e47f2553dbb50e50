"""What a hand has machines do at once and that is no level: reboot, blink. Nobody is rebooted who sleeps or is locked.

A new start ends the sleep of much firmware: who is lowered by an order, or by the owner, must not be woken by it.
"""

from __future__ import annotations

from collections.abc import Sequence

from agent.control.controller import Limits, Parts
from agent.facts import ErrandSent
from drivers.interface import Command, Locate, Reboot

REBOOT, BLINK, DARK = "reboot", "locate", "unlocate"
COMMANDS: dict[str, Command] = {REBOOT: Reboot(), BLINK: Locate(), DARK: Locate(on=False)}


class Errands:
    """Sends machines on errands, or says why not."""

    def __init__(self, parts: Parts, limits: Limits) -> None:
        self._parts = parts
        self._limits = limits

    def excuses(self, miners: Sequence[str], errand: str) -> dict[str, str]:
        """Return which of these miners would not be told, and why."""
        fresh = self._parts.fleet.fresh(self._parts.clock.now().mono)
        index = self._parts.fleet.index
        found = {miner: self._excuse(index[miner], errand, fresh=bool(fresh[index[miner]])) for miner in miners}
        return {miner: why for miner, why in found.items() if why is not None}

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
        """Write down who is told, then tell them; returns who could not be told after all. What fails is logged."""
        now = self._parts.clock.now()
        await self._parts.journal.record([ErrandSent(at=now.at, miners=list(miners), errand=errand, by=by)])
        index = self._parts.fleet.index
        return [m for m in miners if not self._parts.dispatcher.tell(index[m], COMMANDS[errand])]
