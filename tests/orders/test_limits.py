"""The five limits over time, as a dispatcher sees them: by caps and acknowledgements."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.orders.limit import Trajectory
from agent.values import Moment
from tests.orders.site import ASLEEP, FULL_W, RUNNING, T0, Site, at, capped, document

pytestmark = pytest.mark.pure


def limited(limit: dict[str, object], **told: object) -> dict[str, object]:
    return capped(0, **{"limit": limit, **told})


def metered(power_w: float):
    return replace(RUNNING, meter_w=power_w, believed_w=power_w)


# a base is evaluated once ----------------------------------------------------------------------------------------

BASES = replace(RUNNING, before_w=900_000.0, connection_w=2_000_000.0, peak_12m_w=1_500_000.0)


@pytest.mark.parametrize(
    ("limit", "cap_w"),
    [
        ({"reduce_kw": 300}, 600_000.0),
        ({"reduce_kw": 300, "baseline": "before"}, 600_000.0),
        ({"reduce_kw": 300, "baseline": "connection"}, 1_700_000.0),
        ({"reduce_kw": 300, "baseline": "peak_12m"}, 1_200_000.0),
        ({"reduce_kw": 300, "baseline": {"kw": 1000}}, 700_000.0),
        ({"reduce_kw": 5000}, 0.0),
        ({"reduce_kw": 0}, 900_000.0),
        ({"fraction": 0.5}, 450_000.0),
        ({"fraction": 0.05, "of": "peak_12m"}, 75_000.0),
        ({"fraction": 0.5, "of": "connection"}, 1_000_000.0),
        ({"fraction": 1, "of": {"kw": 7.5}}, 7_500.0),
        ({"fraction": 0}, 0.0),
    ],
)
def test_what_is_reckoned_from_a_base_is_evaluated_once_and_acked_as_the_cap(limit, cap_w):
    site = Site()
    site.observed = BASES
    site.send(limited(limit))
    assert site.last()["cap_w"] == cap_w
    site.observed = metered(50_000.0)
    site.tick(60)
    assert site.book.cap(site.now).cap_w == cap_w
    assert site.restarted().book.cap(site.now).cap_w == cap_w


def test_a_base_that_nobody_measured_is_the_draw_of_now():
    site = Site()
    site.send(limited({"reduce_kw": 100}))
    assert site.last()["cap_w"] == FULL_W - 100_000
    site.send(limited({"fraction": 0.5, "of": "peak_12m"}, order_id="b"))
    assert site.last()["cap_w"] == FULL_W / 2


def test_a_revision_keeps_the_base_and_another_base_is_evaluated_anew():
    site = Site()
    site.send(limited({"reduce_kw": 300}))
    site.observed = metered(700_000.0)
    site.send(limited({"reduce_kw": 400}, revision=2))
    assert site.last()["cap_w"] == 600_000
    site.send(limited({"reduce_kw": 400, "baseline": {"kw": 500}}, revision=3))
    assert site.last()["cap_w"] == 100_000


def test_parallel_reductions_do_not_add():
    site = Site()
    site.send(limited({"reduce_kw": 300}))
    site.observed = replace(metered(700_000.0), before_w=700_000.0)
    site.send(limited({"reduce_kw": 400}, order_id="b"))
    assert site.last()["cap_w"] == 600_000
    assert site.book.cap(site.now).binding_order == "b"


# a trajectory ----------------------------------------------------------------------------------------------------


def stepped(*points: tuple[float, float | None], interpolate: str = "step", **told: object) -> dict[str, object]:
    trajectory = [{"at": at(seconds), "max_import_kw": kw} for seconds, kw in points]
    return limited({"trajectory": trajectory, "interpolate": interpolate}, **told)


def test_a_trajectory_sets_no_limit_before_its_first_point_and_its_last_holds():
    site = Site()
    assert site.send(stepped((60, 800), (120, None), (180, 300)))[-1] == "a r1 #3 active"
    assert site.last()["cap_w"] is None
    caps = {}
    for _ in range(20):
        site.tick(15)
        caps[int((site.now.at - T0).total_seconds())] = site.book.cap(site.now).cap_w
    assert [caps[seconds] for seconds in (45, 60, 105, 120, 165, 180, 300)] == [
        None, 800_000, 800_000, None, None, 300_000, 300_000,
    ]  # fmt: skip


def test_each_point_that_is_met_is_acked_with_its_cap():
    site = Site()
    site.send(stepped((0, 800), (60, 600), (120, 900)))
    site.observed = metered(500_000.0)
    acks = site.wait(200)
    assert acks == ["a r1 #4 complied", "a r1 #5 complied", "a r1 #6 complied"]
    assert [ack["cap_w"] for ack in site.acks()[3:]] == [800_000, 600_000, 900_000]


def test_a_limit_that_falls_may_be_followed_within_the_time_to_comply():
    site = Site()
    site.send(stepped((0, 800), (60, 600), comply_by_s=30))
    site.observed = metered(800_000.0)
    assert site.wait(89) == ["a r1 #4 complied"]
    assert site.wait(20) == ["a r1 #5 violated"]
    assert site.last()["shortfall_w"] == 200_000
    site.observed = metered(600_000.0)
    assert site.wait(20) == ["a r1 #6 complied"]


def test_nobody_is_late_for_a_point_that_has_not_come():
    site = Site()
    site.send(stepped((1000, 300)))
    assert site.wait(1000 + 299, step=1) == []
    assert site.wait(2) == ["a r1 #4 violated"]


def test_a_breach_ends_where_the_limit_does():
    site = Site()
    site.send(stepped((0, 300), (600, None)))
    assert site.wait(301) == ["a r1 #4 violated"]
    assert site.wait(320) == ["a r1 #5 complied"]
    assert site.last()["cap_w"] is None


def test_a_linear_trajectory_slopes_between_points_that_limit():
    line = Trajectory(
        times=tuple(T0 + timedelta(seconds=seconds) for seconds in (0, 100, 200, 300)),
        powers_w=(100.0, 200.0, None, 50.0),
        linear=True,
    )
    allowed = [line.allowed(T0 + timedelta(seconds=seconds)) for seconds in (-1, 0, 25, 100, 199, 200, 299, 300, 999)]
    assert allowed == [None, 100.0, 125.0, 200.0, 200.0, None, None, 50.0, 50.0]


@given(
    st.lists(st.tuples(st.integers(1, 50), st.one_of(st.none(), st.integers(0, 9))), min_size=1, max_size=8),
    st.booleans(),
    st.integers(-20, 300),
    st.integers(0, 100),
)
def test_by_two_clocks_the_least_limit_between_them_holds(steps, linear, first, apart):
    times, moment = [], T0
    for gap, _ in steps:
        moment += timedelta(seconds=gap)
        times.append(moment)
    path = Trajectory(times=tuple(times), powers_w=tuple(kw for _, kw in steps), linear=linear)
    instants = [T0 + timedelta(seconds=first + second) for second in range(apart + 1)]
    told = [path.allowed(instant) for instant in instants]
    known = [limit for limit in told if limit is not None]
    assert path.within(instants[0], instants[-1]) == min(known, default=None)
    assert path.most(instants[0], instants[-1]) == (max(known) if len(known) == len(told) else None)


def test_while_the_clock_is_doubted_the_lower_of_two_steps_holds():
    site = Site()
    site.send(stepped((-100, 300), (100, 800)))
    doubted = Moment(at=T0, mono=100.0, earliest=T0, latest=T0 + timedelta(seconds=200))
    assert site.book.cap(doubted).cap_w == 300_000


def test_the_next_point_is_known_ahead():
    site = Site()
    site.send(stepped((0, 800), (60, 600)))
    assert site.book.next_change(site.now) == T0 + timedelta(seconds=60)


# tests, chance, succession ---------------------------------------------------------------------------------------


def test_a_test_order_lives_its_whole_life_and_binds_nothing():
    site = Site()
    assert site.send(capped(100, test=True)) == [
        "a r1 #1 received: test: nothing is sent",
        "a r1 #2 accepted: test: nothing is sent",
        "a r1 #3 active: test: nothing is sent",
    ]
    assert site.last()["cap_w"] == 100_000
    assert site.book.cap(site.now).cap_w is None
    assert site.wait(301) == ["a r1 #4 violated: test: nothing is sent"]
    site.observed = replace(RUNNING, restore_pending=True)
    assert site.send({**capped(100, revision=2), "status": "cancelled"})[0].startswith("a r2 #5 cancelled")
    assert site.tick(1) == ["a r2 #6 closed: test: nothing is sent"]


def drawn(chance: float, **policy: object) -> Site:
    site = Site(**policy)
    site.book._chance = lambda: chance
    return site


def test_chance_is_drawn_once_for_the_start_and_once_for_the_way_back():
    site = drawn(0.5)
    assert site.send(capped(500, randomize_s=120, ends_at=at(600)))[-1] == "a r1 #3 scheduled"
    site = site.restarted()
    assert site.wait(59) == []
    assert site.tick(1) == ["a r1 #4 active"]
    assert site.wait(299) == []
    assert site.tick(1) == ["a r1 #5 violated"]
    site.observed = replace(ASLEEP, restore_pending=True)
    site.wait(239)
    assert site.tick(1) == ["a r1 #7 ended"]
    site = site.restarted()
    assert site.wait(59) == []
    assert site.book.cap(site.now).cap_w == 500_000
    assert site.tick(1) == ["a r1 #8 restoring"]
    assert site.book.cap(site.now).cap_w is None


def test_chance_never_moves_a_law_deadline_or_leaves_the_machines_no_time():
    site = drawn(0.999)
    assert site.send(document(randomize_s=600))[-1] == "a r1 #3 active"
    site = drawn(0.999, respond_s=100.0)
    assert site.send(document(randomize_s=600))[-1] == "a r1 #3 scheduled"
    assert site.book.next_change(site.now) < T0 + timedelta(seconds=200)
    site.wait(299)
    assert site.tick(1) == ["a r1 #5 violated: awake: 300 not asleep"]


def test_chance_never_lets_a_limit_lapse_at_a_revision():
    site = drawn(0.5)
    site.send(capped(500))
    assert site.send(capped(400, revision=2, randomize_s=120))[-1] == "a r2 #7 active"


def test_an_order_takes_the_place_of_those_that_it_supersedes_without_a_gap():
    site = Site()
    site.send(capped(500))
    site.send(capped(600, order_id="b"))
    assert site.send(capped(300, order_id="c", supersedes=["a", "b", "never"])) == [
        "a r1 #4 superseded",
        "b r1 #4 superseded",
        "c r1 #1 received",
        "c r1 #2 accepted",
        "c r1 #3 active",
    ]
    assert site.book.cap(site.now).binding_order == "c"
    assert site.restarted().book.views() == site.book.views()


def test_chance_never_lets_a_limit_lapse_where_an_order_takes_anothers_place():
    site = drawn(0.5)
    site.send(capped(500))
    assert site.send(capped(400, order_id="b", supersedes=["a"], randomize_s=120))[-1] == "b r1 #3 active"


def test_a_stop_in_the_place_of_another_is_built_on_no_more_house_load():
    site = Site()
    site.send(document())
    cap_w = site.last()["cap_w"]
    site.observed = replace(RUNNING, house_w=RUNNING.house_w + 3_000)
    site.send(document(order_id="b", supersedes=["a"]))
    assert site.last()["cap_w"] == cap_w


def test_nobody_supersedes_anothers_order_nor_loosens_by_an_old_document():
    site = Site()
    site.send(document())
    said = site.send(capped(300, order_id="c", supersedes=["a"]))
    assert said == ["c r1 #None rejected: not_allowed: a is an order of energo"]
    site.send(capped(500, order_id="b"))
    stale = capped(600, order_id="d", supersedes=["b"], issued_at=at(-90_000))
    assert "stale" in site.send(stale)[0]
    assert site.state("b") == "active"


def test_what_a_superseded_order_had_shed_comes_back_after_its_successor():
    site = Site()
    site.send(capped(500))
    site.send(capped(600, order_id="b", supersedes=["a"]))
    site.observed = replace(RUNNING, restore_pending=True)
    site.send({**capped(600, order_id="b", revision=2), "status": "cancelled"})
    assert site.tick(1) == ["b r2 #5 restoring"]


# civil time ------------------------------------------------------------------------------------------------------


def test_civil_time_states_start_and_end():
    site = Site()
    told = site.send(capped(500, tz="Asia/Bishkek", local={"starts": "2026-03-01T18:10", "ends": "2026-03-01T24:00"}))
    assert told[-1] == "a r1 #3 scheduled"
    order = site.book.view("a").order
    assert order.starts_at == datetime(2026, 3, 1, 12, 10, tzinfo=UTC)
    assert order.ends_at == datetime(2026, 3, 1, 18, 0, tzinfo=UTC)


def test_where_civil_time_and_offset_disagree_the_stricter_holds_and_the_ack_says_so():
    site = Site()
    told = site.send(
        capped(500, tz="Asia/Bishkek", local={"starts": "2026-03-01T19:00", "ends": "2026-03-01T20:00"},
               starts_at=at(7200), ends_at=at(7300))
    )  # fmt: skip
    assert told[1] == (
        "a r1 #2 accepted: conflict: starts_at and local.starts are 3600 s apart; the stricter holds; "
        "conflict: ends_at and local.ends are 100 s apart; the stricter holds"
    )
    order = site.book.view("a").order
    assert (order.starts_at, order.ends_at) == (T0 + timedelta(hours=1), T0 + timedelta(seconds=7300))


def test_an_hour_that_comes_twice_is_read_so_that_the_limit_is_longest():
    site = Site()
    site.send(capped(500, tz="Asia/Almaty", local={"starts": "2024-02-29T23:30", "ends": "2027-01-01T00:00"}))
    assert site.book.view("a").order.starts_at == datetime(2024, 2, 29, 17, 30, tzinfo=UTC)
    site.send(capped(500, order_id="b", tz="Asia/Almaty", local={"ends": "2024-02-29T23:30"}))
    assert site.book.view("b").order.ends_at == datetime(2024, 2, 29, 18, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"local": {"starts": "2026-03-01T18:10"}}, "tz: local.starts needs it"),
        ({"tz": "Mars/Base", "local": {"starts": "2026-03-01T18:10"}}, "tz: 'Mars/Base' is no time zone"),
        ({"tz": "UTC", "local": {"starts": "2026-02-30T18:10"}}, "local.starts: 2026-02-30T18:10 is no date"),
        (
            {"tz": "UTC", "local": {"starts": "2026-03-01T18:10", "ends": "2026-03-01T18:10"}},
            "local.ends: must be after",
        ),
    ],
)
def test_a_civil_time_that_cannot_be_is_a_bad_value(told, reason):
    assert site_says(told).startswith(f"a r1 #None rejected: bad_value: {reason}")


def site_says(told: dict[str, object]) -> str:
    return Site().send(capped(500, **told))[0]


def test_a_reduction_elsewhere_or_for_a_test_is_no_base_of_another():
    site = Site()
    site.send(limited({"reduce_kw": 300}))
    site.send(limited({"reduce_kw": 10}, order_id="c", test=True, targets={"feeders": ["T1"]}))
    site.observed = replace(metered(500_000.0), before_w=500_000.0)
    site.send(limited({"reduce_kw": 100}, order_id="b", targets={"feeders": ["T1"]}))
    assert site.last()["cap_w"] == 400_000
