"""What markets settle by, checked by eye: farms that draw round figures on round hours."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.facts.energy import EnergyInterval
from agent.outputs.baselines import HOUR, Measured, baselines
from agent.tariffs.periods import Span

pytestmark = pytest.mark.pure

DAY = timedelta(days=1)
TUESDAY = datetime(2026, 11, 24, tzinfo=UTC)
STEP = timedelta(minutes=15)
ORDER = Span(start=TUESDAY + 17 * HOUR, end=TUESDAY + 19 * HOUR)


def drawn(since, until, kw):
    """Whole intervals from one instant to another, at kw(at)."""
    count = (until - since) // STEP
    starts = [since + n * STEP for n in range(count)]
    return [
        EnergyInterval(at=at + STEP, start=at, end=at + STEP, site_wh=round(kw(at) * 250), unexplained_wh=0)
        for at in starts
    ]


def found(intervals, *, events=(), span=ORDER, over=True, zone=UTC):
    measured = Measured.of(intervals, STEP, [span, *events], zone)
    return {one.method: one for one in baselines(measured, span, [span], over=over)}


def farm(at):
    """1,000 kW, 100 kW in the order, and 40 kW more on weekends."""
    weekend = 40 if at.weekday() >= 5 else 0
    return 100 if ORDER.start <= at < ORDER.end else 1000 + weekend


WHOLE = drawn(TUESDAY - 20 * DAY, TUESDAY + DAY, farm)


def test_a_flat_load_gives_the_same_by_every_rule():
    for one in found(WHOLE).values():
        assert (one.mean_w, one.not_drawn_wh, one.why) == (1_000_000, 1_800_000, None)


def test_ten_of_ten_takes_the_same_hours_of_ten_days_of_its_type_without_an_order():
    def kw(at):
        return 100 if ORDER.start <= at < ORDER.end else 500 if at.hour == 17 else 1000 if at.hour == 18 else 700

    one = found(drawn(TUESDAY - 20 * DAY, TUESDAY + DAY, kw))["ten_of_ten"]
    assert (one.mean_w, one.not_drawn_wh) == (750_000, 400_000 + 900_000)
    weekend = Span(start=ORDER.start + 4 * DAY, end=ORDER.end + 4 * DAY)
    month = drawn(TUESDAY - 20 * DAY, TUESDAY + 6 * DAY, farm)
    assert found(month, span=weekend)["ten_of_ten"].why == (
        "too little history: 6 of 10 days of its type without an order are known before it"
    )


def test_days_with_another_order_do_not_count():
    busy = [Span(start=ORDER.start - n * DAY, end=ORDER.end - n * DAY) for n in range(1, 10)]
    spoilt = [
        fact if not any(e.start <= fact.start < e.end for e in busy) else drawn(fact.start, fact.end, lambda _at: 0)[0]
        for fact in drawn(TUESDAY - 40 * DAY, TUESDAY + DAY, farm)
    ]
    assert found(spoilt, events=busy)["ten_of_ten"].mean_w == 1_000_000
    assert found(spoilt)["ten_of_ten"].mean_w < 1_000_000


@pytest.mark.parametrize(("before_kw", "adjusted"), [(1100, 1.1), (900, 0.9), (3000, 1.2), (100, 0.8)])
def test_ten_of_ten_is_adjusted_by_the_three_hours_before_by_a_fifth_at_most(before_kw, adjusted):
    def kw(at):
        return before_kw if ORDER.start - 3 * HOUR <= at < ORDER.start else farm(at)

    one = found(drawn(TUESDAY - 20 * DAY, TUESDAY + DAY, kw))["ten_of_ten"]
    assert (one.adjusted, one.mean_w) == (adjusted, pytest.approx(adjusted * 1_000_000))


def test_same_day_takes_three_hours_before_and_two_after_and_leaves_one_out_on_each_side():
    def kw(at):
        if ORDER.start - 4 * HOUR <= at < ORDER.start - HOUR:
            return 600
        if ORDER.end + HOUR <= at < ORDER.end + 3 * HOUR:
            return 1100
        return 0

    assert found(drawn(TUESDAY, TUESDAY + DAY, kw))["same_day"].mean_w == pytest.approx(800_000)


def test_before_and_after_are_the_whole_intervals_next_to_it():
    def kw(at):
        return 900 if at == ORDER.start - STEP else 1100 if at == ORDER.end + STEP else 5

    one = found(drawn(TUESDAY, TUESDAY + DAY, kw))["before_after"]
    assert (one.mean_w, one.taken, one.doubt) == (1_000_000, (ORDER.start - STEP, ORDER.end + STEP), None)
    one = found(drawn(TUESDAY, ORDER.end, kw), over=False)["before_after"]
    assert (one.mean_w, one.doubt) == (900_000, "by the interval before alone: the one after is not over")


def test_what_is_not_known_is_said_and_never_a_figure():
    told = found(drawn(ORDER.start, ORDER.end, farm))
    assert {one.not_drawn_wh for one in told.values()} == {None}
    assert all(one.why for one in told.values())
    assert {one.why for one in found([]).values()} == {"no whole interval of the order is known"}
    assert "in force" in found(WHOLE, over=False)["same_day"].why


def test_hours_are_those_of_the_place_over_a_change_of_its_clocks():
    quebec = ZoneInfo("America/Toronto")
    morning = datetime(2026, 3, 9, 7, tzinfo=quebec)  # the clocks went forward the day before
    order = Span(start=morning.astimezone(UTC), end=(morning + HOUR).astimezone(UTC))

    def kw(at):
        return 1000 if at.astimezone(quebec).hour == 7 else 1

    one = found(drawn(order.start - 30 * DAY, order.end + DAY, kw), span=order, zone=quebec)["ten_of_ten"]
    assert one.mean_w == 1_000_000


def test_what_another_order_touched_is_no_base():
    after = Span(start=ORDER.end + HOUR / 4, end=ORDER.end + HOUR)
    told = found(WHOLE, events=[after])
    assert told["before_after"].doubt == "by the interval before alone: the one after is under another order"
    assert told["before_after"].mean_w == 1_000_000
    assert told["same_day"].mean_w == 1_000_000  # its hours begin later
    later = Span(start=ORDER.end + 2 * HOUR, end=ORDER.end + 5 * HOUR)
    assert found(WHOLE, events=[later])["same_day"].why == (
        "the two hours after it, the next one left out, are under another order"
    )
    before = Span(start=ORDER.start - 2 * HOUR, end=ORDER.start)
    told = found(WHOLE, events=[before])
    assert told["before_after"].why == "the interval before it is under another order"
    assert told["same_day"].why == "the three hours before it, the next one left out, are under another order"
    assert (told["ten_of_ten"].adjusted, told["ten_of_ten"].mean_w) == (1.0, 1_000_000)


def test_hours_that_are_known_in_part_are_no_base():
    holey = [fact for fact in WHOLE if fact.start != ORDER.start - 2 * HOUR]
    assert found(holey)["same_day"].why == "the three hours before it, the next one left out, are not known"


def test_a_holiday_of_the_tariff_is_no_working_day():
    holiday = {(TUESDAY - 4 * DAY).date(): "holiday"}

    def kw(at):
        in_order = ORDER.start <= at < ORDER.end
        return 100 if in_order else 10 if at.hour in (17, 18) and at.date() in holiday else 1000

    facts = drawn(TUESDAY - 20 * DAY, TUESDAY + DAY, kw)
    plain = Measured.of(facts, STEP, [ORDER], UTC)
    dated = Measured.of(facts, STEP, [ORDER], UTC, holiday)
    means = [{one.method: one.mean_w for one in baselines(of, ORDER, [ORDER], over=True)} for of in (plain, dated)]
    assert means[0]["ten_of_ten"] < means[1]["ten_of_ten"] == 1_000_000


PAST_KW = st.lists(st.integers(0, 3000), min_size=24, max_size=24)


@settings(max_examples=20)
@given(day=PAST_KW, order_kw=st.integers(0, 500), factor=st.integers(1, 9), seed=st.randoms(use_true_random=False))
def test_baselines_keep_to_what_they_rest_on(day, order_kw, factor, seed):
    """A mean lies among what it is made of, scales with it, knows no order, and leaves out what the order touched."""

    def kw(at):
        return order_kw if ORDER.start <= at < ORDER.end else day[at.hour]

    starts = [TUESDAY - 14 * DAY + n * HOUR for n in range(15 * 24)]
    draws_w = {at: kw(at) * 1000.0 for at in starts}
    shuffled = {at: draws_w[at] for at in seed.sample(starts, len(starts))}
    larger = {at: factor * draw_w for at, draw_w in draws_w.items()}
    told, other, scaled = (
        baselines(Measured(draws_w=of, step=HOUR, events=[ORDER], zone=UTC), ORDER, [ORDER], over=True)
        for of in (draws_w, shuffled, larger)
    )
    for one, same, more in zip(told, other, scaled, strict=True):
        assert (one.why, one.taken) == (None, same.taken)
        assert (one.mean_w, one.not_drawn_wh) == pytest.approx((same.mean_w, same.not_drawn_wh))
        of = [draws_w[at] for at in one.taken]
        assert 0.8 * min(of) - 1e-6 <= one.mean_w <= 1.2 * max(of) + 1e-6
        assert 0.8 <= one.adjusted <= 1.2
        assert one.not_drawn_wh == pytest.approx(2 * one.mean_w - 2 * order_kw * 1000, abs=1e-3)
        assert more.mean_w == pytest.approx(factor * one.mean_w, abs=1e-3)
        assert not any(ORDER.start <= at < ORDER.end for at in one.taken)


@given(st.lists(st.integers(0, 2000), min_size=1, max_size=200), st.booleans())
def test_no_past_makes_it_fail(kws, over):
    facts = drawn(ORDER.end - len(kws) * STEP, ORDER.end, lambda at: kws[(ORDER.end - at) // STEP - 1])
    for one in found(facts, over=over).values():
        assert (one.not_drawn_wh is None) == (one.why is not None)
