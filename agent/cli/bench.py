"""`hashwatt bench agent`: what the agent costs on this machine, over a simulated farm in another process.

Nothing here decides whether the agent is right; it measures loop lag, memory and CPU of a real `hashwatt run`.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import re
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

LAG_TARGET_S = 0.1
MEMORY_TARGET_MB = 150.0
MEMORY_TARGET_MINERS = 300
WINDOWS = 3
READY_S = 120.0
HASHWATT = (sys.executable, "-c", "import sys; from agent.cli import main; sys.exit(main())")
SETTINGS = '\n[polling]\ninterval_s = 10\n\n[http]\nbind = "127.0.0.1:0"\n\n[logging]\nlevel = "error"\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure; `ok` None where it has no target."""

    name: str
    value: float
    unit: str
    target: float | None = None
    ok: bool | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What one stretch of time showed."""

    lag_s: float
    memory_mb: float
    cpu_share: float
    polls_per_s: float


def bench_agent(*, miners: int, seconds: float, as_json: bool) -> int:
    """Measure, print, and return 1 where a target is missed."""
    windows, hashing = asyncio.run(_measure(miners, seconds))
    return show(_rows(miners, windows, hashing), as_json=as_json)


def show(rows: Sequence[Row], *, as_json: bool, skipped: Sequence[str] = ()) -> int:
    """Print rows, and return 1 where a target is missed; `skipped` names those whose judge is not here."""
    if as_json:
        print(json.dumps({"machine": _machine() | {"skipped": [*skipped]}, "rows": [asdict(row) for row in rows]}))
    else:
        for row in rows:
            mark = "" if row.ok is None else "ok" if row.ok else "MISSED"
            target = "" if row.target is None else f"(at most {row.target:g})"
            print(f"{row.name:28} {row.value:10.3f} {row.unit:10} {target:16} {mark:7} {row.detail}")
        for judge in skipped:
            print(f"skipped: {judge}")
    return int(any(row.ok is False for row in rows))


def _rows(miners: int, windows: list[Window], hashing: int) -> list[Row]:
    spread = f"median of {len(windows)} windows"
    lag_s = max(window.lag_s for window in windows)
    memory_mb = max(window.memory_mb for window in windows)
    bound_mb = MEMORY_TARGET_MB if miners <= MEMORY_TARGET_MINERS else None
    return [
        Row(name="miners", value=miners, unit="", detail=f"{hashing} read as hashing"),
        Row(
            name="event loop lag, worst",
            value=lag_s * 1000,
            unit="ms",
            target=LAG_TARGET_S * 1000,
            ok=lag_s < LAG_TARGET_S,
            detail="with a scrape a second",
        ),
        Row(
            name="memory (RSS), most",
            value=memory_mb,
            unit="MB",
            target=bound_mb,
            ok=None if bound_mb is None else memory_mb < bound_mb,
        ),
        Row(
            name="CPU, of one core",
            value=100 * statistics.median(window.cpu_share for window in windows),
            unit="%",
            detail=spread,
        ),
        Row(
            name="polls",
            value=statistics.median(window.polls_per_s for window in windows),
            unit="per s",
            detail=spread,
        ),
    ]


def _machine() -> dict[str, object]:
    return {
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "skipped": [],
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """A simulated farm in a process of its own."""

    config: Path  # of an agent that fits it
    pid: int
    control: str  # where its controls are


async def _measure(miners: int, seconds: float) -> tuple[list[Window], int]:
    with tempfile.TemporaryDirectory(prefix="hashwatt-bench-") as folder:
        async with (
            simulated(miners, Path(folder)) as farm,
            _agent(farm.config, Path(folder) / "state") as (pid, address),
        ):
            hashing = await until_read(address, miners)
            windows = []
            for number in range(WINDOWS):
                sys.stderr.write(f"window {number + 1} of {WINDOWS}, {seconds:g} s\n")
                windows.append(await _window(pid, address, seconds))
            return windows, hashing


@asynccontextmanager
async def simulated(miners: int, folder: Path) -> AsyncIterator[Simulated]:
    """Run so many simulated machines until the block ends."""
    config = folder / "farm.toml"
    farm = await asyncio.create_subprocess_exec(
        *HASHWATT, "simulate", "--miners", str(miners), "--config-out", str(config), stdout=asyncio.subprocess.PIPE
    )
    try:
        control = await _until_ready(farm)
        with config.open("a", encoding="utf-8") as file:
            file.write(SETTINGS)
        yield Simulated(config=config, pid=farm.pid, control=control)
    finally:
        farm.terminate()
        await farm.wait()


async def _until_ready(process: asyncio.subprocess.Process) -> str:
    """Wait until the farm is there; returns where its controls are."""
    assert process.stdout is not None
    control = ""
    async with asyncio.timeout(READY_S):
        while line := await process.stdout.readline():
            if line.startswith(b"control "):
                control = line.decode().split()[1]
            if line.startswith(b"ready "):
                return control
    raise RuntimeError(f"the simulated farm ended with {await process.wait()}")


@asynccontextmanager
async def _agent(config: Path, state_dir: Path) -> AsyncIterator[tuple[int, str]]:
    agent = await asyncio.create_subprocess_exec(
        *HASHWATT, "run", "--config", str(config), "--state-dir", str(state_dir)
    )
    address = state_dir / "address"
    try:
        async with asyncio.timeout(READY_S):
            while not address.exists():  # noqa: ASYNC110 - another process makes it
                await asyncio.sleep(0.05)
        yield agent.pid, address.read_text(encoding="utf-8").strip()
    finally:
        agent.terminate()
        await agent.wait()


async def until_read(address: str, miners: int, within_s: float = READY_S) -> int:
    """Wait until every machine was read once; returns how many hash."""
    async with asyncio.timeout(within_s):
        while True:
            site = json.loads(await asyncio.to_thread(page, f"http://{address}/api/v1/site"))
            hashing = int(site["miners"].get("hashing", 0))
            if hashing >= miners:
                return hashing
            await asyncio.sleep(0.5)


async def _window(pid: int, address: str, seconds: float) -> Window:
    lags: list[float] = []
    began, spent_s, polls = time.monotonic(), cpu_s(pid), 0.0
    first: float | None = None
    while time.monotonic() - began < seconds:
        text = (await asyncio.to_thread(page, f"http://{address}/metrics")).decode()
        lags.append(_sum_of(text, "hashwatt_event_loop_lag_seconds"))
        polls = _sum_of(text, "hashwatt_polls_total")
        first = polls if first is None else first
        await asyncio.sleep(1.0)
    passed = time.monotonic() - began
    return Window(
        lag_s=max(lags),
        memory_mb=_memory_mb(pid),
        cpu_share=(cpu_s(pid) - spent_s) / passed,
        polls_per_s=(polls - (first or 0.0)) / passed,
    )


def page(url: str) -> bytes:
    """Return what a page on this host says."""
    with urllib.request.urlopen(url, timeout=30) as reply:  # noqa: S310 - the agent's own address
        return bytes(reply.read())


def _sum_of(text: str, name: str) -> float:
    return sum(float(value) for value in re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)", text, re.MULTILINE))


def cpu_s(pid: int) -> float:
    """Return the CPU time that a process has spent so far, s."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)
    return int(found[1]) / 1024 if found is not None else float("nan")
