"""Reactive energy: lagging beyond tan φ, leading, by the month and step by step."""

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.tariffs.bill import Unpriced, bill
from agent.tariffs.load import Load
from agent.tariffs.reactive import Reactive
from agent.tariffs.when import Times
from tests.tariffs.loads import QUARTER, rate, tariff

pytestmark = pytest.mark.pure


def load(kwh, kvarh, lead):
    rows = {"kwh": kwh, "kvarh": kvarh, "kvarh_lead": lead}
    told = {name: tuple(map(Decimal, column)) for name, column in rows.items()}
    return Load(start=datetime(2026, 5, 1, tzinfo=UTC), step=QUARTER, **told)


LAGGING = {"per_kvarh": rate("2"), "tan_phi": Decimal("0.33")}
LEADING = {"per_kvarh_lead": rate("3"), "tan_phi_lead": Decimal("0.1")}


def amount(told, metered):
    return bill(tariff(Reactive(name="reactive", **told)), metered, UTC).amount


def test_what_is_beyond_tan_phi_is_charged_over_the_month_or_step_by_step():
    metered = load(["100", "100"], ["100", "0"], ["0", "30"])
    assert amount(LAGGING, metered) == 2 * (100 - 66)
    assert amount({**LAGGING, "over": "step"}, metered) == 2 * (100 - 33)
    assert amount(LEADING, metered) == 3 * 10
    assert amount({**LAGGING, **LEADING, "over": "step"}, metered) == 2 * 67 + 3 * 20


def test_reactive_power_may_be_that_of_the_highest_demand():
    metered = load(["100", "150", "100"], ["90", "80", "95"], ["0", "0", "0"])
    assert amount({**LAGGING, "over": "peak"}, metered) == 2 * (4 * 80 - Decimal("0.33") * 600)
    wide = {**LAGGING, "over": "peak", "window_min": 30}  # the first half hour: 500 kW, 340 kvar
    assert amount(wide, metered) == 2 * (340 - Decimal("0.33") * 500)
    assert amount({**LAGGING, "over": "peak", "digits": 0}, load(["1", "0"], ["1.1", "0"], ["0", "0"])) == 2 * 3


def test_only_some_times_may_count_and_all_of_it_be_charged_where_it_is_beyond():
    metered = load(["100", "100"], ["100", "90"], ["0", "0"])
    first = Times(hours=("00:00-00:15",))
    assert amount({**LAGGING, "when": first}, metered) == 2 * 67
    assert amount({**LAGGING, "when": first, "over": "step"}, metered) == 2 * 67
    assert amount({**LAGGING, "when": Times(hours=("00:15-01:00",)), "over": "peak"}, metered) == 2 * 4 * (90 - 33)
    assert amount({**LAGGING, "when": Times(months=(6,))}, metered) == 0
    assert amount({**LAGGING, "whole": True}, metered) == 2 * 190  # as in Türkiye, where a fifth is free
    assert amount({**LAGGING, "whole": True}, load(["100"] * 2, ["33"] * 2, ["0"] * 2)) == 0


def test_what_a_load_does_not_tell_is_named():
    silent = Load(start=datetime(2026, 5, 1, tzinfo=UTC), step=QUARTER, kwh=(Decimal(1), Decimal(1)))
    with pytest.raises(Unpriced, match="the load has no column kvarh_lead"):
        amount(LEADING, silent)


def test_a_price_is_needed_and_tan_phi_is_not_negative():
    with pytest.raises(ValueError, match="needs per_kvarh or per_kvarh_lead"):
        Reactive(name="r")
    with pytest.raises(ValueError, match="tan_phi is not negative"):
        Reactive(name="r", per_kvarh=rate("1"), tan_phi=Decimal(-1))


ROWS = st.lists(st.tuples(*[st.decimals(min_value=0, max_value=99, places=2)] * 3), min_size=2, max_size=90)


@given(rows=ROWS, over=st.sampled_from(["month", "step"]))
@settings(max_examples=50, deadline=None)
def test_reactive_energy_is_what_adding_up_by_hand_gives(rows, over):
    steps = [tuple(map(Fraction, row)) for row in rows]
    groups = [tuple(map(sum, zip(*steps, strict=True)))] if over == "month" else steps
    slow = sum(2 * max(lag - kwh * 33 / 100, 0) + 3 * max(lead - kwh / 10, 0) for kwh, lag, lead in groups)
    found = amount({**LAGGING, **LEADING, "over": over}, load(*zip(*rows, strict=True)))
    assert Fraction(found) == slow
