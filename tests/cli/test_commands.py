"""What the commands ask of an agent, and what they print."""

import json
import os
import pty
import re
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from agent.facts import AgentStarted, CapChanged, MinerSeen, OrderMoved, OrderReceived, SetpointsChanged
from agent.facts.identity import MinersDisowned, MinersLetGo
from agent.ledger.ledger import Ledger
from agent.ledger.store import Store
from tests.cli.farm import SITE, order


def document_of(printed):
    """Return the JSON that stands first in what was printed."""
    return json.JSONDecoder().raw_decode(printed)[0]


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["status"], SITE),
        (["miners"], ["m-1", "m-2", "m-3"]),
        (["miners", "list", "--state", "sleeping"], ["m-3"]),
        (["miners", "--limit", "1"], ["m-1"]),
        (["orders"], ["stop-1"]),
        (["plan", "--max-import-kw", "3"], {"m-1": "sleep", "m-2": "full", "m-3": "sleep"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_every_listing_prints_the_json_of_the_api(farm, say, command, told):
    said = say(*command, "--json")
    assert said.exit_code == 0
    found = json.loads(said.stdout)
    if "items" in found:
        assert found["next"] is None
        found = [i["miner"]["id"] if "miner" in i else i["document"]["order_id"] for i in found["items"]]
    assert found == told or found["levels"] == told


def test_status_says_loudly_that_it_only_observes_and_names_what_binds(farm, say):
    farm.not_ready = ["meter: no sample yet"]
    said = say("status").stdout
    for words in (
        "OBSERVE: nothing is sent to any machine", "812.0 kW by meter", "500.0 kW by order stop-1", "headroom -",
        "over the cap by 312.0 kW", "shortfall 1.5 kW", "2 hashing, 1 sleeping", "stop-1 (law, energo) complied: stop",
        "not ready: meter: no sample yet", "3 machines behind 17", "m-3 draws 3.0 kW behind seal 17",
        "feeder T1 draws though all its machines are sealed",
    ):  # fmt: skip
        assert words in said


def test_top_shows_the_site_and_the_machines_in_the_order_that_was_asked_for(farm, say):
    said = say("top", "m-*", "--sort", "heat", "--limit", 2)
    assert said.exit_code == 0
    assert said.stdout.index("812.0 kW by meter") < said.stdout.index("stop-1 (law") < said.stdout.index("m-1")
    assert said.stdout.count("S19j Pro") == 2
    query = next(asked.query for asked in farm.asked if asked.path == "/api/v1/miners")
    assert (query["sort"], query["select"], query["limit"]) == ("-hottest_c", "m-*", "2")


def test_top_prints_each_look_as_a_line_of_json_and_knows_its_keys(farm, say):
    lines = say("top", "--rounds", 2, "--every", 0.5, "--json").stdout.splitlines()
    assert [(json.loads(line)["site"], len(json.loads(line)["items"])) for line in lines] == [(SITE, 3)] * 2
    refused = say("top", "--sort", "beauty")
    assert (refused.exit_code, "beauty is none of power" in refused.stderr) == (2, True)


async def test_status_without_an_agent_says_so_and_what_its_store_knew(say, tmp_path):
    at = datetime(2027, 1, 15, 12, 0, tzinfo=UTC)
    document = json.dumps(order("stop-1", "active", limit={"stop": True})["document"])
    known = {"order_id": "stop-1", "revision": 2}
    facts = [
        AgentStarted(at=at, version="1", mode="enforce"),
        OrderReceived(at=at, **known, issuer="energo", order_class="law", transport="mqtt", document=document),
        OrderMoved(at=at, **known, seq=1, event="receive", state="received"),
        OrderMoved(at=at, **known, seq=2, event="accept", state="accepted"),
        OrderMoved(at=at, **known, seq=3, event="start", state="active"),
        CapChanged(at=at, cap_w=50_000.0, binding_order="stop-1"),
        SetpointsChanged(at=at, levels={"full": ["m-1", "m-2"]}, cause="", binding_order=None),
        SetpointsChanged(at=at, levels={"sleep": ["m-1"]}, cause="shed", binding_order="stop-1"),
        *(MinerSeen(at=at, miner=miner, host="127.0.0.1") for miner in ("m-1", "m-3", "m-4", "m-5", "m-6")),
        MinersLetGo(at=at, miners=["m-5"]),
        MinersDisowned(at=at, miners=["m-6"], by="Aigul"),
    ]
    ledger = Ledger(Store("sqlite:///hashwatt.db", tmp_path))
    await ledger.append(facts)
    await ledger.close()
    said = say("status", "--state-dir", tmp_path)
    assert say("top", "--state-dir", tmp_path).stdout == said.stdout
    looked = json.loads(say("top", "--state-dir", tmp_path, "--json").stdout)
    assert (looked["site"]["cap_w"], looked["items"], looked["next"]) == (50_000, [], None)
    assert say("plan", "--state-dir", tmp_path).stdout.splitlines()[-1] == "- of 50.0 kW by order stop-1, shortfall -"
    plan = json.loads(say("plan", "--state-dir", tmp_path, "--json").stdout)
    assert (plan["running"], {level: told["setpoint"] for level, told in plan["levels"].items()}) == (
        False, {"full": 3, "sleep": 1},  # m-3 and m-4 were never told anything
    )  # fmt: skip
    assert said.exit_code == 0
    for words in (
        "NO AGENT RUNS",
        "2027-01-15T12:00:00.000Z, enforce",
        "50.0 kW by order stop-1",
        "active: stop; until",
    ):
        assert words in said.stdout
    told = json.loads(say("status", "--state-dir", tmp_path, "--json").stdout)
    assert told["site"] is None, "a folder's name is no site's"
    assert (told["running"], told["power_w"], told["cap_w"], len(told["orders"])) == (False, None, 50_000.0, 1)


CHANGES = [
    (order("o", "scheduled", starts_at="S", ends_at="E"), "starts S"),
    (order("o", "complied", ends_at="E") | {"awaiting_release": True}, "waits to be released"),
    (order("o", "complied", ends_at="E"), "ends E, then waits for the issuer"),
    (order("o", "complied", ends_at="E", resume="auto"), "ends E;"),
    (order("o", "active"), "until revoked"),
    (order("o", "restoring"), "power is coming back"),
    (order("o", "complied", ends_at="E") | {"last_ack": {"reason": "awaiting_release"}}, "waits to be released"),
]


@pytest.mark.parametrize(("told", "words"), CHANGES, ids=[words for _, words in CHANGES])
def test_status_says_of_each_order_in_force_what_comes_next(farm, say, told, words):
    farm.orders = [told, order("old", "closed")]
    said = say("status").stdout + ";"
    assert words in said.replace("\n", ";")
    assert "old" not in said


def test_a_filter_may_be_named_without_the_word_list(farm, say):
    assert say("miners", "feeder:T1", "m-*", "--state", "hashing").exit_code == 0
    assert farm.asked[0].query == {"select": "feeder:T1,m-*", "state": "hashing", "limit": "1000"}


def test_a_list_is_read_page_by_page_to_its_end(farm, say):
    said = say("miners").stdout
    assert [asked.query.get("cursor") for asked in farm.asked] == [None, "2"]
    assert "m-3" in said
    assert "3 machines" in said


def test_a_table_shows_what_a_machine_says_as_text(farm, say):
    farm.miners[0]["miner"]["model"] = "S19 [red]\x1b[2J"
    said = say("miners").stdout
    assert "S19 [red]?[2J" in said
    assert "\x1b" not in said


LEVELS = [(["sleep"], [], "sleep"), (["wake"], [], "full"), (["full"], [], "full"), (["limit"], ["2500"], "limit:2500")]


@pytest.mark.parametrize(("verb", "watts", "level"), LEVELS, ids=[verb[0] for verb, _, _ in LEVELS])
def test_a_level_is_set_only_with_yes_and_after_a_dry_run(farm, say, verb, watts, level):
    dry = say("miners", *verb, "m-[12]", *watts)
    assert dry.exit_code == 0
    assert f"2 machines would be wanted at {level}: m-1, m-2" in dry.stdout
    assert farm.changes() == []
    done = say("miners", *verb, "m-[12]", *watts, "--yes")
    assert done.exit_code == 0
    assert [asked.body for asked in farm.changes()] == [{"select": "m-[12]", "level": level}]


def test_who_has_no_such_level_is_named_with_where_it_would_go(farm, say):
    dry = say("miners", "limit", "m-[12]", "9")
    assert "1 of them have no such level and would go to sleep: m-1" in dry.stdout


@pytest.mark.parametrize(
    ("verb", "errand"), [(["reboot"], "reboot"), (["locate"], "locate"), (["locate", "--off"], "unlocate")]
)
def test_an_errand_is_sent_only_with_yes_and_says_who_is_left_out(farm, say, verb, errand):
    dry = say("miners", *verb, "*")
    assert (dry.exit_code, farm.changes()) == (0, [])
    assert f"2 machines would {errand}: m-1, m-2\nleft out, is held: m-3\n" in dry.stdout
    done = say("miners", *verb, "*", "--yes")
    assert f"2 machines were told to {errand}" in done.stdout
    assert [asked.body for asked in farm.changes()] == [{"select": "*", "errand": errand}]


def on_a_terminal(farm, typed, tmp_path):
    """Run `miners sleep *` with a terminal as its standard input, and type."""
    ours, its = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; from agent.cli import main; sys.exit(main())", "miners", "sleep", "*"],
        stdin=its, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={"PATH": "/usr/bin:/bin", "XDG_STATE_HOME": str(tmp_path)},
    ) as running:  # fmt: skip
        os.write(ours, typed.encode() + b"\n")
        running.communicate(timeout=30)
    os.close(ours)
    os.close(its)
    return running.returncode


@pytest.mark.parametrize(("typed", "code", "changes"), [("yes", 0, 1), ("no", 1, 0), ("", 1, 0)])
def test_on_a_terminal_a_typed_yes_does_it_and_anything_else_does_not(farm, tmp_path, typed, code, changes):
    assert on_a_terminal(farm, typed, tmp_path) == code
    assert len(farm.changes()) == changes


def test_many_machines_are_counted_rather_than_named(farm, say):
    farm.miners = [farm.miners[0] | {"miner": {"id": f"m-{number}"}} for number in range(25)]
    assert "25 machines would be wanted at sleep: m-0, m-1, " in (said := say("miners", "sleep", "*").stdout)
    assert "and 15 more" in said
    assert "m-20" not in said


def test_a_hold_says_what_why_who_and_until_when(farm, say):
    held = say("hold", "m-1", "--kind", "lockout", "--by", "Aigul", "--until", "2027-01-15T18:00:00+06:00")
    assert held.exit_code == 0
    assert farm.changes()[0].body == {
        "select": "m-1", "kind": "lockout", "by": "Aigul", "until": "2027-01-15T12:00:00.000Z"
    }  # fmt: skip
    assert say("unhold", "m-1", "--by", "Bek").exit_code == 0
    lifted = farm.changes()[1]
    assert (lifted.method, lifted.body) == ("DELETE", {"select": "m-1", "by": "Bek"})


SEAL = ("--number", "17", "--act", "A-1", "--by", "Aigul")


def test_a_seal_is_put_on_only_with_yes_and_after_a_dry_run(farm, say):
    dry = say("seal", "m-[12]", *SEAL)
    assert "2 machines would be sealed (seal 17, act A-1, by Aigul): m-1, m-2" in dry.stdout
    assert "1 of them hash now, which would be an alarm: m-1" in dry.stdout
    assert "nothing was changed" in dry.stdout
    assert json.loads(say("seal", "m-[12]", *SEAL, "--json").stdout)["dry_run"] is True
    assert farm.changes() == []
    assert "2 machines are behind seal 17 now" in say("seal", "m-[12]", *SEAL, "--yes").stdout
    assert [a.body for a in farm.changes()] == [{"select": "m-[12]", "number": "17", "act": "A-1", "by": "Aigul"}]


def test_a_seal_is_taken_off_by_two_persons_from_machines_or_by_its_number(farm, say):
    off = say("unseal", "--number", "17", "--by", "Aigul", "--and", "Bek")
    assert off.stdout == "seal 17 is off 2 machines, by Aigul and Bek: m-1, m-2\n"
    assert json.loads(say("unseal", "m-1", "--by", "Aigul", "--and", "Bek", "--json").stdout)["numbers"] == ["17"]
    told = [(asked.method, asked.body) for asked in farm.changes()]
    persons = {"by": "Aigul", "and": "Bek"}
    assert told == [("DELETE", {"number": "17", **persons}), ("DELETE", {"select": "m-1", **persons})]
    for which in ([], ["m-1", "--number", "17"]):
        assert say("unseal", *which, "--by", "Aigul", "--and", "Bek").exit_code == 2


def test_seals_are_listed_and_those_behind_which_something_draws_stand_out(farm, say):
    seal = {"miner": "m-1", "number": "17", "act": "A-1", "by": "Aigul", "since": "S", "broken": True}
    farm.seals = [seal, {**seal, "miner": "m-2", "broken": False}]
    assert say("seals").stdout.count("DRAWS") == 1
    assert "2 machines are sealed" in say("seals").stdout
    assert json.loads(say("seals", "--json").stdout) == {"items": farm.seals, "next": None}


def test_a_plan_with_a_shortfall_is_a_no(farm, say):
    assert say("plan", "--max-import-kw", "3").exit_code == 0
    farm.shortfall_w = 120.0
    said = say("plan", "--max-import-kw", "3")
    assert said.exit_code == 1
    assert "shortfall 120 W" in said.stdout
    assert farm.asked[0].body == {"max_import_kw": 3.0}


def test_a_stop_is_printed_sent_and_its_ack_shown(farm, say):
    said = say("orders", "send", "--stop", "--class", "law", "--issuer", "energo", "--id", "s-9", "--note", "Указ 14")
    assert said.exit_code == 0
    sent = farm.changes()[0].body
    assert document_of(said.stdout) == sent
    assert sent.pop("issued_at")
    assert sent == {
        "order_id": "s-9", "revision": 1, "issuer": "energo", "class": "law", "status": "issued",
        "limit": {"stop": True}, "note": "Указ 14",
    }  # fmt: skip
    assert "order s-9 revision 1: active (test)" in said.stdout


def test_a_cap_has_its_times_and_a_name_of_its_own(farm, say):
    said = say("orders", "send", "--max-import-kw", "2500", "--ends", "+4h", "--resume", "operator", "--json")
    assert json.loads(said.stdout)["state"] == "active"
    sent = farm.changes()[0].body
    assert sent["limit"] == {"max_import_kw": 2500.0}
    assert sent["order_id"].startswith("cap-")
    assert sent["resume"] == "operator"
    assert sent["issued_at"] < sent["ends_at"]


def test_an_order_that_is_known_gets_the_next_revision(farm, say):
    farm.orders = [order("a", "closed"), order("b", "closed"), order("stop-1", "complied")]
    assert say("orders", "send", "--stop", "--id", "stop-1").exit_code == 0
    assert farm.changes()[0].body["revision"] == 3


def test_a_dry_run_of_an_order_sends_nothing(farm, say):
    said = say("orders", "send", "--stop", "--dry-run")
    assert said.exit_code == 0
    assert json.loads(said.stdout)["limit"] == {"stop": True}
    assert farm.asked == []


def test_a_document_of_a_file_is_sent_as_it_is(farm, say, tmp_path):
    told = {"order_id": "f-1", "revision": 7, "issuer": "x", "class": "market", "status": "cancelled"}
    (tmp_path / "order.json").write_text(json.dumps(told))
    assert say("orders", "send", "--file", tmp_path / "order.json").exit_code == 0
    assert say("orders", "send", "--file", "-", typed=json.dumps(told)).exit_code == 0
    assert [asked.body for asked in farm.changes()] == [told, told]


def test_an_ack_that_rejects_is_a_no(farm, say):
    farm.ack_state = "rejected"
    said = say("orders", "send", "--stop", "--json")
    assert said.exit_code == 1
    assert json.loads(said.stdout)["state"] == "rejected"


def test_a_cancel_is_the_issuers_next_revision(farm, say):
    farm.orders = [order("cap-1", "complied"), order("stop-1", "complied")]
    farm.orders[0]["class"] = farm.orders[0]["document"]["class"] = "contract"
    assert say("orders", "cancel", "cap-1").exit_code == 0
    assert farm.changes()[0].body == {
        "order_id": "cap-1", "revision": 3, "issuer": "energo", "class": "contract", "status": "cancelled"
    }  # fmt: skip


def test_a_law_is_taken_back_by_two_persons(farm, say):
    assert say("orders", "cancel", "stop-1", "--by", "Aigul", "--and", "Bek").exit_code == 0
    told = {"issued_by": "Aigul", "taken_by": "Bek", "received_via": "by hand"}
    assert farm.changes()[-1].body["source_ref"] == told
    assert say("orders", "cancel", "stop-1", *PHONE).exit_code == 0
    assert farm.changes()[-1].body["source_ref"]["issued_by"] == "I. Petrov"
    assert say("orders", "cancel", "stop-1", "--by", "Aigul", *PHONE).exit_code == 2


def test_a_cancel_of_an_order_that_nobody_knows_is_a_no(farm, say):
    said = say("orders", "cancel", "stop-7")
    assert said.exit_code == 1
    assert "stop-7" in said.stderr
    assert farm.changes() == []


def test_a_release_says_by_whom(farm, say):
    assert say("orders", "release", "stop-1", "--by", "Aigul").exit_code == 0
    asked = farm.changes()[0]
    assert (asked.path, asked.body) == ("/api/v1/orders/stop-1/release", {"by": "Aigul"})


def test_the_list_of_orders_says_what_each_demands(farm, say):
    farm.orders = [order("stop-1", "closed", limit={"stop": True}, ends_at="2027-01-15T00:00:00Z")]
    farm.orders.append(order("cap-1", "scheduled", limit={"max_import_kw": 250}, starts_at="2027-01-16T00:00:00Z"))
    said = say("orders").stdout
    assert "at most 250.0 kW" in said
    assert "starts 2027-01-16T00:00:00Z" in said
    assert re.search(r"closed +stop +over", said)


def test_without_a_question_the_plan_is_the_one_that_is_carried_out(farm, say):
    said = say("plan")
    assert (said.exit_code, farm.changes()) == (1, [])  # a shortfall is left
    assert re.search(r"full +3 +1 +2", said.stdout)
    assert "3.1 kW of 3.0 kW by order cap, shortfall 100 W" in said.stdout
    assert "2026-03-01T14:00:00Z  cap ends, at most 3 kW" in said.stdout
    assert json.loads(say("plan", "--json").stdout)["levels"]["full"]["seen"] == 2


def test_the_floor_is_told_instead_of_a_plan(farm, say):
    said = say("plan", "--floor")
    assert said.exit_code == 0
    assert "floor by software" in said.stdout
    assert json.loads(say("plan", "--floor", "--json").stdout)["shed_kw"]["300"] == 2.5
    assert say("plan", "--floor", "--max-import-kw", "3").exit_code == 2


def test_a_plan_for_a_fleet_of_a_file_needs_no_agent(farm, say, tmp_path):
    levels = [
        {"level": "full", "power_w": 3000, "hashrate_ths": 100},
        {"level": "sleep", "power_w": 20, "hashrate_ths": 0},
    ]
    machines = [{"id": f"m-{n}", "feeder": "T1", "current": "full", "levels": levels} for n in range(3)]
    told = {"feeders": [{"id": "T1", "max_kw": 100}], "miners": machines}
    (tmp_path / "fleet.json").write_text(json.dumps(told))
    said = say("plan", "--max-import-kw", "6.5", "--fleet", tmp_path / "fleet.json", "--json")
    assert said.exit_code == 0, said.stderr
    planned = json.loads(said.stdout)
    assert sorted(planned["levels"].values()) == ["full", "full", "sleep"]
    assert planned["shortfall_w"] == 0
    assert say("plan", "--max-import-kw", "0.01", "--fleet", tmp_path / "fleet.json").exit_code == 1
    assert farm.asked == []


def test_a_fraction_of_a_watt_is_no_alarm(farm, say, monkeypatch):
    monkeypatch.setitem(SITE, "excess_w", 0.4)
    monkeypatch.setitem(SITE, "shortfall_w", 0.4)
    monkeypatch.setitem(SITE, "headroom_w", -0.4)
    said = say("status").stdout
    assert "over the cap" not in said
    assert "shortfall" not in said
    assert "headroom 0 W" in said


PHONE = ("--by-phone", "I. Petrov", "--number", "14", "--taken-by", "Aigul", "--read-back")


def sent(farm, say, *options):
    assert say("orders", "send", *options).exit_code == 0
    return farm.changes()[-1].body


def test_an_order_says_its_limit_in_one_way_and_upon_whom(farm, say, tmp_path):
    assert sent(farm, say, "--reduce-kw", "800", "--feeder", "T1")["limit"] == {"reduce_kw": 800.0}
    assert farm.changes()[-1].body["targets"] == {"feeders": ["T1"]}
    told = sent(farm, say, "--fraction", "0.5", "--tag", "a", "--tag", "b", "--miner", "m-1")
    assert (told["limit"], told["targets"]) == ({"fraction": 0.5}, {"tags": ["a", "b"], "miners": ["m-1"]})
    (tmp_path / "day.csv").write_text("at,kw\n2027-01-15T12:00:00Z,4000\n2027-01-15T13:00:00Z,\n")
    assert sent(farm, say, "--trajectory", tmp_path / "day.csv")["limit"] == {
        "trajectory": [
            {"at": "2027-01-15T12:00:00Z", "max_import_kw": 4000.0},
            {"at": "2027-01-15T13:00:00Z", "max_import_kw": None},
        ]
    }
    (tmp_path / "bad.csv").write_text("2027-01-15T12:00:00Z,4000\nlater\n")
    bad = say("orders", "send", "--trajectory", tmp_path / "bad.csv")
    assert (bad.exit_code, "row 2" in bad.stderr) == (2, True)
    assert say("orders", "send", "--stop", "--fraction", "0.5").exit_code == 2


def test_an_order_by_telephone_keeps_who_gave_it_who_took_it_and_what_proves_it(farm, say, tmp_path):
    paper = tmp_path / "order.pdf"
    paper.write_bytes(b"abc")
    source = sent(farm, say, "--stop", *PHONE, "--attachment", paper)["source_ref"]
    assert source.pop("date")[:2] == "20"
    assert source == {
        "number": "14",
        "issued_by": "I. Petrov",
        "taken_by": "Aigul",
        "received_via": "phone, read back",
        "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    }
    for wrong in (PHONE[:-1], PHONE[:2], PHONE[2:], (*PHONE[:4], "--read-back")):
        assert say("orders", "send", "--stop", *wrong).exit_code == 2


def test_an_order_and_its_cancel_are_signed_where_a_key_is_named(farm, say, tmp_path):
    assert say("orders", "keygen", "k1", "-o", tmp_path / "k.pem").exit_code == 0
    signing = ("--key", tmp_path / "k.pem", "--kid", "k1", "--site", "scene")
    said = say("orders", "send", "--stop", "--dry-run", *signing)
    assert said.stdout.count(".") == 2
    assert say("orders", "send", "--stop", "--dry-run", "--key", tmp_path / "k.pem", "--site", "s").exit_code == 2
    assert say("orders", "send", "--stop", "--dry-run", "--key", tmp_path / "none.pem", "--kid", "k1").exit_code == 2
