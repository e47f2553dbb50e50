"""An order's report for a regulator: what it says is what was, in two languages, and it needs nothing beside it."""

import json
import re
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from agent.facts import CommandRefused, Escalated, OrderMoved, OrderReceived
from agent.facts.energy import Absence, Minutes
from agent.outputs.account import Point, account, points
from agent.outputs.document_html import as_svg
from agent.outputs.order_paper import Told, page
from agent.outputs.report_chart import chart
from agent.outputs.report_words import Words, languages
from agent.proof.evidence import Proven
from agent.proof.jws import sealed
from agent.proof.signature import PublicKey, SigningKey

pytestmark = pytest.mark.pure

AT = datetime(2026, 11, 12, 6, 0, tzinfo=UTC)
BISHKEK, NEW_YORK = ZoneInfo("Asia/Bishkek"), ZoneInfo("America/New_York")
KEY = PublicKey(bytes(range(32)))


def at(minutes, seconds=0):
    return AT + timedelta(minutes=minutes, seconds=seconds)


def document(revision, **changes):
    told = {"order_id": "o<1>", "revision": revision, "status": "issued", "limit": {"max_import_kw": 5}, **changes}
    return OrderReceived(
        at=at(0), order_id="o<1>", revision=revision, issuer="Energo & co", order_class="law", transport="mqtt",
        document=json.dumps(told),
    )  # fmt: skip


def moved(when, event, state, **told):
    return OrderMoved(at=when, order_id="o<1>", revision=1, seq=1, event=event, state=state, **told)


def minutes(start, *rows, enforce=True):
    """Each row: minute, mean kW, peak kW, cap kW, seconds above it."""
    numbers, means, peaks, caps, overs = zip(*rows, strict=True)
    return Minutes(
        at=at(start), start=at(start), minute=list(numbers), looked_s=[60.0] * len(rows), metered_s=[60.0] * len(rows),
        mean_w=[kw * 1000.0 for kw in means], peak_w=[kw * 1000.0 for kw in peaks],
        cap_w=[kw and kw * 1000.0 for kw in caps], over_s=[float(s) for s in overs],
        hashing=[1] * len(rows), unread=[0] * len(rows), meter="main", enforce=enforce, orders=["o<1>"],
    )  # fmt: skip


LIFE = [
    document(1),
    moved(at(0), "receive", "received", cap_w=5000.0, observed_w=9000.0, shortfall_w=4000.0),
    moved(at(0), "start", "active", cap_w=5000.0, observed_w=9000.0),
    minutes(-2, (0, 9, 9, None, 0), (1, 9, 9, None, 0)),
    moved(at(0, 40), "comply", "complied", cap_w=5000.0, observed_w=4000.0),
    minutes(0, (0, 6, 9, 5, 40), (1, 4, 4, 5, 0), (2, 6, 7, 5, 30)),
    moved(at(2, 20), "breach", "violated", cap_w=5000.0, observed_w=7000.0, reason="unproved 2"),
    moved(at(3, 5), "comply", "complied", cap_w=5000.0, observed_w=4000.0),
    Absence(
        at=at(5), since=at(3, 30), until=at(5), before_wh=100.0, after_wh=160.0, over_least_wh=0.0, over_most_wh=9.0
    ),
    CommandRefused(at=at(5), miner="m1", command="sleep", error="no"),
    Escalated(at=at(5), miners=["m1", "m2"], means="none left"),
    minutes(5, (0, 4, 4, 5, 0)),
    document(2, status="cancelled", limit=None),
    moved(at(6), "cancel", "cancelled"),
    moved(at(6, 10), "close", "closed"),
]
MONEY = {
    "currency": "KGS", "drawn_kwh": 1234.5, "cost": "1234567.891", "not_drawn_kwh": None, "cost_not_incurred": None,
    "revenue_not_earned": "0", "saved": "-2.5", "doubts": ["a <doubt>"],
    "baselines": [
        {"method": "before_after", "mean_kw": 9.0, "not_drawn_kwh": 1.25, "why": None, "adjusted": 1.0},
        {"method": "ten_of_ten", "mean_kw": None, "not_drawn_kwh": None, "why": "3 of 10 days", "adjusted": 1.0},
    ],
}  # fmt: skip


def told(facts=LIFE, money=MONEY, *, closed=True):
    proven = Proven(
        site="kg-1", order_id="o<1>", links=len(facts), heads=1, covered=3, covered_at=AT, exported_at=at(9),
        keys=(KEY,), closed=closed, head_hashes=frozenset(),
    )  # fmt: skip
    return Told(proven=proven, last_hash="ab" * 32, account=account(facts), money=money)


def text_of(html):
    """Return the words of a page that is well formed."""
    root = ET.fromstring(html.removeprefix("<!DOCTYPE html>"))
    return [part.strip() for part in root.itertext() if part.strip()]


def test_an_account_is_what_was():
    found = account(LIFE)
    assert (found.received.revision, found.began_at, found.ended_at) == (1, at(0), at(6))
    assert found.complied_after_s == 40
    assert found.violated_s == 45
    assert found.base_w == 9000
    assert (found.over_before_s, found.over_after_s, found.highest_w) == (40, 30, 7000)
    assert found.looked_s == found.metered_s == 240
    assert found.drawn_wh == pytest.approx((6000 + 4000 + 6000 + 4000) / 60)
    assert found.not_drawn_wh == pytest.approx(9000 * 4 / 60 - found.drawn_wh)
    assert (found.unseen, found.refusals, found.disobeyed, found.enforced) == (2, 1, 2, True)


def test_what_comes_after_an_order_within_its_last_minute_is_not_its_own():
    held = [
        document(1), moved(at(0), "start", "active", cap_w=5000.0), moved(at(0, 10), "comply", "complied", cap_w=5000.0)
    ]  # fmt: skip
    kept = minutes(0, (0, 4, 4, 5, 0), (1, 4, 4.5, 5, 0), (2, 8.5, 9, 5, 0))
    found = account([*held, kept, moved(at(2, 5), "cancel", "cancelled"), moved(at(3), "close", "closed")])
    assert found.highest_w == 4500
    assert [one.cap_w for one in points(found.minutes, 9)] == [5000, 5000, 5000, None]
    late = at(2) + timedelta(milliseconds=40)
    unlooked = [*held, minutes(0, (0, 4, 4, 5, 0), (1, 4, 4, 5, 0)), moved(late, "end", "ended")]
    assert account([*unlooked, moved(late, "close", "closed")]).unseen == 0


def test_an_order_of_less_than_a_minute_counts_what_falls_to_it():
    found = account([
        document(1),
        moved(at(0, 20), "start", "active", cap_w=5000.0, observed_w=9000.0),
        moved(at(0, 40), "comply", "complied", cap_w=5000.0, observed_w=4000.0),
        minutes(0, (0, 6, 9, 5, 15)),
        moved(at(0, 50), "revise", "superseded"),
    ])  # fmt: skip
    assert (found.looked_s, found.metered_s, found.unseen) == (30, 30, 0)
    assert found.drawn_wh == pytest.approx(6000 * 30 / 3600)
    assert (found.over_before_s, found.over_after_s) == (15, 0)
    assert [one.cap_w for one in points(found.minutes, 9)] == [5000]


def test_an_order_in_force_has_no_end_and_one_that_nobody_complied_with_says_so():
    found = account(LIFE[:3])
    assert (found.ended_at, found.complied_after_s, found.base_w, found.not_drawn_wh) == (None, None, None, None)
    shown = text_of(page(told(LIFE[:3], None), Words("en", UTC)))
    assert {"it is in force", "not complied with", "not known"} <= set(shown)


@pytest.mark.parametrize(
    ("language", "sentences"),
    [
        ("en", ["Report on order o<1>", "Energo & co", "law", "violated", "7.0 kW", "2026-11-12 12:02:20+06:00",
                "unproved 2", "1,234.5 kWh; 1,234,567.89 KGS", "-2.50 KGS", "a <doubt>",
                "1.2 kWh, against 9.0 kW on average", "not known: 3 of 10 days", '{"max_import_kw": 5}']),
        ("ru", ["Отчёт об исполнении распоряжения o<1>",  # noqa: RUF001 - the letters are Russian
                "закон", "нарушается", "7,0 кВт", "не подтверждено отключение, машин: 2",
                "1 234,5 кВт·ч; 1 234 567,89 KGS"]),
    ],
)  # fmt: skip
def test_a_page_says_it_in_words_and_by_the_sites_clock(language, sentences):
    shown = {text.replace("\N{NO-BREAK SPACE}", " ") for text in text_of(page(told(), Words(language, BISHKEK)))}
    assert set(sentences) <= shown
    assert any(KEY.text in text for text in shown)


def test_a_page_says_where_the_order_came_from_and_how_far_it_fell_short():
    phone = {"number": "14", "issued_by": "I. Petrov", "taken_by": "Aigul", "received_via": "phone, read back"}
    came = document(1, source_ref=phone)
    short = moved(at(3), "breach", "violated", cap_w=5000.0, shortfall_w=2500.0)
    shown = [
        text.replace("\N{NO-BREAK SPACE}", " ")
        for text in text_of(page(told([came, *LIFE[1:], short]), Words("en", UTC)))
    ]
    for name, value in (
        ("Under number", "14"),
        ("Given by", "I. Petrov"),
        ("Taken by", "Aigul"),
        ("Signature", "none: the transport vouches for the issuer"),
        ("Document as received, SHA-256", sha256(came.document.encode()).hexdigest()),
        ("Highest shortfall told meanwhile", "2.5 kW"),
    ):
        assert shown[shown.index(name) + 1] == value
    for transport, by, said in (
        ("shell", "local", "none: entered at this site by local"),
        ("http", "Energo & co", "none: the transport vouches for the issuer"),
        ("agent", None, "none: the agent made it by this site's own schedule, or by what was agreed for silence"),
    ):
        entered = replace(came, transport=transport, by=by)
        assert said in text_of(page(told([entered, *LIFE[1:]]), Words("en", UTC)))
    signed = replace(came, document=sealed(came.document.encode(), kid="k1", key=SigningKey.make()).decode())
    assert "by key k1 of the issuer, checked at receipt" in text_of(page(told([signed, *LIFE[1:]]), Words("en", UTC)))


@pytest.mark.parametrize(
    ("language", "rows"),
    [
        ("en", [
            ("Bears upon", "feeders T1, T2; machines with the tag row:3"), ("Exempt", "the supply of meters pv1"),
            ("Measured", "consumption, own generation included; at T1; mean of 15 min by the clock"),
            ("Asked for from", "2026-11-12 12:00:00+06:00; 2026-11-12T12:00 Asia/Bishkek"),
            ("Asked for until", "it is lifted"), ("Time to comply", "60 s"), ("In the place of", "a"),
            ("Price of each kWh above it", "12.50 KGS"), ("A test", "yes: no command was sent for it"),
            ("Above the limit, and its cost by the order", "2.0 kWh; 25.00 KGS"),
        ]),
        ("ru", [("На что распространяется", "фидеры T1, T2; машины с меткой row:3"),  # noqa: RUF001 - Russian
                ("Требуется до", "отмены")]),
    ],
)  # fmt: skip
def test_a_page_says_all_that_was_asked_for_and_by_each_revision(language, rows):
    first = document(1)
    second = document(
        2, targets={"feeders": ["T1", "T2"], "tags": ["row:3"]}, exempt={"sources": ["pv1"]}, comply_by_s=60,
        measure={"quantity": "consumption", "at": "T1", "over_s": 900, "aligned": True}, test=True,
        starts_at="2026-11-12T06:00:00Z", tz="Asia/Bishkek", local={"starts": "2026-11-12T12:00"}, supersedes=["a"],
        excess_price={"amount": "12.50", "currency": "KGS"},
    )  # fmt: skip
    money = {**MONEY, "excess": {"kwh": 2, "price_per_kwh": "12.50", "currency": "KGS", "amount": "25"}}
    html = page(told([first, second, *LIFE[1:]], money), Words(language, BISHKEK))
    shown = [text.replace("\N{NO-BREAK SPACE}", " ") for text in text_of(html)]
    for name, value in rows:
        assert shown[shown.index(name) + 1] == value
    for revision in (first, second):
        assert sha256(revision.document.encode()).hexdigest() in shown


def rows_of(facts, language="en"):
    """Return the words of an order's report, in a row."""
    html = page(told(facts, None), Words(language, BISHKEK))
    return [text.replace("\N{NO-BREAK SPACE}", " ") for text in text_of(html)]


@pytest.mark.parametrize(
    ("language", "rows"),
    [
        ("en", [("Measured", "0.25 % above it are tolerated"), ("To be shed no faster than", "0.04 kW/min"),
                ("To come back no faster than", "1,234.5 kW/min"), ("Time to comply", "130 s"),
                ("Shifted by chance by up to", "5 min"), ("Price of each kWh above it", "1,234.50 KGS")]),
        ("ru", [("To be shed no faster than", "0,04 кВт/мин"), ("Time to comply", "130 с"),  # noqa: RUF001 - Russian
                ("Price of each kWh above it", "1 234,50 KGS")]),
    ],
)  # fmt: skip
def test_a_page_tells_the_documents_own_digits_in_the_languages_figures(language, rows):
    exact = document(
        1, measure={"tolerance_pct": 0.25}, ramp_kw_per_min=0.04, restore_kw_per_min=1234.5, comply_by_s=130,
        randomize_s=300, excess_price={"amount": "1234.50", "currency": "KGS"},
    )  # fmt: skip
    shown = rows_of([exact, *LIFE[1:]], language)
    keys = {words: key for key, words in languages()["en"].items()}
    for name, value in rows:
        assert shown[shown.index(languages()[language][keys[name]]) + 1] == value


@pytest.mark.parametrize(("language", "more"), [("en", "and 1,904 points more"), ("ru", "и ещё точек: 1 904")])
def test_a_paper_has_the_first_points_of_many_and_says_how_many_more_there_are(language, more):
    start = datetime(2026, 11, 12, 6, tzinfo=UTC)
    points = [{"at": (start + timedelta(minutes=n)).isoformat(), "max_import_kw": n} for n in range(2000)]
    shown = rows_of([document(1, limit={"trajectory": points}), *LIFE[1:]], language)
    words = languages()[language]
    as_is = shown[shown.index(words["limit_as_is"]) + 1]
    assert len(as_is) < 4100
    assert as_is.endswith(words["letters_more"].split("{0}")[1])
    told = shown[shown.index(words["trajectory"]) + 1]
    assert more in told.replace("\N{NO-BREAK SPACE}", " ")
    assert told.count("kW" if language == "en" else "кВт") == 96


def test_each_revision_says_its_points_and_what_comes_after():
    points = [
        {"at": "2026-11-12T06:00:00Z", "max_import_kw": 7.5},
        {"at": "2026-11-12T07:00:00Z", "max_import_kw": None},
    ]
    first = document(
        1, limit={"trajectory": points, "interpolate": "linear"}, resume="operator", lead="forbidden", priority=5,
        on_silence={"timeout_s": 90, "failsafe_kw": 2.25, "then": "release"},
    )  # fmt: skip
    shown = rows_of([first, *LIFE[1:], document(2, **{"class": "law"})])
    asked = shown[shown.index("What each revision asked for") + 9]
    for said in (
        "Points of the trajectory: 2026-11-12 12:00:00+06:00 7.5 kW, 2026-11-12 13:00:00+06:00 no limit, in a straight",
        "Power comes back: once the operator of the site releases it",
        "Shedding ahead of its start: forbidden",
        "Priority within its class: 5",
        "silent: after 90 s without a word at most 2.25 kW, for at least 120 min; then it is released",
    ):
        assert said in asked
    assert shown[shown.index("Power comes back") + 1] == "once its issuer releases it"  # a law's, unless it says else


def test_a_cancel_that_repeats_its_limit_takes_back():
    shown = rows_of([document(1), *LIFE[1:-3], document(2, status="cancelled"), *LIFE[-2:]])
    assert shown[shown.index("What each revision asked for") + 14] == "taken back"


@pytest.mark.parametrize(
    ("steps", "began"),
    [
        ([moved(at(0), "receive", "received"), moved(at(0), "refuse", "rejected")], "never"),
        ([moved(at(0), "receive", "received"), moved(at(0), "accept", "accepted")], "not yet"),
    ],
)
def test_an_order_that_did_not_begin_says_never_or_not_yet(steps, began):
    shown = rows_of([document(1), *steps])
    assert shown[shown.index("In force from") + 1] == began
    assert "In force until" not in shown


def test_what_the_agent_made_of_a_signal_is_not_vouched_for_by_its_transport():
    made = replace(document(1), transport="signal")
    shown = rows_of([made, *LIFE[1:]])
    said = "none: the agent made it of what a signal demanded, or of its silence"
    assert shown[shown.index("Signature") + 1] == said


@pytest.mark.parametrize(("end", "zone"), [("9999-12-31T23:59:59Z", BISHKEK), ("0001-01-01T00:00:00Z", NEW_YORK)])
def test_an_end_at_the_edge_of_the_calendar_is_told_in_utc(end, zone):
    shown = text_of(page(told([document(1, ends_at=end), *LIFE[1:]]), Words("en", zone)))
    assert shown[shown.index("Asked for until") + 1] == end.replace("T", " ").replace("Z", "+00:00")


def test_a_page_needs_nothing_beside_it_and_runs_nothing():
    html = page(told(), Words("en", UTC))
    assert not re.search(r"<script|<link|<img|src=|href=|url\(|@import", html)
    assert set(re.findall(r"https?://[^\"]+", html)) == {"http://www.w3.org/2000/svg"}


def test_what_was_only_observed_and_what_is_not_signed_is_said():
    watched = [minutes(0, (0, 6, 9, 5, 40), enforce=False) if isinstance(fact, Minutes) else fact for fact in LIFE]
    shown = " ".join(text_of(page(told(watched, closed=False), Words("en", UTC))))
    assert "only observed" in shown
    assert "signed by key nobody: its end is not signed" in shown


def test_every_language_has_every_word():
    english = languages()["en"]
    for words in languages().values():
        assert words.keys() == english.keys()
        assert all(re.findall(r"{\d}", words[key]) == re.findall(r"{\d}", english[key]) for key in english)


def test_a_chart_breaks_its_line_where_nobody_looked():
    drawing = as_svg(chart(points(account(LIFE).minutes, 900), Words("en", UTC)))
    (line,) = re.findall(r'class="mean" d="([^"]*)"', drawing)
    assert line.count("M") == 2  # before and after the absence
    assert drawing.count('class="away"') == 2
    assert drawing.count('class="over"') == 2


@given(
    st.lists(st.tuples(st.floats(0, 1e9), st.none() | st.floats(0, 1e9), st.booleans()), max_size=50),
    st.integers(1, 60),
)
def test_any_life_is_drawn_within_its_frame(rows, step):
    told = [
        Point(
            at=at(n * step), until=at((n + 1) * step), mean_w=draw_w, peak_w=draw_w, cap_w=cap_w, over=over, away=over
        )
        for n, (draw_w, cap_w, over) in enumerate(rows)
    ]
    made = chart(told, Words("ru", UTC))
    assert (made is not None) == bool(rows)
    if made is not None:
        drawing = as_svg(made)
        ET.fromstring(drawing)
        for path in re.findall(r'class="(?:mean|cap)" d="([^"]*)"', drawing):
            heights = [float(y) for y in re.findall(r"[ML][\d.]+ ([\d.]+)", path)]
            assert all(12 <= y <= 306 for y in heights)


@given(st.integers(1, 5000), st.integers(1, 900))
def test_a_long_life_is_put_together_to_so_many_points(count, most):
    life = [moved(at(0), "start", "active"), moved(at(count - 1), "close", "closed")]
    found = points(account(life).minutes, most)
    assert len(found) <= most
    assert found[0].at == at(0)
    assert found[-1].until == at(count)
