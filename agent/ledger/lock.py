"""One agent a store: a lock on a side file, which the kernel lets go when its holder dies."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self


class Locked(Exception):
    """Somebody else holds the store; the message says who."""


class StoreLock:
    """Holds the lock from entry to exit. Raises Locked on entry."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = -1

    def __enter__(self) -> Self:
        """Take the lock and write down who took it."""
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held_by = os.pread(self._file, 4096, 0).decode("utf-8", "replace")
            os.close(self._file)
            raise Locked(f"{self._path} is held by {_holder(held_by)}") from None
        told = {"pid": os.getpid(), "host": socket.gethostname(), "since": datetime.now(UTC).isoformat("T", "seconds")}
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, json.dumps(told).encode(), 0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go."""
        os.close(self._file)


def _holder(told: str) -> str:
    try:
        holder = json.loads(told)
        return f"process {holder['pid']} on {holder['host']}, since {holder['since']}"
    except (ValueError, KeyError, TypeError):
        return "another process"
