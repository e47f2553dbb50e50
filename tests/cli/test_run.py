"""`run` as a process: what SIGHUP takes up, and what it leaves."""

import http.client
import json
import queue
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest

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


MAC = "02:00:00:00:00:01"
SERVED = "the page is served"


class Told:
    """What a process logs, line by line, as it does."""

    def __init__(self, stream):
        self._lines = queue.SimpleQueue()
        self._reading = threading.Thread(target=lambda: [*map(self._lines.put, stream)], daemon=True)
        self._reading.start()

    def end(self):
        """Read on to the end, which comes with the process's."""
        self._reading.join(60)

    def await_line(self, text):
        """Return the next line that has this text in it; nothing for 60 s is an error."""
        while text not in (line := self._lines.get(timeout=60)):
            continue
        return line


@contextmanager
def running(folder, text):
    config = folder / "farm.toml"
    config.write_text(text)
    command = [sys.executable, "-c", DIES_WITH_US, sys.executable, "-c", MAIN, "run", "--config", config]
    with subprocess.Popen(
        [*command, "--state-dir", folder / "state"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as agent:
        told = Told(agent.stdout)
        try:
            told.await_line(SERVED)
            yield agent, config, told
        finally:
            agent.kill()
            told.end()


def miners(port):
    """Return whom the agent polls."""
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=15)
    try:
        asked.request("GET", "/api/v1/miners")
        return [item["miner"]["id"] for item in json.loads(asked.getresponse().read())["items"]]
    finally:
        asked.close()


def test_what_cannot_be_made_or_bound_is_named(process, tmp_path):
    config = tmp_path / "farm.toml"
    config.write_text(FARM.format(ports=free_port(), http=1).replace('bind = "127.0.0.1', 'bind = "192.0.2.1'))
    (tmp_path / "file").touch()
    for folder, said in ("file", f"{tmp_path / 'file'}: File exists"), ("state", "farm.toml: http.bind: 192.0.2.1: "):
        refused = process("run", "--config", config, "--state-dir", tmp_path / folder)
        assert refused.returncode == 3
        assert refused.stderr.splitlines()[-1].startswith(said)


def test_at_sighup_the_inventory_is_read_anew_in_the_same_process(tmp_path):
    port = free_port()
    with running(tmp_path, FARM.format(ports="1", http=port)) as (agent, config, told):
        assert miners(port) == ["127.0.0.1:1"]
        config.write_text(FARM.format(ports="1-3", http=port))
        agent.send_signal(signal.SIGHUP)
        told.await_line(SERVED)
        assert miners(port) == ["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"]
        agent.terminate()
        assert agent.wait(5) == 0


def test_a_configuration_with_a_mistake_or_without_its_secret_is_told_of_and_left(tmp_path):
    port = free_port()
    sound = FARM.format(ports="1", http=port)
    with running(tmp_path, sound) as (agent, config, told):
        for bad, said in (
            (sound.replace("connection_kw = 100", "colour = 1"), "site.colour"),
            (f'{sound}[store]\nurl = "postgresql://h/hashwatt"\n', "store.url"),
            (f'{sound}tokens = "file:none.toml"\n', "http.tokens"),
        ):
            config.write_text(bad)
            agent.send_signal(signal.SIGHUP)
            told.await_line(said)
            assert miners(port) == ["127.0.0.1:1"]
        assert agent.poll() is None


@pytest.mark.parametrize(
    ("more", "before", "after", "said"),
    [
        ('[orders]\nschedule = "beside"\n', "", "[[order]\n", "beside"),
        ('[notify]\nwebhooks = ["file:beside"]\n', "http://127.0.0.1:9/x", None, "notify.webhooks.0: file:beside"),
    ],
    ids=["schedule", "webhook"],
)
def test_a_mistake_in_a_file_beside_the_configuration_ends_nothing_at_sighup(tmp_path, more, before, after, said):
    port, beside = free_port(), tmp_path / "beside"
    beside.write_text(before)
    with running(tmp_path, FARM.format(ports="1", http=port) + more) as (agent, _, told):
        beside.unlink() if after is None else beside.write_text(after)
        agent.send_signal(signal.SIGHUP)
        assert said in told.await_line("is not taken up")
        assert miners(port) == ["127.0.0.1:1"]
        assert agent.poll() is None


def test_after_an_address_that_cannot_be_bound_the_last_configuration_that_ran_runs_again(tmp_path):
    port = free_port()
    sound = FARM.format(ports="1", http=port)
    with running(tmp_path, sound) as (agent, config, told):
        config.write_text(sound.replace('bind = "127.0.0.1', 'bind = "192.0.2.1').replace(":1", ":2", 1))
        agent.send_signal(signal.SIGHUP)
        assert "http.bind: 192.0.2.1" in told.await_line("is not taken up")
        told.await_line(SERVED)
        assert miners(port) == ["127.0.0.1:1"]
        assert agent.poll() is None


CONFLICTS = (
    (f"a,127.0.0.1,1,{MAC},\nb,127.0.0.1,2,{MAC},", f"i.csv: line 3: mac {MAC} stands in line 2 already"),
    ("a,127.0.0.1,1,,\na,127.0.0.1,2,,", "i.csv: line 3: a stands in line 2 already"),
    ("a,127.0.0.1,1,,\nb,127.0.0.1,1,,", "i.csv: line 3: 127.0.0.1:1 stands in line 2 already"),
    ("a,127.0.0.1,1,,\nb,127.0.0.1,2,,T9", "i.csv: line 3: feeder: T9 is no feeder"),
)


def test_an_inventory_with_a_conflict_changes_nothing_at_sighup(tmp_path):
    port = free_port()
    sound = FARM.format(ports="1", http=port).replace('hosts = ["127.0.0.1:1"]', 'csv = "i.csv"')
    inventory = tmp_path / "i.csv"
    inventory.write_text("id,host,port\na,127.0.0.1,1\n")
    with running(tmp_path, sound) as (agent, _, told):
        for rows, said in CONFLICTS:
            inventory.write_text(f"id,host,port,mac,feeder\n{rows}\n")
            agent.send_signal(signal.SIGHUP)
            assert said in told.await_line("is not taken up")
            assert miners(port) == ["a"]
        assert agent.poll() is None
