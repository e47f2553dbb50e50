"""Figures and their dates: what may stand in a row, and which one holds on a day."""

from datetime import date

import pytest

from agent.tariffs.figures import NoFigure
from tests.tariffs.loads import figure, rates

pytestmark = pytest.mark.pure
JANUARY, MARCH, JUNE = date(2026, 1, 1), date(2026, 3, 1), date(2026, 6, 1)

BAD = [
    ((), "at least one"),
    ((figure("1"), figure("2")), "only the first figure may have no from"),
    ((figure("1", MARCH), figure("2", JANUARY)), "must stand before"),
    ((figure("1", MARCH), figure("2", MARCH)), "must stand before"),
    ((figure("1", JANUARY, JUNE), figure("2", MARCH)), "overlap from 2026-03-01 until 2026-06-01"),
    ((figure("1", JANUARY, MARCH), figure("2", JUNE)), "a gap from 2026-03-01 until 2026-06-01"),
]


@pytest.mark.parametrize(("figures", "said"), BAD, ids=[said for _, said in BAD])
def test_figures_stand_in_order_without_gap_or_overlap(figures, said):
    with pytest.raises(ValueError, match=said):
        rates(*figures)


def test_a_figure_does_not_end_before_it_begins():
    with pytest.raises(ValueError, match="is not after"):
        figure("1", MARCH, MARCH)


def test_a_figure_holds_from_its_first_day_until_the_day_on_which_it_is_no_more():
    rate = rates(figure("1", JANUARY), figure("2", MARCH, JUNE))
    days = ["2026-01-01", "2026-02-28", "2026-03-01", "2026-05-31"]
    assert [int(rate.on(date.fromisoformat(day)).value) for day in days] == [1, 1, 2, 2]
    for day in (date(2025, 12, 31), JUNE):
        with pytest.raises(NoFigure):
            rate.on(day)


def test_the_figures_of_a_stretch_of_days_are_those_in_force_on_any_of_them():
    rate = rates(figure("1", until=JANUARY), figure("2", JANUARY), figure("3", MARCH, JUNE))

    def within(first, last):
        return [int(one.value) for one in rate.within(date.fromisoformat(first), date.fromisoformat(last))]

    assert within("2025-12-31", "2025-12-31") == [1]
    assert within("2025-12-31", "2026-01-01") == [1, 2]
    assert within("2026-02-28", "2026-03-01") == [2, 3]
    assert within("2026-06-01", "2026-07-01") == []
