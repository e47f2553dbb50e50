"""One changed byte, one removed line, two swapped lines are each found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.proof import chain

pytestmark = pytest.mark.pure


def chained(facts):
    lines, prev = [], chain.FIRST
    for number, fact in enumerate(facts, 1):
        lines.append(chain.link("o1", number, prev, fact))
        prev = chain.hash_of(lines[-1])
    return lines


FACTS = [b'{"fact":"A"}', b'{"fact":"B"}', b'{"fact":"C"}']


def test_a_whole_chain_holds():
    assert chain.first_broken("o1", chained(FACTS)) is None
    assert chain.first_broken("o1", []) is None


@given(st.integers(0, 2), st.integers(0, 1000), st.integers(1, 255))
def test_a_changed_byte_is_found(line, at, change):
    lines = chained(FACTS)
    body = bytearray(lines[line])
    body[at % len(body)] ^= change
    lines[line] = bytes(body)
    assert chain.first_broken("o1", lines) in {line + 1, line + 2}


@pytest.mark.parametrize("gone", [0, 1])
def test_a_removed_line_is_found(gone):
    lines = chained(FACTS)
    del lines[gone]
    assert chain.first_broken("o1", lines) == gone + 1


def test_two_swapped_lines_are_found():
    first, second, third = chained(FACTS)
    assert chain.first_broken("o1", [first, third, second]) == 2


def test_another_orders_chain_is_found():
    assert chain.first_broken("o2", chained(FACTS)) == 1
