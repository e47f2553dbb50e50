"""`hashwatt bench poll`: what a poll costs: decoding a joined reply beside `json.loads`, and whole polls over sockets.

CPU time of this process, medians of some runs; the simulated machines are in a process of their own.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from agent.cli.bench import Row, simulated
from agent.config import load
from drivers.cgminer import Cgminer
from drivers.identify import identify
from drivers.interface import Driver, Identity, Reading, Target, Want
from drivers.registry import create
from drivers.transports.lanes import Lanes

DECODE_US = 60.0
RUNS, CALLS = 5, 2000
ROUNDS = 5
SKIPPED = ("CPU of a poll beside a client in C: there is no C compiler's client here",)


def bench_poll(*, miners: int) -> list[Row]:
    """Return what decoding costs, and what a poll costs over sockets to so many simulated machines."""
    return [*_decoding(), *asyncio.run(_polling(miners))]


def joined_reply() -> bytes:
    """Return a joined reply of some 6 KB, as a cgminer of four boards and three pools writes it."""
    parts = {name: [{"STATUS": [STATUS], name.upper(): rows, "id": 1}] for name, rows in _sections().items()}
    return json.dumps({**parts, "id": 1}, separators=(",", ":")).encode()


STATUS = {"STATUS": "S", "When": 1_767_225_600, "Code": 11, "Msg": "Summary", "Description": "cgminer 4.11.1"}


def _sections() -> dict[str, list[dict[str, object]]]:
    """Return the rows of each section; their keys are those of cgminer's API-README."""
    rates = {"MHS av": 9_512_345.61, "MHS 5s": 9_498_765.43, "MHS 1m": 9_505_123.45, "MHS 5m": 9_511_234.56}
    counts = {"Accepted": 48_211, "Rejected": 37, "Hardware Errors": 112, "Utility": 14.93, "Stale": 3}
    difficulty = {"Difficulty Accepted": 25_276_972_032.0, "Difficulty Rejected": 19_398_656.0}
    last = {"Last Share Pool": 0, "Last Share Time": 1_767_225_580, "Last Share Difficulty": 524_288.0}
    shares = {"Device Hardware%": 0.0004, "Device Rejected%": 0.0767, "Device Elapsed": 193_645}
    device = {"Name": "ASIC", "Enabled": "Y", "Status": "Alive", "Temperature": 71.0, **rates, **counts}
    device |= {"Diff1 Work": 25_298_432, "Total MH": 1.842e15, **difficulty, **last, "Last Valid Work": 1_767_225_599}
    pool = {"Status": "Alive", "Quota": 1, "Long Poll": "N", "Getworks": 6_455, "User": "farm.rack17x042", **counts}
    pool |= {
        "Works": 3_129_412,
        "Discarded": 96_422,
        "Get Failures": 2,
        "Remote Failures": 0,
        "Proxy": "",
        **difficulty,
    }
    pool |= {**last, "Has Stratum": True, "Stratum Active": True, "Stratum URL": "pool.example.com", "Has GBT": False}
    pool |= {"Best Share": 9_876_543_210, "Pool Rejected%": 0.0767, "Pool Stale%": 0.0062, "Bad Work": 412}
    notice = {"Name": "ASC", "Last Well": 1_767_225_590, "Last Not Well": 0, "Reason Not Well": "None"}
    notice |= {f"*Dev {what}": 0 for what in ("Thermal Cutoff", "Comms Error", "Throttle", "Over Heat")}
    url = "stratum+tcp://pool.example.com:3333"
    return {
        "summary": [{"Elapsed": 193_645, **rates, **counts, **difficulty, "Best Share": 9_876_543_210}],
        "devs": [{"ASC": at, "ID": at, **device, **shares} for at in range(4)],
        "pools": [{"POOL": at, "URL": url, "Priority": at, **pool} for at in range(3)],
        "notify": [{"NOTIFY": at, "ID": at, **notice} for at in range(4)],
    }


def _decoding() -> list[Row]:
    raw = joined_reply()
    driver = Cgminer(Target(host="127.0.0.1"), Identity(driver="cgminer"))
    ours = [_us(lambda: _read(driver, raw)) for _ in range(RUNS)]
    plain = [_us(lambda: json.loads(raw)) for _ in range(RUNS)]
    value, judge = statistics.median(ours), statistics.median(plain)
    size = f"{len(raw):,} bytes, median of {RUNS} x {CALLS:,}"
    return [
        Row(
            name="a reply to a reading",
            value=value,
            unit="us",
            target=DECODE_US,
            ok=value < DECODE_US,
            detail=f"{size}, worst {max(ours):.1f}",
        ),
        Row(name="json.loads of the same", value=judge, unit="us", detail=size),
        Row(name="their ratio", value=value / judge, unit="x"),
    ]


def _read(driver: Driver, raw: bytes) -> Reading:
    """Hold a quick read, every exchange of which brings this reply."""
    conversation = driver.read(Want.QUICK)
    reply: bytes | None = None
    try:
        while True:
            conversation.send(reply)
            reply = raw
    except StopIteration as end:
        reading: Reading = end.value
        return reading


def _us(call: Callable[[], object]) -> float:
    began = time.process_time()
    for _ in range(CALLS):
        call()
    return (time.process_time() - began) / CALLS * 1e6


async def _polling(miners: int) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="hashwatt-bench-") as folder:
        async with simulated(miners, Path(folder)) as farm:
            config = load(farm.config)
            targets = [Target(host=one.host, port=one.port, http_port=one.http_port) for one in config.miners]
            lanes = Lanes(timeout_s=30.0)
            drivers = [await _met(lanes, target) for target in targets]
            spent = [await _round(lanes, targets, drivers) for _ in range(ROUNDS)]
            await lanes.close()
    cpu, wall = (statistics.median(one) for one in zip(*spent, strict=True))
    detail = f"{miners} machines at once, median of {ROUNDS} rounds"
    return [
        Row(name="CPU of a poll", value=cpu, unit="us", detail=f"{detail}; connect, read, close, decode"),
        Row(name="polls", value=1e6 / wall, unit="per s", detail=f"{detail}; the machines share this host"),
    ]


async def _met(lanes: Lanes, target: Target) -> Driver:
    return create(await lanes.run(target, identify(target)), target)


async def _round(lanes: Lanes, targets: list[Target], drivers: list[Driver]) -> tuple[float, float]:
    """Return CPU and wall µs of a poll."""
    sys.stderr.write(f"a round of {len(targets)} polls\n")
    cpu, wall = time.process_time(), time.perf_counter()
    polls = zip(targets, drivers, strict=True)
    await asyncio.gather(*(lanes.run(target, driver.read(Want.QUICK)) for target, driver in polls))
    return tuple(1e6 * spent / len(targets) for spent in (time.process_time() - cpu, time.perf_counter() - wall))  # type: ignore[return-value]
