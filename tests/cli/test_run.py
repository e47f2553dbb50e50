"""`run` as a process: what SIGHUP takes up, and what it leaves."""

import http.client
import json
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

from tests.brokers import DIES_WITH_US, free_port

MAIN = "import sys; from agent.cli import main; sys.exit(main())"
FARM = """
[site]
id = "kg-1"
timezone = "Asia/Bishkek"
currency = "KGS"
connection_kw = 100

[[miners]]
hosts = ["127.0.0.1:{ports}"]

[http]
bind = "127.0.0.1:{http}"
"""


@contextmanager
def running(folder, text):
    config, log = folder / "farm.toml", folder / "log"
    config.write_text(text)
    command = [sys.executable, "-c", DIES_WITH_US, sys.executable, "-c", MAIN]
    with log.open("wb") as out:
        agent = subprocess.Popen(
            [*command, "run", "--config", config, "--state-dir", folder / "state"], stderr=out, stdout=out
        )
        try:
            yield agent, config, log
        finally:
            agent.kill()
            agent.wait()


def until(holds):
    """Wait until it holds: between processes there is no event to await."""
    end = time.monotonic() + 15
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def miners(port):
    """Return whom the agent polls, None where it does not answer now."""
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        asked.request("GET", "/api/v1/miners")
        return [item["miner"]["id"] for item in json.loads(asked.getresponse().read())["items"]]
    except (OSError, http.client.HTTPException):
        return None
    finally:
        asked.close()


def test_at_sighup_the_inventory_is_read_anew_in_the_same_process(tmp_path):
    port = free_port()
    with running(tmp_path, FARM.format(ports="1", http=port)) as (agent, config, _):
        until(lambda: miners(port) == ["127.0.0.1:1"])
        config.write_text(FARM.format(ports="1-3", http=port))
        agent.send_signal(signal.SIGHUP)
        until(lambda: miners(port) == ["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"])
        agent.terminate()
        assert agent.wait(5) == 0


def test_a_configuration_with_a_mistake_or_without_its_secret_is_told_of_and_left(tmp_path):
    port = free_port()
    sound = FARM.format(ports="1", http=port)
    with running(tmp_path, sound) as (agent, config, log):
        until(lambda: miners(port) == ["127.0.0.1:1"])
        for bad, said in (
            (sound.replace("connection_kw = 100", "colour = 1"), "site.colour"),
            (f'{sound}[[safety_input]]\nid = "s"\nfeeder = "site"\nkind = "mqtt"\ntopic = "s"\n', "safety_input"),
            (f'{sound}tokens = "file:none.toml"\n', "http.tokens"),
        ):
            config.write_text(bad)
            agent.send_signal(signal.SIGHUP)
            until(lambda said=said: said in log.read_text())
            until(lambda: miners(port) == ["127.0.0.1:1"])
        assert agent.poll() is None
