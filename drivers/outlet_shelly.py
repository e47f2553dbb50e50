"""A relay of a Shelly: `/relay/N` of the first generation, `Switch.Set` and `Switch.GetStatus` of later ones.

What it is, it says at `/shelly`, without a login (Shelly's own documentation: Common Device Traits, Switch).
"""

from __future__ import annotations

from drivers.errors import Garbled, Refused
from drivers.figures import number
from drivers.interface import Conversation, Login
from drivers.meter_shelly import is_first_generation
from drivers.outlet import OutletReading
from drivers.pages import get_object


class ShellyOutlet:
    """One relay, counted from 1."""

    def __init__(self, output: int = 1, login: Login | None = None) -> None:
        self._at = output - 1
        self._login = login
        self._is_first: bool | None = None  # of the first generation

    def read(self) -> Conversation[OutletReading]:
        """Learn whether it is on. Raises DeviceError."""
        if self._is_first is None:
            self._is_first = is_first_generation((yield from get_object("/shelly", None)))
        path = f"/relay/{self._at}" if self._is_first else f"/rpc/Switch.GetStatus?id={self._at}"
        try:
            told = yield from get_object(path, self._login)
        except Refused:
            self._is_first = None  # another one may stand there by now
            raise
        on = told.get("ison" if self._is_first else "output")
        if not isinstance(on, bool):
            raise Garbled(f"{path.partition('?')[0]} does not say whether it is on")
        return OutletReading(on=on, power_w=number(told.get("apower")))

    def switch(self, *, on: bool) -> Conversation[OutletReading]:
        """Switch it, and read it back. Raises DeviceError."""
        yield from self.read()  # which of both it is, and that it answers
        word = ("off", "on")[on] if self._is_first else ("false", "true")[on]
        way = f"/relay/{self._at}?turn=" if self._is_first else f"/rpc/Switch.Set?id={self._at}&on="
        yield from get_object(way + word, self._login)
        return (yield from self.read())
