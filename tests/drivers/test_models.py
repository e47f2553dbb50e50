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


@pytest.mark.parametrize("row", models(), ids=lambda row: row.model)
def test_every_name_of_a_row_leads_to_it_alone(row):
    assert {find(name).model for name in (row.model, *row.aliases, row.model.upper())} == {row.model}


@pytest.mark.parametrize("row", models(), ids=lambda row: row.model)
def test_a_row_says_how_well_its_figures_are_known_and_what_it_is(row):
    assert row.confidence in {"good", "medium", "low"}
    assert row.cooling in {"air", "hydro", "immersion"}
    assert row.boards is None or row.boards > 0
    assert row.chips_per_board is None or row.chips_per_board > 0
    assert (row.low_power is None) == (row.low_hashrate is None)
    assert row.low_power is None or 0 < row.low_hashrate < 1 > row.low_power > 0


def test_no_model_has_two_rows():
    assert len({row.model for row in models()}) == len(models())


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
