"""One run of the host, from its boot to its end: which it is, how long it has lasted, whether its clock is set."""

from __future__ import annotations

import ctypes
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
NOT_SYNCHRONISED = 5
"""TIME_ERROR of adjtimex(2): no time service has set the clock since the host began, or a hand did after it."""
ROOM_BYTES = 512
"""More than any kernel's `struct timex`; all zero, it asks and changes nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRun:
    """A run of the host by the id of its boot, `up_s` seconds old, suspended or not; `is_set`: by a time service."""

    boot: str
    up_s: float
    is_set: bool


def host_run() -> HostRun | None:
    """Return this run of the host; None where its system does not tell (Linux does)."""
    boot = _boot()
    if boot is None:
        return None
    return HostRun(boot=boot, up_s=time.clock_gettime(time.CLOCK_BOOTTIME), is_set=_is_set())


@cache
def _boot() -> str | None:
    try:
        return BOOT_ID.read_text("ascii").strip() or None
    except (OSError, ValueError):
        return None


def _is_set() -> bool:
    """Whether a time service keeps the clock; True where the kernel may not be asked."""
    try:
        return int(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(ROOM_BYTES))) != NOT_SYNCHRONISED
    except (OSError, AttributeError):
        return True
