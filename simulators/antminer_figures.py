"""What one stock Antminer would say of itself now, in the units of its firmware, and its X19 documents of it.

The documents are what the X19 and X21 pages show, and the socket too where a request asks for the new form.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from simulators import antminer_conf
from simulators.antminer_conf import FREQUENCY_MHZ, Conf, Pool
from simulators.machines import Machine
from simulators.physics import TERAHASHES_A_SHARE, Level, Phase, Physics

NONE_C = (0, 0, 0, 0)
COMPILED = {
    "X9": "Tue Sep 12 10:41:07 CST 2017",
    "X17": "Thu Mar 19 15:08:20 CST 2020",
    "X19": "Mon Dec 26 11:02:45 CST 2022",
    "X21": "Fri Feb  7 18:20:11 CST 2025",
}
MINER = {"X9": "16.8.1.3", "X17": "19.10.1.3", "X19": "49.0.1.3", "X21": "uart_trans.1.3"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """One hashboard; all zero where it is broken. Temperatures: two at the inlet, two at the outlet."""

    chips: int
    ghs: float
    ghs_ideal: float
    hardware_errors: int
    pcb_c: tuple[int, ...]
    chip_c: tuple[int, ...]

    @property
    def chip_map(self) -> str:
        """One letter a chip, in groups of eight."""
        return "".join(f" {'o' * min(8, self.chips - at)}" for at in range(0, self.chips, 8))


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One machine at one moment; rates in GH/s."""

    elapsed_s: int
    ghs_5s: float
    ghs_30m: float
    ghs_av: float
    ghs_ideal: float
    terahashes: float
    boards: tuple[Board, ...]
    fans_rpm: tuple[int, ...]
    frequency_mhz: int
    hardware_errors: int
    accepted: int
    #: the pools in the file, and what the miner says of each
    pools: tuple[Pool, ...]
    pool_status: str
    mode: int
    broken: bool


async def in_reach(physics: Physics, index: int) -> bool:
    """Say whether a machine's network is up: not while it boots; without power no answer ever comes."""
    if physics.phase[index] == Phase.OFF:
        await forever()
    return bool(physics.phase[index] != Phase.BOOTING)


async def forever() -> None:
    """Say nothing until the client gives up."""
    await asyncio.get_running_loop().create_future()


def figures(machine: Machine, physics: Physics, conf: Conf) -> Figures:
    """Read one machine off the physics."""
    at = machine.index
    asleep = physics.phase[at] == Phase.SLEEPING
    level = Level(int(physics.level[at]))
    ideal = machine.nameplate_ths * 1e3 * (physics.low_rate[at] if level is Level.LOW else 1.0)
    elapsed_s = int(physics.elapsed_s[at])
    seconds_5, *_, minutes_30 = (float(rate) * 1e3 for rate in physics.averages_ths[:, at])
    return Figures(
        elapsed_s=elapsed_s,
        ghs_5s=round(seconds_5, 2),
        ghs_30m=round(minutes_30, 2),
        ghs_av=round(float(physics.terahashes[at]) * 1e3 / max(elapsed_s, 1), 2),
        ghs_ideal=round(float(ideal), 2),
        terahashes=float(physics.terahashes[at]),
        boards=_boards(machine, physics, seconds_5, float(ideal)),
        fans_rpm=tuple(int(physics.fan_rpm[at]) // 60 * 60 + 60 * (fan % 2) for fan in range(machine.row.fans)),
        frequency_mhz=FREQUENCY_MHZ[machine.row.generation],
        hardware_errors=int(physics.hardware_errors[at]),
        accepted=int(physics.terahashes[at] / TERAHASHES_A_SHARE),
        pools=tuple(pool for pool in conf.pools if pool.url),
        pool_status="Disabled" if asleep else "Alive" if physics.pool_alive[at] else "Dead",
        mode=antminer_conf.mode_of(machine, level),
        broken=bool(physics.phase[at] == Phase.FAULT or not physics.board_well[at, : machine.row.boards].all()),
    )


def _boards(machine: Machine, physics: Physics, ghs: float, ghs_ideal: float) -> tuple[Board, ...]:
    at, count = machine.index, machine.row.boards
    well = physics.board_well[at, :count]
    running = max(int(well.sum()), 1)
    board_c, chip_c = float(physics.board_c[at]), float(physics.chip_c[at])
    return tuple(
        Board(
            chips=machine.row.chips if well[board] else 0,
            ghs=round(ghs / running, 2) if well[board] else 0.0,
            ghs_ideal=round(ghs_ideal / count, 2) if well[board] else 0.0,
            hardware_errors=int(physics.hardware_errors[at]) // running if well[board] else 0,
            pcb_c=_corners(board_c + board) if well[board] else NONE_C,
            chip_c=_corners(chip_c + board) if well[board] else NONE_C,
        )
        for board in range(count)
    )


def _corners(hottest_c: float) -> tuple[int, ...]:
    inlet, outlet = round(hottest_c - 8), round(hottest_c)
    return (inlet, inlet - 1, outlet, outlet - 1)


# --- documents of X19 and X21 ---------------------------------------------------------------------------------------


def _envelope(machine: Machine, word: str) -> dict[str, Any]:
    generation = machine.row.generation
    return {
        "STATUS": {"STATUS": "S", "when": int(time.time()), "Msg": word, "api_version": "1.0.0"},
        "INFO": {"miner_version": MINER[generation], "CompileTime": COMPILED[generation], "type": machine.model},
    }


def _rates(now: Figures) -> dict[str, Any]:
    return {
        "elapsed": now.elapsed_s,
        "rate_5s": now.ghs_5s,
        "rate_30m": now.ghs_30m,
        "rate_avg": now.ghs_av,
        "rate_ideal": now.ghs_ideal,
        "rate_unit": "GH/s",
    }


def summary_document(machine: Machine, now: Figures) -> dict[str, Any]:
    """Return summary.cgi."""
    wrong = {
        "rate": now.broken,
        "network": not now.pools or now.pool_status == "Dead",
        "fans": False,
        "temp": False,
    }
    row = {
        **_rates(now),
        "hw_all": now.hardware_errors,
        "bestshare": 500_000 + now.accepted,
        "status": [
            {"type": kind, "status": "e" if bad else "s", "code": int(bad), "msg": ""} for kind, bad in wrong.items()
        ],
    }
    return {**_envelope(machine, "summary"), "SUMMARY": [row]}


def stats_document(machine: Machine, now: Figures) -> dict[str, Any]:
    """Return stats.cgi."""
    chains = [
        {
            "index": number,
            "freq_avg": now.frequency_mhz if board.chips else 0,
            "rate_ideal": board.ghs_ideal,
            "rate_real": board.ghs,
            "asic_num": board.chips,
            "asic": board.chip_map,
            "temp_pic": list(board.pcb_c),
            "temp_pcb": list(board.pcb_c),
            "temp_chip": list(board.chip_c),
            "hw": board.hardware_errors,
            "eeprom_loaded": board.chips > 0,
            "sn": f"{machine.serial}B{number}",
            "hwp": 0.0,
            "tpl": [[]],
        }
        for number, board in enumerate(now.boards)
    ]
    row = {
        **_rates(now),
        "chain_num": len(chains),
        "fan_num": len(now.fans_rpm),
        "fan": list(now.fans_rpm),
        "hwp_total": 0.0006,
        "miner-mode": now.mode,
        "freq-level": 100,
        "chain": chains,
    }
    return {**_envelope(machine, "stats"), "STATS": [row]}


def pools_document(machine: Machine, now: Figures) -> dict[str, Any]:
    """Return pools.cgi."""
    return {**_envelope(machine, "pools"), "POOLS": pool_rows(now)}


def pool_rows(now: Figures) -> list[dict[str, Any]]:
    """Return a page's rows of pools: only the first one has work."""
    rows: list[dict[str, Any]] = []
    for number, pool in enumerate(now.pools):
        accepted = 0 if number else now.accepted
        rows.append(
            {
                "index": number,
                "url": pool.url,
                "user": pool.user,
                "status": now.pool_status,
                "priority": number,
                "getworks": accepted // 8,
                "accepted": accepted,
                "rejected": accepted // 400,
                "discarded": 0,
                "stale": accepted // 900,
                "diff": "524K",
                "diff1": 0,
                "diffa": accepted * 524_288,
                "diffr": 0,
                "diffs": 0,
                "lsdiff": 524_288 if accepted else 0,
                "lstime": "0:00:05" if accepted else "0",
            }
        )
    return rows
