"""The API over a real socket: every route, who may use it, and what is said when something is wrong."""

import asyncio
import json
from datetime import timedelta
from http import HTTPStatus

import aiohttp
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics

from agent.facts import IntendedChanged
from agent.orders.compliance import Observed
from agent.outputs.http.access import Access, Tokens
from agent.outputs.http.bodies import Lock
from agent.outputs.http.server import HttpServer
from agent.outputs.metrics import Metrics
from agent.outputs.shown import site_json
from drivers.interface import Pool, Reading, State
from tests.outputs.farm import (
    NOW,
    MemoryDesk,
    document,
    empty_book,
    large_fleet,
    serving,
    sight_of,
    small_fleet,
)

V1 = "/api/v1"
READING = [
    ("GET", path)
    for path in (
        "/metrics",
        f"{V1}/site",
        f"{V1}/miners",
        f"{V1}/miners/a1",
        f"{V1}/miners/a1/history",
        f"{V1}/history",
        f"{V1}/plan",
        f"{V1}/plan/day",
        f"{V1}/plan/day/made",
        f"{V1}/bill/corrections",
        f"{V1}/capability",
        f"{V1}/orders",
        f"{V1}/orders/o1",
        f"{V1}/orders/o1/report",
        f"{V1}/holds",
        f"{V1}/seals",
        f"{V1}/safety",
        f"{V1}/drill",
        f"{V1}/events",
        f"{V1}/ledger",
        f"{V1}/clock",
        f"{V1}/proposals",
        f"{V1}/bill",
        f"{V1}/bill/report",
        f"{V1}/bill/corrections",
        f"{V1}/evidence",
        f"{V1}/evidence/o1",
    )
] + [("POST", f"{V1}/plan")]
OPERATING = [
    ("POST", f"{V1}/orders/o1/release"),
    ("POST", f"{V1}/orders/o1/accept"),
    ("POST", f"{V1}/orders/o1/decline"),
    ("POST", f"{V1}/miners/a1/level"),
    ("POST", f"{V1}/miners/levels"),
    ("POST", f"{V1}/miners/errands"),
    ("POST", f"{V1}/holds"),
    ("DELETE", f"{V1}/holds"),
    ("POST", f"{V1}/seals"),
    ("POST", f"{V1}/bill/corrections"),
    ("POST", f"{V1}/clock/trust"),
    ("POST", f"{V1}/safety/o1/clear"),
    ("POST", f"{V1}/plan/day"),
    ("POST", f"{V1}/bill/corrections"),
    ("POST", f"{V1}/drill"),
    ("DELETE", f"{V1}/drill"),
    ("POST", f"{V1}/proposals/adopt"),
    ("POST", f"{V1}/proposals/disown"),
    ("DELETE", f"{V1}/seals"),
]
ORDERING = [("POST", f"{V1}/orders")]
PAGE = ("/", "/page.css", "/page.js", "/page_base.js", "/page_orders.js")
OPEN = [("GET", path) for path in (*PAGE, "/healthz", "/readyz", f"{V1}/openapi.json")]
ENDLESS = [("GET", f"{V1}/stream")]


# who may ------------------------------------------------------------------------------------------------------------


async def test_the_table_of_roles():
    admitted = {None: OPEN + READING}
    admitted["viewer"] = OPEN + READING
    admitted["orderer"] = OPEN + READING + ORDERING
    admitted["operator"] = OPEN + READING + ORDERING + OPERATING
    async with serving() as client:
        for role, allowed in admitted.items():
            for method, path in OPEN + READING + ORDERING + OPERATING:
                status, _ = await client.ask(method, path, role=role)
                if (method, path) in allowed:
                    assert status not in {401, 403}, (role, method, path)
                else:
                    assert status == (401 if role is None else 403), (role, method, path)


async def test_without_public_read_nothing_but_health_is_open():
    async with serving(public_read=False) as client:
        for method, path in READING:
            assert (await client.ask(method, path, role=None))[0] == 401
        for method, path in OPEN:
            assert (await client.ask(method, path, role=None))[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"X-Forwarded-For": "203.0.113.9"},
        {"Origin": "http://evil.example"},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Basic dGhlOnBhc3M="},
    ],
)
async def test_open_reading_is_for_this_host_itself(headers):
    async with serving() as client:
        assert (await client.ask("GET", f"{V1}/site", role=None, headers=headers))[0] == 401


async def test_who_is_not_known_is_told_how_to_be():
    async with serving() as client, client.session.post(f"{client.base}{V1}/holds") as answer:
        assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_a_refused_change_changes_nothing():
    async with serving() as client:
        await client.ask("POST", f"{V1}/miners/levels", role="viewer", select="*", level="sleep")
        await client.ask("POST", f"{V1}/orders", role=None, **document())
        assert client.desk.facts == []


# what is read -------------------------------------------------------------------------------------------------------


def feeder(name, parent, power_w, cap_w, source):
    none = dict.fromkeys(("max_kva", "reactive_kvar", "phase"))
    return {"id": name, "parent": parent, "power_w": power_w, "power_source": source, "cap_w": cap_w} | none


async def test_the_site():
    async with serving() as client:
        status, site = await client.ask("GET", f"{V1}/site", role=None)
    assert status == 200
    assert site.pop("headroom_w") == pytest.approx(20_000 - 12_500 - site.pop("reserve_w"), abs=2000)
    assert site == {
        "site": "farm-1",
        "at": "2027-01-15T12:00:00.000Z",
        "timezone": "UTC",
        "mode": "enforce",
        "power_w": 12_500.0,
        "power_source": "meter",
        "house_w": 1500.0,
        "cap_w": 20_000.0,
        "binding_order": None,
        "excess_w": 0.0,
        "shortfall_w": 0.0,
        "hashrate_ths": 98.5,
        "miners": {"hashing": 1, "idle": 0, "sleeping": 1, "starting": 0, "fault": 0, "unreachable": 1, "unknown": 2},
        "seals": {"miners": 0, "numbers": [], "broken": [], "broken_feeders": []},
        "safety": [{"id": "smoke-T1", "feeder": "T1", "says": None, "age_s": None, "tripped": None}],
        "outlets": [],
        "meters": [],
        "feeders": [
            feeder("site", None, 12_500.0, None, "meter"),
            feeder("T1", "site", 3030.0, 9000.0, "beliefs"),
            feeder("q1", "T1", 20.0, None, "beliefs"),
        ],
        "phases": [],
        "climate": {"ambient_c": None, "feeders_c": {}, "hot": 0, "loops": 0, "frost": None},
        "price": None,
    }


async def test_the_site_names_the_order_that_binds_it():
    desk = MemoryDesk(small_fleet(), empty_book())
    await desk.receive(json.dumps(document()).encode(), by="x")
    site = site_json(sight_of(desk))
    assert (site["cap_w"], site["binding_order"]) == (9000.0, "o1")
    assert site["excess_w"] > 0


def test_before_the_first_decision_the_site_says_null():
    site = site_json(sight_of(MemoryDesk(small_fleet(), empty_book()), decision=lambda: None, meter=lambda: None))
    assert {site[name] for name in ("cap_w", "excess_w", "shortfall_w", "reserve_w", "headroom_w")} == {None}
    assert site["power_source"] == "beliefs"


CONTRACT = {
    "miner", "state", "reason", "hashrate_ths", "nominal_ths", "power_w", "power_source", "power_limit_w",
    "efficiency_j_th", "uptime_s", "inlet_c", "outlet_c", "boards", "fans", "pools", "errors", "best_share",
    "hardware_errors", "capabilities", "level", "intended", "read_at",
}  # fmt: skip
IDENTITY_KEYS = {
    "id", "host", "port", "http_port", "mac", "serial", "make", "model", "firmware", "firmware_version",
}  # fmt: skip


async def test_a_miner_is_the_contracts_reading():
    async with serving() as client:
        _, miner = await client.ask("GET", f"{V1}/miners/a1")
    assert set(miner) >= CONTRACT
    assert set(miner["miner"]) >= IDENTITY_KEYS
    assert miner["miner"]["host"] == "127.0.0.1"
    assert (miner["state"], miner["power_w"], miner["power_source"]) == ("hashing", 3010.0, "miner")
    assert miner["boards"][1]["chip_temp_c"] == 72.0
    assert miner["boards"][1]["board_temp_c"] is None
    assert miner["fans"] == [{"slot": 0, "rpm": 5880}, {"slot": 1, "rpm": 0}]
    assert miner["pools"][0]["url"] == "stratum+tcp://pool.example:3333"
    assert miner["capabilities"] == ["sleep", "low", "reboot"]
    assert (miner["level"], miner["intended"], miner["read_at"]) == ("full", "full", "2027-01-15T11:59:55.000Z")


async def test_what_nobody_knows_of_a_miner_is_null():
    async with serving() as client:
        _, lost = await client.ask("GET", f"{V1}/miners/b1")
        _, garbled = await client.ask("GET", f"{V1}/miners/b2")
        _, unheard = await client.ask("GET", f"{V1}/miners/b3")
    assert (lost["state"], garbled["reason"], unheard["state"]) == ("unreachable", "unknown:garbled", "unknown")
    for miner in (lost, garbled, unheard):
        assert {miner[name] for name in ("hashrate_ths", "uptime_s", "efficiency_j_th", "level")} == {None}
        assert miner["boards"] is None
        assert miner["power_source"] == "model"
    assert unheard["capabilities"] is None
    assert unheard["read_at"] is None


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", ["a1", "a2", "b1", "b2", "b3"]),
        ("state=unreachable", ["b1"]),
        ("state=fault", []),
        ("feeder=T1", ["a1", "a2"]),
        ("tag=row:3", ["a2", "b3"]),
        ("model=antminer*", ["a1", "a2", "b1", "b2"]),
        ("select=b*", ["b1", "b2", "b3"]),
        ("select=zz,tag:none", []),
        ("select=b*&state=unknown&tag=row:3", ["b3"]),
    ],
)
async def test_miners_are_filtered(query, ids):
    async with serving() as client:
        _, told = await client.ask("GET", f"{V1}/miners?{query}")
    assert [miner["miner"]["id"] for miner in told["items"]] == ids
    assert told["next"] is None


async def test_a_list_is_whole_over_its_pages():
    async with serving(MemoryDesk(large_fleet(250), empty_book())) as client:
        found, cursor, sizes = [], "", []
        while cursor is not None:
            _, page = await client.ask("GET", f"{V1}/miners?limit=100{cursor and f'&cursor={cursor}'}")
            found += [miner["miner"]["id"] for miner in page["items"]]
            sizes.append(len(page["items"]))
            cursor = page["next"]
    assert found == [f"m{row:05d}" for row in range(250)]
    assert sizes == [100, 100, 50]


async def test_orders_are_listed_filtered_and_shown():
    async with serving() as client:
        await client.ask("POST", f"{V1}/orders", **document("o1"))
        await client.ask("POST", f"{V1}/orders", **document("o2", **{"class": "operator"}))
        await client.ask("POST", f"{V1}/orders", **document("o3", starts_at="2028-01-01T00:00:00Z"))
        _, everything = await client.ask("GET", f"{V1}/orders")
        assert [order["document"]["order_id"] for order in everything["items"]] == ["o1", "o2", "o3"]
        for query, ids in (
            ("state=scheduled", ["o3"]),
            ("class=operator", ["o2"]),
            ("issuer=nobody", []),
            ("cursor=o1", ["o2", "o3"]),
        ):
            _, told = await client.ask("GET", f"{V1}/orders?{query}")
            assert [order["document"]["order_id"] for order in told["items"]] == ids
        _, page = await client.ask("GET", f"{V1}/orders?limit=2")
        assert page["next"] == "o2"
        _, order = await client.ask("GET", f"{V1}/orders/o1")
    assert order["document"] == document("o1")
    assert (order["issuer"], order["class"], order["state"], order["revision"]) == ("energo", "law", "active", 1)
    assert order["last_ack"]["seq"] == 3


async def test_events_are_paged_by_number_and_filtered_by_kind():
    async with serving() as client:
        await client.ask("POST", f"{V1}/orders", **document())
        await client.ask("POST", f"{V1}/miners/a1/level", level="low")
        _, first = await client.ask("GET", f"{V1}/events?limit=2")
        _, rest = await client.ask("GET", f"{V1}/events?cursor={first['next']}")
        _, levels = await client.ask("GET", f"{V1}/events?kind=IntendedChanged,HoldPlaced")
    assert [event["number"] for event in first["items"] + rest["items"]] == [1, 2, 3, 4, 5]
    assert (first["next"], rest["next"]) == ("2", None)
    (event,) = levels["items"]
    assert (event["fact"], event["level"], event["by"]) == ("IntendedChanged", "low", "operator-1")


async def test_readiness_lists_what_is_missing():
    async with serving() as client:
        assert (await client.ask("GET", "/readyz", role=None))[0] == 200
    async with serving(not_ready=lambda: ("the broker is not reached", "the meter is silent")) as client:
        status, told = await client.ask("GET", "/readyz", role=None)
        assert (status, told["not_ready"]) == (503, ["the broker is not reached", "the meter is silent"])
        assert (await client.ask("GET", "/healthz", role=None))[0] == 200


async def test_metrics_are_scraped_in_the_form_that_is_asked_for():
    async with serving() as client:
        for accept, kind in (
            ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
            (
                "application/openmetrics-text;version=1.0.0",
                "application/openmetrics-text; version=1.0.0; charset=utf-8",
            ),
        ):
            async with client.session.get(f"{client.base}/metrics", headers={"Accept": accept}) as answer:
                told = await answer.text()
                assert (answer.status, answer.headers["Content-Type"]) == (200, kind)
                assert 'hashwatt_miner_up{site="farm-1",miner="a1"' in told
        assert len(list(read_openmetrics(told))) > 30


async def test_a_large_scrape_arrives_whole_zipped_or_not():
    async with serving(MemoryDesk(large_fleet(600), empty_book())) as client:
        told = []
        for encoding in ("gzip", "identity"):
            headers = {"Accept-Encoding": encoding}
            async with client.session.get(f"{client.base}/metrics", headers=headers) as answer:
                told.append(await answer.text())
                assert answer.headers.get("Content-Encoding", "identity") == encoding
    assert told[0] == told[1]
    assert told[0].count("\nhashwatt_miner_up{") == 600


async def test_half_a_character_from_a_machine_spoils_no_answer():
    async with serving() as client:
        client.desk.fleet.heard(0, Reading(state=State.HASHING, pools=(Pool(url="a\ud800b"),)), 999.0)
        status, miner = await client.ask("GET", f"{V1}/miners/a1")
    assert (status, miner["pools"][0]["url"]) == (200, "a\ud800b")


# what is changed ----------------------------------------------------------------------------------------------------


async def test_an_order_is_taken_with_its_acknowledgement():
    async with serving() as client:
        status, ack = await client.ask("POST", f"{V1}/orders", role="orderer", **document())
        assert client.desk.facts[0].by == "orderer-1"
    assert status == 202
    assert ack == {
        "order_id": "o1", "revision": 1, "seq": 3, "state": "active", "at": "2027-01-15T12:00:00.000Z",
        "cap_w": 9000.0, "observed_w": 0.0, "meter": "beliefs", "shortfall_w": 0.0, "expected_at": None,
        "binding_order": "o1", "reason": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"{", "malformed"),
        (json.dumps(document(extra=1)).encode(), "unknown_field"),
        (json.dumps(document(limit={"max_import_kw": -1})).encode(), "bad_value"),
        (json.dumps(document(issuer="stranger")).encode(), "unknown_issuer"),
        (json.dumps(document(issuer="wire")).encode(), "not_allowed"),
        (b"x" * 280_000, "malformed"),
    ],
)
async def test_a_refused_order_is_a_problem_with_its_code(raw, code):
    async with serving() as client:
        status, told = await client.ask("POST", f"{V1}/orders", raw=raw)
    assert (status, told["code"]) == (422, code)
    assert told["detail"].startswith(code)
    assert told["ack"]["state"] == "rejected"


async def test_an_order_that_comes_again_is_answered_with_its_last_step():
    async with serving() as client:
        first = await client.ask("POST", f"{V1}/orders", **document())
        again = await client.ask("POST", f"{V1}/orders", **document())
        events = len(client.desk.facts)
    assert first == again
    assert events == 4


class SilentDesk(MemoryDesk):
    """Rolls every refusal up."""

    async def receive(self, raw, *, by):
        await super().receive(raw, by=by)


async def test_refusals_that_are_rolled_up_ask_for_patience():
    async with serving(SilentDesk(small_fleet(), empty_book())) as client:
        assert (await client.ask("POST", f"{V1}/orders", raw=b"{"))[0] == 429


async def test_an_order_that_waits_for_a_hand_is_released_by_one():
    ends = (NOW.at + timedelta(hours=1)).isoformat()
    async with serving() as client:
        await client.ask("POST", f"{V1}/orders", **document(resume="operator", ends_at=ends))
        status, told = await client.ask("POST", f"{V1}/orders/o1/release")
        assert (status, told["code"]) == (422, "not_allowed")
        client.desk.now = NOW.later(7200.0)
        client.desk.book.tick(client.desk.now, Observed())
        status, told = await client.ask("POST", f"{V1}/orders/o1/release", by="Aigul")
        assert (status, told["code"]) == (422, "not_allowed")
        for one in ({"by": "Aigul", "and": " AIGUL"}, {"and": "Bek"}):
            assert (await client.ask("POST", f"{V1}/orders/o1/release", **one))[0] == 400
        status, ack = await client.ask("POST", f"{V1}/orders/o1/release", **{"by": "Aigul", "and": "Bek"})
        assert (status, ack["state"]) == (202, "ended")
        assert "by Aigul (operator-1) and Bek (operator-1)" in ack["reason"]
        status, told = await client.ask("POST", f"{V1}/orders/none/release")
        assert (status, told["code"]) == (404, "unknown_target")


async def test_the_level_that_the_owner_wants_of_one_miner_and_of_many():
    async with serving() as client:
        assert await client.ask("POST", f"{V1}/miners/a1/level", level="sleep") == (
            200,
            {"miners": ["a1"], "level": "sleep"},
        )
        _, miner = await client.ask("GET", f"{V1}/miners/a1")
        assert miner["intended"] == "sleep"
        _, told = await client.ask("POST", f"{V1}/miners/levels", select="feeder:T1", level="low", dry_run=True)
        assert told == {"miners": ["a1", "a2"], "level": "low", "instead": {}, "dry_run": True}
        _, told = await client.ask("POST", f"{V1}/miners/levels", select="feeder:T1", level="limit:9", dry_run=True)
        assert told["instead"] == {"sleep": ["a1", "a2"]}
        assert len(client.desk.facts) == 1
        _, told = await client.ask("POST", f"{V1}/miners/levels", select="feeder:T1", level="low")
        assert told["dry_run"] is False
        last = client.desk.facts[-1]
    assert isinstance(last, IntendedChanged)
    assert (last.miners, last.level, last.by) == (["a1", "a2"], "low", "operator-1")


async def test_machines_are_sent_on_errands_and_who_is_left_out_has_a_reason():
    async with serving() as client:
        _, dry = await client.ask("POST", f"{V1}/miners/errands", select="*", errand="reboot", dry_run=True)
        assert (client.desk.facts, dry["dry_run"]) == ([], True)
        _, told = await client.ask("POST", f"{V1}/miners/errands", select="*", errand="reboot")
        sent = client.desk.facts[-1]
    assert set(dry["left_out"].values()) <= {"cannot reboot"}
    assert (sent.miners, sent.errand, sent.by) == (dry["miners"], "reboot", "operator-1")
    assert told["miners"] == dry["miners"][:1]
    assert {told["left_out"][miner] for miner in dry["miners"][1:]} == {"is busy"}


async def test_miners_are_held_shown_as_held_and_let_go():
    async with serving() as client:
        status, told = await client.ask(
            "POST", f"{V1}/holds", select="b*", kind="lockout", by="Aigul", until="2027-01-15T15:00:00+03:30"
        )
        assert status == 400
        assert told["errors"] == [{"field": "until", "reason": "is over"}]
        until = "2027-01-15T16:00:00+03:00"
        _, told = await client.ask("POST", f"{V1}/holds", select="b*", kind="lockout", by="Aigul", until=until)
        by, until = "Aigul (operator-1)", "2027-01-15T13:00:00.000Z"
        assert told == {"miners": ["b1", "b2", "b3"], "kind": "lockout", "by": by, "until": until}
        _, miner = await client.ask("GET", f"{V1}/miners/b1")
        hold = {"kind": "lockout", "by": by, "since": "2027-01-15T12:00:00.000Z", "until": until}
        assert miner["hold"] == hold
        _, listed = await client.ask("GET", f"{V1}/holds")
        assert listed["items"][0] == {"miner": "b1", **hold}
        _, told = await client.ask("DELETE", f"{V1}/holds", miners=["b1", "a1", "b1"])
        assert told["miners"] == ["b1"]
        _, told = await client.ask("POST", f"{V1}/holds", select="*", lift=True)
        assert told["miners"] == ["b2", "b3"]
        assert (await client.ask("GET", f"{V1}/holds"))[1]["items"] == []
        written = len(client.desk.facts)
        assert (await client.ask("DELETE", f"{V1}/holds", select="*"))[1]["miners"] == []
        assert len(client.desk.facts) == written


async def test_a_what_if_changes_nothing():
    async with serving() as client:
        status, told = await client.ask("POST", f"{V1}/plan", role="viewer", max_import_kw=2)
        assert client.desk.facts == []
    assert status == 200
    assert (told["power_w"], told["shortfall_w"], told["levels"]["a1"]) == (2000.0, 0.0, "sleep")


async def test_when_the_disk_refuses_it_is_said_that_nothing_was_changed():
    async with serving() as client:
        client.desk.is_full = True
        status, told = await client.ask("POST", f"{V1}/miners/a1/level", level="sleep")
    assert (status, told["code"]) == (503, "cannot_write")


# what is wrong ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("GET", "/miners?limit=0", {}, "limit"),
        ("GET", "/miners?limit=1001", {}, "limit"),
        ("GET", "/miners?limit=many", {}, "limit"),
        ("GET", "/miners?cursor=gone", {}, "cursor"),
        ("GET", "/miners?state=dreaming", {}, "state"),
        ("GET", "/miners?feeder=T9", {}, "feeder"),
        ("GET", "/miners?select=feder:T1", {}, "select"),
        ("GET", "/miners?fedeer=T1", {}, "fedeer"),
        ("GET", "/orders?state=open", {}, "state"),
        ("GET", "/orders?class=decree", {}, "class"),
        ("GET", "/events?kind=Nothing", {}, "kind"),
        ("GET", "/events?cursor=-1", {}, "cursor"),
        ("POST", "/miners/a1/level", {"level": "sleepy"}, "level"),
        ("POST", "/miners/a1/level", {"level": 1}, "level"),
        ("POST", "/miners/a1/level", {"level": "low", "for": "ever"}, "for"),
        ("POST", "/miners/a1/level", {}, "body"),
        ("POST", "/miners/levels", {"select": "zz", "level": "low"}, "select"),
        ("POST", "/miners/errands", {"select": "*", "errand": "explode"}, "errand"),
        ("POST", "/miners/levels", {"select": "*", "level": "low", "dry_run": "yes"}, "dry_run"),
        ("POST", "/holds", {"select": "*"}, "kind"),
        ("POST", "/holds", {"select": "*", "kind": "because"}, "kind"),
        ("POST", "/holds", {"kind": "bench"}, "select"),
        ("POST", "/holds", {"select": "*", "miners": ["a1"], "kind": "bench"}, "select"),
        ("POST", "/holds", {"miners": ["a1", "zz"], "kind": "bench"}, "miners"),
        ("POST", "/holds", {"miners": [], "kind": "bench"}, "miners"),
        ("POST", "/holds", {"select": "*", "kind": "bench", "until": "2028-01-01T00:00:00"}, "until"),
        ("POST", "/holds", {"select": "*", "kind": "bench", "by": "a\nb"}, "by"),
        ("DELETE", "/holds", {"select": "*", "kind": "bench"}, "kind"),
        ("POST", "/plan", {"max_import_kw": -1}, "max_import_kw"),
        ("POST", "/plan", {"max_import_kw": "9"}, "max_import_kw"),
        ("POST", "/orders/o1/release", {"by": ""}, "by"),
    ],
)
async def test_a_mistake_is_named_by_its_field_and_changes_nothing(method, path, body, field):
    async with serving() as client:
        status, told = await client.ask(method, V1 + path, **body)
        assert client.desk.facts == []
    assert status == 400
    assert told["errors"][0]["field"] == field
    assert told["detail"].startswith(field)


async def test_every_mistake_of_a_body_is_named():
    async with serving() as client:
        _, told = await client.ask("POST", f"{V1}/holds", select=1, kind="because", more=True)
    assert {error["field"] for error in told["errors"]} == {"select", "kind", "more"}


@pytest.mark.parametrize("raw", [b'{"max_import_kw": NaN}', b'{"max_import_kw": Infinity}', b"[]", b"\xff", b"{"])
async def test_what_is_no_json_object_of_numbers_is_refused(raw):
    async with serving() as client:
        assert (await client.ask("POST", f"{V1}/plan", raw=raw))[0] == 400


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", f"{V1}/miners/zz", 404),
        ("GET", f"{V1}/orders/zz", 404),
        ("POST", f"{V1}/miners/zz/level", 404),
        ("DELETE", f"{V1}/site", 405),
        ("PUT", f"{V1}/orders", 405),
        ("GET", f"{V1}/evidence/o9", 404),
    ],
)
async def test_what_is_not_there_is_a_problem_too(method, path, status):
    body = {"level": "low"} if path.endswith("level") else {}
    async with serving() as client:
        found, told = await client.ask(method, path, **body)
    assert (found, told["title"]) == (status, HTTPStatus(status).phrase)


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/", "/metrics", f"{V1}/site", f"{V1}/miners/a1"])
async def test_headers_alone_may_be_asked_for(path):
    async with serving() as client, client.session.head(client.base + path) as answer:
        assert (answer.status, await answer.read()) == (200, b"")
        assert int(answer.headers["Content-Length"]) > 0


async def test_an_id_with_braces_is_looked_for_too():
    async with serving() as client:
        assert (await client.ask("GET", f"{V1}/miners/%7Ba%7D,b"))[1]["detail"] == "there is no miner '{a},b'"


async def test_headers_alone_need_what_the_whole_needs_and_a_stream_has_none():
    async with serving(public_read=False) as client:
        for path, status in ("site", 401), ("stream", 405):
            async with client.session.head(f"{client.base}{V1}/{path}") as answer:
                assert answer.status == status


async def test_a_body_that_is_too_large_is_not_taken():
    async with serving() as client:
        status, told = await client.ask("POST", f"{V1}/orders", raw=b" " * 900_000)
        assert client.desk.facts == []
    assert status == 413
    assert "819200" in told["detail"]


async def test_the_description_is_true():
    async with serving() as client:
        _, told = await client.ask("GET", f"{V1}/openapi.json", role=None)
    served = {(method.upper(), path.replace("{id}", "o1")) for path, ways in told["paths"].items() for method in ways}
    asked = {(method, path.replace("/a1", "/o1")) for method, path in OPEN + READING + OPERATING + ORDERING}
    assert asked <= served
    assert served - asked == {("GET", f"{V1}/miners/o1"), *ENDLESS} - asked
    hold = told["paths"][f"{V1}/holds"]["post"]
    assert hold["requestBody"]["content"]["application/json"]["schema"] == Lock.model_json_schema()
    assert hold["security"] == [{"bearer": ["operator"]}]


# the server itself --------------------------------------------------------------------------------------------------


async def test_a_taken_port_is_said_and_a_stopped_server_is_gone():
    async with serving() as client:
        port = int(client.base.rpartition(":")[2])
        desk = MemoryDesk(small_fleet(), empty_book())
        second = HttpServer(
            sight_of(desk), desk, Metrics(site="x", version="1"), Access(public_read=True, tokens=Tokens())
        )
        with pytest.raises(OSError, match="address already in use"):
            await second.start("127.0.0.1", port)
        await second.stop()
        assert (await client.ask("GET", "/healthz"))[0] == 200
    async with aiohttp.ClientSession() as session, asyncio.timeout(60):
        with pytest.raises(aiohttp.ClientConnectionError):
            await session.get(client.base)
