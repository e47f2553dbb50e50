"""`drill`: the plan first, then step by step; what ends it, and the figures."""

import asyncio
import json
import signal

import pytest

from agent.cli.drill import _run
from agent.cli.failure import Failure
from tests.outputs.farm import TOKENS, serving

FIGURES = {
    "model": "S19",
    "driver": "cgminer",
    "machines": 1,
    "feeder": "T1",
    "meter": "main",
    "at": "2027-01-15T13:00:00.000Z",
    "nominal_w": 3250.0,
    "levels_w": {"full": 3301.5, "sleep": 24.0},
    "error_w": 35.0,
    "standby_by": "model",
    "sleep_s": 41.0,
    "wake_s": 702.0,
}


async def test_a_drill_is_planned_and_the_figures_are_shown(say):
    async with serving() as client:

        async def ran(*words):
            return await asyncio.to_thread(say, "drill", *words, "--url", client.base, "--token", TOKENS["operator"])

        assert (await ran()).stdout == "nothing was measured yet\n"
        planned = await ran("--feeder", "T1")
        assert "1 of 9 S19 (cgminer) would be measured at full, sleep: a1" in planned.stdout
        assert "left out, is held: a2" in planned.stdout
        assert "this was a dry run; --yes does it" in planned.stdout
        assert client.desk.drilled is None
        client.desk.against_drills = "observe: nothing is sent"
        refused = await ran("--feeder", "T1", "--yes")
        assert (refused.exit_code, "no drill now: observe: nothing is sent" in refused.stderr) == (1, True)
        assert (await ran("--stop")).exit_code == 1
        client.desk.drill_figures = [FIGURES]
        assert "3,302" in (await ran()).stdout
        told = await ran("--json")
        assert json.loads(told.stdout)["figures"] == [FIGURES]


async def test_a_drill_is_watched_to_its_end(say, monkeypatch):
    async with serving() as client:
        begin, looks = client.desk.begin_drill, iter(range(9))

        def drill():
            if next(looks) == 2:
                client.desk.drilled |= {"state": "done", "level": None, "measured": [FIGURES]}
            return {"drill": client.desk.drilled, "figures": []}

        monkeypatch.setattr(client.desk, "drill", drill)
        monkeypatch.setattr("agent.cli.drill.LOOKS_EACH_S", 0.01)
        # the shell's signals belong to a main thread, which a test's shell is not in
        monkeypatch.setattr("agent.cli.drill.signal.signal", lambda _number, _handler: None)
        at = ("--url", client.base, "--token", TOKENS["operator"])
        done = await asyncio.to_thread(say, "drill", "--feeder", "T1", "--yes", *at)
        assert "S19, step 2 of 3, sleep: settling" in done.stdout
        assert "3,302" in done.stdout
        assert done.exit_code == 0
        assert begin.__self__ is client.desk


@pytest.mark.parametrize("fails", ["post", "get"])
def test_ctrl_c_ends_a_drill_also_while_it_is_being_begun(monkeypatch, fails):
    course = {"state": "stopped", "measured": [], "failures": [], "reason": "by a hand", "groups": []}
    asked, before = [], signal.getsignal(signal.SIGINT)

    class Agent:
        def __getattr__(self, verb):
            def ask(_path, body=None):
                if verb == "post" and body.get("dry_run"):
                    return {"against": None}
                asked.append(verb)
                if verb == fails:
                    signal.raise_signal(signal.SIGINT)
                return {"drill": course | {"state": "going"} if verb != "delete" else course, "figures": []}

            return ask

    monkeypatch.setattr("agent.cli.drill._say_plan", lambda _plan: None)
    monkeypatch.setattr("agent.cli.drill._watch", lambda agent, say: agent.get("/api/v1/drill"))
    with pytest.raises(Failure, match="by a hand"):
        _run(Agent(), {"feeder": "T1", "percent": 5.0}, yes=True, as_json_=True)
    assert asked[-2:] == [fails, "delete"]
    assert signal.getsignal(signal.SIGINT) is before
