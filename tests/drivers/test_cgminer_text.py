import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.cgminer_text import sections_of
from drivers.cgminer_wire import parse
from drivers.errors import Garbled
from tests.drivers.cgminer_program import row

pytestmark = pytest.mark.pure


def test_rows_go_by_the_names_of_the_json_form():
    told = sections_of(b"STATUS=S,Code=9|ASC=0,Name=A|ASC=1,Name=B|POOL=0,URL=x|SUMMARY,Elapsed=3|")
    assert told == {
        "STATUS": [{"STATUS": "S", "Code": "9"}],
        "DEVS": [{"ASC": "0", "Name": "A"}, {"ASC": "1", "Name": "B"}],
        "POOLS": [{"POOL": "0", "URL": "x"}],
        "SUMMARY": [{"Elapsed": "3"}],
    }


def test_a_byte_order_mark_before_the_text_is_none_of_it():
    told = b"STATUS=S,Code=11|SUMMARY,Elapsed=3|\0"
    assert parse(b"\xef\xbb\xbf" + told) == parse(told)


def test_a_joined_reply_is_one_by_command():
    told = sections_of(b"CMD=summary|STATUS=S,Code=11|SUMMARY,Elapsed=3|CMD=devs|STATUS=E,Code=10|\n\0")
    assert told == {
        "summary": [{"STATUS": [{"STATUS": "S", "Code": "11"}], "SUMMARY": [{"Elapsed": "3"}]}],
        "devs": [{"STATUS": [{"STATUS": "E", "Code": "10"}]}],
    }


def test_a_section_of_no_rows_may_lack_its_end():
    assert sections_of(b"STATUS=S,Code=256|DEVS,") == {"STATUS": [{"STATUS": "S", "Code": "256"}]}


@pytest.mark.parametrize(
    "written", [b"", b"STATUS=S", b"STATUS=S|POOL=0,", b"STATUS=S|SUMMARY,Elapsed=3", b"CMD=summary|STATUS=S,Code"]
)
def test_a_reply_that_was_cut_is_garbled(written):
    with pytest.raises(Garbled):
        sections_of(written)


@given(st.dictionaries(st.sampled_from(["Msg", "URL", "User"]), st.text("ab=,|\\ :", max_size=8), min_size=1))
def test_escaped_words_come_out_as_they_were(figures):
    assert sections_of(row("STATUS", {"STATUS": "S", **figures}).encode()) == {"STATUS": [{"STATUS": "S", **figures}]}


@pytest.mark.parametrize("piece", [b"a", b"a,", b"\\", b"=", b"|a", b"CMD,x=1|", b"a=\\"])
def test_a_long_garbage_costs_no_more_than_its_length(piece):
    sections_of(b"STATUS=S," + piece * 50_000 + b"|")
