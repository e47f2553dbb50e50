"""A whole farm for a test: a real broker, simulated machines over real sockets, the agent as a process of its own."""

import asyncio
import json
import os
import signal
import sys
import urllib.request
from contextlib import asynccontextmanager

from simulators.grid_operator import Dispatcher
from tests.brokers import Mosquitto, free_port

HASHWATT = [sys.executable, "-c", "import sys; from agent.cli import main; sys.exit(main())"]
SITE = "scene"
CONTROL = """
[control]
mode = "enforce"
restore_kw_per_min = {restore_kw_per_min}
min_on_s = 2
min_off_s = 2
switches_per_hour = 60
respond_s = 20

[polling]
interval_s = {poll_s}
timeout_s = 1

[http]
bind = "127.0.0.1:{port}"
"""


async def program(*arguments):
    """Start a hashwatt command; its standard output is a pipe, its log goes to the test's standard error."""
    return await asyncio.create_subprocess_exec(
        *HASHWATT, *arguments, stdout=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    )


class Stage:
    """One site: `farm`, `agent` and `dispatcher`, told and watched over their real interfaces."""

    def __init__(self, folder, dispatcher, control_url):
        self.folder = folder
        self.dispatcher = dispatcher
        self.agent = None
        self._control_url = control_url
        self._port = 0

    # the farm

    async def farm(self, path, body=None):
        """Ask the farm's control: `/state`, or post a fault, the meter's or the house's."""
        return await asyncio.to_thread(_http, f"{self._control_url}{path}", body)

    async def states(self):
        """Return how many machines are in which true state."""
        found = {}
        for miner in (await self.farm("/state"))["miners"]:
            found[miner["state"]] = found.get(miner["state"], 0) + 1
        return found

    async def true_draw_w(self):
        state = await self.farm("/state")
        return state["house_w"] + sum(miner["power_w"] for miner in state["miners"])

    async def most_true_draw_w(self, seconds):
        """Watch the true draw for so long, and return the most that it was."""
        most_w, loop = 0.0, asyncio.get_running_loop()
        until = loop.time() + seconds
        while loop.time() < until:
            most_w = max(most_w, await self.true_draw_w())
            await asyncio.sleep(0.2)
        return most_w

    async def writes(self):
        """Return every command that a machine acknowledged, in order."""
        return (await self.farm("/writes"))["writes"]

    # the agent

    async def start(self):
        self.agent = await program(
            "run", "--config", str(self.folder / "farm.toml"), "--state-dir", str(self.state_dir)
        )
        await self.until((self.state_dir / "address").exists, 20)
        return self

    @property
    def state_dir(self):
        return self.folder / "state"

    async def kill(self):
        """kill -9, as a power cut of the host would."""
        self.agent.kill()
        await self.agent.wait()
        (self.state_dir / "address").unlink()

    async def end(self):
        self.agent.send_signal(signal.SIGTERM)
        async with asyncio.timeout(5):
            return await self.agent.wait()

    async def api(self, path):
        address = (self.state_dir / "address").read_text().strip()
        return await asyncio.to_thread(_http, f"http://{address}{path}")

    async def site(self):
        return await self.api("/api/v1/site")

    async def until(self, holds, within_s, each_s=0.25):
        """Wait until `holds()`, plain or awaited, is true; there is no event across processes to await."""
        async with asyncio.timeout(within_s):
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

    async def order(self, **changes):
        document = {"order_id": "o1", "revision": 1, "issuer": "dispatcher", "class": "law", "status": "issued"}
        await self.dispatcher.order({**document, "limit": {"stop": True}, **changes})


def _http(url, body=None):
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data=data), timeout=10) as reply:
        return json.loads(reply.read() or b"null")


@asynccontextmanager
async def stage(folder, miners, *, poll_s=1.0, restore_kw_per_min=100_000, faults=None, start=True):
    """Set a farm up with its broker, dispatcher and agent; all end with the block."""
    (folder / "broker").mkdir()
    with Mosquitto(folder / "broker") as broker:
        url = f"mqtt://127.0.0.1:{broker.port}"
        config = folder / "farm.toml"
        arguments = ["--miners", str(miners), "--mqtt", url, "--site", SITE, "--config-out", str(config)]
        arguments += ["--own-ports", "--delay-scale", "0.05"]
        if faults is not None:
            (folder / "faults.toml").write_text(faults)
            arguments += ["--faults", str(folder / "faults.toml")]
        farm = await program("simulate", *arguments)
        try:
            control_url = await _ready(farm)
            told = CONTROL.format(port=free_port(), poll_s=poll_s, restore_kw_per_min=restore_kw_per_min)
            config.write_text(config.read_text() + told)
            async with Dispatcher(url, SITE) as dispatcher:
                made = Stage(folder, dispatcher, control_url)
                made.broker = broker
                try:
                    yield await made.start() if start else made
                finally:
                    if made.agent is not None and made.agent.returncode is None:
                        made.agent.kill()
                        await made.agent.wait()
        finally:
            if farm.returncode is None:
                farm.kill()
            await farm.wait()


async def _ready(farm):
    control = None
    async with asyncio.timeout(30):
        async for line in farm.stdout:
            word, *rest = line.decode().split()
            if word == "control":
                control = f"http://{rest[0].replace('localhost', '127.0.0.1')}"
            if word == "ready":
                return control
    raise RuntimeError("the simulated farm did not come up")
