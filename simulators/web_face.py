"""What the faces with pages have in common: whole requests in, the page of a path out, nobody while a machine boots."""

from __future__ import annotations

import random
from collections.abc import Callable
from http import HTTPStatus

import numpy as np

from simulators.antminer_figures import in_reach
from simulators.machines import Machine
from simulators.physics import Level, Physics
from simulators.web import BadRequest, Request, parse_request, response

Page = Callable[[Machine, Request], bytes]


class WebFace:
    """Answers the pages in `pages`, by method and path; a face adds its own."""

    one_at_a_time = False

    def __init__(
        self,
        machines: dict[int, Machine],
        physics: Physics,
        obeys: Callable[[int], bool],
        wrote: Callable[[int, str], None],
    ) -> None:
        self.physics = physics
        self.pages: dict[tuple[str, str], Page] = {}
        self._machines = machines
        self._obeys = obeys
        self._wrote = wrote
        self._orders = 0

    def complete(self, request: bytes) -> bool:
        """Whether the bytes are a whole request, or cannot become one."""
        try:
            return not request[:1].isalpha() or parse_request(request) is not None
        except BadRequest:
            return True

    async def answer(self, index: int, request: bytes) -> bytes | None:
        """Return the response, None while the machine boots."""
        if not await in_reach(self.physics, index):
            return None
        try:
            parsed = parse_request(request)
        except BadRequest as error:
            return response(HTTPStatus.BAD_REQUEST, str(error))
        if parsed is None:
            return response(HTTPStatus.BAD_REQUEST, "that is no HTTP")
        machine = self._machines[index]
        page = self.pages.get((parsed.method, parsed.path))
        return self.missing() if page is None else page(machine, parsed)

    def missing(self) -> bytes:
        """Return what is said to a path that it does not have."""
        return response(HTTPStatus.NOT_FOUND)

    def told(self, machine: Machine, command: str) -> bool:
        """Note a command; returns whether the machine obeys it."""
        self._wrote(machine.index, command)
        return self._obeys(machine.index)

    def order(self, machine: Machine, level: Level, within_s: tuple[float, float] = (1, 4)) -> None:
        """Let a machine change to a level after a while, in its own seconds."""
        self._orders += 1
        chance = random.Random(f"{machine.serial}/{self._orders}")  # noqa: S311 - delays that repeat
        self.physics.order_level(machine.index, level, chance.uniform(*within_s) * self.physics.delay_scale)

    def restart(self, machine: Machine) -> None:
        """Restart a machine's control board."""
        chosen = np.zeros(self.physics.count, np.bool_)
        chosen[machine.index] = True
        self.physics.reboot(chosen)
