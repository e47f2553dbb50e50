"""The farm's meter behind pages, as several makes tell the same figures: a Shelly of either age, Tasmota, a page.

A silent meter does not answer. Where users are given, a Shelly wants a login (the first generation basic, later ones
digest with SHA-256), and Tasmota wants it in the query.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from simulators.meter_modbus import GRID_HZ, GRID_V, Figures, Says
from simulators.web import BadRequest, Digest, Request, json_response, parse_request, response

MAC = "A8032ABE54DC"
PHASES = ("a", "b", "c")
MAKES = ("http", "shelly-1", "shelly-2", "tasmota")
Page = Callable[[Figures, Request], dict[str, Any]]


class MeterPages:
    """Answers as one of the makes."""

    one_at_a_time = False

    def __init__(self, says: Says, make: str, users: Mapping[str, str] | None = None) -> None:
        self._says = says
        self._users = users or {}
        self._make = make
        self._digest = Digest(f"shellypro3em-{MAC.lower()}", self._users, algorithm="SHA-256")
        pages: dict[str, dict[str, Page]] = {
            "http": {"/meter": _plain},
            "shelly-1": {"/shelly": self._first_name, "/status": _first_status},
            "shelly-2": {"/shelly": self._later_name, "/rpc/Shelly.GetStatus": _later_status},
            "tasmota": {"/cm": self._tasmota},
        }
        self._pages = pages[make]

    def complete(self, request: bytes) -> bool:
        """Whether the bytes are a whole request, or cannot become one."""
        try:
            return parse_request(request) is not None
        except BadRequest:
            return True

    async def answer(self, _index: int, request: bytes) -> bytes | None:
        """Return the whole response, None while the meter is silent."""
        try:
            parsed = parse_request(request)
        except BadRequest as error:
            return response(HTTPStatus.BAD_REQUEST, str(error))
        if parsed is None:
            return response(HTTPStatus.BAD_REQUEST)
        told = self._says()
        if told is None:
            return None
        if not self.has(parsed):
            return response(HTTPStatus.NOT_FOUND)
        return self._refusal(parsed) or json_response(self._pages[parsed.path](told, parsed))

    def has(self, request: Request) -> bool:
        """Whether it has a page for a request."""
        return request.method == "GET" and request.path in self._pages

    def _refusal(self, request: Request) -> bytes | None:
        if not self._users or request.path == "/shelly" or self._make == "tasmota":
            return None
        if self._make == "shelly-2":
            return None if self._digest.admits(request) else self._digest.refusal(request)
        known = {base64.b64encode(f"{user}:{word}".encode()).decode() for user, word in self._users.items()}
        if request.headers.get("authorization", "").removeprefix("Basic ") in known:
            return None
        return response(HTTPStatus.UNAUTHORIZED, headers={"WWW-Authenticate": 'Basic realm="shelly"'})

    def _first_name(self, _told: Figures, _request: Request) -> dict[str, Any]:
        return {"type": "SHEM-3", "mac": MAC, "auth": bool(self._users), "fw": "20230913-114244", "num_emeters": 3}

    def _later_name(self, _told: Figures, _request: Request) -> dict[str, Any]:
        return {
            "id": f"shellypro3em-{MAC.lower()}",
            "mac": MAC,
            "model": "SPEM-003CEBEU",
            "gen": 2,
            "ver": "1.4.4",
            "app": "Pro3EM",
            "auth_en": bool(self._users),
            "profile": "triphase",
        }

    def _tasmota(self, told: Figures, request: Request) -> dict[str, Any]:
        asked = request.query
        if self._users and (asked.get("user"), asked.get("password")) not in self._users.items():
            return {"WARNING": "Need user=<username>&password=<password>"}
        if asked.get("cmnd", "").lower() not in {"status 8", "status 10"}:
            return {"Command": "Unknown"}
        third_w = told.power_w / 3
        energy = {
            "TotalStartTime": "2026-01-01T00:00:00",
            "Total": told.energy_wh / 1000,
            "Power": [third_w] * 3,
            "ApparentPower": [abs(third_w)] * 3,
            "ReactivePower": [0.0] * 3,
            "Factor": [1.0] * 3,
            "Frequency": GRID_HZ,
            "Voltage": [GRID_V] * 3,
            "Current": [abs(third_w) / GRID_V] * 3,
        }
        return {"StatusSNS": {"Time": "2026-01-01T00:00:00", "ENERGY": energy}}


def _plain(told: Figures, _request: Request) -> dict[str, Any]:
    return {"power_w": told.power_w, "energy_wh": told.energy_wh}


def _first_status(told: Figures, _request: Request) -> dict[str, Any]:
    third_w = told.power_w / 3
    phase = {
        "power": third_w,
        "pf": 1.0,
        "current": abs(third_w) / GRID_V,
        "voltage": GRID_V,
        "is_valid": True,
        "total": told.energy_wh / 3,
        "total_returned": 0.0,
    }
    return {"relays": [{"ison": False}], "emeters": [dict(phase) for _ in PHASES], "total_power": told.power_w}


def _later_status(told: Figures, _request: Request) -> dict[str, Any]:
    third_w = told.power_w / 3
    measured: dict[str, Any] = {"id": 0, "n_current": None, "total_act_power": told.power_w}
    counted: dict[str, Any] = {"id": 0, "total_act": told.energy_wh, "total_act_ret": 0.0}
    for phase in PHASES:
        measured |= {
            f"{phase}_act_power": third_w,
            f"{phase}_current": abs(third_w) / GRID_V,
            f"{phase}_voltage": GRID_V,
            f"{phase}_freq": GRID_HZ,
            f"{phase}_pf": 1.0,
        }
        counted[f"{phase}_total_act_energy"] = told.energy_wh / 3
    return {"em:0": measured, "emdata:0": counted, "sys": {"mac": MAC}}
