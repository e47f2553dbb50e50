"""Firmware that answers as stock Antminers do, under another name: Hiveon, MSKMiner, VNish before its web API.

Written from replies that owners of such machines have published: the header of `stats` and `version` differs, no more.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from simulators.face_antminer import AntminerFace
from simulators.machines import Machine
from simulators.physics import Physics

_PROGRAM = re.compile(rb'"BMMiner":"[^"]*"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """What a firmware calls itself: behind the model, as its program's version, and whether it names the model too."""

    suffix: str
    program: str = "2.0.0"
    names_model: bool = False


HIVEON = Name(suffix=" Hiveon", program="2.0.0 rwglr")
MSKMINER = Name(suffix=" v.2.6.0.39 ", program="4.11.1 rwglr")
VNISH = Name(suffix=" (vnish 3.8.6)")


class CloneFace(AntminerFace):
    """Answers on 4028 for the machines with one such firmware."""

    def __init__(
        self,
        name: Name,
        machines: dict[int, Machine],
        physics: Physics,
        obeys: Callable[[int], bool],
        wrote: Callable[[int, str], None],
    ) -> None:
        super().__init__(machines, physics, obeys, wrote)
        self._name = name
        self._models = {at: machine.model for at, machine in machines.items()}

    async def answer(self, index: int, request: bytes) -> bytes | None:
        """Return stock's reply with the firmware's own name."""
        reply = await super().answer(index, request)
        if reply is None:
            return None
        model = f'"Type":"{self._models[index]}'
        also = f',"Model":"{self._models[index]}"' if self._name.names_model else ""
        named = reply.replace(f'{model}"'.encode(), f'{model}{self._name.suffix}"{also}'.encode())
        return _PROGRAM.sub(f'"BMMiner":"{self._name.program}"'.encode(), named)
