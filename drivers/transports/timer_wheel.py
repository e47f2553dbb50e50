"""Deadlines by the thousand: a ring of slots, each a tenth of a second wide. A dead machine costs a list entry.

Entries are never taken out: what was finished before its time is skipped when its slot comes round.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

SLOTS = 64
WIDTH_S = 0.1


class Timed(Protocol):
    """Something with a deadline; `rounds` is the wheel's own count of turns still to wait."""

    finished: bool
    rounds: int

    def expired(self) -> None:
        """Take note that the time is up."""


class TimerWheel:
    """Tells each entry that is not finished when its time has come, up to a slot's width late."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._slots: list[list[Timed]] = [[] for _ in range(SLOTS)]
        self._at = 0
        self._turned_at = 0.0
        self._waiting = 0
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def add(self, entry: Timed, seconds: float) -> None:
        """Tell `entry` after `seconds`."""
        if self._closed:
            return
        if self._timer is None:
            self._turned_at = self._loop.time()
            self._timer = self._loop.call_at(self._turned_at + WIDTH_S, self._turn)
        ahead = 1 + int((self._loop.time() - self._turned_at + seconds) / WIDTH_S)
        entry.rounds = (ahead - 1) // SLOTS
        self._slots[(self._at + ahead) % SLOTS].append(entry)
        self._waiting += 1

    def close(self) -> None:
        """Stop turning; nothing expires any more."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _turn(self) -> None:
        """Advance to the present, slot by slot, and rest while nothing waits."""
        now = self._loop.time()
        while self._turned_at + WIDTH_S <= now:
            self._turned_at += WIDTH_S
            self._at = (self._at + 1) % SLOTS
            self._empty(self._at)
        self._timer = self._loop.call_at(self._turned_at + WIDTH_S, self._turn) if self._waiting else None

    def _empty(self, slot: int) -> None:
        due, self._slots[slot] = self._slots[slot], []
        for entry in due:
            if entry.finished:
                self._waiting -= 1
            elif entry.rounds > 0:
                entry.rounds -= 1
                self._slots[slot].append(entry)
            else:
                self._waiting -= 1
                self._loop.call_soon(self._expire, entry)

    def _expire(self, entry: Timed) -> None:
        """Tell one entry, in a callback of its own: what it does by mistake stops no other's deadline."""
        if not entry.finished and not self._closed:
            entry.expired()
