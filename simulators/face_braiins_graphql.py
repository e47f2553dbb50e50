"""Braiins OS in GraphQL: what it tells everybody, and what it does for whoever has logged in.

Written from the fields that its schema and public clients name. Of a query only the asked fields are answered, with
their arguments and types left out of account. A complaint is a member of the answer, and its status is 200.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from http import HTTPStatus
from math import inf
from typing import Any

from simulators.face_braiins import LEAST, LOGIN, Core
from simulators.machines import Machine
from simulators.physics import Phase
from simulators.web import Request, json_response, response

VERSION = "2024-06-25-0-a1b2c3d4-24.06-plus"
FIRST_BOARD = 6
STATUS = {Phase.TUNING: "RUNNING"}
MHS = 1e3
_WORDS = re.compile(r"\.\.\.\s*on\s+\w+|\w+|[{}]|\([^)]*\)")
_MUTATION = re.compile(r"mutation\b[^{]*\{\s*(bos|bosminer|auth)\s*\{\s*(\w+)", re.ASCII)
_WATT = re.compile(r"powerTarget:\s*(\d+)")
Row = dict[str, Any]


class BraiinsGraphql:
    """Answers POST /graphql."""

    def __init__(self, core: Core, version: str = VERSION) -> None:
        self._core = core
        self._version = version

    def answer(self, machine: Machine, request: Request) -> bytes:
        """Return the response to a question or a wish."""
        told = request.json()
        query = told.get("query") if isinstance(told, dict) else None
        if not isinstance(query, str):
            return response(HTTPStatus.BAD_REQUEST)
        wish = _MUTATION.search(query)
        if wish is None:
            return json_response({"data": _picked(self._tree(machine), _fields(query))})
        if wish[2] == "login":
            return self._log_in(machine, told.get("variables") or {})
        session = request.headers.get("cookie", "").partition("session_id=")[2].partition(";")[0]
        if session not in self._core.of(machine).tokens:
            return json_response({"data": None, "errors": [{"message": "Unauthorized"}]})
        done = self._done(machine, wish[2], query)
        return json_response({"data": {wish[1]: {wish[2]: done}}})

    # --- what it tells ----------------------------------------------------------------------------------------------

    def _tree(self, machine: Machine) -> Row:
        core, physics, at = self._core, self._core.physics, machine.index
        power = {"limitW": core.of(machine).target_w, "approxConsumptionW": round(physics.power_w[at].item())}
        sold_w = round(machine.nameplate_w)
        return {
            "bos": {
                "hostname": "Antminer", "faultLight": core.of(machine).light,
                "info": {"version": {"full": self._version}}, "uptime": {"durationS": int(physics.elapsed_s[at])},
            },
            "bosminer": {
                "info": {
                    "modelName": machine.model, "workSolver": self._solvers(machine),
                    "fans": [
                        {"name": str(fan), "speed": 70, "rpm": int(physics.fan_rpm[at])}
                        for fan in range(machine.row.fans)
                    ],
                    "summary": {"tunerStatus": STATUS.get(Phase(int(physics.phase[at])), "STABLE"), "power": power},
                    "poolGroups": [{"name": "Default", "pools": self._pools(machine)}],
                },
                "metadata": {
                    "autotuning": {
                        "powerTarget": {"default": sold_w, "min": round(LEAST * sold_w), "max": sold_w}
                    }
                },
            },
            "events": {"appeals": []},
        }  # fmt: skip

    def _solvers(self, machine: Machine) -> Row:
        core, physics, at = self._core, self._core.physics, machine.index
        well = core.well(machine)
        rate_mhs, sold_mhs = core.rates_ghs(machine)[0] * MHS, machine.nameplate_ths * 1e6
        boards = [
            {
                "name": str(FIRST_BOARD + board), "realHashrate": {"mhs5S": rate_mhs / sum(well)},
                "nominalMhs": sold_mhs / len(well),
                "hwDetails": {"chips": machine.row.chips, "frequencyMhz": 500.0, "voltageV": 13.2},
                "temperatures": [
                    {"name": "Board", "degreesC": round(physics.board_c[at].item(), 1)},
                    {"name": "Chip", "degreesC": round(physics.chip_c[at].item(), 1)},
                ],
            }
            for board, works in enumerate(well)
            if works
        ]  # fmt: skip
        return {"realHashrate": {"mhs5S": rate_mhs}, "nominalMhs": sold_mhs, "childSolvers": boards}

    def _pools(self, machine: Machine) -> list[Row]:
        fed, shares = self._core.fed(machine), self._core.shares(machine)
        return [
            {
                "url": f"stratum+tcp://pool{number}.invalid:3333", "user": f"farm.{machine.index}",
                "status": "ALIVE" if fed else "DEAD", "active": fed and number == 0,
                "shares": {
                    "acceptedSolutions": shares if number == 0 else 0,
                    "rejectedSolutions": shares // 400 if number == 0 else 0,
                },
            }
            for number in range(3)
        ]  # fmt: skip

    # --- what it does -----------------------------------------------------------------------------------------------

    def _log_in(self, machine: Machine, told: Row) -> bytes:
        if told != LOGIN:
            return json_response({"data": {"auth": {"login": {"message": "Invalid username or password"}}}})
        session = secrets.token_hex(16)
        self._core.of(machine).tokens[session] = inf
        body = json.dumps({"data": {"auth": {"login": {"void": None}}}})
        return response(HTTPStatus.OK, body, "application/json", {"Set-Cookie": f"session_id={session}; Path=/"})

    def _done(self, machine: Machine, verb: str, query: str) -> Row:
        match verb:
            case "stop" | "start":
                self._core.pause(machine, on=verb == "stop")
            case "reboot":
                self._core.reboot(machine)
            case "setFaultLight":
                self._core.light(machine, on="true" in query)
                return {"enabled": self._core.of(machine).light}
            case "config":
                return {"updateAutotuning": self._target(machine, query)}
            case _:
                return {"message": f"{verb}: not known"}
        return {"void": None}

    def _target(self, machine: Machine, query: str) -> Row:
        found, sold_w = _WATT.search(query), round(machine.nameplate_w)
        watt = 0 if found is None else int(found[1])
        if not round(LEAST * sold_w) <= watt <= sold_w:
            return {"message": "validation failed", "powerTarget": "out of range"}
        self._core.target(machine, watt)
        return {"autotuning": {"powerTarget": watt, "enabled": True}}


def _fields(query: str) -> Row:
    """Return the fields that a query names, each with those below it."""
    words = iter(_WORDS.findall(query))
    return _below(words) if "{" in words else {}


def _below(words: Iterator[str]) -> Row:
    found: Row = {}
    last = ""
    for word in words:
        match word[0]:
            case "}":
                break
            case "{" if last:
                found[last] = _below(words)
            case "{":
                found |= _below(words)
            case ".":
                last = ""
            case "(":
                pass
            case _:
                last = word
                found[word] = {}
    return found


def _picked(tree: Any, fields: Row) -> Any:
    if isinstance(tree, list):
        return [_picked(one, fields) for one in tree]
    if not isinstance(tree, dict) or not fields:
        return tree
    return {name: _picked(tree[name], below) for name, below in fields.items() if name in tree}
