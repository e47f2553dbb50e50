"""Broken rules of evidence, and the test that catches each."""

import pytest

from agent.proof import chain
from agent.control.minutes import MinuteBook
from agent.proof.evidence import _Reading
from tests.proof import test_evidence as files
from tests.control import test_minutes as minutes

KILLED = [("opens", "a"), ("ticks", 180), ("ends", 200, True), ("ticks", 100)]


def each_removed_link_is_named():
    for gone in range(1, 8):
        assert files.broken(files.LINES[:gone] + files.LINES[gone + 1 :]).line == gone + 1


def an_end_without_a_signature_is_refused():
    files.broken(files.a_file(key=None), files.KEY.public)


def every_minute_is_there():
    world = minutes.lived(KILLED)
    for minute in minutes.rebuild(world.chain("a"))[1:-1]:
        assert minute.away or minute.seen.looked_s == pytest.approx(60)


def test_invariant_12_catches_links_that_need_not_follow_one_another(monkeypatch):
    each_removed_link_is_named()
    monkeypatch.setattr(chain, "follows", lambda *_told: True)
    with pytest.raises(AssertionError):
        each_removed_link_is_named()


def test_invariant_12_catches_an_end_that_anybody_may_write(monkeypatch):
    an_end_without_a_signature_is_refused()
    right = _Reading.__init__
    monkeypatch.setattr(_Reading, "__init__", lambda self, lines, keys, **_told: right(self, lines, keys, partial=True))
    with pytest.raises(pytest.fail.Exception):
        an_end_without_a_signature_is_refused()


def test_invariant_12_catches_minutes_that_a_kill_takes_along(monkeypatch):
    every_minute_is_there()
    monkeypatch.setattr(MinuteBook, "_kept", lambda _book, _now: [])
    with pytest.raises((AssertionError, AttributeError)):
        every_minute_is_there()
