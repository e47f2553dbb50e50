"""A relay with Tasmota: `PowerN ON|OFF` over HTTP, and `PowerN` alone to read it (its own documentation: Commands).

Of the first relay of several the answer may be named `POWER` or `POWER1`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drivers.errors import Garbled
from drivers.interface import Conversation, Login
from drivers.outlet import OutletReading
from drivers.tasmota import command


class TasmotaOutlet:
    """One relay, counted from 1."""

    def __init__(self, output: int = 1, login: Login | None = None) -> None:
        self._output = output
        self._login = login

    def read(self) -> Conversation[OutletReading]:
        """Learn whether it is on. Raises DeviceError."""
        return self._told((yield from command(f"Power{self._output}", self._login)))

    def switch(self, *, on: bool) -> Conversation[OutletReading]:
        """Switch it, and read it back. Raises DeviceError."""
        yield from command(f"Power{self._output} {'ON' if on else 'OFF'}", self._login)
        return (yield from self.read())

    def _told(self, answer: Mapping[str, Any]) -> OutletReading:
        names = ("POWER", "POWER1") if self._output == 1 else (f"POWER{self._output}",)
        word = next((answer[name] for name in names if name in answer), None)
        if word not in {"ON", "OFF"}:
            raise Garbled(f"Power{self._output}: it does not say whether it is on")
        return OutletReading(on=word == "ON")
