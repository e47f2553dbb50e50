"""Safety inputs over HTTP: listed, shown with the site, cleared by a hand with a name."""

from tests.outputs.farm import NOW, serving

PATH = "/api/v1/safety"
QUIET = {"id": "smoke-T1", "feeder": "T1", "says": None, "age_s": None, "tripped": None}


def trip(client):
    client.desk.safety.heard("smoke-T1", value=True, mono=NOW.mono)
    client.desk.safety.look([], NOW)


async def test_an_input_is_listed_tripped_and_cleared():
    async with serving() as client:
        assert (await client.ask("GET", PATH, role=None))[1] == {"items": [QUIET], "next": None}
        trip(client)
        since = "2027-01-15T12:00:00.000Z"
        tripped = {**QUIET, "says": True, "age_s": 0.0, "tripped": {"why": "true", "since": since}}
        assert (await client.ask("GET", "/api/v1/site"))[1]["safety"] == [tripped]
        assert 'hashwatt_safety_tripped{site="farm-1",input="smoke-T1"} 1' in (await client.ask("GET", "/metrics"))[1]
        status, told = await client.ask("POST", f"{PATH}/smoke-T1/clear", by="Aigul")
        assert (status, told["detail"]) == (409, "smoke-T1 still says true")
        client.desk.safety.heard("smoke-T1", value=False, mono=NOW.mono)
        assert await client.ask("POST", f"{PATH}/smoke-T1/clear", by="Aigul") == (
            200,
            {"id": "smoke-T1", "by": "Aigul (operator-1)"},
        )
        assert (await client.ask("GET", PATH))[1]["items"][0]["tripped"] is None
        assert [fact.by for fact in client.desk.facts] == ["Aigul (operator-1)"]


async def test_nobody_clears_without_a_token_nor_what_is_not_there():
    async with serving() as client:
        trip(client)
        for role, status in ((None, 401), ("viewer", 403), ("orderer", 403)):
            assert (await client.ask("POST", f"{PATH}/smoke-T1/clear", role=role, by="X"))[0] == status
        assert (await client.ask("POST", f"{PATH}/leak/clear", by="X"))[0] == 404
        assert client.desk.facts == []
