"""`hashwatt bench scrape`: how long `/metrics` takes of a large farm, how late the loop turns meanwhile, and a judge.

The judge is prometheus_client with one labelled gauge a machine, for as many samples, in the same run.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from agent.cli.bench import Row
from agent.cli.bench_fleet import NOW, decided, fleet_of
from agent.fleet.fleet import Fleet
from agent.inputs.order_document import parse_known
from agent.orders.order_book import BookPolicy, OrderBook
from agent.orders.trust import TrustPolicy
from agent.outputs.metrics import Metrics
from agent.outputs.sight import Sight
from agent.planning.decide import Memory
from agent.values import Moment

SCRAPE_MS, LAG_MS = 250.0, 20.0
"""For ten thousand machines; more take as much more."""
COUNTED_FOR = 10_000
RUNS, JUDGED = 5, 20_000
TICK_S = 0.001
SITE = "bench"


def bench_scrape(*, miners: int) -> list[Row]:
    """Return what a scrape of so many machines costs."""
    return asyncio.run(_measure(miners))


async def _measure(miners: int) -> list[Row]:
    fleet, metrics = fleet_of(miners), Metrics(site=SITE, version="bench")
    sight = _sight(fleet)
    runs = [await _scrape(metrics, sight) for _ in range(RUNS)]
    cpu_ms, lag_ms = (statistics.median(one) for one in zip(*((cpu, lag) for cpu, lag, _ in runs), strict=True))
    text = runs[-1][2]
    samples = sum(1 for line in text.splitlines() if line and not line.startswith(b"#"))
    judge_ms = statistics.median(_judged_ms() for _ in range(3)) * samples / JUDGED
    scale = max(1.0, miners / COUNTED_FOR)
    detail = f"{miners:,} machines, {samples:,} samples, {len(text) / 1e6:.1f} MB, median of {RUNS}"
    return [
        Row(
            name="CPU of a scrape",
            value=cpu_ms,
            unit="ms",
            target=SCRAPE_MS * scale,
            ok=cpu_ms < SCRAPE_MS * scale,
            detail=detail,
        ),
        Row(name="loop lag meanwhile", value=lag_ms, unit="ms", target=LAG_MS * scale, ok=lag_ms < LAG_MS * scale),
        Row(
            name="prometheus_client, as many",
            value=judge_ms,
            unit="ms",
            detail=f"labelled gauges, measured for {JUDGED:,} samples",
        ),
        Row(name="how much slower that is", value=judge_ms / cpu_ms, unit="x"),
    ]


async def _scrape(metrics: Metrics, sight: Sight) -> tuple[float, float, bytes]:
    """Return CPU in ms of one scrape, how late a ticker was at the worst, and the text."""
    sys.stderr.write("a scrape\n")
    late: list[float] = [0.0]

    async def tick() -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(TICK_S)
            late.append(time.perf_counter() - began - TICK_S)

    ticker = asyncio.create_task(tick(), name="bench-ticker")
    await asyncio.sleep(10 * TICK_S)
    late.clear()
    began = time.process_time()
    scrape = await metrics.scrape(sight, openmetrics=False, zipped=False)
    spent = time.process_time() - began
    await asyncio.sleep(2 * TICK_S)
    ticker.cancel()
    return 1000 * spent, 1000 * max(late), b"".join(bytes(piece) for piece in scrape.pieces)


def _judged_ms() -> float:
    registry = CollectorRegistry()
    gauge = Gauge("hashwatt_judge", "One sample a machine.", ("site", "miner", "model", "feeder"), registry=registry)
    began = time.process_time()
    for at in range(JUDGED):
        gauge.labels(SITE, f"m{at:06d}", "Antminer S19", "T1").set(at * 1.25)
    generate_latest(registry)
    return 1000 * (time.process_time() - began)


def _sight(fleet: Fleet) -> Sight:
    policy = BookPolicy(trust=TrustPolicy(site=SITE, issuers={}))
    book, decision = OrderBook(policy, parse_known), decided(fleet, 1.0, Memory())
    return Sight(
        site=SITE,
        mode="observe",
        fleet=fleet,
        book=book,
        now=lambda: Moment.trusted(datetime(2026, 1, 1, tzinfo=UTC), NOW),
        decision=lambda: decision,
        meter=lambda: None,
        house_w=lambda: 0.0,
        holds=dict,
        not_ready=tuple,
    )
