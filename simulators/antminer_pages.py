"""What each generation's web page shows: one function a CGI, from a machine's figures and file to a response."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any

from simulators import antminer_conf
from simulators.antminer_conf import Conf
from simulators.antminer_figures import (
    COMPILED,
    Figures,
    pool_rows,
    pools_document,
    stats_document,
    summary_document,
)
from simulators.antminer_words import legacy
from simulators.machines import Machine
from simulators.web import json_response, response

#: from the machine, its figures, its file, and the work mode in the file
Shown = Callable[[Machine, Figures, Conf, int], bytes]
NETMASK = "255.255.0.0"


def _network(machine: Machine) -> dict[str, Any]:
    return {
        "nettype": "DHCP",
        "netdevice": "eth0",
        "macaddr": machine.mac,
        "ipaddress": machine.host,
        "netmask": NETMASK,
    }


def _system(machine: Machine) -> dict[str, Any]:
    generation = machine.row.generation
    document = {
        "minertype": machine.model,
        **_network(machine),
        "hostname": "Antminer",
        "gateway": "",
        "dnsservers": "",
        "system_mode": "GNU/Linux",
        "system_kernel_version": "Linux 4.6.0",
        "system_filesystem_version": COMPILED[generation],
    }
    if generation == "X21":
        document |= {"system_filesystem_version": f"FR-1.4(250207-{machine.model.split()[-1]})"}
        document |= {"firmware_type": "Release", "serinum": machine.serial}
    elif generation == "X19":
        document |= {"firmware_type": "Release"}
    return document


def _system_info(machine: Machine, _now: Figures, _conf: Conf, _mode: int) -> bytes:
    return json_response(_system(machine))


def _old_system_info(machine: Machine, now: Figures, _conf: Conf, _mode: int) -> bytes:
    more = {
        "ant_hwv": "1.0",
        "bmminer_version": "2.0.0",
        "curtime": "00:00:00",
        "uptime": f"{now.elapsed_s // 60} min",
        "loadaverage": "0.40, 0.35, 0.30",
        "mem_total": "507264",
        "mem_free": "410000",
    }
    return json_response({**_system(machine), **more})


def _miner_type(machine: Machine, _now: Figures, _conf: Conf, _mode: int) -> bytes:
    generation = machine.row.generation
    board = "zynq7007_BHB42XXX" if generation == "X19" else "AML_BHB68XXX"
    return json_response({"miner_type": machine.model, "subtype": board, "fw_version": COMPILED[generation]})


def _network_info(machine: Machine, _now: Figures, _conf: Conf, _mode: int) -> bytes:
    configured = {
        "conf_nettype": "DHCP",
        "conf_hostname": "Antminer",
        "conf_ipaddress": "",
        "conf_netmask": "",
        "conf_gateway": "",
        "conf_dnsservers": "",
    }
    return json_response({**_network(machine), **configured})


def _from(
    document: Callable[[Machine, Figures], dict[str, Any]], machine: Machine, now: Figures, _conf: Conf, _mode: int
) -> bytes:
    return json_response(document(machine, now))


def _program(command: str, machine: Machine, now: Figures, _conf: Conf, _mode: int) -> bytes:
    return response(HTTPStatus.OK, legacy(machine, now, command), "application/json")


def _conf_document(_machine: Machine, _now: Figures, conf: Conf, mode: int) -> bytes:
    return json_response(antminer_conf.document(conf, mode))


def _conf_text(machine: Machine, _now: Figures, conf: Conf, mode: int) -> bytes:
    return response(HTTPStatus.OK, antminer_conf.text(machine, conf, mode), "application/json")


def _log(machine: Machine, now: Figures, _conf: Conf, mode: int) -> bytes:
    lines = (f"{machine.model} {COMPILED[machine.row.generation]}", f"work mode {mode}", f"elapsed {now.elapsed_s} s")
    return response(HTTPStatus.OK, "".join(f"{line}\n" for line in lines))


def _miner_status(_machine: Machine, now: Figures, _conf: Conf, _mode: int) -> bytes:
    """Every value is text, and rates have commas."""
    summary = {
        "elapsed": str(now.elapsed_s),
        "ghs5s": f"{now.ghs_5s:,.2f}",
        "ghsav": f"{now.ghs_av:,.2f}",
        "accepted": str(now.accepted),
        "rejected": str(now.accepted // 400),
        "hw": str(now.hardware_errors),
        "stale": str(now.accepted // 900),
        "bestshare": str(500_000 + now.accepted),
        **dict.fromkeys(
            ("foundblocks", "getworks", "utility", "discarded", "localwork", "wu", "diffa", "diffr", "diffs"), "0"
        ),
    }
    devices = [
        {
            "index": str(number),
            "chain_acn": str(board.chips),
            "freq": str(now.frequency_mhz),
            "fan": str(now.fans_rpm[0]),
            "temp": str(max(board.pcb_c)),
            "chain_acs": board.chip_map,
        }
        for number, board in enumerate(now.boards, 6)
    ]
    pools = [{key: str(value) for key, value in row.items()} for row in pool_rows(now)]
    return json_response({"summary": summary, "pools": pools, "devs": devices})


_OLD: dict[str, Shown] = {
    "get_system_info.cgi": _old_system_info,
    "get_miner_conf.cgi": _conf_text,
    "log.cgi": _log,
    "hlog.cgi": _log,
}
_NEW: dict[str, Shown] = {
    "get_system_info.cgi": _system_info,
    "miner_type.cgi": _miner_type,
    "get_network_info.cgi": _network_info,
    "summary.cgi": partial(_from, summary_document),
    "stats.cgi": partial(_from, stats_document),
    "pools.cgi": partial(_from, pools_document),
    "get_miner_conf.cgi": _conf_document,
    "log.cgi": _log,
    "hlog.cgi": _log,
}
PAGES: dict[str, dict[str, Shown]] = {
    "X9": {**_OLD, "get_miner_status.cgi": _miner_status},
    "X17": {
        **_OLD,
        **{f"miner_{command}.cgi": partial(_program, command) for command in ("summary", "stats", "pools")},
    },
    "X19": _NEW,
    "X21": _NEW,
}
