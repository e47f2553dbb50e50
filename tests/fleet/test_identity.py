"""Whose machine answers: by MAC, then serial, then address; nothing is concluded before the other address was asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.fleet.identity import NOTHING, SAME, Bindings, Seen, Verdict, bare_mac, bare_serial, judge, uptime_breaks
from agent.fleet.places import Place, restored

pytestmark = pytest.mark.pure
A, B, C = "02:00:00:00:00:0a", "02:00:00:00:00:0b", "02:00:00:00:00:0c"
S19 = {"model": "Antminer S19", "driver": "antminer-stock", "firmware": "stock", "firmware_version": "1"}
ONE = Seen(mac=A, serial="SERIAL-A", **S19)
TWO = Seen(mac=B, serial="SERIAL-B", **S19)


def judged(known, row, seen, shown=None, doubled=()):
    return judge(Bindings(known, doubled=doubled), row, seen, (shown or {}).get)


def verdict(known, seen):
    found = judged([known], 0, seen)
    assert found.verdict is Verdict.UNCLEAR or found.row == 0
    return found.verdict


@pytest.mark.parametrize(
    ("known", "seen", "expected"),
    [
        (ONE, ONE, Verdict.CONFIRMED),
        (ONE, Seen(mac="02-00-00-00-00-0A", **S19), Verdict.CONFIRMED),
        (ONE, Seen(mac=A, serial="OTHER-1", model="Antminer S21"), Verdict.LEARNED),
        (Seen(), ONE, Verdict.LEARNED),
        (Seen(model="Antminer S19"), ONE, Verdict.LEARNED),
        (Seen(), Seen(), Verdict.CONFIRMED),
        (Seen(model="Antminer S9"), Seen(model="Antminer S19"), Verdict.CONFIRMED),
        (ONE, Seen(mac=A, **S19 | {"firmware": "luxos"}), Verdict.FIRMWARE),
        (ONE, Seen(mac=A, **S19 | {"firmware_version": "2"}), Verdict.FIRMWARE),
        (ONE, Seen(mac=C, serial="SERIAL-A"), Verdict.BOARD),
        (ONE, Seen(mac=C, **S19), Verdict.BOARD),
        (ONE, Seen(mac=C, serial="SERIAL-C", **S19), Verdict.UNCLEAR),
        (ONE, Seen(mac=C, serial="SERIAL-C", **S19 | {"driver": "luxos"}), Verdict.BOARD),
        (ONE, Seen(mac=C, model="Antminer S21"), Verdict.UNCLEAR),
        (ONE, Seen(model="Antminer S19"), Verdict.CONFIRMED),
        (ONE, Seen(model="Antminer S21"), Verdict.UNCLEAR),
        (Seen(mac=A), Seen(mac=C, **S19), Verdict.UNCLEAR),
        (Seen(serial="SERIAL-A", model="Antminer S19"), Seen(mac=A, model="Antminer S19"), Verdict.LEARNED),
    ],
)
def test_at_its_own_address(known, seen, expected):
    assert verdict(known, seen) is expected


def test_a_machine_of_another_row_is_believed_only_once_its_own_address_was_asked():
    first = judged([ONE, TWO], 0, TWO)
    assert (first.verdict, first.ask) == (Verdict.UNCLEAR, 1)
    assert judged([ONE, TWO], 0, TWO, {1: NOTHING}).verdict is Verdict.MOVED
    swapped = judged([ONE, TWO], 0, TWO, {1: ONE})
    assert (swapped.verdict, swapped.row, swapped.by) == (Verdict.SWAPPED, 1, "mac")
    assert judged([ONE, TWO], 0, TWO, {1: Seen(mac=C)}).verdict is Verdict.MOVED


def test_a_serial_says_so_where_no_mac_does():
    moved = judged([ONE, TWO], 0, Seen(serial="serial-b"), {1: NOTHING})
    assert (moved.verdict, moved.row, moved.by) == (Verdict.MOVED, 1, "serial")
    assert judged([ONE, TWO], 0, Seen(mac=A, serial="SERIAL-B"), {1: NOTHING}).row == 0


def test_a_mac_that_answers_twice_tells_nobody_apart():
    found = judged([Seen(), TWO], 0, Seen(mac=B, **S19), {1: TWO})
    assert (found.verdict, found.row, found.doubled) == (Verdict.CONFIRMED, 0, (("mac", bare_mac(B)),))
    bindings = Bindings([Seen(), TWO])
    bindings.double(("mac", bare_mac(B)))
    bindings.bind(0, Seen(mac=B, serial="SERIAL-A"))
    assert bindings.known[0] == Seen(serial="SERIAL-A")
    assert judge(bindings, 0, Seen(mac=B), lambda _: None).verdict is Verdict.CONFIRMED


def test_what_the_inventory_states_is_nobody_elses():
    bindings = Bindings([ONE, Seen(mac=A)], [Seen(), Seen(mac=A)])
    assert bindings.owner(("mac", bare_mac(A))) == 1
    assert bindings.known[0].mac is None


def test_a_machine_at_an_address_that_no_row_has():
    assert judged([ONE], None, TWO).verdict is Verdict.NEW
    assert judged([ONE], None, ONE).ask == 0
    assert judged([ONE], None, ONE, {0: NOTHING}).verdict is Verdict.MOVED


@pytest.mark.parametrize("mac", ["", "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "02:00", None])
def test_what_is_no_mac(mac):
    assert bare_mac(mac) is None


@pytest.mark.parametrize("serial", ["", "0", "000000000000", "N/A", None, "-----"])
def test_what_is_no_serial(serial):
    assert bare_serial(serial) is None


def test_an_uptime_goes_on_or_does_not():
    assert not uptime_breaks(100, 110, 10)
    assert not uptime_breaks(100, 100, 10)
    assert not uptime_breaks(None, 5, 10)
    assert uptime_breaks(100, 99, 10)
    assert uptime_breaks(100, 400, 10)


macs = st.sampled_from([None, A, B, C])
serials = st.sampled_from([None, "SERIAL-A", "SERIAL-B"])
models = st.sampled_from([None, "Antminer S19", "Antminer S21"])
seens = st.builds(Seen, mac=macs, serial=serials, model=models)
farms = st.lists(seens, min_size=1, max_size=4)


@given(farms, seens, st.integers(0, 3), st.dictionaries(st.integers(0, 3), st.one_of(st.just(NOTHING), seens)))
def test_a_mac_is_never_given_to_another_row_than_the_one_it_binds(known, seen, at, shown):
    """Whatever is seen: the row found has its MAC, or no row that is free of doubt has it."""
    row, bindings = at % len(known), Bindings(known)
    found = judge(bindings, row, seen, shown.get)
    owner = bindings.owner(("mac", bare_mac(seen.mac))) if seen.mac else None
    if owner is not None and not found.doubled and found.ask is None:
        assert found.row == owner
    if found.verdict in SAME:
        assert found.row == row
    if found.ask is not None:
        assert shown.get(found.ask) is None
        assert found.ask != row
    if found.verdict in {Verdict.MOVED, Verdict.SWAPPED}:
        assert found.row != row
        assert shown[found.row].marks() is not None


@given(farms, st.lists(st.tuples(st.integers(0, 3), seens), max_size=12))
def test_no_mark_ever_binds_two_rows(known, said):
    bindings = Bindings(known)
    for at, seen in said:
        bindings.bind(at % len(known), seen)
        marks = [mark for one in bindings.known for mark in one.marks()]
        assert len(marks) == len(set(marks))
        assert all(mark in bindings.known[bindings.owner(mark)].marks() for mark in marks)


places = [Place(host=f"127.0.0.{at}") for at in range(5)]


@given(st.dictionaries(st.integers(0, 4), st.tuples(st.sampled_from(places), st.booleans())))
def test_no_two_machines_are_put_at_one_place_by_what_is_remembered(learned):
    told = {row: (place, str(places[row]) if holds else "elsewhere") for row, (place, holds) in learned.items()}
    elsewhere = restored(places, told)
    where = [elsewhere.get(row, place).key for row, place in enumerate(places)]
    assert len(set(where)) == len(where)
    assert all(told[row][1] == str(places[row]) for row in elsewhere)


@pytest.mark.parametrize("text", ["10.0.0.1", "10.0.0.1:4028", "miner-1:4029/8080", "10.0.0.1:4028/80"])
def test_a_place_is_read_as_it_was_written(text):
    assert str(Place.parse(text)) == text
