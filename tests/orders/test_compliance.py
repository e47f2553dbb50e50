"""Whether the site obeys: one line for each case, read against contract 4."""

from dataclasses import replace

import pytest

from agent.orders.compliance import Allowed, Case, Observed, Watch, judge
from agent.orders.lifecycle import OrderState
from agent.orders.limit import MaxImport, Stop
from agent.values import Moment
from tests.orders.site import ASLEEP, T0, Site, capped, document

pytestmark = pytest.mark.pure
CAP, STOP = MaxImport(power_w=100_000.0), Stop()
METERED = Observed(meter_w=100_000.0, meter="main", smallest_target_w=3_000.0)
BLIND = Observed(believed_w=90_000.0, smallest_target_w=3_000.0)


def allowed(limit, cap_w: float) -> Allowed:
    return Allowed(limit=limit, cap_w=cap_w, tolerated_w=cap_w)


def metered(power_w: float, **told: object) -> Observed:
    return replace(METERED, meter_w=power_w, **told)


# limit, state, overdue, observed, seconds within, seconds over -> what follows
TABLE = [
    # a cap is complied with after one whole window at or below it
    (CAP, "active", False, metered(100_000), 15, None, "comply"),
    (CAP, "active", False, metered(100_000), 14.9, None, None),
    (CAP, "violated", True, metered(100_000), 15, None, "comply"),
    (CAP, "violated", True, metered(100_000), 14, None, None),
    (CAP, "active", True, metered(99_000), 15, None, "comply"),
    # the deadline passes without
    (CAP, "active", True, metered(99_000), 14, None, "breach"),
    (CAP, "active", True, metered(200_000), None, 1, "breach"),
    (CAP, "active", False, metered(200_000), None, 99, None),
    (CAP, "violated", True, metered(200_000), None, 99, None),
    # after complying: above the tolerance for one whole window
    (CAP, "complied", True, metered(101_001), None, 15, "breach"),
    (CAP, "complied", True, metered(101_001), None, 14, None),
    (CAP, "complied", True, metered(101_000), None, None, None),
    # a stop: everybody reachable asleep, and the meter
    (STOP, "active", False, metered(90_000), 15, None, "comply"),
    (STOP, "active", False, metered(90_000, awake_reachable=1), 15, None, None),
    (STOP, "active", True, metered(90_000, awake_reachable=2), 15, None, "breach: awake: 2 not asleep"),
    (STOP, "active", False, metered(90_000, unproved=("m", "n")), 15, None, "comply: unproved 2"),
    (STOP, "active", False, metered(90_000, unproved=("m", "n"), proved=False), 15, None, None),
    (
        STOP,
        "active",
        True,
        metered(190_000, awake_reachable=2, unproved=("m",)),
        None,
        9,
        "breach: awake: 2 not asleep; unproved 1",
    ),
    # after that: a machine that hashes, at once; a draw that nobody explains, for one window
    (STOP, "complied", True, metered(90_000, hashing=1), 99, None, "breach: awake: 1 hashing"),
    (STOP, "complied", True, metered(90_000, awake_reachable=1), 99, None, None),
    (STOP, "complied", True, metered(101_500), None, 15, "breach: unexplained 1500 W"),
    (STOP, "complied", True, metered(101_500), None, 14, None),
    # 0 is a limit, and names the breakers
    (MaxImport(power_w=0.0), "active", False, metered(0), 15, None, "comply"),
    (
        MaxImport(power_w=0.0),
        "active",
        True,
        metered(40),
        None,
        9,
        "breach: breakers: only they take the rest off the meter",
    ),
]


@pytest.mark.parametrize(("limit", "state", "overdue", "observed", "under_s", "over_s", "expected"), TABLE)
def test_what_follows_from_one_look(limit, state, overdue, observed, under_s, over_s, expected):
    now = Moment.trusted(T0, 1000.0)
    case = Case(
        allowed=allowed(limit, limit.power_w if isinstance(limit, MaxImport) else 100_000.0),
        state=OrderState(state),
        overdue=overdue,
        window_s=15.0,
    )
    since = [None if seconds is None else 1000.0 - seconds for seconds in (under_s, over_s)]
    due = judge(case, Watch(under_since=since[0], over_since=since[1]), observed, now)
    assert (None if due is None else ": ".join(filter(None, [due[0].value, due[1]]))) == expected


# limit, observed -> within, over what is tolerated
LOOKS = [
    (CAP, metered(100_000), True, False),
    (CAP, metered(100_001), False, False),
    (CAP, metered(101_000), False, False),
    (CAP, metered(101_001), False, True),
    (STOP, metered(101_499), False, False),
    (STOP, metered(101_500), False, True),
    (STOP, metered(101_000, smallest_target_w=0.0), False, True),
    (CAP, BLIND, True, False),
    (CAP, replace(BLIND, unproved=("m",), unproved_w=3_000.0), False, False),
]


@pytest.mark.parametrize(("limit", "observed", "under", "over"), LOOKS)
def test_the_watch_starts_when_a_look_finds_it_so_and_stops_when_one_does_not(limit, observed, under, over):
    now = Moment.trusted(T0, 50.0)
    at_most = allowed(limit, 100_000.0)
    seen = Watch().seen(observed, at_most, now)
    assert seen == Watch(under_since=50.0 if under else None, over_since=50.0 if over else None)
    assert seen.seen(observed, at_most, now.later(9)) == seen
    other = metered(500_000) if under else metered(0)
    turned = seen.seen(other, at_most, now.later(9))
    assert (turned.under_since is None) == under
    assert turned.over_since == (59.0 if under else None)


@pytest.mark.parametrize(
    ("observed", "shortfall_w"),
    [
        (metered(100_000), 0.0),
        (metered(130_000), 30_000.0),
        (metered(90_000, unproved_w=9_000.0), 0.0),
        (replace(BLIND, unproved_w=9_000.0), 9_000.0),
        (replace(BLIND, believed_w=120_000.0, unproved_w=9_000.0), 29_000.0),
    ],
)
def test_the_shortfall_counts_the_unproved_only_where_no_meter_speaks(observed, shortfall_w):
    assert observed.shortfall_w(100_000.0) == shortfall_w


def test_one_look_above_the_cap_begins_the_window_anew():
    site = Site()
    site.send(capped(500))
    site.observed = metered(499_000)
    assert site.wait(14) == []
    site.observed = metered(501_000)
    site.tick(1)
    site.observed = metered(499_000)
    assert site.wait(15) == []
    assert site.tick(1) == ["a r1 #4 complied"]


def test_what_is_met_only_as_far_as_possible_is_violated_with_its_shortfall():
    site = Site()
    site.send(capped(500))
    site.observed = metered(620_000)
    site.wait(300)
    assert (site.last()["state"], site.last()["shortfall_w"]) == ("violated", 120_000)
    site.observed = metered(500_000)
    site.wait(16)
    assert (site.last()["state"], site.last()["shortfall_w"]) == ("complied", 0)


def test_complied_implies_no_shortfall_even_while_the_tolerance_is_in_use():
    site = Site()
    site.send(capped(500, resume="issuer", ends_at="2026-03-01T12:01:00Z"))
    site.observed = metered(500_000)
    site.wait(16)
    site.observed = metered(504_000)
    site.wait(60)
    last = site.last()
    assert (last["state"], last["reason"], last["shortfall_w"]) == ("complied", "awaiting_release", 0.0)


def test_without_a_meter_beliefs_are_judged_and_the_ack_says_so():
    site = Site()
    site.send(document())
    site.observed = replace(ASLEEP, meter_w=None, meter="beliefs", unproved=("m",), unproved_w=3_000.0)
    site.wait(299)
    assert site.state() == "active"
    site.tick(1)
    assert site.last()["reason"] == "unproved 1"
    assert (site.last()["state"], site.last()["meter"], site.last()["shortfall_w"]) == ("violated", "beliefs", 3_000.0)


def test_no_time_to_comply_is_violated_at_once():
    site = Site()
    site.send(capped(500, comply_by_s=0))
    assert site.tick(1) == ["a r1 #4 violated"]


def test_a_site_within_its_cap_already_needs_one_window_from_the_start():
    site = Site()
    site.observed = metered(400_000)
    site.send(capped(500))
    assert site.wait(15) == []
    assert site.tick(1) == ["a r1 #4 complied"]


def test_a_stop_is_broken_by_one_machine_and_kept_again_when_it_sleeps():
    site = Site()
    site.send(document())
    site.observed = ASLEEP
    site.wait(16)
    site.observed = replace(ASLEEP, hashing=1, awake_reachable=1)
    assert site.tick(1) == ["a r1 #5 violated: awake: 1 hashing"]
    site.observed = ASLEEP
    assert site.tick(1) == ["a r1 #6 complied"]
