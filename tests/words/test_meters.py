"""What a configuration's meters mean, one in every role: in words, and in how late a change is seen."""

from pathlib import Path

import pytest

from agent.config import load
from agent.settings import meter_lag_s, meter_rise_s
from agent.words.meters import explain_meters

HERE = Path(__file__).parent


def test_each_connection_and_each_meter_is_told_in_words():
    config = load(HERE / "meters.toml")
    assert "\n".join(explain_meters(config.schema)) + "\n" == (HERE / "meters.txt").read_text(encoding="utf-8")
    assert [(warning.key, warning.reason) for warning in config.warnings()] == [
        ("connection.1", "south binds in the sum alone: no billing meter at a feeder measures it")
    ]
    assert config.not_yet() == ()


@pytest.mark.parametrize(
    ("role", "lag_s", "rise_s"),
    [("billing", 64, 44), ("check", 64, 44), ("feeder", 64, 4), ("house", 19, 4), ("generation", 19, 4)],
)
def test_the_latest_of_the_meters_that_may_bind_says_when_a_change_is_surely_seen(tmp_path, role, lag_s, rise_s):
    slow = f'role = "{role}"\nwindow_s = 20\nperiod_s = 2\ndelay_s = 40\nkind = "mqtt"'
    quick = '[[meter]]\nid = "quick"\nkind = "mqtt"\n' if role != "billing" else ""
    site = '[site]\nid = "s"\ntimezone = "Asia/Almaty"\ncurrency = "KZT"\nconnection_kw = 100\n'
    machines = '[[feeder]]\nid = "hall"\n[[miners]]\nhosts = ["127.0.0.1"]\nfeeder = "hall"\n'
    at = "hall" if role == "feeder" else "site"
    mqtt = '[mqtt]\nurl = "mqtt://127.0.0.1"\n'
    (tmp_path / "farm.toml").write_text(
        f'{site}{mqtt}{machines}{quick}[[meter]]\nid = "slow"\nfeeder = "{at}"\n{slow}\n', encoding="utf-8"
    )
    config = load(tmp_path / "farm.toml")
    assert (meter_lag_s(config), meter_rise_s(config)) == (lag_s, rise_s)
