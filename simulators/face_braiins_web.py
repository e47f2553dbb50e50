"""The simulated Braiins OS on port 80: REST behind a token where the version has it, and GraphQL.

Written from the vendor's API definitions. Units are objects, enums are numbers, a paused miner says so in its status.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from simulators.antminer_figures import in_reach
from simulators.face_braiins import LEAST, LOGIN, TOKEN_S, VERSION, Core, now_s
from simulators.machines import Machine
from simulators.physics import Phase
from simulators.web import BadRequest, Request, json_response, parse_request, response

V1 = "/api/v1"
STATUS = {Phase.BOOTING: 1, Phase.SLEEPING: 3}
Row = dict[str, Any]
Page = Callable[[Machine, Request], bytes]
LAN = "/cgi-bin/luci/admin/network/iface_status/lan"


class BraiinsWeb:
    """Answers on port 80: GraphQL, and REST where the version has it."""

    one_at_a_time = False

    def __init__(self, core: Core, graphql: Page, *, rest: bool = True) -> None:
        self._core = core
        self._open: dict[tuple[str, str], Page] = {
            ("GET", ""): lambda _machine, _request: response(HTTPStatus.OK, "<title>Braiins OS</title>", "text/html"),
            ("POST", "/graphql"): graphql,
            ("GET", LAN): lambda machine, _request: json_response([{"macaddr": machine.mac}]),
        }
        self._locked: dict[tuple[str, str], Page] = {}
        if rest:
            self._add_rest()

    def _add_rest(self) -> None:
        core = self._core
        self._open |= {
            ("GET", f"{V1}/version"): lambda _machine, _request: json_response({"major": 1, "minor": 8, "patch": 0}),
            ("POST", f"{V1}/auth/login"): self._log_in,
        }
        self._locked = {
            ("GET", f"{V1}/network"): _network,
            ("GET", f"{V1}/miner/details"): self._details,
            ("GET", f"{V1}/miner/stats"): self._stats,
            ("GET", f"{V1}/miner/hw/hashboards"): self._hashboards,
            ("GET", f"{V1}/miner/errors"): lambda _machine, _request: json_response({"errors": []}),
            ("GET", f"{V1}/cooling/state"): self._cooling,
            ("GET", f"{V1}/pools"): self._pools,
            ("GET", f"{V1}/performance/tuner-state"): self._tuner,
            ("GET", f"{V1}/configuration/miner"): self._configuration,
            ("GET", f"{V1}/configuration/constraints"): self._constraints,
            ("GET", f"{V1}/actions/locate"): lambda machine, _request: json_response(core.of(machine).light),
            ("PUT", f"{V1}/actions/locate"): self._locate,
            ("PUT", f"{V1}/actions/pause"): lambda machine, _request: json_response(core.pause(machine, on=True)),
            ("PUT", f"{V1}/actions/resume"): lambda machine, _request: json_response(core.pause(machine, on=False)),
            ("PUT", f"{V1}/actions/reboot"): self._reboot,
            ("PUT", f"{V1}/performance/power-target"): self._target,
        }

    def complete(self, request: bytes) -> bool:
        """Whether the bytes are a whole request, or cannot become one."""
        try:
            return parse_request(request) is not None
        except BadRequest:
            return True

    async def answer(self, index: int, request: bytes) -> bytes | None:
        """Return the response, None while the machine boots."""
        if not await in_reach(self._core.physics, index):
            return None
        try:
            parsed = parse_request(request)
            assert parsed is not None
            return self._routed(self._core.machines[index], parsed)
        except BadRequest as error:
            return response(HTTPStatus.BAD_REQUEST, str(error))

    def _routed(self, machine: Machine, request: Request) -> bytes:
        key = request.method, request.path.rstrip("/")
        if (answer := self._open.get(key)) is not None:
            return answer(machine, request)
        if (answer := self._locked.get(key)) is None:
            return response(HTTPStatus.NOT_FOUND)
        tokens, token = self._core.of(machine).tokens, request.headers.get("authorization", "")
        if tokens.get(token, 0.0) < now_s():
            return response(HTTPStatus.UNAUTHORIZED, "missing or invalid token")
        tokens[token] = now_s() + TOKEN_S
        return answer(machine, request)

    def _log_in(self, machine: Machine, request: Request) -> bytes:
        if request.json() != LOGIN:
            return response(HTTPStatus.UNAUTHORIZED, "wrong credentials")
        token = secrets.token_hex(8)
        self._core.of(machine).tokens[token] = now_s() + TOKEN_S
        return json_response({"token": token, "timeout_s": int(TOKEN_S)})

    def _details(self, machine: Machine, _request: Request) -> bytes:
        physics, at = self._core.physics, machine.index
        phase, seconds = Phase(int(physics.phase[at])), int(physics.elapsed_s[at])
        return json_response({
            "bos_version": {"current": VERSION, "bos_plus": True}, "hostname": "Antminer",
            "mac_address": machine.mac.lower(), "serial_number": machine.serial,
            "miner_identity": {"brand": 1, "miner_model": machine.model, "name": machine.model},
            "status": 3 if self._core.is_paused(machine) else STATUS.get(phase, 2),
            "sticker_hashrate": {"gigahash_per_second": machine.nameplate_ths * 1e3},
            "system_uptime_s": seconds, "bosminer_uptime_s": 0 if phase < Phase.WARMING else seconds,
        })  # fmt: skip

    def _figures(self, machine: Machine, share: float = 1.0) -> Row:
        names = ("last_5s", "last_1m", "last_5m", "last_15m", "last_30m")
        rates = zip(names, self._core.rates_ghs(machine, share), strict=True)
        nominal = machine.nameplate_ths * share * 1e3
        return {
            "nominal_hashrate": {"gigahash_per_second": nominal},
            "real_hashrate": {name: {"gigahash_per_second": rate} for name, rate in rates},
        }

    def _stats(self, machine: Machine, _request: Request) -> bytes:
        shares, power_w = self._core.shares(machine), round(self._core.physics.power_w[machine.index].item())
        return json_response({
            "miner_stats": self._figures(machine),
            "pool_stats": {"accepted_shares": shares, "rejected_shares": shares // 400, "stale_shares": shares // 900},
            "power_stats": {"approximated_consumption": {"watt": power_w}},
        })  # fmt: skip

    def _hashboards(self, machine: Machine, _request: Request) -> bytes:
        physics, well = self._core.physics, self._core.well(machine)
        hot, chip = round(physics.board_c[machine.index].item(), 1), round(physics.chip_c[machine.index].item(), 1)
        rows = [
            {
                "id": str(board + 1), "enabled": True, "chips_count": machine.row.chips,
                "board_temp": {"degree_c": hot}, "highest_chip_temp": {"temperature": {"degree_c": chip}},
                "lowest_inlet_temp": {"degree_c": physics.ambient_c}, "highest_outlet_temp": {"degree_c": hot},
                "current_frequency": {"hertz": 5e8}, "current_voltage": {"volt": 13.2},
                "stats": self._figures(machine, 1 / sum(well)),
            }
            for board, works in enumerate(well)
            if works
        ]  # fmt: skip
        return json_response({"hashboards": rows})

    def _cooling(self, machine: Machine, _request: Request) -> bytes:
        rpm = int(self._core.physics.fan_rpm[machine.index])
        return json_response({"fans": [{"position": fan, "rpm": rpm} for fan in range(machine.row.fans)]})

    def _pools(self, machine: Machine, _request: Request) -> bytes:
        fed, shares = self._core.fed(machine), self._core.shares(machine)
        pools = [
            {
                "url": f"stratum+tcp://pool{number}.invalid:3333", "user": f"farm.{machine.index}", "enabled": True,
                "alive": fed, "active": fed and number == 0,
                "stats": {"accepted_shares": shares if number == 0 else 0, "rejected_shares": 0, "stale_shares": 0},
            }
            for number in range(3)
        ]  # fmt: skip
        return json_response([{"uid": "0", "name": "Default", "pools": pools}])

    def _tuner(self, machine: Machine, _request: Request) -> bytes:
        tuning = int(self._core.physics.phase[machine.index]) == Phase.TUNING
        return json_response({"overall_tuner_state": 3 if tuning else 2})

    def _configuration(self, machine: Machine, _request: Request) -> bytes:
        target = {"watt": self._core.of(machine).target_w}
        return json_response({"tuner": {"enabled": True, "tuner_mode": 1, "power_target": target}, "pool_groups": []})

    def _constraints(self, machine: Machine, _request: Request) -> bytes:
        sold_w = round(machine.nameplate_w)
        target = {"default": {"watt": sold_w}, "min": {"watt": round(LEAST * sold_w)}, "max": {"watt": sold_w}}
        return json_response({"tuner_constraints": {"power_target": target}})

    def _locate(self, machine: Machine, request: Request) -> bytes:
        if not isinstance(on := request.json(), bool):
            raise BadRequest("a truth is wanted")
        self._core.light(machine, on=on)
        return json_response(on)

    def _reboot(self, machine: Machine, _request: Request) -> bytes:
        self._core.reboot(machine)
        return response(HTTPStatus.NO_CONTENT)

    def _target(self, machine: Machine, request: Request) -> bytes:
        told = request.json()
        watt = told.get("watt") if isinstance(told, dict) else None
        sold_w = round(machine.nameplate_w)
        if not isinstance(watt, int) or not round(LEAST * sold_w) <= watt <= sold_w:
            raise BadRequest("power target is out of range")
        self._core.target(machine, watt)
        return json_response({"watt": watt})


def _network(machine: Machine, _request: Request) -> bytes:
    return json_response({"mac_address": machine.mac.lower(), "hostname": "Antminer"})
