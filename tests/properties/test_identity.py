"""Each row finds its own machine, whatever way machines exchange addresses, and hears no other."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.properties.identity import check

places = st.integers(0, 4)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(places, places, st.booleans(), st.integers(0, 40)), max_size=6), st.sets(places))
def test_whatever_way_machines_change_addresses_each_row_finds_its_own_and_hears_no_other(changes, off):
    check(changes, off)
