"""What stock Antminers say on port 4028: five commands, each generation with its own keys, types and defects.

Written from what the vendor's firmware is known to send: a request's bytes and a machine's figures to a reply's text.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from simulators.antminer_figures import (
    COMPILED,
    MINER,
    NONE_C,
    Board,
    Figures,
    pools_document,
    stats_document,
    summary_document,
)
from simulators.machines import Machine

Row = dict[str, Any]
EMPTY = Board(chips=0, ghs=0.0, ghs_ideal=0.0, hardware_errors=0, pcb_c=NONE_C, chip_c=NONE_C)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How a generation's miner program speaks."""

    program: str
    says: str
    version: str
    #: code and words for a command that group A does not hold
    refusal: tuple[int, str]
    device: str
    #: commands joined by "+" are answered together
    joins: bool
    #: a request may ask for the page's documents
    new_api: bool
    #: the number of the first board, the numbers of the fans, and how far the keys are counted
    first_board: int
    fans: tuple[int, ...]
    indices: int
    #: the rate of 5 s is printed as text
    text_rate: bool
    half_hour_key: str | None
    total_key: str
    #: the two objects of STATS stand side by side without a comma
    glued: bool = False
    stale_key: str = "Pool Stale%"


_DENIED = (45, "Access denied to '{}' command")
_UNKNOWN = (14, "Invalid command")
_X9 = Dialect(
    program="bmminer 1.0.0",
    says="BMMiner",
    version="2.0.0",
    refusal=_DENIED,
    device="BC5",
    joins=True,
    new_api=False,
    first_board=6,
    fans=(5, 6),
    indices=16,
    text_rate=True,
    half_hour_key=None,
    total_key="total_rate",
    glued=True,
)
_X17 = Dialect(
    program="cgminer 1.0.0",
    says="CGMiner",
    version="1.0.0",
    refusal=_DENIED,
    device="BTM_SOC",
    joins=True,
    new_api=False,
    first_board=1,
    fans=(1, 2, 3, 4),
    indices=16,
    text_rate=True,
    half_hour_key="GHS 30m",
    total_key="total_rate",
)


def _modern(stale_key: str) -> Dialect:
    return Dialect(
        program="cgminer 1.0.0",
        says="CGMiner",
        version="1.0.0",
        refusal=_UNKNOWN,
        device="BTM_SOC",
        joins=False,
        new_api=True,
        first_board=1,
        fans=(1, 2, 3, 4),
        indices=4,
        text_rate=False,
        half_hour_key="rate_30m",
        total_key="total rate",
        stale_key=stale_key,
    )


DIALECTS = {"X9": _X9, "X17": _X17, "X19": _modern("Pool Stale%%"), "X21": _modern("Pool Stale%")}


def reply(machine: Machine, now: Figures, request: bytes) -> str:
    """Return the reply to one request, without its NUL."""
    dialect = DIALECTS[machine.row.generation]
    try:
        told = json.loads(request)
    except (ValueError, RecursionError):
        told = None
    command = told.get("command") if isinstance(told, dict) else None
    if not isinstance(command, str):
        return _reply([_status(dialect, "E", 23, "Invalid JSON")], "")
    assert isinstance(told, dict)
    if dialect.new_api and told.get("new_api") is True and command in DOCUMENTS:
        return json.dumps(DOCUMENTS[command](machine, now), separators=(",", ":"))
    if dialect.joins and "+" in command:
        parts = [part for part in command.split("+") if part]
        return "{" + "".join(f'"{part}":[{legacy(machine, now, part)}],' for part in parts) + '"id":1}'
    return legacy(machine, now, command)


def legacy(machine: Machine, now: Figures, command: str) -> str:
    """Return the reply to one command in the miner program's own form."""
    dialect = DIALECTS[machine.row.generation]
    if command not in COMMANDS:
        code, message = dialect.refusal
        return _reply([_status(dialect, "E", code, message.format(command))], "")
    code, message, rows_of = COMMANDS[command]
    rows = rows_of(machine, now, dialect)
    glue = "" if dialect.glued and command == "stats" else ","
    words = [json.dumps(row, separators=(",", ":")) for row in rows]
    status = _status(dialect, "S", code, message.format(says=dialect.says, count=len(rows)))
    return _reply([status], f'"{command.upper()}":[{glue.join(words)}],')


def _reply(status: list[Row], body: str) -> str:
    return f'{{"STATUS":{json.dumps(status, separators=(",", ":"))},{body}"id":1}}'


def _status(dialect: Dialect, letter: str, code: int, message: str) -> Row:
    return {"STATUS": letter, "When": int(time.time()), "Code": code, "Msg": message, "Description": dialect.program}


# --- the five commands ----------------------------------------------------------------------------------------------


def _built(machine: Machine, dialect: Dialect) -> Row:
    generation = machine.row.generation
    return {
        "BMMiner": dialect.version,
        "API": "3.1",
        "Miner": MINER[generation],
        "CompileTime": COMPILED[generation],
        "Type": machine.model,
    }


def _version(machine: Machine, _now: Figures, dialect: Dialect) -> list[Row]:
    return [_built(machine, dialect)]


def _rates(now: Figures, dialect: Dialect, half_hour_key: str | None) -> Row:
    rates: Row = {"GHS 5s": f"{now.ghs_5s:.2f}" if dialect.text_rate else now.ghs_5s, "GHS av": now.ghs_av}
    return rates | ({half_hour_key: now.ghs_30m} if half_hour_key else {})


def _summary(_machine: Machine, now: Figures, dialect: Dialect) -> list[Row]:
    accepted = now.accepted
    row = {
        "Elapsed": now.elapsed_s,
        **_rates(now, dialect, "GHS 30m" if dialect.half_hour_key else None),
        "Found Blocks": 0,
        "Getwork" if dialect.new_api else "Getworks": accepted // 8,
        "Accepted": accepted,
        "Rejected": accepted // 400,
        "Hardware Errors": now.hardware_errors,
        "Utility": round(accepted * 60 / max(now.elapsed_s, 1), 2),
        "Discarded": accepted * 2,
        "Stale": accepted // 900,
        "Get Failures": 0,
        "Local Work": accepted * 9,
        "Remote Failures": 0,
        "Network Blocks": now.elapsed_s // 600,
        "Total MH": round(now.terahashes * 1e6),
        "Work Utility": 1.0,
        "Difficulty Accepted": accepted * 524_288.0,
        "Difficulty Rejected": accepted // 400 * 524_288.0,
        "Difficulty Stale": 0.0,
        "Best Share": 500_000 + accepted,
        "Device Hardware%": 0.0006,
        "Device Rejected%": 0.25,
        "Pool Rejected%": 0.25,
        "Pool Stale%": 0.0,
        "Last getwork": int(time.time()),
    }
    return [row]


def _pools(_machine: Machine, now: Figures, dialect: Dialect) -> list[Row]:
    rows: list[Row] = []
    for number, pool in enumerate(now.pools):
        accepted = 0 if number else now.accepted
        active = number == 0 and now.pool_status == "Alive"
        rows.append(
            {
                "POOL": number,
                "URL": pool.url,
                "Status": now.pool_status,
                "Priority": number,
                "Quota": 1,
                "Long Poll": "N",
                "Getworks": accepted // 8,
                "Accepted": accepted,
                "Rejected": accepted // 400,
                "Discarded": accepted * 2,
                "Stale": accepted // 900,
                "Get Failures": 0,
                "Remote Failures": 0,
                "User": pool.user,
                "Last Share Time": "0:00:03" if accepted else "0",
                "Diff": "524K",
                "Diff1 Shares": 0,
                "Proxy Type": "",
                "Proxy": "",
                "Difficulty Accepted": accepted * 524_288.0,
                "Difficulty Rejected": accepted // 400 * 524_288.0,
                "Difficulty Stale": 0.0,
                "Last Share Difficulty": 524_288.0 if accepted else 0.0,
                "Has Stratum": True,
                "Stratum Active": active,
                "Stratum URL": pool.url.rpartition("/")[2].partition(":")[0] if active else "",
                "Has GBT": False,
                "Best Share": 500_000 + accepted,
                "Pool Rejected%": 0.25,
                dialect.stale_key: 0.0,
            }
        )
    return rows


def _devs(machine: Machine, now: Figures, dialect: Dialect) -> list[Row]:
    shares = [board.ghs / (sum(one.ghs for one in now.boards) or 1.0) for board in now.boards]
    devices = list(zip(now.boards, shares, strict=True)) if machine.row.generation == "X9" else [(now.boards[0], 1.0)]
    return [
        {
            "ASC": number,
            "Name": dialect.device,
            "ID": number,
            "Enabled": "Y",
            "Status": "Alive",
            "Tenperature" if dialect.new_api else "Temperature": float(max(board.pcb_c)),
            "MHS av": round(now.ghs_av * 1e3 * share, 2),
            "MHS 5s": 0.0 if dialect.new_api else round(now.ghs_5s * 1e3 * share, 2),
            "Accepted": now.accepted // len(devices),
            "Rejected": 0,
            "Hardware Errors": now.hardware_errors // len(devices),
            "Utility": 0.3,
            "Last Valid Work": int(time.time()),
            "Device Elapsed": now.elapsed_s,
        }
        for number, (board, share) in enumerate(devices)
    ]


def _stats(machine: Machine, now: Figures, dialect: Dialect) -> list[Row]:
    header = {key: value for key, value in _built(machine, dialect).items() if key != "API"}
    modern = dialect.new_api
    slots = _slots(now.boards, dialect)
    found = [board for board in now.boards if board.chips]
    data = {
        "STATS": 0,
        "ID": f"{dialect.device}0",
        "Elapsed": now.elapsed_s,
        "Calls": 0,
        "Wait": 0.0,
        "Max": 0.0,
        "Min": 99999999.0,
        **_rates(now, dialect, dialect.half_hour_key),
        **({"Mode": 2 if modern else 1} if dialect.half_hour_key else {}),
        "miner_count": len(found),
        "frequency": now.frequency_mhz if modern else str(now.frequency_mhz),
        "fan_num": sum(1 for rpm in now.fans_rpm if rpm),
        **_fans(now, dialect),
        "temp_num": len(found),
        **_temperatures(slots, machine.row.generation),
        **_chains(slots, now, machine.row.generation),
        "total_rateideal": now.ghs_ideal,
        "rate_unit": "GH",
        "total_freqavg": now.frequency_mhz,
        "total_acn": sum(board.chips for board in found),
        dialect.total_key: round(sum(board.ghs for board in found), 2),
        "temp_max": max(max(board.chip_c) for board in now.boards),
        "no_matching_work": now.hardware_errors,
        "miner_version": MINER[machine.row.generation],
        "miner_id": machine.serial,
    }
    return [header, data]


def _slots(boards: Sequence[Board], dialect: Dialect) -> dict[int, Board]:
    there = dict(enumerate(boards, dialect.first_board))
    return {number: there.get(number, EMPTY) for number in range(1, dialect.indices + 1)}


def _fans(now: Figures, dialect: Dialect) -> Row:
    turning = dict(zip(dialect.fans, now.fans_rpm, strict=False))
    return {f"fan{number}": turning.get(number, 0) for number in range(1, dialect.indices + 1)}


def _temperatures(slots: dict[int, Board], generation: str) -> Row:
    row: Row = {}
    for number, board in slots.items():
        row |= {f"temp{number}": max(board.pcb_c), f"temp2_{number}": max(board.chip_c), f"temp3_{number}": 0}
        if generation != "X9":
            row |= {f"temp_pcb{number}": _dashed(board.pcb_c), f"temp_chip{number}": _dashed(board.chip_c)}
        if generation in {"X19", "X21"}:
            row[f"temp_pic{number}"] = _dashed(board.pcb_c)
    return row


def _chains(slots: dict[int, Board], now: Figures, generation: str) -> Row:
    row: Row = {}
    for number, board in slots.items():
        rate: Any = f"{board.ghs:.2f}" if board.chips else ""
        row |= {
            f"freq_avg{number}" if generation == "X9" else f"freq{number}": now.frequency_mhz if board.chips else 0,
            f"chain_rateideal{number}": board.ghs_ideal if generation == "X9" else 0.0,
            f"chain_acn{number}": board.chips,
            f"chain_acs{number}": board.chip_map,
            f"chain_hw{number}": board.hardware_errors,
            f"chain_rate{number}": board.ghs if generation == "X21" else rate,
        }
    return row


def _dashed(temperatures: tuple[int, ...]) -> str:
    return "-".join(str(value) for value in temperatures)


COMMANDS: dict[str, tuple[int, str, Callable[[Machine, Figures, Dialect], list[Row]]]] = {
    "version": (22, "{says} versions", _version),
    "summary": (11, "Summary", _summary),
    "pools": (7, "{count} Pool(s)", _pools),
    "devs": (9, "{count} ASC(s)", _devs),
    "stats": (70, "{says} stats", _stats),
}
DOCUMENTS: dict[str, Callable[[Machine, Figures], Row]] = {
    "summary": summary_document,
    "stats": stats_document,
    "pools": pools_document,
}
