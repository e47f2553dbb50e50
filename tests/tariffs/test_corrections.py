"""Corrected reads: what is closed stays, what is learned later is an adjustment of the month in which it is learned."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pytest

from agent.inputs.corrections_file import parse_corrections
from agent.inputs.load_file import LoadFile, known_at
from agent.inputs.stepped import WrongRow
from agent.tariffs.bill import bill
from agent.tariffs.corrections import Correction, corrected, corrected_bill
from agent.tariffs.demand import Demand, DemandPeriod
from agent.tariffs.explain import explain
from agent.tariffs.metering import AS_COUNTED, Metering
from agent.tariffs.ratchet import Ratchet
from agent.tariffs.vat import Vat
from tests.tariffs.loads import BISHKEK, HOUR, amounts, days, flat, rate, tariff

pytestmark = pytest.mark.pure
LOAD = days((2026, 1, 1), (2026, 4, 1), BISHKEK, "10", HOUR)
PRICED = tariff(flat("5"), Vat(pct=rate("12")))


def local(*day):
    return datetime(*day, tzinfo=BISHKEK)


def correction(learned, start, kwh):
    return Correction(learned=learned, at=(start - LOAD.start) // HOUR, figures={"kwh": Decimal(kwh)})


LATE = correction(local(2026, 3, 5), local(2026, 1, 20, 6), "110")
EARLY = correction(local(2026, 1, 25), local(2026, 1, 20, 7), "60")


def billed(*corrections, priced=PRICED, load=LOAD, metering=AS_COUNTED):
    return corrected_bill(priced, load, corrections, BISHKEK, metering)


def test_without_corrections_it_is_the_bill():
    assert billed() == bill(PRICED, LOAD, BISHKEK)


def test_what_is_learned_before_the_months_end_is_in_its_bill():
    assert billed(EARLY).months[0].kwh == 744 * 10 + 50
    assert [len(month.lines) for month in billed(EARLY).months] == [2, 2, 2]


def test_what_is_learned_later_is_an_adjustment_and_closed_months_stay():
    before, after = billed(), billed(LATE)
    assert after.months[:2] == before.months[:2]
    assert amounts(after.months[2]) == amounts(before.months[2]) | {
        "energy, correction of 2026-01": 500,
        "VAT, correction of 2026-01": 60,
    }
    assert after.total == before.total + 560 == bill(PRICED, corrected(LOAD, [LATE]), BISHKEK).total


def test_a_month_that_the_load_has_in_part_is_not_closed_where_the_load_ends():
    part = replace(LOAD, kwh=LOAD.kwh[: 30 * 24])
    found = billed(correction(local(2026, 1, 31, 12), local(2026, 1, 20, 6), "110"), load=part)
    assert [(month.kwh, len(month.lines)) for month in found.months] == [(7300, 2)]


def test_a_second_correction_adds_what_it_changes_and_one_back_takes_it_away():
    again = correction(local(2026, 3, 9), local(2026, 1, 20, 6), "10")
    found = amounts(billed(LATE, again).months[2])
    assert found["energy, correction of 2026-01"] == 0
    assert billed(LATE, again).total == billed().total


def test_what_is_learned_after_the_load_stands_in_a_month_of_its_own():
    found = billed(correction(local(2026, 6, 9), local(2026, 2, 1), "0"))
    assert [(month.month, month.kwh, month.amount) for month in found.months][3:] == [("2026-06", 0, -56)]


def test_a_corrected_peak_is_billed_by_the_ratio_and_bears_on_what_looks_back():
    demand = Demand(
        name="demand", period=(DemandPeriod(name="any time", per_kw=rate("1")),), ratchet=(Ratchet(pct=Decimal(50)),)
    )
    found = billed(LATE, priced=tariff(demand), metering=Metering(multiplier=Decimal(2)))
    assert [amounts(month) for month in found.months] == [
        {"demand": 20},
        {"demand": 20},
        {"demand": 110, "demand, correction of 2026-01": 200, "demand, correction of 2026-02": 90},
    ]


def test_the_calculation_says_what_was_corrected():
    lines = [*explain(billed(LATE), PRICED, BISHKEK)]
    assert "    7540 kWh in place of 7440, known since 2026-03-05: 500" in lines


def test_as_of_is_what_had_ended_by_then():
    cut = known_at(replace(LOAD, quality=("",) * len(LOAD.kwh)), local(2026, 1, 2, 0, 30))
    assert (len(cut.kwh), len(cut.quality), cut.export_kwh) == (24, 24, None)
    assert known_at(LOAD, local(2026, 1, 1)) is None


HEADER = "learned,start,kwh\n"
FILE = LoadFile(load=LOAD, clock=BISHKEK)


def test_a_file_of_corrections_is_read_by_the_loads_clock():
    found = parse_corrections(HEADER + "2026-03-05,2026-01-20T06:00,110\n", FILE)
    assert found == [LATE]


MISTAKES = [
    ("start,kwh\n", "header", "needs the columns learned, start and kwh"),
    ("learned,start,quality\n", "header", "quality is none of learned, start, kwh, export_kwh, kvarh, kvarh_lead"),
    (HEADER + "2026-03-05,2026-01-20T06:10,1\n", "row 1", "start: 2026-01-20T06:10 is no step of the load"),
    (HEADER + "2026-03-05,2025-01-20T06:00,1\n", "row 1", "start: 2025-01-20T06:00 is no step of the load"),
    (HEADER + "2026-01-05,2026-01-20T06:00,1\n", "row 1", "learned: is before the step itself"),
    (HEADER + "2026-03-05,2026-01-20T06:00\n", "row 1", "has 2 cells where there are 3 columns"),
    (HEADER + "2026-03-05,2026-01-20T06:00,\n", "row 1", "corrects no figure"),
    (HEADER + "2026-03-05,2026-01-20T06:00,-1\n", "row 1", "kwh: must be a number from 0, such as 12.5, and not -1"),
    ("learned,start,kvarh\n2026-03-05,2026-01-20T06:00,1\n", "row 1", "kvarh: the load has no such column"),
]


@pytest.mark.parametrize(("text", "place", "sentence"), MISTAKES, ids=[sentence for *_, sentence in MISTAKES])
def test_a_mistake_names_its_row(text, place, sentence):
    with pytest.raises(WrongRow) as told:
        parse_corrections(text, FILE)
    assert told.value.place == place
    assert str(told.value).startswith(sentence)
