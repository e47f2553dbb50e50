"""The clock over HTTP: whether it is doubted, and a hand's word that it is right."""

from dataclasses import replace
from datetime import timedelta

from agent.facts.clock import ClockTrusted
from agent.trusted_time import Standing
from tests.outputs.farm import NOW, START, serving

PATH = "/api/v1/clock"


def doubt(client):
    client.desk.now = replace(NOW, latest=START + timedelta(hours=1))
    client.desk.standing = Standing(off_s=3600.0, doubted_since=NOW.mono - 60)


async def test_a_clock_that_nobody_doubts_is_trusted_and_needs_no_hand():
    async with serving() as client:
        assert await client.ask("GET", PATH) == (
            200,
            {
                "at": "2027-01-15T12:00:00.000Z",
                "host_at": "2027-01-15T12:00:00.000Z",
                "off_s": 0.0,
                "trusted": True,
                "doubted_since": None,
                "confirmed_at": None,
            },
        )
        status, told = await client.ask("POST", f"{PATH}/trust", by="Aigul")
        assert (status, told["detail"]) == (409, "the host's clock is not doubted")


async def test_a_doubted_clock_says_since_when_and_by_how_much():
    async with serving() as client:
        doubt(client)
        _, told = await client.ask("GET", PATH, role="viewer")
        assert not told["trusted"]
        assert (told["off_s"], told["host_at"]) == (3600.0, "2027-01-15T13:00:00.000Z")
        assert (told["doubted_since"], told["confirmed_at"]) == ("2027-01-15T11:59:00.000Z", "2027-01-15T12:09:00.000Z")


async def test_a_hand_confirms_it_by_name():
    async with serving() as client:
        doubt(client)
        assert (await client.ask("POST", f"{PATH}/trust", role="viewer"))[0] == 403
        status, told = await client.ask("POST", f"{PATH}/trust", by="Aigul")
        assert (status, told["by"]) == (200, "Aigul (operator-1)")
        assert client.desk.facts == [ClockTrusted(at=START, by="Aigul (operator-1)")]


async def test_what_cannot_be_written_confirms_nothing():
    async with serving() as client:
        doubt(client)
        client.desk.is_full = True
        assert (await client.ask("POST", f"{PATH}/trust"))[0] == 503
        assert client.desk.standing.doubted_since is not None
