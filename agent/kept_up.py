"""Long-lived tasks that outlive their own mistakes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

RESTART_S = 1.0
log = structlog.get_logger()


async def kept_up(name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Guard a task: one that fails by our own mistake is named with its trace and begun again."""
    while True:
        try:
            await work()
        except Exception:  # the one place: whatever it is, the farm must stay held
            log.exception("a task failed and is begun again", task=name)
        await asyncio.sleep(RESTART_S)
