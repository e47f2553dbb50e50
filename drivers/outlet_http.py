"""Power strips with pages of their own: Digital Loggers' REST (Pro, EPC7), NETIO's JSON.

Digital Loggers: `PUT /restapi/relay/outlets/=N/state/` with `value=true`, counted from 0, digest login, a header
against forged requests (labgrid's digitalloggers_restapi). NETIO: `POST /netio.json` with an action for an
output, 0 off, 1 on; `GET` of it lists State and Load in W (pdudaemon's netiojson).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from drivers.errors import Garbled, Unsupported
from drivers.figures import number
from drivers.interface import Conversation, Login
from drivers.outlet import OutletReading, PageOutlet
from drivers.pages import ask, get_object
from drivers.tolerant import decode, plain_decoder

_ANY = plain_decoder()


class DliOutlet:
    """One outlet of a Digital Loggers strip, counted from 1."""

    def __init__(self, output: int, login: Login | None) -> None:
        self._path = f"/restapi/relay/outlets/={output - 1}/state/"
        self._login = login

    def read(self) -> Conversation[OutletReading]:
        """Learn whether it is on. Raises DeviceError."""
        reply = yield from ask("GET", self._path, self._login, headers=(("Accept", "application/json"),))
        told = decode(reply.body, _ANY)
        on = told[0] if isinstance(told, list) and len(told) == 1 else told
        if not isinstance(on, bool):
            raise Garbled("it does not say whether the outlet is on", reply.body)
        return OutletReading(on=on)

    def switch(self, *, on: bool) -> Conversation[OutletReading]:
        """Switch it, and read it back. Raises DeviceError."""
        body = b"value=true" if on else b"value=false"
        form = "application/x-www-form-urlencoded"
        yield from ask("PUT", self._path, self._login, body, form, headers=(("X-CSRF", "x"),))
        return (yield from self.read())


class NetioOutlet:
    """One output of a NETIO strip, counted from 1."""

    def __init__(self, output: int, login: Login | None) -> None:
        self._output = output
        self._login = login

    def read(self) -> Conversation[OutletReading]:
        """Learn whether it is on. Raises DeviceError."""
        told = yield from get_object("/netio.json", self._login)
        outputs = told.get("Outputs")
        for one in outputs if isinstance(outputs, list) else ():
            if isinstance(one, dict) and one.get("ID") == self._output:
                if one.get("State") not in {0, 1}:
                    raise Garbled(f"output {self._output}: it does not say whether it is on")
                return OutletReading(on=one["State"] == 1, power_w=number(one.get("Load")))
        raise Unsupported(f"it has no output {self._output}")

    def switch(self, *, on: bool) -> Conversation[OutletReading]:
        """Switch it, and read it back. Raises DeviceError."""
        body = msgspec.json.encode({"Outputs": [{"ID": self._output, "Action": int(on)}]})
        yield from ask("POST", "/netio.json", self._login, body, "application/json")
        return (yield from self.read())


PROFILES: Mapping[str, type[DliOutlet | NetioOutlet]] = MappingProxyType({"dli": DliOutlet, "netio": NetioOutlet})


def http_outlet(profile: str, output: int, login: Login | None) -> PageOutlet:
    """Return what speaks with an outlet by its profile, one of PROFILES."""
    return PROFILES[profile](output, login)
