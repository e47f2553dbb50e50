"""What `check` says of connections and meters, one in every role."""

from pathlib import Path

from agent.config import load
from agent.meter_words import explain_meters

HERE = Path(__file__).parent


def test_each_connection_and_each_meter_is_told_in_words():
    config = load(HERE / "meters.toml")
    assert "\n".join(explain_meters(config.schema)) + "\n" == (HERE / "meters.txt").read_text(encoding="utf-8")
    assert [(warning.key, warning.reason) for warning in config.warnings()] == [
        ("connection.1", "south binds in the sum alone: no billing meter at a feeder measures it")
    ]
    assert config.not_yet() == ()
