"""Signals and heartbeats: bytes to what is demanded, and each mistake by its field."""

from datetime import UTC, datetime

import pytest

from agent.inputs.signals import BadSignal, Demanded, parse_heartbeat, parse_signal

pytestmark = pytest.mark.pure
STOP = {"stop": True}
AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "payload", "limit"),
    [
        ("target", b'{"target":0,"timestamp":1772366400}', STOP),
        ("target", b'{"target":100,"timestamp":1772366400.0}', None),
        ("kw", b"2500", {"max_import_kw": 2500}),
        ("kw", b"0", {"max_import_kw": 0}),
        ("kw", b"null", None),
        ("kw", b'{"kw":12.5}', {"max_import_kw": 12.5}),
        ("kw", b'{"kw":null,"at":"2026-03-01T12:00:00Z"}', None),
        ("boolean", b"true", STOP),
        ("boolean", b"false", None),
        ("boolean", b" 1 ", STOP),
    ],
)
def test_what_a_feed_demands(kind, payload, limit):
    assert parse_signal(payload, kind).limit == limit


def test_a_feeds_own_time_is_kept():
    assert parse_signal(b'{"target":0,"timestamp":1772366400}', "target") == Demanded(limit=STOP, at=AT)
    assert parse_signal(b'{"kw":1,"at":"2026-03-01T18:00:00+06:00"}', "kw").at == AT


@pytest.mark.parametrize(
    ("kind", "payload", "said"),
    [
        ("target", b"", "payload"),
        ("target", b"0", "payload: must be an object"),
        ("target", b'{"target":50,"timestamp":1}', "target: must be 0 or 100"),
        ("target", b'{"target":false,"timestamp":1}', "target: must be 0 or 100"),
        ("target", b'{"target":0}', "timestamp"),
        ("target", b'{"target":0,"timestamp":"now"}', "timestamp"),
        ("target", b'{"target":0,"timestamp":1e18}', "timestamp: lies beyond"),
        ("target", b'{"target":0,"timestamp":1,"x":1}', "payload"),
        ("target", b'{"target":0,"target":100,"timestamp":1}', "payload: a key stands twice"),
        ("kw", b"-1", "kw"),
        ("kw", b"NaN", "payload"),
        ("kw", b"true", "kw"),
        ("kw", b'"5"', "kw"),
        ("kw", b'{"kw":1,"at":"2026-03-01T12:00:00"}', "at: must have an offset"),
        ("kw", b'{"kw":1,"at":7}', "at"),
        ("kw", b"1" * 2000, "payload: more than"),
        ("boolean", b"2", "payload"),
        ("boolean", b'"true"', "payload"),
        ("boolean", b"\xff", "payload"),
        ("boolean", b"true}", "payload"),
    ],
)
def test_a_message_that_is_none_of_its_feed_names_the_field(kind, payload, said):
    with pytest.raises(BadSignal, match=said):
        parse_signal(payload, kind)


def test_a_heartbeat_is_empty_or_says_when_it_was_sent():
    assert parse_heartbeat(b"") is None
    assert parse_heartbeat(b"{}") is None
    assert parse_heartbeat(b'{"at":"2026-03-01T12:00:00Z"}') == AT
    for wrong in (b"x", b"[]", b'{"at":1}', b'{"then":1}', b"9" * 2000):
        with pytest.raises(BadSignal):
            parse_heartbeat(wrong)
