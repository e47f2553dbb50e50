"""`miners proposed` and `miners adopt`, against an agent that answers by the contract."""

FOUND = {
    "id": "10.0.0.7",
    "host": "10.0.0.7",
    "make": "Antminer",
    "model": "S19",
    "mac": "02:00:00:00:00:07",
    "note": None,
}


def test_who_is_proposed_is_listed(farm, say):
    farm.proposals = [FOUND]
    told = say("miners", "proposed").stdout
    assert "02:00:00:00:00:07" in told
    assert "1 machines are proposed" in told


def test_all_are_adopted_only_with_yes_and_after_a_dry_run(farm, say):
    farm.proposals = [FOUND]
    dry = say("miners", "adopt", "all", "--feeder", "T1")
    assert "1 machines would be adopted on T1: 10.0.0.7" in dry.stdout
    assert farm.changes() == []
    done = say("miners", "adopt", "all", "--feeder", "T1", "--tag", "row:3", "--by", "Aigul", "--yes")
    assert done.exit_code == 0
    assert [asked.body for asked in farm.changes()] == [
        {"miners": ["10.0.0.7"], "feeder": "T1", "credentials": None, "tags": ["row:3"], "by": "Aigul"}
    ]


def test_nobody_to_adopt_is_a_no_and_all_stands_alone(farm, say):
    assert say("miners", "adopt", "all").exit_code == 1
    assert say("miners", "adopt", "all", "10.0.0.7").exit_code == 2


def test_a_machine_is_disowned_only_with_yes_and_after_a_dry_run(farm, say):
    dry = say("miners", "disown", "10.0.0.7")
    assert "1 machines would be disowned: 10.0.0.7" in dry.stdout
    assert farm.changes() == []
    assert say("miners", "disown", "10.0.0.7", "--by", "Aigul", "--yes").exit_code == 0
    assert [asked.body for asked in farm.changes()] == [{"miners": ["10.0.0.7"], "by": "Aigul"}]
