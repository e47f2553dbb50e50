import pytest

from agent.inventory.hosts import read_inventory

pytestmark = pytest.mark.pure
MAC = "02:1a:9e:91:00:07"


def test_what_other_programs_export_is_read_by_their_headings():
    rows, mistakes = read_inventory(f"Address,MAC,Worker,Rack,Position\n127.0.9.7,{MAC},acme.7,R3,12\n")
    assert mistakes == []
    assert [row.told for row in rows] == [
        {"host": "127.0.9.7", "mac": MAC, "id": "acme.7", "rack": "R3", "position": "12"}
    ]


def test_two_headings_for_one_column_are_a_mistake():
    rows, mistakes = read_inventory("host,IP Address\n127.0.9.7,127.0.9.8\n")
    assert rows == []
    assert "column host stands twice" in mistakes[0][1]


def test_a_heading_that_nobody_knows_is_still_a_mistake():
    assert "'colour' is no column" in read_inventory("host,Colour\n127.0.9.7,red\n")[1][0][1]
