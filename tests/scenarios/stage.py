"""A whole farm for a test: a real broker, simulated machines over real sockets, the agent as a process of its own.

Between processes there is no event to await: what holds is asked for again and again, never longer than it may take.
"""

import asyncio
import json
import os
import shutil
import signal
import sys
import urllib.error
import urllib.request
from contextlib import asynccontextmanager
from pathlib import Path

import aiomqtt

from agent.proof.evidence import links_of
from simulators.grid_operator import Dispatcher
from tests.brokers import DIES_WITH_US, Mosquitto

MAIN = "import sys; from agent.cli import main; sys.exit(main())"
HASHWATT = [sys.executable, "-c", DIES_WITH_US, sys.executable, "-c", MAIN]
SITE = "scene"
PATIENCE = 4
"""Times the bound of each wait on an idle host: bounds end what hangs, and judge no busy host."""
ROOT = f"hashwatt/{SITE}"
METERS = {
    "mqtt": 'kind = "mqtt"\nwindow_s = 4\nstale_s = 8\n',
    "modbus": 'kind = "modbus"\naddress = "{place}"\nmap = "eastron-sdm630"\nwindow_s = 4\nstale_s = 8\n',
}
CONTROL = """
[control]
mode = "{mode}"
restore_kw_per_min = 100000
min_on_s = 2
min_off_s = 2
switches_per_hour = 60
respond_s = 20

[polling]
interval_s = {poll_s}
timeout_s = 2

[http]
bind = "127.0.0.1:0"
"""


async def program(*arguments, also=None, within=(), **pipes):
    """Start a hashwatt command; its standard output is a pipe, its log goes to the test's unless it is told where."""
    environ = {**os.environ, "PYTHONUNBUFFERED": "1", **(also or {})}
    return await asyncio.create_subprocess_exec(
        *within, *HASHWATT, *map(str, arguments), stdout=asyncio.subprocess.PIPE, env=environ, **pipes
    )


async def refused(*arguments, within_s=40):
    """Run a hashwatt command that ends by itself; return its exit code and what it said on standard error."""
    code, _, said = await ran(*arguments, within_s=within_s)
    return code, said


async def ran(*arguments, within_s=40):
    """Run a hashwatt command that ends by itself; return its exit code, what it printed, and what it complained of."""
    ended = await program(*arguments, stderr=asyncio.subprocess.PIPE)
    try:
        async with asyncio.timeout(PATIENCE * within_s):
            told, said = await ended.communicate()
    finally:
        if ended.returncode is None:
            ended.kill()
            await ended.wait()
    return ended.returncode, told.decode(), said.decode()


class Patient(Dispatcher):
    """A dispatcher that waits for acks as patiently as its stage."""

    async def ack(self, order_id, state, within_s, *, revision=None):
        return await super().ack(order_id, state, PATIENCE * within_s, revision=revision)


class Stage:
    """One site: `farm`, `agent` and `dispatcher`, told and watched over their real interfaces."""

    def __init__(self, folder, broker, dispatcher, control_url):
        self.folder = folder
        self.broker = broker
        self.dispatcher = dispatcher
        self.agent = None
        self.key = None  # by which the site signs, once the shell was asked
        self.environ = {}  # what the agent's process is given beside ours
        self.control_url = control_url
        self._root = Path("/")  # as the agent's process sees it

    # the farm

    async def farm(self, path, body=None):
        """Ask the farm's control: `/state`, or post a fault, the meter's or the house's."""
        return await asyncio.to_thread(_http, f"{self.control_url}{path}", body)

    async def states(self):
        """Return how many machines are in which true state."""
        found = {}
        for miner in (await self.farm("/state"))["miners"]:
            found[miner["state"]] = found.get(miner["state"], 0) + 1
        return found

    async def true_draw_w(self):
        state = await self.farm("/state")
        return state["house_w"] + sum(miner["power_w"] for miner in state["miners"])

    async def true_draws(self, seconds):
        """Watch the true draw for so long; return pairs of seconds and W."""
        seen, loop = [], asyncio.get_running_loop()
        began = loop.time()
        while loop.time() < began + seconds:
            seen.append((loop.time() - began, await self.true_draw_w()))
            await asyncio.sleep(0.2)
        return seen

    async def most_true_draw_w(self, seconds):
        """Watch the true draw for so long, and return the most that it was."""
        return max(draw_w for _, draw_w in await self.true_draws(seconds))

    async def writes(self):
        """Return every command that a machine acknowledged, in order."""
        return (await self.farm("/writes"))["writes"]

    async def quiet_writes(self, seconds, within_s=60):
        """Return every command, once none has come for so long."""
        loop = asyncio.get_running_loop()
        seen, since = await self.writes(), loop.time()
        async with asyncio.timeout(PATIENCE * within_s):
            while loop.time() < since + seconds:
                await asyncio.sleep(0.25)
                found = await self.writes()
                seen, since = (seen, since) if found == seen else (found, loop.time())
        return seen

    # the agent

    @property
    def config(self):
        return self.folder / "farm.toml"

    async def start(self, within=()):
        """Start the agent; `within` is what its command is put behind, a mount namespace of its own."""
        run = ("run", "--config", self.config, "--state-dir", self.folder / "state")
        self.agent = await program(*run, also=self.environ, within=within)
        self._root = Path(f"/proc/{self.agent.pid}/root") if within else Path("/")
        await self.until(self._is_up, 60, each_s=0.1)
        return self

    def _is_up(self):
        assert self.agent.returncode is None, f"the agent ended with {self.agent.returncode}"
        return (self.state_dir / "address").exists()

    @property
    def state_dir(self):
        return self._root / (self.folder / "state").relative_to("/")

    async def kill(self):
        """kill -9, as a power cut of the host would."""
        self.agent.kill()
        await self.agent.wait()
        (self.state_dir / "address").unlink()

    async def end(self):
        self.agent.send_signal(signal.SIGTERM)
        async with asyncio.timeout(5 * PATIENCE):
            return await self.agent.wait()

    def url(self, path):
        address = (self.state_dir / "address").read_text().strip()
        return f"http://{address}{path}"

    async def api(self, path):
        return await asyncio.to_thread(_http, self.url(path))

    async def read(self, path):
        """Return the bytes of an answer."""
        return await asyncio.to_thread(_read, self.url(path))

    async def not_ready(self):
        """Return why the agent is not ready, empty where it is."""
        try:
            await self.api("/readyz")
        except urllib.error.HTTPError as error:
            with error:
                if error.code != 503:
                    raise
                return json.loads(error.read())["not_ready"]
        return []

    async def site(self):
        return await self.api("/api/v1/site")

    async def until(self, holds, within_s, each_s=0.25):
        """Wait until `holds()`, plain or awaited, is true; there is no event across processes to await."""
        async with asyncio.timeout(PATIENCE * within_s):
            while True:
                found = holds()
                if asyncio.iscoroutine(found):
                    found = await found
                if found:
                    return found
                await asyncio.sleep(each_s)

    async def until_known(self, count, within_s=40):
        """Wait until the agent has read every machine and the meter."""

        async def known():
            site = await self.site()
            return site["miners"].get("hashing", 0) >= count and site["power_source"] == "meter"

        await self.until(known, within_s)

    async def until_metered(self):
        """Wait until the agent's meter, a mean of some seconds, shows what is drawn now."""

        async def shown():
            site, draw_w = await self.site(), await self.true_draw_w()
            return site["power_source"] == "meter" and abs(site["power_w"] / draw_w - 1) < 0.01

        await self.until(shown, 60)

    async def retained(self, topic):
        """Return what the broker keeps for whoever subscribes next."""
        async with asyncio.timeout(5 * PATIENCE), aiomqtt.Client("127.0.0.1", self.broker.port) as client:
            await client.subscribe(f"{ROOT}/{topic}", qos=1)
            message = await anext(client.messages)
        assert message.retain
        return bytes(message.payload).decode()

    async def evidence(self, order_id):
        """Return the kinds of fact in an order's record."""
        return [json.loads(line)["fact"]["fact"] for line in await self.record(order_id)]

    async def record(self, order_id):
        """Return the links of an order, as the shell exports its record and verifies it by the site's key."""
        folder = self.state_dir if self._root == Path("/") else self._copied()
        file, at = self.folder / f"{order_id}.jsonl", ("--state-dir", folder)
        assert (await ran("evidence", "export", order_id, "-o", file, *at)) == (0, "", "")
        if self.key is None:
            code, key, _ = await ran("evidence", "key", *at)
            assert code == 0
            self.key = key.strip()
        code, said, complaint = await ran("evidence", "verify", file, "--key", self.key)
        assert (code, complaint) == (0, ""), said
        return links_of(file.read_bytes())

    def _copied(self):
        """Return the state as a power cut now would leave it: SQLite cannot be led into another mount namespace."""
        self.agent.send_signal(signal.SIGSTOP)
        copy = shutil.copytree(self.state_dir, self.folder / "copy", dirs_exist_ok=True)
        self.agent.send_signal(signal.SIGCONT)
        return copy

    async def order(self, **changes):
        document = {"order_id": "o1", "revision": 1, "issuer": "dispatcher", "class": "law", "status": "issued"}
        await self.dispatcher.order({**document, "limit": {"stop": True}, **changes})


def _http(url, body=None):
    return json.loads(_read(url, None if body is None else json.dumps(body).encode()) or b"null")


def _read(url, data=None):
    with urllib.request.urlopen(urllib.request.Request(url, data=data), timeout=10 * PATIENCE) as reply:
        return reply.read()


@asynccontextmanager
async def stage(folder, miners, *, poll_s=1.0, mode="enforce", start=True, mix=None, meter="mqtt", feeders=0):
    """Set a farm up with its broker, dispatcher and agent; all end with the block. `mix` is the text of a mix file."""
    (folder / "broker").mkdir()
    with Mosquitto(folder / "broker") as broker:
        url = f"mqtt://127.0.0.1:{broker.port}"
        async with (
            _farm(folder / "farm.toml", url, miners, mix, feeders) as places,
            Patient(url, SITE, name="dispatcher") as dispatcher,
        ):
            made = Stage(folder, broker, dispatcher, f"http://{places['control']}")
            told = made.config.read_text().replace('kind = "mqtt"\n', METERS[meter].format(place=places["meter"]))
            made.config.write_text(told + CONTROL.format(mode=mode, poll_s=poll_s))
            try:
                yield await made.start() if start else made
            finally:
                if made.agent is not None:
                    await _put_down(made.agent)


@asynccontextmanager
async def _farm(config, url, miners, mix, feeders):
    """Run the simulated farm; yields where its control and its meter are."""
    arguments = ["--miners", miners, "--mqtt", url, "--site", SITE, "--config-out", config]
    if mix is not None:
        (config.parent / "mix.toml").write_text(mix)
        arguments += ["--mix", config.parent / "mix.toml"]
    arguments += ["--feeders", feeders]
    farm = await program("simulate", *arguments, "--own-ports", "--delay-scale", 0.05)
    try:
        yield await _ready(farm)
    finally:
        await _put_down(farm)


async def _put_down(process):
    if process.returncode is None:
        process.kill()
    await process.wait()


async def _ready(farm):
    places = {}
    async with asyncio.timeout(30 * PATIENCE):
        async for line in farm.stdout:
            word, *rest = line.decode().split()
            if word in {"control", "meter"}:
                places[word] = rest[0].replace("localhost", "127.0.0.1")
            if word == "ready":
                return places
    raise RuntimeError("the simulated farm did not come up")
