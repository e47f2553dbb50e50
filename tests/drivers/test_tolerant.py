import json
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import braiins_socket, luxos_wire
from drivers.braiins_socket import Joined as BraiinsReply
from drivers.errors import Garbled, Refused
from drivers.luxos_wire import Joined as LuxReply
from drivers.tolerant import convert, decode, plain_decoder

pytestmark = pytest.mark.pure

ANY = plain_decoder()


class Row(msgspec.Struct):
    chips: int | None = None
    name: str | None = None


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (b'[{"a":1}{"b":2}]', [{"a": 1}, {"b": 2}]),
        (b'[{"a":1} \n {"b":2}]', [{"a": 1}, {"b": 2}]),
        (b'{"a":nan,"b":-nan,"c":Inf,"d":-Infinity}', {"a": None, "b": None, "c": None, "d": None}),
        (b'{"a":"nan }{ , ]"}', {"a": "nan }{ , ]"}),
        (b'{"a":"two\nlines"}', {"a": "two lines"}),
        (b'{"a":1,"a":2}', {"a": 2}),
        (rb'{"a":"it\'s"}', {"a": "it's"}),
        (rb'{"a":"back\\\'slash","b":nan}', {"a": "back\\'slash", "b": None}),
        (rb'{"a":"\u0041\n\"","b":nan}', {"a": 'A\n"', "b": None}),
        (b'{"a":1,}', {"a": 1}),
        (b'[,{"a":1},]', [{"a": 1}]),
        (b'{"a":1}}', {"a": 1}),
        (b' \x00{"a":1}\x00', {"a": 1}),
        (b'{"a":"\xff"}', {"a": "�"}),
    ],
)
def test_known_defects_are_mended_and_strings_keep_their_words(written, meant):
    assert decode(written, ANY) == meant


@pytest.mark.parametrize(
    "written",
    [
        b"",
        b"   ",
        b"\x00",
        b"hello",
        b'{"a":',
        b'{"a":"b',
        b'[{"a":1}',
        b'{"a":1 "b":2}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"1" * 5000,
        b'{"a":"\\',
    ],
)
def test_what_is_cut_or_foreign_is_garbled_and_kept(written):
    with pytest.raises(Garbled) as caught:
        decode(written, ANY)
    assert caught.value.payload == written


def test_texts_of_numbers_are_taken_for_numbers_where_a_reply_needed_mending():
    assert decode(b'{"chips":"63","name":"a",}', msgspec.json.Decoder(Row)) == Row(chips=63, name="a")


def test_a_document_of_another_form_is_garbled():
    with pytest.raises(Garbled):
        decode(b'{"chips":"many"}', msgspec.json.Decoder(Row))
    with pytest.raises(Garbled):
        convert([1], Row, b"[1]")
    with pytest.raises(Garbled):
        decode(b'{"chips":"\\ud800",}', msgspec.json.Decoder(Row))


@given(st.binary(max_size=200))
def test_bytes_give_a_document_or_garbled(written):
    with suppress(Garbled):
        decode(written, ANY)


DOCUMENTS = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**60), 2**60), st.text(max_size=10)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=4)),
    max_leaves=15,
)


@given(DOCUMENTS)
def test_what_is_json_already_is_mended_into_itself(document):
    written = json.dumps([document]).encode()
    assert decode(written, ANY) == [document]
    assert decode(written[:-1] + b",]", ANY) == [document]


@pytest.mark.parametrize("written", [b'"\\"' + b'\\"' * 50_000, b"}" + b" " * 50_000, b", " * 50_000, b'["' * 50_000])
def test_a_long_garbage_costs_no_more_than_its_length(written):
    with pytest.raises(Garbled):
        decode(written, ANY)


@pytest.mark.parametrize("kind", [LuxReply, BraiinsReply])
@pytest.mark.parametrize("status", [{"STATUS": "E", "Code": 14, "Msg": "no"}, [{"STATUS": "E", "Code": 14}], "E"])
def test_a_status_is_a_row_in_a_list_or_alone_or_its_letter(kind, status):
    told = decode(msgspec.json.encode({"STATUS": status, "id": 1}), msgspec.json.Decoder(kind))
    assert [one.letter for one in told.status] == ["E"]


@pytest.mark.parametrize(("kind", "must"), [(LuxReply, luxos_wire.must), (BraiinsReply, braiins_socket.must)])
@pytest.mark.parametrize("word", ["E", "F", "error", "Failed", "", "null"])
def test_a_status_that_is_no_word_of_success_is_a_refusal(kind, must, word):
    told = decode(msgspec.json.encode({"STATUS": word, "id": 1}), msgspec.json.Decoder(kind))
    with pytest.raises(Refused):
        must(told)


def test_a_mark_of_the_byte_order_before_a_reply_is_nothing():
    assert decode(b'\xef\xbb\xbf{"a":1}', plain_decoder()) == {"a": 1}
