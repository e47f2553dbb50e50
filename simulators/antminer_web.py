"""The web page of stock Antminers: digest authentication, JSON on X19 and X21, forms and text on X9 and X17.

A write is saved at once, answered after a while, and followed by a time in which the page is away. The miner
restarts at every write, also at one that changes nothing.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

import numpy as np

from simulators import antminer_conf
from simulators.antminer_conf import Conf, Confs
from simulators.antminer_figures import Figures, figures, forever, in_reach
from simulators.antminer_pages import PAGES
from simulators.machines import Machine
from simulators.physics import Level, Physics
from simulators.web import BadRequest, Digest, Request, json_response, parse_request, response

REALM = "antMiner Configuration"
USERS = {"root": "root"}
#: spans in seconds, before the farm's delay scale: to the reply, how long the page is away, until the level changes
REPLY_S, AWAY_S, SLEEP_AFTER_S, RESTART_AFTER_S = (1, 6), (3, 8), (10, 60), (2, 8)

Writer = Callable[[Machine, Request], Awaitable[bytes | None]]


@dataclass(slots=True, kw_only=True)
class Page:
    """What one machine's web server knows besides the file."""

    digest: Digest = field(default_factory=lambda: Digest(REALM, USERS))
    #: the loop's time from and until which nobody is served
    away: tuple[float, float] = (0.0, 0.0)
    blinking: bool = False
    writes: int = 0


class AntminerWeb:
    """Answers on the HTTP port of the machines with stock firmware."""

    one_at_a_time = False

    def __init__(
        self,
        machines: dict[int, Machine],
        physics: Physics,
        obeys: Callable[[int], bool],
        wrote: Callable[[int, str], None],
        confs: Confs | None = None,
    ) -> None:
        self._machines = machines
        self._physics = physics
        self._obeys = obeys
        self._wrote = wrote
        self._confs = Confs() if confs is None else confs
        self._pages: dict[int, Page] = {}
        by_json: dict[tuple[str, str], Writer] = {
            ("POST", "set_miner_conf.cgi"): self._write_document,
            ("POST", "reboot.cgi"): self._reboot,
            ("GET", "reboot.cgi"): self._reboot,
            ("POST", "blink.cgi"): self._blink,
            ("GET", "get_blink_status.cgi"): self._blink_status,
        }
        by_form: dict[tuple[str, str], Writer] = {
            ("POST", "set_miner_conf.cgi"): self._write_form,
            ("GET", "reboot.cgi"): self._reboot,
        }
        self._writers: dict[str, dict[tuple[str, str], Writer]] = {
            "X9": by_form,
            "X17": {**by_form, ("POST", "blink.cgi"): self._blink_by_form},
            "X19": by_json,
            "X21": by_json,
        }

    def complete(self, request: bytes) -> bool:
        """Whether the bytes are a whole request, or cannot become one."""
        try:
            return parse_request(request) is not None
        except BadRequest:
            return True

    async def answer(self, index: int, request: bytes) -> bytes | None:
        """Return the response, None while the machine boots or its page is away."""
        machine = self._machines[index]
        page = self._page(machine)
        if not await in_reach(self._physics, index) or page.away[0] <= _now_s() < page.away[1]:
            return None
        try:
            parsed = parse_request(request)
        except BadRequest as error:
            return response(HTTPStatus.BAD_REQUEST, str(error))
        assert parsed is not None
        if not page.digest.admits(parsed):
            return page.digest.refusal(parsed)
        return await self._routed(machine, parsed)

    async def _routed(self, machine: Machine, request: Request) -> bytes | None:
        generation = machine.row.generation
        if request.path == "/":
            return response(HTTPStatus.OK, "<html><head><title>Ant Miner</title></head></html>", "text/html")
        folder, _, name = request.path.rpartition("/")
        if folder != "/cgi-bin":
            return response(HTTPStatus.NOT_FOUND)
        writer = self._writers[generation].get((request.method, name))
        if writer is not None:
            return await writer(machine, request)
        shown = PAGES[generation].get(name)
        if shown is None or request.method != "GET":
            return response(HTTPStatus.NOT_FOUND)
        level = antminer_conf.told_level(self._physics, machine)
        return shown(machine, self._figures(machine), self._confs.of(machine), antminer_conf.mode_of(machine, level))

    def _page(self, machine: Machine) -> Page:
        if machine.index not in self._pages:
            self._pages[machine.index] = Page()
        return self._pages[machine.index]

    def _figures(self, machine: Machine) -> Figures:
        return figures(machine, self._physics, self._confs.of(machine))

    # --- writes -----------------------------------------------------------------------------------------------------

    async def _write_document(self, machine: Machine, request: Request) -> bytes:
        try:
            body: Any = request.json()
            conf = antminer_conf.conf_of_document(body, self._confs.of(machine))
            level = antminer_conf.level_of_document(machine, body)
        except BadRequest as error:
            self._wrote(machine.index, "conf refused")
            return json_response({"stats": "error", "code": "M001", "msg": str(error)})
        await self._saved(machine, conf, level)
        return json_response({"stats": "success", "code": "M000", "msg": "OK!"})

    async def _write_form(self, machine: Machine, request: Request) -> bytes:
        values = [value for _, value in _fields(request)]
        await self._saved(machine, antminer_conf.conf_of_form(values), antminer_conf.level_of_form(machine, values))
        return response(HTTPStatus.OK, "ok")

    async def _saved(self, machine: Machine, conf: Conf, level: Level | None) -> None:
        """Save, begin the restart, and wait as long as the page does before it answers; None keeps the level."""
        self._wrote(machine.index, f"conf {level.name.lower()}" if level is not None else "conf")
        page, physics, scale = self._page(machine), self._physics, self._physics.delay_scale
        page.writes += 1
        chance = random.Random(f"{machine.serial}/{page.writes}")  # noqa: S311 - delays that repeat
        wait_s, away_s = chance.uniform(*REPLY_S) * scale, chance.uniform(*AWAY_S) * scale
        if self._obeys(machine.index):
            self._confs.keep(machine, conf)
            physics.pool_set[machine.index] = any(pool.url for pool in conf.pools)
            following = antminer_conf.told_level(physics, machine) if level is None else level
            after_s = chance.uniform(*(SLEEP_AFTER_S if following is Level.SLEEP else RESTART_AFTER_S)) * scale
            physics.order_level(machine.index, following, after_s)
            page.away = (_now_s() + wait_s, _now_s() + wait_s + away_s)
        await asyncio.sleep(wait_s)

    async def _reboot(self, machine: Machine, _request: Request) -> None:
        self._wrote(machine.index, "reboot")
        if self._obeys(machine.index):
            chosen = np.zeros(self._physics.count, np.bool_)
            chosen[machine.index] = True
            self._physics.reboot(chosen)

    # --- the lamp ---------------------------------------------------------------------------------------------------

    def _switch_lamp(self, machine: Machine, *, on: bool) -> None:
        self._wrote(machine.index, f"blink {'on' if on else 'off'}")
        if self._obeys(machine.index):
            self._page(machine).blinking = on

    async def _blink(self, machine: Machine, request: Request) -> bytes:
        try:
            told = request.json()
        except BadRequest:
            told = None
        word = str(told.get("blink")).lower() if isinstance(told, dict) else ""
        if word not in {"true", "false"}:
            return json_response({"code": "B001"})
        self._switch_lamp(machine, on=word == "true")
        return json_response({"code": "B000" if word == "true" else "B100"})

    async def _blink_status(self, machine: Machine, _request: Request) -> bytes:
        return json_response({"blink": self._page(machine).blinking})

    async def _blink_by_form(self, machine: Machine, request: Request) -> bytes:
        action = dict(_fields(request)).get("action")
        if action in {"startBlink", "stopBlink"}:
            self._switch_lamp(machine, on=action == "startBlink")
        if action == "startBlink":
            await forever()
        return json_response({"isBlinking": self._page(machine).blinking})


def _fields(request: Request) -> list[tuple[str, str]]:
    return parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
