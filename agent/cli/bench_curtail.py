"""`hashwatt bench curtail`: an agent in this process is ordered to stop a simulated farm in another, over real sockets.

60 % are Antminers, told by pages behind a digest, 40 % WhatsMiners, told in AES. The order comes when the agent keeps
its machines ready, as it does from some minutes after its start on. When a machine was told is asked of
the farm, a few times only: that too is work of this process.
"""

from __future__ import annotations

import asyncio
import json
import re
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from agent import logs
from agent.app import Running, serve
from agent.cli.bench import Row, Simulated, cpu_s, page, simulated, until_read
from agent.cli.client import Agent
from agent.config import load

OUT_S, LAG_MS = 10.0, 20.0
RUNS = 3
READ_WITHIN_S, TOLD_WITHIN_S = 600.0, 120.0
WHATSMINERS = 0.4
"""Their share of the simulated farm; they are told by tokens, of which the agent keeps one of each."""
PREPARED = rb'hashwatt_commands_total\{[^}]*command="prepare",result="ok"[^}]*\} (\S+)'
LOOK_S, TICK_S = 0.25, 0.001
SETTINGS = """
[control]
mode = "enforce"

[orders.issuers.bench]
classes = ["law"]
unsigned = true
transports = ["http"]
"""
STOP = {"order_id": "bench", "revision": 1, "issuer": "bench", "class": "law", "status": "issued"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """How one stop went: when the last was told, how many were, loop lags in s, CPU of the agent and of the farm."""

    out_s: float
    told: int
    lags_s: list[float]
    own_cpu_s: float
    farm_cpu_s: float


def bench_curtail(*, miners: int) -> list[Row]:
    """Return how soon so many machines are told to stop, the median of some farms."""
    logs.configure(level="critical", form="console")
    runs = []
    for number in range(RUNS):
        sys.stderr.write(f"farm {number + 1} of {RUNS}\n")
        runs.append(asyncio.run(_measure(miners)))
    return _rows(miners, runs)


def _rows(miners: int, runs: list[Stopped]) -> list[Row]:
    told = min(run.told for run in runs)
    out_s = statistics.median(run.out_s for run in runs)
    lag_ms = 1000 * statistics.median(_percentile(run.lags_s, 0.99) for run in runs)
    worst_ms = 1000 * max(max(run.lags_s) for run in runs)
    detail = f"median of {len(runs)}"
    is_out = out_s <= OUT_S and told == miners
    return [
        Row(name="told to stop", value=told, unit="", target=miners, ok=told == miners, detail=f"of {miners:,}"),
        Row(name="the last was told after", value=out_s, unit="s", target=OUT_S, ok=is_out, detail=detail),
        Row(
            name="loop lag, p99",
            value=lag_ms,
            unit="ms",
            target=LAG_MS,
            ok=lag_ms <= LAG_MS,
            detail=f"{detail}, worst {worst_ms:.0f} ms",
        ),
        Row(name="CPU of the agent", value=statistics.median(run.own_cpu_s for run in runs), unit="s", detail=detail),
        Row(name="CPU of the farm", value=statistics.median(run.farm_cpu_s for run in runs), unit="s", detail=detail),
    ]


def _percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


async def _measure(miners: int) -> Stopped:
    with tempfile.TemporaryDirectory(prefix="hashwatt-bench-") as folder:
        async with simulated(miners, Path(folder)) as farm:
            with farm.config.open("a", encoding="utf-8") as file:
                file.write(SETTINGS)
            async with _agent(farm, Path(folder) / "state") as running:
                sys.stderr.write(f"reading {miners} machines\n")
                await until_read(running.address, miners, READ_WITHIN_S)
                await _until_ready(running.address, miners)
                return await _stopped(farm, running, miners)


async def _until_ready(address: str, miners: int) -> None:
    """Wait until the agent has made those ready for commands that can be, as it has some minutes after a start."""
    sys.stderr.write("making them ready for commands\n")
    expected = round(WHATSMINERS * miners)
    async with asyncio.timeout(READ_WITHIN_S):
        while _prepared(await asyncio.to_thread(page, f"http://{address}/metrics")) < expected:  # noqa: ASYNC110 - a page tells it
            await asyncio.sleep(1.0)


def _prepared(metrics: bytes) -> int:
    found = re.search(PREPARED, metrics)
    return 0 if found is None else int(float(found[1]))


@asynccontextmanager
async def _agent(farm: Simulated, state_dir: Path) -> AsyncIterator[Running]:
    """Run an agent in this process until the block ends."""
    stop, started = asyncio.Event(), asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(load(farm.config), state_dir, stop, ready=started.set_result), name="agent")
    await asyncio.wait({serving, started}, return_when=asyncio.FIRST_COMPLETED)
    try:
        if serving.done():
            serving.result()
        yield started.result()
    finally:
        stop.set()
        await serving


async def _stopped(farm: Simulated, running: Running, miners: int) -> Stopped:
    agent = Agent(f"http://{running.address}", running.token)
    lags: list[float] = []
    ticker = asyncio.create_task(_tick(lags), name="bench-ticker")
    began, own_s, farm_s = time.monotonic(), _own_cpu_s(), cpu_s(farm.pid)
    await asyncio.to_thread(agent.post, "/api/v1/orders", STOP | {"limit": {"stop": True}})
    told: dict[tuple[str, int], float] = {}
    first_seen_s = 0.0
    while len(told) < miners and time.monotonic() - began < TOLD_WITHIN_S:
        await asyncio.sleep(LOOK_S if not told else 1.0)
        told = await asyncio.to_thread(_first, f"http://{farm.control}/writes")
        if told and not first_seen_s:
            first_seen_s = time.monotonic() - began
    ticker.cancel()
    lasted_s = max(told.values(), default=0.0) - min(told.values(), default=0.0)
    return Stopped(
        out_s=first_seen_s + lasted_s,
        told=len(told),
        lags_s=lags,
        own_cpu_s=_own_cpu_s() - own_s,
        farm_cpu_s=cpu_s(farm.pid) - farm_s,
    )


def _first(url: str) -> dict[tuple[str, int], float]:
    """Return when each machine was told first, in the farm's seconds."""
    told: dict[tuple[str, int], float] = {}
    for write in json.loads(page(url))["writes"]:
        told.setdefault((write["host"], write["port"]), write["at_s"])
    return told


async def _tick(lags: list[float]) -> None:
    while True:
        began = time.perf_counter()
        await asyncio.sleep(TICK_S)
        lags.append(max(0.0, time.perf_counter() - began - TICK_S))


def _own_cpu_s() -> float:
    spent = resource.getrusage(resource.RUSAGE_SELF)
    return spent.ru_utime + spent.ru_stime
