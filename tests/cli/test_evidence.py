"""`evidence`: exported from an agent and from its store, verified by a person elsewhere, in words and by exit code."""

import asyncio
import json
import shutil
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from agent.facts import OrderMoved
from agent.facts.energy import Absence, Minutes
from agent.ledger.attest import Attest
from agent.ledger.key_file import own_key
from agent.ledger.ledger import Ledger
from agent.ledger.store import Store
from tests.outputs.farm import TOKENS, serving
from tests.outputs.papers import words_of

AT = datetime(2026, 11, 12, 6, 30, tzinfo=UTC)


@pytest.fixture
async def state_dir(tmp_path):
    """A store of one order, two of its three links under a head."""
    folder = tmp_path / "state"
    folder.mkdir()
    ledger = Ledger(Store("sqlite:///hashwatt.db", folder))
    attest = Attest(ledger, own_key(folder), "kg-1", "1")
    facts = [OrderMoved(at=AT, order_id="o1", revision=1, seq=seq, event="x", state="active") for seq in (1, 2, 3)]
    await ledger.append(facts[:2])
    await attest.sign(AT)
    await ledger.append(facts[2:])
    await ledger.close()
    return folder


@pytest.fixture
def exported(say, state_dir, tmp_path):
    """An order's file, exported from the store, and the key that it is verified by."""
    file = tmp_path / "o1.jsonl"
    said = say("evidence", "export", "o1", "-o", file, "--state-dir", state_dir)
    assert (said.exit_code, said.stderr) == (0, "")
    return file, say("evidence", "key", "--state-dir", state_dir).stdout.strip()


def test_an_export_verifies_without_its_store_by_the_key_that_was_told(say, exported, state_dir):
    file, key = exported
    shutil.rmtree(state_dir)
    said = say("evidence", "verify", file, "--key", key)
    assert (said.exit_code, said.stderr) == (0, "")
    assert "Order o1 of site kg-1: all 3 links hold." in said.stdout
    assert "Heads of the site's chain until 2026-11-12T06:30:00.000Z cover links 1 to 2." in said.stdout


def test_without_a_key_it_says_loudly_by_which_it_checked(say, exported):
    file, key = exported
    said = say("evidence", "verify", file)
    assert said.exit_code == 0
    assert key in said.stdout
    assert "WARNING: checked by the key that the file names itself" in said.stderr


def test_a_key_is_taken_from_a_file_as_well_and_another_is_no(say, exported, state_dir, tmp_path):
    file, _ = exported
    pem = tmp_path / "evidence.pub"
    pem.write_text(say("evidence", "key", "--pem", "--state-dir", state_dir).stdout)
    assert say("evidence", "verify", file, "--key", pem).exit_code == 0
    other = tmp_path / "other"
    other.mkdir()
    said = say("evidence", "verify", file, "--key", own_key(other).public.text)
    assert said.exit_code == 1
    assert "line 1 does not hold: key" in said.stderr


def test_the_first_line_that_does_not_hold_is_named_with_its_number_and_why(say, exported):
    file, _ = exported
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([*lines[:2], *lines[3:]]))
    said = say("evidence", "verify", file)
    assert said.exit_code == 1
    assert "line 3 (number 2) does not hold: it is not link 2 of order o1" in said.stderr
    told = json.loads(say("evidence", "verify", file, "--json").stdout)
    assert (told["holds"], told["line"], told["number"]) == (False, 3, 2)


def test_a_head_that_somebody_kept_must_be_in_it(say, exported):
    file, key = exported
    kept = json.loads(file.read_bytes().splitlines()[4])["hash"]
    assert say("evidence", "verify", file, "--key", key, "--head", kept).exit_code == 0
    said = say("evidence", "verify", file, "--key", key, "--head", kept, "--head", "0" * 64)
    assert (said.exit_code, "is not what was signed then: head 0000" in said.stderr) == (1, True)


def test_what_came_by_a_pipe_is_verified_too(say, exported):
    file, key = exported
    said = say("evidence", "verify", "-", "--key", key, "--json", typed=file.read_bytes())
    told = json.loads(said.stdout)
    assert (said.exit_code, told["holds"], told["by_given_key"], told["links"]) == (0, True, True, 3)


def test_without_the_key_at_hand_it_says_what_is_covered_and_verifies_only_in_part(say, state_dir, tmp_path):
    (state_dir / "evidence.key").unlink()
    file = tmp_path / "o1.jsonl"
    said = say("evidence", "export", "o1", "-o", file, "--state-dir", state_dir)
    assert said.exit_code == 0
    assert "cover links 1 to 2, and the end is not signed" in said.stderr
    assert "what came last may have been left out" in say("evidence", "verify", file).stderr
    assert say("evidence", "verify", file).exit_code == 1
    said = say("evidence", "verify", file, "--partial")
    assert said.exit_code == 0
    assert "Its end is not signed" in said.stdout
    assert say("evidence", "key", "--state-dir", state_dir).exit_code == 3


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ("DELETE FROM link WHERE n = 2", 3),
        ("UPDATE head SET line = CAST(replace(line, 'kg-1', 'kg-2') AS BLOB)", 5),
    ],
)
def test_a_record_that_is_broken_in_the_store_itself_is_exported_and_told(say, state_dir, tmp_path, change, line):
    with sqlite3.connect(state_dir / "hashwatt.db") as store:
        store.execute(change)
    store.close()
    file = tmp_path / "o1.jsonl"
    said = say("evidence", "export", "o1", "-o", file, "--state-dir", state_dir)
    assert said.exit_code == 1
    assert f"the record itself is broken: line {line}" in said.stderr
    assert file.exists()


def test_what_is_not_there_is_no_and_what_cannot_be_read_is_bad_input(say, state_dir, tmp_path):
    assert say("evidence", "export", "o9", "--state-dir", state_dir).exit_code == 1
    assert say("evidence", "verify", tmp_path / "nowhere").exit_code == 2
    assert say("evidence", "verify", state_dir / "hashwatt.db", "--key", "nonsense").exit_code == 2
    assert say("evidence", "export", "o1", "-o", tmp_path / "no" / "where", "--state-dir", state_dir).exit_code == 2


def test_what_is_listed_says_whether_its_end_is_signed(say, state_dir):
    (item,) = json.loads(say("evidence", "list", "--state-dir", state_dir, "--json").stdout)["items"]
    assert (item["order"], item["links"], item["covered"]) == ("o1", 3, False)
    assert "not its end yet" in say("evidence", "--state-dir", state_dir).stdout


async def test_a_running_agent_hands_out_the_same(say, exported):
    file, _ = exported
    async with serving() as client:
        client.desk.records = {"o1": file.read_bytes().splitlines(keepends=True)}
        at = ("--url", client.base, "--token", TOKENS["viewer"])
        said = await asyncio.to_thread(say, "evidence", "export", "o1", *at)
        assert said.stdout_bytes == file.read_bytes()
        assert "o1" in (await asyncio.to_thread(say, "evidence", "list", *at)).stdout
        assert (await asyncio.to_thread(say, "evidence", "export", "o9", *at)).exit_code == 1
        client.desk.records = {"o1": [b"hello\n"]}
        assert (await asyncio.to_thread(say, "evidence", "export", "o1", *at)).exit_code == 3


async def test_every_minute_is_told_from_the_file_alone(say, tmp_path):
    ledger = Ledger(Store("sqlite:///hashwatt.db", tmp_path))
    moves = [(AT, "active"), (AT + timedelta(minutes=3), "closed")]
    facts = [OrderMoved(at=at, order_id="o1", revision=1, seq=1, event="x", state=state) for at, state in moves]
    figures = {"mean_w": [9000.0, 4000.0], "peak_w": [9500.0, 4000.0], "cap_w": [5000.0, 5000.0], "over_s": [42.0, 0.0]}
    seen = {"looked_s": [60.0, 60.0], "metered_s": [60.0, 0.0], "hashing": [3, 1], "unread": [0, 1]}
    minutes = Minutes(at=AT, start=AT, minute=[0, 2], **figures, **seen, meter="main", orders=["o1"])
    gone = Absence(at=AT, since=AT + timedelta(seconds=70), until=AT + timedelta(seconds=110), orders=["o1"])
    await ledger.append([facts[0], minutes, gone, facts[1]])
    await ledger.close()
    own_key(tmp_path)
    file = tmp_path / "o1.jsonl"
    assert say("evidence", "export", "o1", "-o", file, "--state-dir", tmp_path).exit_code == 0
    rows = [line.split() for line in say("evidence", "show", file).stdout.splitlines()[2:]]
    assert rows == [
        [
            "2026-11-12",
            "06:30",
            "active",
            "9.0",
            "kW",
            "9.5",
            "kW",
            "5.0",
            "kW",
            "42",
            "s",
            "60",
            "s",
            "meter",
            "3",
            "0",
        ],
        ["2026-11-12", "06:31", "active", "-", "-", "-", "-", "-", "away", "-", "-"],
        ["2026-11-12", "06:32", "active", "4.0", "kW", "4.0", "kW", "5.0", "kW", "-", "60", "s", "beliefs", "1", "1"],
        ["2026-11-12", "06:33", "closed", "-", "-", "-", "-", "-", "-", "-", "-"],
    ]
    told = json.loads(say("evidence", "show", file, "--json", "--over").stdout)["items"]
    assert [item["at"][14:16] for item in told] == ["30", "31", "33"]
    assert told[1]["away"] == {"since": "2026-11-12T06:31:10.000Z", "until": "2026-11-12T06:31:50.000Z"}
    file.write_bytes(file.read_bytes().replace(b"9500.0", b"4500.0"))
    assert say("evidence", "show", file).exit_code == 1


def test_a_report_for_a_regulator_is_written_in_a_language_of_ones_own(say, state_dir, tmp_path):
    file = tmp_path / "o1.html"
    at = ("report", "--order", "o1", "--html", file, "--state-dir", state_dir)
    assert say(*at, "--lang", "ru").exit_code == 0
    assert '<html lang="ru">' in file.read_text(encoding="utf-8")
    assert say(*at, "--lang", "xx").exit_code == 2
    assert say("report", "--month", "2027-11", "--html", file, "--state-dir", state_dir).exit_code == 1
    pdf = tmp_path / "o1.pdf"
    for language, sentence in (("ru", "Отчёт об исполнении распоряжения o1"), ("en", "Report on order o1")):  # noqa: RUF001
        assert say(*at, "--pdf", pdf, "--lang", language).exit_code == 0
        assert sentence in words_of(pdf.read_bytes())
    with sqlite3.connect(state_dir / "hashwatt.db") as store:
        store.execute("DELETE FROM link WHERE n = 2")
    store.close()
    said = say(*at)
    assert (said.exit_code, "the evidence of o1 is broken: line 3" in said.stderr) == (1, True)
