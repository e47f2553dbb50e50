"""`outlets`: which are on, and which the agent has cut."""

import json

import pytest

from tests.cli.farm import SITE

CUT = {"id": "q1", "feeders": ["T1"], "on": False, "age_s": 1.5, "power_w": None, "cut": True, "waits": "m1 is held"}


@pytest.fixture
def agents_outlets(monkeypatch):
    told = [CUT, {**CUT, "id": "q2", "on": True, "cut": False, "waits": None, "power_w": 3200.0}]
    monkeypatch.setitem(SITE, "outlets", told)
    return told


def test_outlets_are_listed_with_what_they_wait_for(farm, say, agents_outlets):
    result = say("outlets")
    assert result.stdout.splitlines()[2].split() == ["q1", "T1", "OFF", "1.5", "s", "-", "CUT", "m1", "is", "held"]
    assert "1 of 2 outlets are cut" in result.stdout
    assert json.loads(say("outlets", "--json").stdout) == {"items": agents_outlets, "next": None}
    assert "outlet    q1 is cut from T1; not given back yet: m1 is held" in say("status").stdout


def test_status_says_who_is_too_hot_and_which_loops_must_stay_pumped(farm, say, monkeypatch):
    told = {"ambient_c": None, "feeders_c": {}, "hot": 2, "loops": 3, "frost": True}
    monkeypatch.setitem(SITE, "climate", told)
    lines = say("status").stdout.splitlines()
    assert (
        "heat      2 machines are too hot: they give up power first, and are not raised; nobody says how warm it is"
        in lines
    )
    assert "frost     3 machines' loops must stay pumped, and are not cut; nobody says how warm it is" in lines
    monkeypatch.setitem(SITE, "climate", {**told, "ambient_c": 25.0, "hot": 0, "frost": None})
    assert not any(line.startswith(("heat", "frost")) for line in say("status").stdout.splitlines())
