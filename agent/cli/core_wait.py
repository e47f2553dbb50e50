"""How long processes could run and had no core: whether a host was too busy for what was timed on it to count.

Source: Linux, `/proc/PID/schedstat`: ns on a core, ns runnable and waiting for one, and how often it got one. It tells
of a process's main thread, where its event loop runs; other systems tell nothing.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

TOO_MUCH = 0.25
"""Of the time: on two idle cores agent and farm of 300 machines wait for a few hundredths."""


class CoreWait:
    """What some processes waited for a core since this was made."""

    def __init__(self, pids: Sequence[int], *, proc: Path = Path("/proc")) -> None:
        self._proc = proc
        self._before_s = {pid: self._waited_s(pid) for pid in pids}
        self._began = time.monotonic()

    def _waited_s(self, pid: int) -> float | None:
        try:
            return int((self._proc / str(pid) / "schedstat").read_text(encoding="ascii").split()[1]) / 1e9
        except (OSError, IndexError, ValueError):
            return None

    def share(self) -> float:
        """Return the share of the time, of the process that waited longest; 0 where the host does not tell."""
        lasted_s = max(time.monotonic() - self._began, 1e-9)
        spans = [(since_s, self._waited_s(pid)) for pid, since_s in self._before_s.items()]
        waited_s = [till_s - since_s for since_s, till_s in spans if since_s is not None and till_s is not None]
        return max(waited_s, default=0.0) / lasted_s


def too_busy(share: float) -> str | None:
    """Return what is to be said of a host whose processes waited for such a share of the time, None where it is fit."""
    if share < TOO_MUCH:
        return None
    return f"the host was too busy to judge it: for {share:.0%} of the time agent or farm waited for a core"
