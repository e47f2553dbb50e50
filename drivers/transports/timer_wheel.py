"""Deadlines by the thousand: a ring of slots, each a tenth of a second wide. A dead machine costs a list entry.

Entries are never taken out: what was finished before its time is skipped when its slot comes round.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Protocol

SLOTS = 64
WIDTH_S = 0.1
BATCH_S = 0.002


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
        self._due: deque[Timed] = deque()
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
        entries, self._slots[slot] = self._slots[slot], []
        idle = not self._due
        for entry in entries:
            if entry.finished:
                self._waiting -= 1
            elif entry.rounds > 0:
                entry.rounds -= 1
                self._slots[slot].append(entry)
            else:
                self._waiting -= 1
                self._due.append(entry)
        if idle and self._due:
            self._loop.call_soon(self._expire)

    def _expire(self) -> None:
        """Tell whose time has come until this turn's time is up; what one does by mistake stops no other's deadline."""
        stop_at = time.monotonic() + BATCH_S
        try:
            while self._due and not self._closed and time.monotonic() < stop_at:
                entry = self._due.popleft()
                if not entry.finished:
                    entry.expired()
        finally:
            if self._due and not self._closed:
                self._loop.call_soon(self._expire)
