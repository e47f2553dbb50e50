"""Whatever is done to an export of a real store is found: a byte, a line, an end; and what is whole holds anywhere."""

import base64
import json
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from agent.facts import CapChanged, OrderMoved
from agent.ledger.attest import exported
from agent.ledger.ledger import _row
from agent.ledger.store import Store
from agent.proof import chain
from agent.proof.evidence import BrokenAt, Export, check, export, links_of
from agent.proof.heads import signed_head
from agent.proof.signature import PublicKey, SigningKey, unsigned

AT = datetime(2026, 11, 12, 6, 0, tzinfo=UTC)
KEY, THIEF = (SigningKey(Ed25519PrivateKey.from_private_bytes(bytes([n] * 32))) for n in (1, 2))
TOLD = Export(site="kg-1", agent="1.2.3", at=AT + timedelta(hours=9))


def a_store(folder, key=KEY):
    """Return a store of two orders' lives; heads cover o1 at 2 and at 5 links, and its last two are newer."""
    store = Store("sqlite:///hashwatt.db", Path(folder))

    def lives(*orders):
        for order in orders:
            at = AT + timedelta(minutes=len(store.links(order)))
            moved = OrderMoved(at=at, order_id=order, revision=1, seq=1, event="start", state="active", reason="Тест")
            store.append([_row(moved)], [])

    def signs(hours):
        store.add_head(lambda last, ends: signed_head("kg-1", last, AT + timedelta(hours=hours), ends, key))

    lives("o2")
    signs(0)
    lives("o1", "o1", "o2")
    signs(1)
    lives("o1", "o2", "o1", "o1")
    signs(2)
    signs(3)
    lives("o2")
    signs(4)
    lives("o1", "o1")
    return store


def a_file(order="o1", key=KEY):
    with tempfile.TemporaryDirectory() as folder:
        store = a_store(folder)
        try:
            return exported(store, order, TOLD, key)
        finally:
            store.close()


LINES = a_file()
RAW = b"".join(LINES)
PROVEN = check(RAW, [KEY.public])
at_line = st.integers(0, len(LINES) - 1)


def broken(lines, *keys):
    with pytest.raises(BrokenAt) as found:
        check(b"".join(lines), keys)
    return found.value


def test_a_whole_export_holds_and_says_what_it_proves():
    assert (PROVEN.site, PROVEN.order_id, PROVEN.links, PROVEN.heads, PROVEN.covered) == ("kg-1", "o1", 7, 2, 5)
    assert PROVEN.covered_at == AT + timedelta(hours=2)
    assert PROVEN.exported_at == TOLD.at
    assert PROVEN.closed
    assert check(RAW).keys == (KEY.public,)


def test_links_are_there_word_for_word():
    with tempfile.TemporaryDirectory() as folder:
        store = a_store(folder)
        assert links_of(RAW) == store.links("o1")
        store.close()


@given(st.integers(0, len(RAW) - 1), st.integers(1, 255))
def test_one_changed_byte_anywhere_is_found(at, change):
    body = bytearray(RAW)
    body[at] ^= change
    line = RAW[:at].count(b"\n") + 1
    for keys in ((), (KEY.public,)):
        with pytest.raises(BrokenAt) as found:
            check(bytes(body), keys)
        assert found.value.line in {line, line + 1}


@given(st.integers(0, len(RAW) - 1))
def test_a_cut_off_file_is_found_wherever_it_was_cut(length):
    with pytest.raises(BrokenAt):
        check(RAW[:length])


@given(at_line)
def test_a_removed_line_is_found(gone):
    broken(LINES[:gone] + LINES[gone + 1 :])


@given(at_line, at_line)
def test_swapped_lines_are_found(one, other):
    lines = list(LINES)
    lines[one], lines[other] = lines[other], lines[one]
    if one != other:
        assert broken(lines).line in {
            min(one, other) + 1,
            min(one, other) + 2,
        }  # nothing is known before the first head


@given(at_line, st.integers(0, len(LINES)))
def test_a_doubled_line_is_found(which, where):
    broken([*LINES[:where], LINES[which], *LINES[where:]])


@given(st.binary(max_size=50))
def test_a_line_after_the_end_is_found(more):
    assert broken([*LINES, more + b"\n"]).line == len(LINES) + 1


@given(st.binary(max_size=300))
def test_no_other_file_holds_or_raises_anything_else(raw):
    with pytest.raises(BrokenAt):
        check(raw)


# what somebody does who knows the format ------------------------------------------------------------------------


def remade(line, **changes):
    """Return a line with members changed and its hash made anew, as anybody can."""
    told = {key: value for key, value in json.loads(line).items() if key not in {"hash", "sig"}}
    return chain.ended(json.dumps({**told, **changes}, ensure_ascii=False, separators=(",", ":")).encode()[:-1]) + b"\n"


@given(st.sampled_from(["site", "agent", "exported_at"]), st.sampled_from(["2026-11-12T16:00:00.000Z", "kg-2"]))
def test_a_header_made_anew_is_found(member, value):
    broken([remade(LINES[0], **{member: value}), *LINES[1:]], KEY.public)


@given(st.integers(1, 6))
def test_last_links_left_out_are_found_though_all_that_needs_no_key_is_made_anew(left):
    links, heads = LINES[1 : 1 + left], LINES[8:10]
    kept = [head for head in heads if json.loads(head)["chains"][0][1] <= left]
    header = remade(LINES[0], links=left, heads=len(kept))
    closing = remade(LINES[-1], links=left, head=chain.hash_of(links[-1][:-1]))
    whole = [header, *links, *heads, closing]
    assert broken([remade(LINES[0], links=left), *whole[1:]]).line > left
    assert broken([header, *links, *kept, closing]).line == 2 + left + len(kept)
    assert broken([header, *links, *kept, remade(closing, key=None)]).line == 2 + left + len(kept)


def test_everything_made_anew_by_another_key_holds_by_itself_and_not_by_the_sites_key():
    with tempfile.TemporaryDirectory() as folder:
        store = a_store(folder, THIEF)
        lines = exported(store, "o1", TOLD, THIEF)
        store.close()
    assert check(b"".join(lines)).keys == (THIEF.public,)
    assert broken(lines, KEY.public).line == 1


def test_another_orders_links_under_this_orders_heads_are_found():
    with tempfile.TemporaryDirectory() as folder:
        store = a_store(folder)
        record = store.record("o1")
        fact = _row(CapChanged(at=AT, cap_w=1.0, binding_order="o1")).body
        links, prev = [], chain.FIRST
        for number in range(1, 8):
            links.append(chain.link("o1", number, prev, fact))
            prev = chain.hash_of(links[-1])
        forged = type(record)(order_id="o1", links=links, heads=record.heads)
        found = broken(list(export(forged, TOLD, KEY)), KEY.public)
        store.close()
    assert (found.line, found.number) == (9, 2)


# ends, keys -----------------------------------------------------------------------------------------------------


def test_an_end_that_is_not_signed_proves_what_the_heads_cover_and_only_when_asked_for():
    lines = a_file(key=None)
    assert broken(lines, KEY.public).line == len(lines)
    proven = check(b"".join(lines), [KEY.public], partial=True)
    assert (proven.closed, proven.covered, proven.links) == (False, 5, 7)


def test_after_a_change_of_keys_both_are_needed():
    with tempfile.TemporaryDirectory() as folder:
        store = a_store(folder)
        store.add_head(lambda last, ends: signed_head("kg-1", last, AT + timedelta(hours=5), ends, THIEF))
        lines = exported(store, "o1", TOLD, THIEF)
        store.close()
    assert check(b"".join(lines), [KEY.public, THIEF.public]).covered == 7
    for known in (KEY, THIEF):
        assert broken(lines, known.public).line == 1


@pytest.mark.parametrize("read", [lambda key: key.text, lambda key: key.pem, lambda key: key.text.partition(":")[2]])
def test_a_public_key_is_read_from_its_text_its_pem_and_its_bytes(read):
    assert PublicKey.read(read(KEY.public)) == KEY.public


def test_a_signing_key_is_read_from_its_pem_and_its_bytes_and_never_shown():
    assert SigningKey.read(KEY.pem).public == KEY.public
    assert SigningKey.read(base64.b64encode(bytes([1] * 32)).decode()).public == KEY.public
    assert "PRIVATE" not in repr(KEY)


@pytest.mark.parametrize("text", ["", "x", "0000:AAAA", f"0000000000000000:{KEY.public.text[17:]}", "-----BEGIN X"])
def test_what_is_no_key_is_refused_in_words(text):
    with pytest.raises(ValueError, match=r"is no|not 0000"):
        PublicKey.read(text)
    with pytest.raises(ValueError, match="is no"):
        SigningKey.read(text)


@given(st.integers(0, 200), st.integers(1, 255))
def test_a_signature_is_of_the_whole_line(at, change):
    line = KEY.sign(b'{"a":1}')
    assert KEY.public.signed(line)
    assert unsigned(line) == b'{"a":1}'
    body = bytearray(line)
    body[at % len(body)] ^= change
    assert not KEY.public.signed(bytes(body))
