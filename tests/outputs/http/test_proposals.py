"""Proposals over HTTP: listed a page at a time, adopted by a hand, and what stands against it."""

from tests.outputs.farm import serving

PATH = "/api/v1/proposals"


async def test_they_are_listed_a_page_at_a_time_by_id():
    async with serving() as client:
        client.desk.proposed = {"10.0.0.9": None, "10.0.0.7": None, "10.0.0.8": "its mac answers twice"}
        _, told = await client.ask("GET", f"{PATH}?limit=2")
        assert [item["id"] for item in told["items"]] == ["10.0.0.7", "10.0.0.8"]
        assert told["items"][0]["since"] == "2027-01-15T12:00:00.000Z"
        _, told = await client.ask("GET", f"{PATH}?cursor={told['next']}")
        assert ([item["id"] for item in told["items"]], told["next"]) == (["10.0.0.9"], None)
        assert (await client.ask("GET", f"{PATH}?model=x"))[0] == 400


async def test_all_are_those_that_nothing_speaks_against():
    async with serving() as client:
        client.desk.proposed = {"10.0.0.7": None, "10.0.0.8": "its mac answers twice"}
        status, told = await client.ask("POST", f"{PATH}/adopt", feeder="T1", dry_run=True)
        assert (status, told["miners"], client.desk.adopted) == (200, ["10.0.0.7"], [])
        await client.ask("POST", f"{PATH}/adopt", feeder="T1", by="Aigul")
        assert client.desk.adopted == [(["10.0.0.7"], "T1", "Aigul (operator-1)")]


async def test_who_is_not_proposed_is_not_adopted():
    async with serving() as client:
        status, told = await client.ask("POST", f"{PATH}/adopt", miners=["10.0.0.1"])
        assert (status, told["errors"][0]["field"]) == (409, "miners")
        assert (await client.ask("POST", f"{PATH}/adopt"))[1]["miners"] == []


async def test_who_was_adopted_is_disowned_by_a_hand_and_nobody_else_is():
    async with serving() as client:
        await client.ask("POST", f"{PATH}/disown", miners=["10.0.0.7"], dry_run=True)
        assert client.desk.adopted == []
        status, told = await client.ask("POST", f"{PATH}/disown", miners=["10.0.0.7"])
        assert (status, told["by"], client.desk.adopted) == (200, "operator-1", [("disowned", "operator-1")])
        assert (await client.ask("POST", f"{PATH}/disown", miners=["10.0.0.8"]))[0] == 409
