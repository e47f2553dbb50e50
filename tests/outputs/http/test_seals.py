"""Seals over HTTP: put on by number and act, listed, shown, and taken off by two persons; else nothing is changed."""

import pytest

from agent.values import same_person
from tests.outputs.farm import serving

PATH = "/api/v1/seals"
SEAL = {"number": "17", "act": "A-1", "by": "Aigul"}


async def test_miners_are_sealed_shown_as_sealed_and_unsealed_by_two():
    async with serving() as client:
        _, dry = await client.ask("POST", PATH, select="feeder:T1", dry_run=True, **SEAL)
        assert (dry["miners"], dry["hashing"], client.desk.facts) == (["a1", "a2"], ["a1"], [])
        _, told = await client.ask("POST", PATH, select="feeder:T1", **SEAL)
        assert (told["miners"], told["by"]) == (["a1", "a2"], "Aigul (operator-1)")
        seal = {"number": "17", "act": "A-1", "by": "Aigul (operator-1)", "since": "2027-01-15T12:00:00.000Z"}
        assert (await client.ask("GET", PATH, role=None))[1]["items"] == [
            {"miner": "a1", **seal, "broken": False}, {"miner": "a2", **seal, "broken": False},
        ]  # fmt: skip
        assert (await client.ask("GET", "/api/v1/miners/a1"))[1]["seal"] == {**seal, "broken": False}
        assert (await client.ask("GET", "/api/v1/site"))[1]["seals"]["miners"] == 2
        _, gauges = await client.ask("GET", "/metrics")
        assert 'hashwatt_site_sealed_miners{site="farm-1"} 2' in gauges
        _, told = await client.ask("DELETE", PATH, number="17", by="Aigul", **{"and": "Bakyt"})
        assert (told["miners"], told["numbers"], told["and"]) == (["a1", "a2"], ["17"], "Bakyt (operator-1)")
        assert (await client.ask("GET", PATH))[1]["items"] == []
        assert (await client.ask("GET", "/api/v1/miners/a1"))[1]["seal"] is None


async def test_what_is_behind_this_very_seal_already_is_passed_over():
    async with serving() as client:
        await client.ask("POST", PATH, select="a1", **SEAL)
        _, told = await client.ask("POST", PATH, select="a*", **SEAL)
        assert told["miners"] == ["a2"]
        assert (await client.ask("POST", PATH, select="a*", **SEAL))[1]["miners"] == []
        assert len(client.desk.facts) == 2


@pytest.mark.parametrize(
    ("method", "body", "detail"),
    [
        ("POST", {"select": "*", **SEAL, "number": "18"}, "number: a1 is behind seal 17 (act A-1) already"),
        ("POST", {"select": "b1", **SEAL, "act": "A-2"}, "act: seal 17 is on a1 by act A-1"),
        ("DELETE", {"select": "*", "by": "A", "and": "B"}, "select: b1 and 2 more are not sealed"),
        ("DELETE", {"miners": ["b1"], "by": "A", "and": "B"}, "select: b1 is not sealed"),
        ("DELETE", {"number": "18", "by": "A", "and": "B"}, "number: there is no seal '18'"),
    ],
)
async def test_what_stands_against_it_is_named_and_nothing_is_changed(method, body, detail):
    async with serving() as client:
        await client.ask("POST", PATH, select="a*", **SEAL)
        for dry in (True, False):
            assert (await client.ask(method, PATH, **body, dry_run=dry))[1]["detail"] == detail
        assert len(client.desk.facts) == 1


@pytest.mark.parametrize(
    ("method", "body", "field"),
    [
        ("POST", {"select": "*", "act": "A-1", "by": "Aigul"}, "number"),
        ("POST", {"select": "*", "number": "17", "by": "Aigul"}, "act"),
        ("POST", {"select": "*", "number": "17", "act": "A-1"}, "by"),
        ("POST", {"select": "*", **SEAL, "number": "  "}, "number"),
        ("POST", SEAL, "select"),
        ("POST", {"select": "feeder:nowhere", **SEAL}, "select"),
        ("POST", {"miners": ["zz"], **SEAL}, "miners"),
        ("DELETE", {"select": "a*", "by": "Aigul"}, "and"),
        ("DELETE", {"select": "a*", "by": "Aigul", "and": " "}, "and"),
        ("DELETE", {"select": "a*", "by": "Aigul", "and": "  AIGUL "}, "and"),
        ("DELETE", {"select": "a*", "number": "17", "by": "Aigul", "and": "Bakyt"}, "number"),
        ("DELETE", {"by": "Aigul", "and": "Bakyt"}, "select"),
    ],
)
async def test_what_is_told_badly_is_named_by_its_field(method, body, field):
    async with serving() as client:
        await client.ask("POST", PATH, select="a*", **SEAL)
        status, told = await client.ask(method, PATH, **body)
        assert (status, told["errors"][0]["field"]) == (400, field)
        assert len(client.desk.facts) == 1


async def test_a_full_disk_is_told_and_a_viewer_may_only_look():
    async with serving() as client:
        client.desk.is_full = True
        assert (await client.ask("POST", PATH, select="a*", **SEAL))[0] == 503
        assert (await client.ask("POST", PATH, role="viewer", select="a*", **SEAL))[0] == 403
        assert (await client.ask("GET", PATH, role="viewer"))[0] == 200


@pytest.mark.parametrize("name", ["Aigul  Asanova", "AIGUL ASANOVA", " aigul\u00a0asanova "])
def test_a_name_is_one_person_in_whatever_case_and_spacing(name):
    assert same_person(name, "Aigul Asanova")
