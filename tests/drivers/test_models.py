import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.models import find, models

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    ("told", "model"),
    [
        ("Antminer S9", "Antminer S9"),
        ("antminer s9", "Antminer S9"),
        ("S9", "Antminer S9"),
        ("Antminer S19 Pro", "Antminer S19 Pro"),
        ("S19 Pro (88 chips)", "Antminer S19 Pro"),
        ("Antminer S99 Ultra", None),
        ("AvalonMiner 1346-110", "AvalonMiner A1346"),
        ("1346-²", None),
        ("", None),
        ("   ", None),
        (None, None),
    ],
)
def test_a_model_is_found_by_any_way_of_writing_it_and_never_guessed(told, model):
    found = find(told)
    assert (found and found.model) == model


def test_every_name_of_every_row_leads_to_a_row_of_that_make():
    for row in models():
        for name in (row.model, *row.aliases):
            assert find(name).make == row.make


def test_a_bin_is_taken_where_the_rate_is_near_it():
    plain = find("Antminer S9")
    assert find("Antminer S9", 12.4).hashrate_ths == 12.5
    assert find("Antminer S9", 12.4).power_w == pytest.approx(plain.power_w * 12.5 / plain.hashrate_ths)
    assert find("Antminer S9", 5.0) == plain
    assert find("Antminer S9", 0.0) == plain


def test_facts_are_plausible():
    for row in models():
        assert row.hashrate_ths > 0
        assert row.power_w > 0
        assert row.source
        assert row.sleep_w is None or 0 < row.sleep_w < row.power_w
        assert len(row.bins_w) in {0, len(row.bins_ths)}


@given(st.text(), st.none() | st.floats())
def test_no_name_raises(name, rate):
    find(name, rate)
