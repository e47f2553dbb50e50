"""`hashwatt demo`: a simulated farm, an embedded broker, a dispatcher and the agent, together on this machine.

With a time it plays the main job once and says whether it was done; without, it stays up until it is interrupted.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiomqtt

from agent import logs
from agent.app import Running, serve
from agent.cli.core_wait import CoreWait, too_busy
from agent.config import Config, load
from agent.ledger.attest import exported
from agent.ledger.store import Store
from agent.proof.evidence import BrokenAt, Export, check
from agent.proof.evidence_key import signing_key
from simulators.farm_config import TOLD
from simulators.grid_operator import Dispatcher

DONE, NOT_DONE, BAD_INPUT, TAKEN = 0, 1, 2, 3
SITE, ORDER, ISSUER = "demo", "demo-stop", "dispatcher"
SCALE = 0.1
LEAST_S = 90
READY_S = 60.0
BACK = 0.95
CONNECTION_SHARE = 1.3
BROKER = """id = 0
[router]
max_connections = 1000
max_outgoing_packet_count = 1000
max_segment_size = 104857600
max_segment_count = 10
{listeners}"""
LISTENER = """[{version}.1]
name = "{version}"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1
[{version}.1.connections]
connection_timeout_ms = 60000
max_payload_size = 300000
max_inflight_count = 500
dynamic_filters = true
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """What to show: so many machines, for so long (None: until interrupted), with which mix and faults."""

    miners: int = 300
    seconds: float | None = None
    port: int = 8700
    mix: Path | None = None
    faults: Path | None = None


@dataclass(slots=True, kw_only=True)
class Outcome:
    """How the main job went."""

    before_w: float = 0.0
    complied_s: float | None = None
    back_w: float = 0.0
    broken: tuple[str, ...] = ()
    core_wait: float = 0.0  # share of the time, agent's or farm's

    def failures(self, most_s: float) -> list[str]:
        """Return what was not done, in words; empty where all was."""
        reasons = {
            f"the stop was not complied with within {most_s:.0f} s": self.complied_s is None
            or self.complied_s > most_s,
            f"the farm is at {self.back_w / 1000:.0f} kW of {self.before_w / 1000:.0f} kW": self.back_w
            < BACK * self.before_w,
            f"evidence is broken: {', '.join(self.broken)}": bool(self.broken),
        }
        failed = [reason for reason, holds in reasons.items() if holds]
        busy = None if self.broken else too_busy(self.core_wait)  # no lack of a core breaks a chain
        return [*failed, busy] if failed and busy is not None else failed


def demo(
    *,
    miners: int = 300,
    seconds: float | None = None,
    port: int = 8700,
    mix: Path | None = None,
    faults: Path | None = None,
) -> int:
    """Play the demo; returns the exit code."""
    play = Play(miners=miners, seconds=seconds, port=port, mix=mix, faults=faults)
    if seconds is not None and seconds < LEAST_S:
        return _refuse(f"--for: must be at least {LEAST_S} s")
    try:
        import iotcore  # noqa: F401, PLC0415 - an extra: everything else works without it
    except ImportError:
        return _refuse("the demo needs the embedded broker: pip install 'hashwatt[demo]'")
    if not _is_free(port):
        return _refuse(f"port {port} is taken; --port names another", code=TAKEN)
    logs.configure(level="warning", form="console")
    with tempfile.TemporaryDirectory(prefix="hashwatt-demo-") as folder:
        try:
            return asyncio.run(_show(play, Path(folder)))
        except FarmFailed as error:
            return error.code


async def _show(play: Play, folder: Path) -> int:
    plain_port, agent_port = _free_port(), _free_port()
    url = f"mqtt://127.0.0.1:{plain_port}"
    with _broker(folder, v4=plain_port, v5=agent_port):
        print(f"broker    {url}", flush=True)
        async with _farm(play, url, folder) as (config_file, farm_pid):
            config = _demo_config(load(config_file), play.port, agent_port)
            print(f"farm      {len(config.miners)} simulated machines", flush=True)
            stop = asyncio.Event()
            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, stop.set)
            async with _agent(config, folder / "state", stop) as running:
                if can_be_told(config):
                    _say_who_can(config)
                print(f"page      http://{running.address}/  (metrics: /metrics, state: /api/v1/site)", flush=True)
                if play.seconds is None:
                    return await _stay(stop, url)
                core_wait = CoreWait([os.getpid(), farm_pid])
                outcome = await _main_job(play, url, _stop(can_be_told(config)))
                outcome.core_wait = core_wait.share()
            outcome.broken = _broken_evidence(config, folder / "state")
    return _sum_up(play, outcome)


async def _stay(stop: asyncio.Event, url: str) -> int:
    print(f"an order  hashwatt orders send --stop --issuer {ISSUER} --class law --mqtt {url} --site {SITE}")
    print("Ctrl-C ends it.", flush=True)
    await stop.wait()
    return DONE


async def _main_job(play: Play, url: str, stop: dict[str, Any]) -> Outcome:
    """Order a stop at a sixth of the time, lift it at two thirds, look at the end."""
    assert play.seconds is not None
    began = time.monotonic()
    watch = _Watch()
    async with aiomqtt.Client("127.0.0.1", urlsplit(url).port or 0) as client, Dispatcher(url, SITE) as dispatcher:
        await client.subscribe([(f"hashwatt/{SITE}/meter/main", 1), (f"hashwatt/{SITE}/orders/+/ack", 1)])
        hearing = asyncio.create_task(watch.hear(client), name="demo-watch")
        try:
            await asyncio.sleep(began + play.seconds / 6 - time.monotonic())
            watch.ordered()
            await dispatcher.order(stop)
            await asyncio.sleep(began + play.seconds * 2 / 3 - time.monotonic())
            await dispatcher.cancel(ORDER)
            await asyncio.sleep(began + play.seconds - time.monotonic())
        finally:
            hearing.cancel()
            await asyncio.gather(hearing, return_exceptions=True)
    return Outcome(before_w=watch.before_w, complied_s=watch.complied_s, back_w=watch.latest_w)


def can_be_told(config: Config) -> int:
    """Return how many machines can be told to sleep where some cannot, 0 where none is told apart."""
    return sum(TOLD in miner.tags for miner in config.miners)


def _say_who_can(config: Config) -> None:
    told = can_be_told(config)
    print(
        f"order     for the {told} that can be told to sleep; {len(config.miners) - told} can be read alone", flush=True
    )


def _stop(told: int) -> dict[str, Any]:
    """Return a stop of the site, or of the machines that can be told where some cannot."""
    now = datetime.now(UTC).isoformat()
    document = {"order_id": ORDER, "revision": 1, "site": SITE, "issuer": ISSUER, "class": "law", "status": "issued"}
    targets = {"targets": {"tags": [TOLD]}} if told else {}
    return {**document, **targets, "issued_at": now, "limit": {"stop": True}}


class _Watch:
    """What an onlooker at the broker sees: the meter, and the acknowledgements, which it prints."""

    def __init__(self) -> None:
        self.latest_w = 0.0
        self.before_w = 0.0
        self.complied_s: float | None = None
        self._ordered_at = time.monotonic()

    def ordered(self) -> None:
        """Note that the order goes out now."""
        self.before_w, self._ordered_at = self.latest_w, time.monotonic()

    async def hear(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            told = json.loads(bytes(message.payload))
            if message.topic.value.endswith("/ack"):
                self._print(told)
            else:
                self.latest_w = told["power_w"]

    def _print(self, ack: dict[str, Any]) -> None:
        after_s = time.monotonic() - self._ordered_at
        if ack["state"] == "complied" and self.complied_s is None:
            self.complied_s = after_s
        cap = "-" if ack["cap_w"] is None else f"{ack['cap_w'] / 1000:.1f}"
        observed_kw = (ack["observed_w"] or 0.0) / 1000
        print(
            f"order {ack['order_id']} {ack['state']} after {after_s:.1f} s: {observed_kw:.1f} kW of {cap} kW",
            flush=True,
        )


@contextmanager
def _broker(folder: Path, **ports: int) -> Iterator[None]:
    """Run the embedded broker; each version of the protocol has a port of its own."""
    from iotcore import Broker  # noqa: PLC0415 - an extra

    text = BROKER.format(listeners="".join(LISTENER.format(version=v, port=p) for v, p in ports.items()))
    (folder / "broker.toml").write_text(text, encoding="utf-8")
    with Broker(config_path=str(folder / "broker.toml")):
        yield


@asynccontextmanager
async def _farm(play: Play, url: str, folder: Path) -> AsyncIterator[tuple[Path, int]]:
    """Run the simulated farm in a process of its own; yields the configuration that it wrote, and the process."""
    config_file = folder / "farm.toml"
    arguments = ["--miners", str(play.miners), "--mqtt", url, "--site", SITE, "--config-out", str(config_file)]
    arguments += ["--delay-scale", str(SCALE)]
    arguments += [] if play.mix is None else ["--mix", str(play.mix)]
    arguments += [] if play.faults is None else ["--faults", str(play.faults)]
    command = [sys.executable, "-c", "import sys; from agent.cli import main; sys.exit(main())", "simulate"]
    farm = await asyncio.create_subprocess_exec(*command, *arguments, stdout=asyncio.subprocess.PIPE)
    try:
        await _until_ready(farm)
        yield config_file, farm.pid
    finally:
        if farm.returncode is None:
            farm.terminate()
        await farm.wait()


async def _until_ready(farm: asyncio.subprocess.Process) -> None:
    assert farm.stdout is not None
    try:
        async with asyncio.timeout(READY_S):
            while line := await farm.stdout.readline():
                if line.startswith(b"ready "):
                    return
    except TimeoutError:
        sys.stderr.write(f"the simulated farm was not ready within {READY_S:.0f} s\n")
        raise FarmFailed(NOT_DONE) from None
    raise FarmFailed(await farm.wait())


class FarmFailed(Exception):
    """There is no simulated farm; why has been said."""

    def __init__(self, code: int) -> None:
        super().__init__(f"no simulated farm: {code}")
        self.code = code


def _demo_config(config: Config, http_port: int, broker_port: int) -> Config:
    """Return the farm's configuration with the demo's: enforce, quick polls, minimum times a tenth."""
    schema = config.schema
    control = _with(
        schema.control,
        mode="enforce",
        restore_kw_per_min=4 * schema.site.connection_kw / CONNECTION_SHARE,
        respond_s=schema.control.respond_s * SCALE,
        min_on_s=schema.control.min_on_s * SCALE,
        min_off_s=schema.control.min_off_s * SCALE,
        wake_settle_s=schema.control.wake_settle_s * SCALE,
    )
    changed = _with(
        schema,
        control=control,
        polling=_with(schema.polling, interval_s=2.0),
        meter=[_with(meter, window_s=5.0) for meter in schema.meter],
        mqtt=_with(schema.mqtt, url=f"mqtt://127.0.0.1:{broker_port}"),
        http=_with(schema.http, bind=f"127.0.0.1:{http_port}"),
    )
    return replace(config, schema=changed)


def _with(table: Any, **changes: object) -> Any:
    return replace(table, **changes)


@asynccontextmanager
async def _agent(config: Config, state_dir: Path, stop: asyncio.Event) -> AsyncIterator[Running]:
    """Run the agent in this process until the block ends."""
    started: asyncio.Future[Running] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(
        serve(config, state_dir, stop, delay_scale=SCALE, ready=started.set_result), name="agent"
    )
    waits: set[asyncio.Future[Any]] = {serving, started}
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    try:
        if serving.done():
            serving.result()
        yield started.result()
    finally:
        stop.set()
        await serving


def _broken_evidence(config: Config, state_dir: Path) -> tuple[str, ...]:
    """Export the order's record and verify it; return what does not hold, in words."""
    key, told = signing_key(config, state_dir), Export(site=SITE, agent=version("hashwatt"), at=datetime.now(UTC))
    with closing(Store(config.schema.store.url, state_dir, read_only=True)) as store:
        lines = exported(store, ORDER, told, key)
    if lines is None:
        return (f"there is none of {ORDER}",)
    try:
        proven = check(b"".join(lines), [key.public])
    except BrokenAt as error:
        return (f"line {error.line}: {error}",)
    return () if proven.covered == proven.links else (f"a head covers {proven.covered} of {proven.links} links",)


def _sum_up(play: Play, outcome: Outcome) -> int:
    assert play.seconds is not None
    failures = outcome.failures(min(60.0, play.seconds / 2))
    if failures:
        print(f"demo: not done: {'; '.join(failures)}", flush=True)
        return NOT_DONE
    print(
        f"demo: {play.miners} machines, {outcome.before_w / 1000:.0f} kW stopped in {outcome.complied_s or 0:.1f} s, "
        f"back at {outcome.back_w / 1000:.0f} kW; evidence verifies",
        flush=True,
    )
    return DONE


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _refuse(sentence: str, code: int = BAD_INPUT) -> int:
    sys.stderr.write(f"{sentence}\n")
    return code
