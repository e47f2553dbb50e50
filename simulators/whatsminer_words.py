"""What a WhatsMiner says of itself on port 4028: figures in the sections of cgminer, the rest in the vendor's envelope.

Rates are MH/s, `HS RT` too; truths are texts. Pools are numbered from 1.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from simulators.machines import Machine
from simulators.physics import AVERAGES_S, TERAHASHES_A_SHARE, Level, Phase, Physics

Row = dict[str, Any]
API, FIRMWARE = "2.0.5", "20230911.12.REL"
#: the hardware version that ends a model's name, but for its last digit
VERSIONS = {"M30S++": "VG3", "M50": "VH5", "M50S": "VH3", "M60S": "VK4"}
FREQUENCY_MHZ = 620
#: a machine's own limit, as a share of its nameplate
OWN_LIMIT = 1.04
NO_LIMIT_W = 99_999


def said(code: int, message: object, letter: str = "S") -> Row:
    """Return a reply in the vendor's envelope."""
    return {"STATUS": letter, "When": int(time.time()), "Code": code, "Msg": message, "Description": ""}


def section(name: str, code: int, message: str, rows: list[Row]) -> Row:
    """Return a reply in cgminer's form."""
    status = {"STATUS": "S", "When": int(time.time()), "Code": code, "Msg": message, "Description": ""}
    return {"STATUS": [status], name: rows, "id": 1}


def summary(machine: Machine, physics: Physics) -> Row:
    """Return the figures of the whole machine."""
    at, accepted = machine.index, _shares(machine, physics)
    elapsed, rpm = int(physics.elapsed_s[at]), int(physics.fan_rpm[at])
    chip_c, power_w = physics.chip_c[at].item(), physics.power_w[at].item()
    row = {
        "Elapsed": elapsed,
        **_rates(machine, physics, 1.0),
        "Accepted": accepted,
        "Rejected": accepted // 400,
        "Stale": accepted // 900,
        "Total MH": round(physics.terahashes[at].item() * 1e6, 4),
        "Temperature": round(physics.board_c[at].item(), 1),
        "freq_avg": FREQUENCY_MHZ if physics.phase[at] == Phase.HASHING else 0,
        "Fan Speed In": rpm,
        "Fan Speed Out": int(rpm * 1.02),
        "Voltage": 1180,
        "Power": round(power_w),
        "Power Rate": round(power_w / max(physics.hashrate_ths[at].item(), 1e-6), 2),
        "Pool Rejected%": 0.25,
        "Pool Stale%": 0.11,
        "Uptime": elapsed + 600,
        "Security Mode": 0,
        "Liquid Cooling": False,
        "Hash Stable": bool(physics.phase[at] == Phase.HASHING),
        "Upfreq Complete": int(physics.phase[at] == Phase.HASHING),
        "Env Temp": round(physics.ambient_c, 1),
        "Power Mode": "Low" if physics.awake_level[at] == Level.LOW else "Normal",
        "Factory GHS": round(machine.nameplate_ths * 1000),
        "Power Limit": limit_w(machine, physics),
        "Chip Temp Min": round(chip_c - 20, 2),
        "Chip Temp Max": round(chip_c, 2),
        "Chip Temp Avg": round(chip_c - 10, 2),
        "MAC": machine.mac,
        "Firmware Version": FIRMWARE,
        "Btminer Fast Boot": "disable",
    }
    return section("SUMMARY", 11, "Summary", [row])


def limit_w(machine: Machine, physics: Physics) -> int:
    """Return the limit in force, W: the one that was set, else the machine's own."""
    return round(min(float(physics.limit_w[machine.index]), OWN_LIMIT * machine.nameplate_w))


def _shares(machine: Machine, physics: Physics) -> int:
    return int(physics.terahashes[machine.index].item() / TERAHASHES_A_SHARE)


def _rates(machine: Machine, physics: Physics, share: float) -> Row:
    at = machine.index
    mhs = dict(zip(AVERAGES_S, (physics.averages_ths[:, at] * 1e6 * share).tolist(), strict=True))
    mean_mhs = physics.terahashes[at].item() * 1e6 / max(physics.elapsed_s[at].item(), 1.0) * share
    return {
        "MHS av": round(mean_mhs, 2),
        "MHS 5s": round(mhs[5], 2),
        "MHS 1m": round(mhs[60], 2),
        "MHS 5m": round(mhs[300], 2),
        "MHS 15m": round(mhs[900], 2),
        "HS RT": round(physics.hashrate_ths[at].item() * 1e6 * share, 2),
    }


def devices(machine: Machine, physics: Physics) -> Row:
    """Return the hashboards; one that broke is dead and has no chips."""
    at, well = machine.index, physics.board_well[machine.index].tolist()
    working = max(sum(well), 1)
    rows = [
        {
            "ASC": board,
            "Name": "SM",
            "ID": board,
            "Slot": board,
            "Enabled": "Y",
            "Status": "Alive" if well[board] else "Dead",
            "Temperature": round(physics.board_c[at].item() + board, 1) if well[board] else 0.0,
            "Chip Frequency": FREQUENCY_MHZ if well[board] else 0,
            **_rates(machine, physics, 1 / working if well[board] else 0.0),
            "Factory GHS": round(machine.nameplate_ths * 1000 / machine.row.boards),
            "Upfreq Complete": int(physics.phase[at] == Phase.HASHING),
            "Effective Chips": machine.row.chips if well[board] else 0,
            "PCB SN": f"{machine.serial}B{board}",
            "Chip Temp Min": round(physics.chip_c[at].item() - 20, 2) if well[board] else 0.0,
            "Chip Temp Max": round(physics.chip_c[at].item(), 2) if well[board] else 0.0,
            "Chip Temp Avg": round(physics.chip_c[at].item() - 10, 2) if well[board] else 0.0,
        }
        for board in range(machine.row.boards)
    ]
    return section("DEVS", 9, f"{len(rows)} ASC(s)", rows)


def details(machine: Machine, _physics: Physics) -> Row:
    """Return what the boards are; the model's last digit is its batch."""
    model = f"{machine.model}_{VERSIONS.get(machine.model, 'VH1')}{machine.index % 10}"
    rows = [
        {"DEVDETAILS": board, "Name": "SM", "ID": board, "Driver": "bitmicro", "Kernel": "", "Model": model}
        for board in range(machine.row.boards)
    ]
    return section("DEVDETAILS", 69, "Device Details", rows)


def pools(machine: Machine, physics: Physics) -> Row:
    """Return the pools; the first is used."""
    at, accepted = machine.index, _shares(machine, physics)
    alive = bool(physics.pool_alive[at] and physics.pool_set[at])
    rows = [
        {
            "POOL": number + 1,
            "URL": f"stratum+tcp://pool{number}.invalid:3333",
            "Status": "Alive" if alive else "Dead",
            "Priority": number,
            "Quota": 1,
            "Accepted": accepted if number == 0 else 0,
            "Rejected": accepted // 400 if number == 0 else 0,
            "Stale": accepted // 900 if number == 0 else 0,
            "User": f"farm.{at}",
            "Last Share Time": int(time.time()) if number == 0 else 0,
            "Stratum Active": alive and number == 0,
            "Stratum Difficulty": 524_288.0,
        }
        for number in range(2)
    ]
    return section("POOLS", 7, f"{len(rows)} Pool(s)", rows)


def status(machine: Machine, physics: Physics) -> Row:
    """Return what it was told to be."""
    set_w = physics.limit_w[machine.index].item()
    message = {
        "mineroff": "true" if physics.level[machine.index] == Level.SLEEP else "false",
        "mineroff_reason": "",
        "mineroff_time": "",
        "FirmwareVersion": FIRMWARE,
        "power_mode": "",
        "power_limit_set": f"{set_w:.0f}" if set_w < NO_LIMIT_W else "",
        "hash_percent": "",
    }
    return said(131, message)


def version(_machine: Machine, _physics: Physics) -> Row:
    """Return the firmware's and the API's version."""
    return said(131, {"api_ver": API, "fw_ver": FIRMWARE, "platform": "H616", "chip": "K26J001"})


def supply(machine: Machine, physics: Physics) -> Row:
    """Return the power supply, every figure a text; its maker is misspelt."""
    message = {
        "name": "P221B",
        "hw_version": "RT0159",
        "sw_version": "230224.220429",
        "model": "P221B",
        "enable": "0" if physics.phase[machine.index] == Phase.SLEEPING else "1",
        "iin": f"{physics.power_w[machine.index].item() / 230 * 1000:.0f}",
        "vin": "23000",
        "pin": f"{physics.power_w[machine.index].item():.0f}",
        "fan_speed": "6344",
        "serial_no": f"{machine.serial}P",
        "vender": "1",
        "temp0": "41.0",
    }
    return said(131, message)


def info(machine: Machine, _physics: Physics) -> Row:
    """Return the machine's place in the network, and its serial number."""
    message = {
        "ip": machine.host,
        "proto": "dhcp",
        "netmask": "255.255.255.0",
        "gateway": "",
        "dns": "",
        "hostname": "WhatsMiner",
        "mac": machine.mac,
        "ledstat": "auto",
        "minersn": machine.serial,
        "powersn": f"{machine.serial}P",
    }
    return said(131, message)


def errors(machine: Machine, physics: Physics) -> Row:
    """Return the codes of what is wrong: boards that are gone, and heat."""
    at, now = machine.index, time.strftime("%Y-%m-%d %H:%M:%S")
    well = physics.board_well[at].tolist()
    codes = [f"53{board}" for board in range(machine.row.boards) if not well[board]]
    if physics.phase[at] == Phase.FAULT and any(well):
        codes.append("350")
    return said(131, {"error_code": [{code: now} for code in codes]})


#: the commands that cgminer has, which may be joined, and the vendor's own
SECTIONS: dict[str, Callable[[Machine, Physics], Row]] = {
    "summary": summary,
    "devs": devices,
    "edevs": devices,
    "devdetails": details,
    "pools": pools,
}
MESSAGES: dict[str, Callable[[Machine, Physics], Row]] = {
    "status": status,
    "get_version": version,
    "get_psu": supply,
    "get_miner_info": info,
    "get_error_code": errors,
}
