"""The farm's own controls over HTTP: what is really so, and faults, the meter and the house by command.

The farm's meter has its pages here too, as a Shelly's, Tasmota's and its own at `/meter`; a silent one answers nothing.
A request that is not understood changes nothing and is answered 400 with the field's name.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Protocol

from simulators.faults import Scheduled, demanded, seconds
from simulators.machines import BadInput
from simulators.meter_modbus import Figures
from simulators.meter_pages import MeterPages
from simulators.web import BadRequest, Request, json_response, parse_request

MOST_W = 1e12


class Controlled(Protocol):
    """What the controls act on: the farm."""

    def state(self) -> dict[str, Any]:
        """Return what is really so."""

    def metered(self) -> Figures | None:
        """Return what the site's meter says now, None while it is silent."""

    def written(self) -> dict[str, Any]:
        """Return the commands that machines acknowledged."""

    def inject(self, demand: Scheduled) -> int:
        """Begin a fault now; returns how many machines have it. Raises BadInput."""

    def silence_meter(self, for_s: float, unit: int | None = None) -> None:
        """Let the site's meter, or the one at this unit, say nothing for a while. Raises BadInput."""

    def set_house(self, house_w: float) -> None:
        """Change the load that is no miner."""


class Control:
    """Answers at the control port."""

    one_at_a_time = False

    def __init__(self, farm: Controlled) -> None:
        self._farm = farm
        self._meters = [MeterPages(farm.metered, make) for make in ("shelly-2", "tasmota", "http")]
        self._gets: dict[str, Callable[[], dict[str, Any]]] = {"/state": farm.state, "/writes": farm.written}
        self._posts: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "/faults": self._fault,
            "/meter": self._meter,
            "/house": self._house,
        }

    def complete(self, request: bytes) -> bool:
        """Whether the bytes are a whole request, or cannot become one."""
        try:
            return parse_request(request) is not None
        except BadRequest:
            return True

    async def answer(self, _index: int, request: bytes) -> bytes | None:
        """Return the whole response, None where the meter is asked and silent."""
        try:
            parsed = parse_request(request)
            assert parsed is not None
            meter = next((one for one in self._meters if one.has(parsed)), None)
            return self._routed(parsed) if meter is None else await meter.answer(0, request)
        except (BadRequest, BadInput) as error:
            return json_response({"error": str(error)}, HTTPStatus.BAD_REQUEST)

    def _routed(self, request: Request) -> bytes:
        get, post = self._gets.get(request.path), self._posts.get(request.path)
        if get is None and post is None:
            return _refused(HTTPStatus.NOT_FOUND)
        if get is not None and request.method == "GET":
            return json_response(get())
        if post is None or request.method != "POST":
            return _refused(HTTPStatus.METHOD_NOT_ALLOWED)
        told = request.json()
        if not isinstance(told, dict):
            raise BadInput("the body is no JSON object")
        return json_response(post(told))

    def _fault(self, told: dict[str, Any]) -> dict[str, Any]:
        if "at_s" in told:
            raise BadInput("at_s: is for the schedule; here a fault begins at once")
        return {"machines": self._farm.inject(demanded(told))}

    def _meter(self, told: dict[str, Any]) -> dict[str, Any]:
        unit = told.pop("unit", None)
        if unit is not None and type(unit) is not int:
            raise BadInput("unit: must be a whole number")
        stale_s = seconds(_only(told, "stale_s"), "stale_s")
        self._farm.silence_meter(stale_s, unit)
        return {"stale_s": stale_s} if unit is None else {"stale_s": stale_s, "unit": unit}

    def _house(self, told: dict[str, Any]) -> dict[str, Any]:
        house_w = _only(told, "w")
        if isinstance(house_w, bool) or not isinstance(house_w, int | float) or not 0 <= house_w <= MOST_W:
            raise BadInput("w: must be a number of W, 0 or more")
        self._farm.set_house(float(house_w))
        return {"w": house_w}


def _only(told: dict[str, Any], name: str) -> Any:
    unknown = set(told) - {name}
    if unknown or name not in told:
        raise BadInput(f"{min(unknown)}: is unknown" if unknown else f"{name}: is missing")
    return told[name]


def _refused(status: HTTPStatus) -> bytes:
    return json_response({"error": status.phrase}, status)
