"""What takes a conversation longer to compute than the loop may stand still, on a thread of its own.

One piece at a time, and the next begins on the loop: a thread that is never out of work would take the interpreter's
lock from the loop at each of its system calls.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from drivers.interface import Work

Answered = Callable[[str | Exception], None]


class Workshop:
    """Does Works in their order; each is answered exactly once on the loop, unless the workshop is closed before."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: deque[tuple[Work, Answered]] = deque()
        self._hand: ThreadPoolExecutor | None = None
        self._under_way: asyncio.Future[str] | None = None
        self._closed = False

    def do(self, work: Work, answered: Answered) -> None:
        """Begin a piece of work, or when those before it are done; answers what it returns or raises."""
        self._waiting.append((work, answered))
        self._next()

    def close(self) -> None:
        """Begin nothing any more and answer nobody; waits for the piece under way, which takes milliseconds."""
        self._closed = True
        self._waiting.clear()
        if self._hand is not None:
            self._hand.shutdown()

    def _next(self) -> None:
        if self._closed or self._under_way is not None or not self._waiting:
            return
        self._hand = self._hand or ThreadPoolExecutor(1, "hashwatt-work")
        work, answered = self._waiting.popleft()
        self._under_way = self._loop.run_in_executor(self._hand, work.run)
        self._under_way.add_done_callback(lambda future: self._done(future, answered))

    def _done(self, future: asyncio.Future[str], answered: Answered) -> None:
        self._under_way = None
        if self._closed or future.cancelled():
            return
        error = future.exception()
        answered(future.result() if error is None else _plain(error))
        self._next()


def _plain(error: BaseException) -> Exception:
    return error if isinstance(error, Exception) else RuntimeError(f"the work was broken off: {error!r}")
