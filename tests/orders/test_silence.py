"""Whether an issuer is heard: the rules of EEBus LPC (reference: TS 1.0.0, by number), and the contract's own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.orders.silence import Failsafe, Turn, Watchfulness

pytestmark = pytest.mark.pure
RULE = Failsafe(timeout_s=120, cap_kw=100, min_s=7200)
RELEASING = Failsafe(timeout_s=120, cap_kw=100, min_s=7200, then="release")


class Issuer:
    """One issuer on a clock moved by hand; `turns` are what followed."""

    def __init__(self, rule=RULE, state=None):
        self.rule, self.state, self.now, self.turns = rule, state or Watchfulness(), 0.0, []

    def _take(self, found):
        self.state, turn = found
        self.turns += [] if turn is None else [turn.value]
        return self

    def wait(self, seconds):
        for _ in range(int(seconds)):
            self.now += 1.0
            self._take(self.state.looked(self.rule, self.now))
        return self

    def look(self):
        return self._take(self.state.looked(self.rule, self.now))

    def beat(self):
        self.state = self.state.beaten(self.now)
        return self

    def document(self):
        return self._take(self.state.told(self.rule))


def heard(rule=RULE):
    return Issuer(rule, Watchfulness(beat_at=0.0))


def test_before_the_first_contact_the_failsafe_holds_at_once_lpc_906():
    assert Issuer().look().turns == ["begin"]


def test_a_first_heartbeat_and_a_document_after_it_leave_it_lpc_913_918():
    issuer = Issuer().look().wait(5).beat()
    assert issuer.state.holds
    assert issuer.document().turns == ["begin", "end"]


def test_heartbeats_within_the_time_keep_it_away():
    issuer = heard()
    for _ in range(50):
        issuer.wait(120).beat()
    assert issuer.turns == []


def test_no_heartbeat_for_the_time_agreed_begins_it_lpc_911():
    assert heard().wait(120).turns == []
    assert heard().wait(121).turns == ["begin"]


def test_a_bare_heartbeat_does_not_leave_it_lpc_916_921():
    issuer = heard().wait(121)
    for _ in range(200):
        issuer.wait(60).beat()
    assert issuer.turns == ["begin"]


def test_a_document_without_a_heartbeat_before_it_does_not_leave_it():
    issuer = heard().wait(121).document().document()
    assert issuer.state.holds
    assert issuer.beat().document().turns == ["begin", "end"]


def test_a_heartbeat_that_is_followed_by_silence_counts_no_more():
    issuer = heard().wait(121).beat().wait(121).document()
    assert issuer.turns == ["begin"]


def test_hold_goes_on_after_its_least_time():
    assert heard().wait(121 + 8000).turns == ["begin"]


def test_release_lets_go_after_its_least_time_and_not_before_and_waits_for_contact_then():
    issuer = heard(RELEASING).wait(121 + 7199)
    assert issuer.turns == ["begin"]
    assert issuer.wait(2).turns == ["begin", "release"]
    assert issuer.wait(9000).turns == ["begin", "release"]
    assert issuer.beat().wait(121).turns == ["begin", "release", "begin"]


def test_what_is_heard_again_is_not_released_by_time():
    issuer = heard(RELEASING).wait(121)
    for _ in range(100):
        issuer.wait(100).beat()
    assert issuer.turns == ["begin"]


def test_a_refused_document_begins_it_and_a_fresh_one_ends_it_where_no_heartbeat_was_agreed():
    rule = Failsafe(timeout_s=None, cap_kw=0)
    state, turn = Watchfulness().refused(5.0)
    assert (state.holds, turn) == (True, Turn.BEGIN)
    assert state.refused(6.0) == (state, None)
    assert state.looked(rule, 1e9) == (state, None)
    assert state.told(rule)[1] is Turn.END


@given(st.lists(st.sampled_from(["wait", "long", "beat", "document", "look"]), max_size=30), st.booleans())
def test_it_is_left_only_by_a_heartbeat_and_a_document_or_by_its_time(steps, releases):
    issuer = heard(RELEASING if releases else RULE)
    for step in steps:
        before = issuer.state
        {"wait": lambda: issuer.wait(60), "long": lambda: issuer.wait(130), "beat": issuer.beat,
         "document": issuer.document, "look": issuer.look}[step]()  # fmt: skip
        if before.holds and not issuer.state.holds:
            left_by_time = releases and issuer.now - before.since >= RULE.min_s
            assert left_by_time or (step == "document" and before.back_at is not None)
