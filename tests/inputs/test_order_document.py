"""An order's document: one table of changes, each with its code and the field that it names."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agent.inputs.order_document import parse_known, parse_order
from agent.orders.limit import MaxImport, Stop
from agent.orders.order import Order, Rejection
from tests.inputs.schema import is_valid
from tests.orders.site import capped, document

pytestmark = pytest.mark.pure
NULL = object()
INSTANT = "2026-03-01T12:00:00Z"


def changed(**change: object) -> dict[str, object]:
    told = document(**change)
    return {key: None if value is NULL else value for key, value in told.items()}


def parsed(told: object, topic_id: str | None = None) -> Order | Rejection:
    return parse_order(told if isinstance(told, bytes) else json.dumps(told).encode(), topic_id=topic_id)


ACCEPTED = [
    {"revision": 1.0},
    {"revision": 2**63 - 1},
    {"issuer": "a" * 64},
    {"order_id": "A.b_c-9"},
    {"site": NULL},
    {"site": "x" * 64},
    {"issued_at": INSTANT},
    {"issued_at": NULL},
    {"issued_at": "2026-03-01T12:00:00.123456789+23:59"},
    {"program": "p"},
    {"program": NULL},
    {"source_ref": NULL},
    {"source_ref": {}},
    {
        "source_ref": {
            "number": "7",
            "date": "2026-03-01",
            "url": "u",
            "sha256": "0" * 64,
            "issued_by": "i",
            "taken_by": "t",
            "received_via": "r",
        }
    },
    {"priority": 0},
    {"starts_at": NULL, "ends_at": NULL},
    {"starts_at": "2026-03-01T12:00:00+06:00", "ends_at": "2026-03-01T06:00:01Z"},
    {"tz": NULL, "local": NULL},
    {"local": {}},
    {"limit": {"max_import_kw": 0}},
    {"limit": {"max_import_kw": 0.5}},
    {"measure": NULL},
    {"measure": {}},
    {"measure": {"quantity": "import", "at": "site", "over_s": NULL, "aligned": False, "tolerance_pct": 1.0}},
    {"targets": {}},
    {"targets": {"feeders": [], "tags": [], "miners": []}},
    {"exempt": {"sources": []}},
    {"measure": {"over_s": 60, "aligned": True}},
    {"measure": {"quantity": "consumption", "at": "T1"}},
    {"targets": {"feeders": ["T1"]}},
    {"exempt": {"sources": ["solar"], "tags": ["a"]}},
    {"comply_by_s": 0},
    {"comply_by_s": 1e9},
    {"ramp_kw_per_min": 0.1, "restore_kw_per_min": 9},
    {"ramp_kw_per_min": NULL, "restore_kw_per_min": NULL},
    {"lead": "forbidden"},
    {"limit": {"reduce_kw": 100}},
    {"limit": {"reduce_kw": 100, "baseline": "connection"}},
    {"limit": {"fraction": 0.5, "of": {"kw": 7}}},
    {"limit": {"trajectory": [{"at": INSTANT, "max_import_kw": None}], "interpolate": "linear"}},
    {"tz": "Asia/Bishkek"},
    {"tz": "Asia/Bishkek", "local": {"starts": "2026-03-01T24:00"}},
    {"randomize_s": 5},
    {"mandatory": False, "test": True},
    {"resume": NULL},
    {"on_silence": NULL, "excess_price": NULL},
    {"on_silence": {"timeout_s": 60, "failsafe_kw": 0, "min_s": 60}},
    {"excess_price": {"amount": "-1.5", "currency": "KGS"}},
    {"supersedes": ["b"]},
    {"note": "n" * 4000},
    {"note": NULL},
    {"ext": {"any": [1, {"thing": None}]}},
    {"ext": {"\ud800": "\ud800"}},
    {"status": "cancelled", "limit": None},
]


@pytest.mark.parametrize("change", ACCEPTED, ids="+".join)
def test_what_the_schema_allows_and_is_built_is_an_order(change):
    change = {
        key: {inner: None if v is NULL else v for inner, v in value.items()} if isinstance(value, dict) else value
        for key, value in change.items()
    }
    assert isinstance(parsed(changed(**change)), Order)


BAD = [
    ("revision", 0),
    ("revision", -1),
    ("revision", 1.5),
    ("revision", "1"),
    ("revision", True),
    ("revision", NULL),
    ("revision", 1e19),
    ("issuer", ""),
    ("issuer", "a" * 65),
    ("issuer", "a b"),
    ("issuer", "a\n"),
    ("issuer", 7),
    ("issuer", NULL),
    ("class", "king"),
    ("class", NULL),
    ("class", 1),
    ("status", "maybe"),
    ("status", True),
    ("site", ""),
    ("site", "x" * 65),
    ("site", 5),
    ("site", "\ud800"),
    ("issued_at", "2026-03-01T12:00:00"),
    ("issued_at", "2026-03-01 12:00:00Z"),
    ("issued_at", "2026-03-01T12:00:00z"),
    ("issued_at", "2026-02-30T12:00:00Z"),
    ("issued_at", "2026-03-01T24:00:00Z"),
    ("issued_at", "0000-03-01T12:00:00Z"),
    ("issued_at", "2026-03-01T12:00:00+24:00"),
    ("issued_at", "٢٠٢٦-03-01T12:00:00Z"),
    ("issued_at", "9999-12-31T23:59:59-12:00"),
    ("issued_at", 1_772_366_400),
    ("starts_at", ""),
    ("ends_at", False),
    ("program", 1),
    ("source_ref", []),
    ("source_ref.number", 7),
    ("source_ref.number", NULL),
    ("source_ref.date", "2026-3-1"),
    ("source_ref.date", "2026-02-30"),
    ("source_ref.date", 20260301),
    ("source_ref.url", 1),
    ("source_ref.sha256", "0" * 63),
    ("source_ref.sha256", "A" * 64),
    ("source_ref.issued_by", 1),
    ("source_ref.taken_by", 1),
    ("source_ref.received_via", 1),
    ("priority", -1),
    ("priority", 1.5),
    ("priority", True),
    ("priority", NULL),
    ("tz", 6),
    ("local", "x"),
    ("local.starts", "2026-03-01T25:00"),
    ("local.starts", "2026-03-01T12:00:00"),
    ("local.starts", NULL),
    ("local.ends", "٢026-03-01T12:00"),
    ("limit", NULL),
    ("limit", "stop"),
    ("limit", []),
    ("limit", {}),
    ("limit", {"stop": True, "max_import_kw": 5}),
    ("limit.stop", False),
    ("limit.stop", 1),
    ("limit.stop", "true"),
    ("limit.max_import_kw", -0.1),
    ("limit.max_import_kw", "5"),
    ("limit.max_import_kw", True),
    ("limit.max_import_kw", NULL),
    ("limit.reduce_kw", -1),
    ("limit.fraction", 1.1),
    ("limit.trajectory", []),
    ("limit.trajectory", [{"at": INSTANT, "max_import_kw": 1}, {"at": INSTANT, "max_import_kw": 2}]),
    ("tz", "Asia/Nowhere"),
    ("tz", "../etc"),
    ("measure.quantity", "export"),
    ("measure.at", 1),
    ("measure.over_s", 0),
    ("measure.over_s", 1.5),
    ("measure.aligned", 1),
    ("measure.tolerance_pct", -1),
    ("targets", NULL),
    ("targets", []),
    ("targets.feeders", "T1"),
    ("targets.tags", [""]),
    ("targets.miners", ["m", "m"]),
    ("targets.miners", [1]),
    ("targets.miners", ["x" * 129]),
    ("exempt", NULL),
    ("exempt.sources", ["s", "s"]),
    ("comply_by_s", -1),
    ("comply_by_s", "300"),
    ("comply_by_s", NULL),
    ("ramp_kw_per_min", 0),
    ("ramp_kw_per_min", "1"),
    ("restore_kw_per_min", -1),
    ("lead", "maybe"),
    ("lead", NULL),
    ("randomize_s", -1),
    ("randomize_s", 0.5),
    ("mandatory", 1),
    ("mandatory", "true"),
    ("test", 0),
    ("test", NULL),
    ("resume", "never"),
    ("on_silence", {}),
    ("on_silence", {"timeout_s": 0, "failsafe_kw": 0}),
    ("on_silence", {"timeout_s": 60}),
    ("on_silence", {"timeout_s": 60, "failsafe_kw": -1}),
    ("on_silence", {"timeout_s": 60, "failsafe_kw": 0, "min_s": -1}),
    ("on_silence", {"timeout_s": 60, "failsafe_kw": 0, "then": "wake"}),
    ("excess_price", {"amount": "1.", "currency": "USD"}),
    ("excess_price", {"amount": 1, "currency": "USD"}),
    ("excess_price", {"amount": "1", "currency": "usd"}),
    ("excess_price", {"amount": "1"}),
    ("supersedes", "a"),
    ("supersedes", ["a", "a"]),
    ("supersedes", [str(number) for number in range(10_001)]),
    ("note", "n" * 4001),
    ("note", 1),
    ("ext", []),
    ("ext", NULL),
]


@pytest.mark.parametrize(("field", "value"), BAD, ids=[field for field, _ in BAD])
def test_a_bad_value_is_named_by_its_field(field, value):
    outer, _, inner = field.partition(".")
    value = None if value is NULL else value
    told = {**document(), outer: {inner: value} if inner else value}
    found = parsed(told)
    assert (found.code, found.order_id) == ("bad_value", "a")
    assert found.reason.startswith(field)


@pytest.mark.parametrize("field", ["revision", "issuer", "class", "status", "limit"])
def test_a_field_that_is_required_is_named(field):
    told = document()
    del told[field]
    found = parsed(told)
    assert (found.code, found.reason.split(":")[0]) == ("bad_value", field)


def test_an_end_at_or_before_the_start_is_a_bad_value():
    for ends_at in (INSTANT, "2026-03-01T17:59:59+06:00"):
        found = parsed(document(starts_at=INSTANT, ends_at=ends_at))
        assert (found.code, found.reason) == ("bad_value", "ends_at: must be after starts_at")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"colour": 1}, "colour"),
        ({"order_class": "law", "Class": 1}, "Class"),
        ({"limit": {"stop": True, "now": 1}}, "limit.now"),
        ({"limit": {"fraction": 1, "of": {"kw": 1, "z": 2}}}, "limit.of.z"),
        ({"limit": {"trajectory": [{"at": INSTANT, "max_import_kw": 1, "z": 2}]}}, "limit.trajectory.0.z"),
        ({"measure": {"z": 1}}, "measure.z"),
        ({"local": {"z": 1}}, "local.z"),
        ({"targets": {"sources": []}}, "targets.sources"),
        ({"exempt": {"z": 1}}, "exempt.z"),
        ({"on_silence": {"z": 1}}, "on_silence.z"),
        ({"excess_price": {"z": 1}}, "excess_price.z"),
        ({"source_ref": {"z": 1}}, "source_ref.z"),
        ({"revision": 0, "colour": 1}, "colour"),
    ],
)
def test_an_unknown_field_is_named_before_anything_else(change, field):
    found = parsed(changed(**change))
    assert (found.code, found.reason) == ("unknown_field", field)


@pytest.mark.parametrize(
    ("raw", "code", "said"),
    [
        (b"", "malformed", "no JSON at line 1, column 1"),
        (b"null", "malformed", "no JSON object"),
        (b"[]", "malformed", "no JSON object"),
        (b"{", "malformed", ""),
        (b'{"a":1} x', "malformed", "no JSON at line 1, column 9"),
        (b"\xef\xbb\xbf{}", "malformed", "no JSON at line 1, column 1"),
        (b'{"note":"\xff"}', "malformed", "no UTF-8 at byte 9"),
        (b'{"order_id":"a","order_id":"a"}', "malformed", "a key stands twice"),
        (b'{"order_id":"a","ext":{"x":1,"x":1}}', "malformed", "a key stands twice"),
        (b'{"order_id":"a","revision":NaN}', "malformed", "NaN is no number"),
        (b'{"order_id":"a","ext":{"x":-Infinity}}', "malformed", "-Infinity is no number"),
        (b'{"order_id":"a","ext":{"x":1e999}}', "malformed", "1e999 overflows"),
        (b'{"order_id":"a","ext":{"x":9223372036854775808}}', "malformed", "9223372036854775808 overflows"),
        (b'{"order_id":"a","ext":{"x":' + b"9" * 5000 + b"}}", "malformed", "99999999999999999999 overflows"),
        (b'{"order_id":"a","ext":' + b'{"x":' * 65 + b"1" + b"}" * 66, "malformed", "nested too deeply"),
        (b'{"order_id":"a","ext":' + b"[" * 100_000, "malformed", "nested too deeply"),
        (b'{"note":"' + b"n" * 786_432 + b'"}', "malformed", "more than 786432 bytes"),
        (b"{}", "malformed", "order_id"),
        (b'{"order_id":7}', "malformed", "order_id"),
        (b'{"order_id":"a b","revision":3}', "malformed", "order_id"),
        (b"eyJhbGciOiJFZERTQSJ9.e30.c2ln", "bad_signature", "must have alg, kid and typ"),
    ],
)
def test_what_cannot_be_read_takes_its_id_from_the_topic_and_has_no_revision(raw, code, said):
    found = parse_order(raw, topic_id="t")
    assert (found.code, found.order_id, found.revision) == (code, "t", None)
    assert said in found.reason
    assert len(found.reason) <= 300


def test_a_limit_whose_kw_overflow_as_w_is_malformed():
    for change in ({"limit": {"max_import_kw": 1e306}}, {"ramp_kw_per_min": 1e306}):
        found = parsed(document(**change))
        assert found.code == "malformed"
        assert found.reason.endswith("overflows")


def test_an_id_that_is_not_the_topics_is_a_mismatch_told_under_the_topics():
    found = parsed(document(revision=4), topic_id="b")
    assert (found.code, found.order_id, found.revision, found.issuer) == ("id_mismatch", "b", 4, "energo")


@pytest.mark.parametrize("topic_id", ["", "a b", "ä", "a" * 65, "a\n"])
def test_under_a_topic_of_no_usable_form_there_is_nowhere_to_answer(topic_id):
    found = parsed(document(), topic_id=topic_id)
    assert (found.code, found.order_id) == ("malformed", None)


def test_a_refusal_can_always_be_written_down():
    found = parsed({**document(), "\ud800" * 5000: 1})
    assert len(found.reason.encode()) <= 300


def test_what_is_told_becomes_the_order():
    told = capped(
        1234.5,
        site="here",
        issued_at="2026-03-01T18:00:00+06:00",
        starts_at=INSTANT,
        ends_at="2026-03-01T13:00:00Z",
        priority=3,
        comply_by_s=60,
        ramp_kw_per_min=5,
        restore_kw_per_min=2.5,
    )
    assert parsed(told) == Order(
        order_id="a",
        revision=1,
        issuer="grid",
        order_class="contract",
        status="issued",
        limit=MaxImport(power_w=1_234_500.0),
        site="here",
        issued_at=datetime(2026, 3, 1, 12, tzinfo=UTC),
        priority=3,
        starts_at=datetime(2026, 3, 1, 12, tzinfo=UTC),
        ends_at=datetime(2026, 3, 1, 13, tzinfo=UTC),
        comply_by_s=60,
        ramp_kw_per_min=5.0,
        restore_kw_per_min=2.5,
        resume="auto",
        document=told,
    )


def test_what_is_left_out_has_the_contracts_defaults():
    order = parsed(document())
    assert (order.limit, order.priority, order.comply_by_s, order.resume) == (Stop(), 100, 300, "issuer")
    assert parsed(document(order_class="contract")).resume == "auto"
    assert parsed(document(resume="operator")).resume == "operator"


def test_kilowatts_become_exact_watts():
    assert [parsed(capped(kw)).limit.power_w for kw in (0, 1.1, 4.35, 2000)] == [0.0, 1100.0, 4350.0, 2_000_000.0]


def test_a_remembered_document_is_read_as_it_was():
    raw = json.dumps(document(note="ö"), ensure_ascii=False)
    assert parse_known(raw) == parse_order(raw.encode())


INSTANTS = st.sampled_from([None, INSTANT, "2026-03-01T13:00:00.5+06:00", "2026-13-01T00:00:00Z", "now", 5])
NUMBERS = st.sampled_from([None, -1, 0, 1, 1.0, 2.5, True, "1", 10**6])
NAMES = st.lists(st.sampled_from(["", "a", "b", "x" * 129, 1]), max_size=3)
LIMITS = st.one_of(
    st.sampled_from([None, {}, [], {"stop": True}, {"stop": 1}, {"stop": False}, {"stop": True, "z": 1}]),
    st.fixed_dictionaries({"max_import_kw": NUMBERS}),
    st.fixed_dictionaries({"reduce_kw": NUMBERS}, optional={"baseline": st.sampled_from(["before", "x", {"kw": 1}])}),
    st.fixed_dictionaries({"fraction": NUMBERS}, optional={"of": st.sampled_from(["connection", {"kw": -1}, {}])}),
    st.fixed_dictionaries(
        {
            "trajectory": st.lists(
                st.fixed_dictionaries({"at": INSTANTS, "max_import_kw": NUMBERS}, optional={"z": NUMBERS}), max_size=2
            )
        },
        optional={"interpolate": st.sampled_from(["step", "linear", "cubic"])},
    ),
)
DOCUMENTS = st.fixed_dictionaries(
    {"order_id": st.just("a"), "revision": st.sampled_from([1, 2, 3.0]), "issuer": st.just("energo")},
    optional={
        "class": st.sampled_from(["law", "market", "king"]),
        "status": st.sampled_from(["issued", "cancelled", "x"]),
        "limit": LIMITS,
        "starts_at": INSTANTS,
        "ends_at": INSTANTS,
        "issued_at": INSTANTS,
        "priority": NUMBERS,
        "comply_by_s": NUMBERS,
        "ramp_kw_per_min": NUMBERS,
        "randomize_s": NUMBERS,
        "mandatory": NUMBERS,
        "resume": st.sampled_from([None, "auto", "never"]),
        "targets": st.fixed_dictionaries({}, optional={"feeders": NAMES, "z": NAMES}),
        "supersedes": NAMES,
        "measure": st.fixed_dictionaries({}, optional={"over_s": NUMBERS, "at": st.sampled_from(["site", "T1", 1])}),
        "on_silence": st.one_of(
            st.none(), st.fixed_dictionaries({"failsafe_kw": NUMBERS}, optional={"timeout_s": NUMBERS})
        ),
        "note": st.sampled_from([None, "", 1]),
        "ext": st.sampled_from([{}, {"a": 1}, []]),
    },
)
FULL = DOCUMENTS.map(lambda told: {"class": "law", "status": "issued", "limit": {"stop": True}, **told})


@settings(max_examples=400, deadline=None)
@given(st.one_of(DOCUMENTS, FULL))
@example(document())
@example(document(limit={"fraction": 1.0}))
def test_exactly_what_the_schema_allows_is_taken(told):
    found = parsed(told)
    if not is_valid(told):
        assert found.code in {"bad_value", "unknown_field"}
    else:
        assert isinstance(found, Order)


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.text(max_size=100).map(str.encode)))
@example(b'{"order_id":"a","revision":1,"issuer":"e","class":"law","status":"issued","limit":{"stop":true}')
def test_no_bytes_raise(raw):
    assert isinstance(parse_order(raw, topic_id="a"), Rejection)
