"""Stock Antminers as the network sees them: the miner program on port 4028, which only reads, and the web page.

One request a connection, in one segment; NUL ends a reply.
"""

from __future__ import annotations

from collections.abc import Callable

from simulators.antminer_conf import Confs
from simulators.antminer_figures import figures, in_reach
from simulators.antminer_web import AntminerWeb
from simulators.antminer_words import reply
from simulators.machines import Machine
from simulators.physics import Physics

__all__ = ["AntminerFace", "AntminerWeb"]


class AntminerFace:
    """Answers on 4028 for the machines with stock firmware; hand its `confs` to their AntminerWeb."""

    one_at_a_time = True

    def __init__(
        self,
        machines: dict[int, Machine],
        physics: Physics,
        _obeys: Callable[[int], bool],
        _wrote: Callable[[int, str], None],
        confs: Confs | None = None,
    ) -> None:
        self._machines = machines
        self._physics = physics
        self.confs = Confs() if confs is None else confs

    def complete(self, request: bytes) -> bool:
        """Take the first segment for the whole request, as cgminer's single recv does."""
        return bool(request)

    async def answer(self, index: int, request: bytes) -> bytes | None:
        """Return the NUL-terminated reply, None while the machine boots."""
        if not await in_reach(self._physics, index):
            return None
        machine = self._machines[index]
        return reply(machine, figures(machine, self._physics, self.confs.of(machine)), request).encode() + b"\0"
