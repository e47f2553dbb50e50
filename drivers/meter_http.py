"""A meter that somebody put behind a page of his own: the same document that a meter sends over MQTT.

`{"power_w", "energy_wh"?, "export_wh"?, "kvar"?}`: W imported, Wh of its registers.
"""

from __future__ import annotations

from drivers.figures import number
from drivers.interface import Conversation, Login
from drivers.meter import MeterReading, plausible
from drivers.pages import get_object


class HttpMeter:
    """One meter behind a page."""

    def __init__(self, path: str = "/", login: Login | None = None) -> None:
        self._path = path
        self._login = login

    def read(self) -> Conversation[MeterReading]:
        """Learn what it measures now. Raises DeviceError; Garbled where the page says no power."""
        told = yield from get_object(self._path, self._login)
        kvar = number(told.get("kvar"))
        reading = MeterReading(
            power_w=0.0,
            energy_wh=number(told.get("energy_wh")),
            export_wh=number(told.get("export_wh")),
            reactive_var=None if kvar is None else kvar * 1000,
        )
        return plausible(number(told.get("power_w")), reading)
