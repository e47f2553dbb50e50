"""`plan --fleet` as the contract states it: the answer, the exit codes, one clear mistake at a time."""

import json

import pytest

from agent.cli.plan_fleet import plan_fleet

FLEET = {
    "feeders": [{"id": "T1", "max_kw": 4}, {"id": "T2", "max_kw": 9, "parent": "site"}],
    "miners": [
        {
            "id": name,
            "feeder": feeder,
            "current": "a full one",
            "levels": [
                {"level": "a full one", "power_w": 3000, "hashrate_ths": 100},
                {"level": "asleep", "power_w": 10, "hashrate_ths": 0},
            ],
        }
        for name, feeder in (("m1", "T1"), ("m2", "T1"), ("m3", "T2"))
    ],
}


@pytest.fixture
def plan(tmp_path, capsys):
    def run(document, max_import_kw, *, as_json=True):
        path = tmp_path / "fleet.json"
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        code = plan_fleet(path, max_import_kw, as_json)
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


def changed(where, value):
    """The fleet with one thing changed, or left out where the value is `...`."""
    document = json.loads(json.dumps(FLEET))
    *path, last = where
    table = document
    for part in path:
        table = table[part]
    if value is ...:
        del table[last]
    else:
        table[last] = value
    return document


def test_a_plan_is_answered_as_json(plan):
    code, out, _ = plan(FLEET, 7)
    assert code == 0
    assert json.loads(out) == {
        "levels": {"m1": "a full one", "m2": "asleep", "m3": "a full one"},
        "power_w": 6010,
        "hashrate_ths": 200,
        "shortfall_w": 0,
    }


def test_a_shortfall_is_stated_and_ends_with_1(plan):
    code, out, _ = plan(changed(("feeders", 0, "max_kw"), 0), 0.025)
    assert code == 1
    answer = json.loads(out)
    assert answer["levels"] == {"m1": "asleep", "m2": "asleep", "m3": "asleep"}
    assert answer["shortfall_w"] == 5 + 20


def test_a_plan_is_shown_as_a_table(plan):
    code, out, _ = plan(FLEET, 7, as_json=False)
    assert code == 0
    assert "m2" in out
    assert "6.0 kW, 200.0 TH/s, 1 of 3 machines change" in out


def test_a_table_states_the_shortfall(plan):
    code, out, _ = plan(FLEET, 0.025, as_json=False)
    assert (code, out.splitlines()[-1]) == (1, "shortfall 5 W: everything is at its least")


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("{", "fleet.json: "),
        ("[]", "Expected `object`, got `array`"),
        (changed(("feeders",), ...), "missing required field `feeders`"),
        (changed(("feeders", 0, "max_kw"), ...), "missing required field `max_kw` - at `$.feeders[0]`"),
        (changed(("feeders", 0, "max_kw"), "4"), "at `$.feeders[0].max_kw`"),
        (changed(("feeders", 0, "max_kw"), -1), "at `$.feeders[0].max_kw`"),
        (changed(("feeders", 0, "parnet"), "T2"), "unknown field `parnet` - at `$.feeders[0]`"),
        (changed(("feeders", 0, "parent"), "T9"), "T1.parent: T9 does not hang on the site"),
        (changed(("feeders", 1, "id"), "T1"), "feeders: T1 stands 2 times"),
        (changed(("miners", 0, "feeder"), "T9"), "m1.feeder: T9 is no feeder"),
        (changed(("miners", 1, "id"), "m1"), "miners: m1 stands 2 times"),
        (changed(("miners", 0, "levels"), []), "at `$.miners[0].levels`"),
        (changed(("miners", 0, "levels", 0, "power_w"), True), "at `$.miners[0].levels[0].power_w`"),
        (changed(("miners", 0, "levels", 1, "level"), "a full one"), "miners[0].levels: a full one stands 2 times"),
    ],
)
def test_a_mistake_names_its_field_and_ends_with_2(plan, document, said):
    code, out, err = plan(document, 7)
    assert (code, out) == (2, "")
    assert err.startswith("fleet.json: ")
    assert said in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("cap_kw", [-1, float("nan"), float("inf")])
def test_a_cap_is_a_number_from_0(plan, cap_kw):
    assert plan(FLEET, cap_kw)[0] == 2


def test_a_file_that_is_not_there_ends_with_2(tmp_path, capsys):
    assert plan_fleet(tmp_path / "nowhere.json", 7, as_json=True) == 2
    assert capsys.readouterr().err == "nowhere.json: cannot be read: No such file or directory\n"
