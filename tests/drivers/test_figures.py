import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.figures import count, finite, flag, hottest, number, temperatures, watts, whole, words

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    ("told", "value"),
    [
        (12, 12.0),
        (12.5, 12.5),
        (0, 0.0),
        ("12.5", 12.5),
        (" -3 ", -3.0),
        ("3250 W", 3250.0),
        ("4052.00 RPM", 4052.0),
        ("12.44T", 12.44),
        ("18,500.5", 18500.5),
        ("72 °C", 72.0),
        ("1:55", None),
        ("46-75", None),
        ("34.65 (AB)", None),
        ("", None),
        ("x", None),
        ("nan", None),
        (True, None),
        (None, None),
        ([1], None),
        (math.nan, None),
        (math.inf, None),
        (10**400, None),
        ("9" * 400, None),
    ],
)
def test_a_number_is_read_as_firmware_writes_it_or_not_at_all(told, value):
    assert number(told) == value


@pytest.mark.parametrize(("told", "value"), [("7.9", 7), (253447, 253447), ("9" * 400, None), ("x", None)])
def test_a_whole_number_is_cut(told, value):
    assert whole(told) == value


@pytest.mark.parametrize(
    ("told", "power_w"),
    [
        *((3250, 3250.0), ("3250", 3250.0), ("3250 W", 3250.0), (" 12.5w ", 12.5), (0, None), ("0", None)),
        *(("34.65 (AB)", None), ("3.2 kW", None), ("50 %", None), (-5, None), (True, None), (None, None)),
    ],
)
def test_watts_are_read_where_they_are_plainly_watts(told, power_w):
    assert watts(told) == power_w


@pytest.mark.parametrize(("told", "said"), [(" a ", "a"), ("", None), ("  ", None), (None, None), (7, None)])
def test_empty_words_say_nothing(told, said):
    assert words(told) == said


@pytest.mark.parametrize(
    ("told", "sensors"),
    [
        ("46-75-43-66", (46, 75, 43, 66)),
        ("2--1-20-22", (2, -1, 20, 22)),
        ("-3-20", (-3, 20)),
        ("22.5-23", (22.5, 23)),
        ("", ()),
        (None, ()),
        (40, ()),
    ],
)
def test_sensors_in_one_text_are_told_apart_from_minus_signs(told, sensors):
    assert temperatures(told) == sensors


@pytest.mark.parametrize(
    ("sensors", "most"), [((40, 61, 52), 61), ((0, 0), None), ((-273, -83), None), ((-5, 0), -5), ((), None)]
)
def test_absent_and_broken_sensors_are_not_the_hottest(sensors, most):
    assert hottest(sensors) == most


@pytest.mark.parametrize(("told", "how_many"), [(3, 3), ("4", 4), (-1, 0), (None, 0), (1e300, 16), ("x", 0)])
def test_a_count_ends_at_what_a_machine_may_have(told, how_many):
    assert count(told, 16) == how_many


@pytest.mark.parametrize(
    ("told", "is_on"), [(True, True), (1, True), ("1", True), (False, False), (0, False), ("", False), (None, False)]
)
def test_a_switch_is_read_as_firmware_writes_it(told, is_on):
    assert flag(told) is is_on


def test_what_is_no_number_any_more_is_none():
    assert (finite(1e308 * 10), finite(math.nan), finite(2.5)) == (None, None, 2.5)


@given(st.one_of(st.text(), st.integers(), st.floats(), st.booleans(), st.none(), st.binary()))
def test_nothing_told_raises(told):
    for read in (number, whole, watts, words):
        read(told)
    assert all(math.isfinite(sensor) for sensor in temperatures(told) if len(str(told)) < 300)


@pytest.mark.parametrize("told", ["1" + " " * 50_000 + "!", "9" * 50_000 + "!", "-" * 50_000, "1-" * 50_000 + "x"])
def test_a_long_text_costs_no_more_than_its_length(told):
    assert (number(told), watts(told)) == (None, None)
    temperatures(told)
