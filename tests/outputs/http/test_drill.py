"""Drills over HTTP: planned without a trace, begun once, looked at, stopped."""

from tests.outputs.farm import serving

PATH = "/api/v1/drill"


async def test_a_drill_is_planned_begun_shown_and_stopped():
    async with serving() as client:
        assert await client.ask("GET", PATH) == (200, {"drill": None, "figures": []})
        planned = (await client.ask("POST", PATH, feeder="T1", percent=5, dry_run=True))[1]
        assert (planned["dry_run"], planned["groups"][0]["miners"], client.desk.drilled) == (True, ["a1"], None)
        assert (await client.ask("POST", PATH, feeder="T1", by="Aigul"))[0] == 200
        going = (await client.ask("GET", PATH, role=None))[1]["drill"]
        assert (going["percent"], going["by"], going["state"]) == (5.0, "Aigul (operator-1)", "going")
        assert (await client.ask("DELETE", PATH))[1]["drill"]["state"] == "stopped"
        assert (await client.ask("DELETE", PATH))[0] == 409


async def test_what_stands_against_a_drill_is_told():
    async with serving() as client:
        client.desk.against_drills = "order o1 is not closed"
        status, told = await client.ask("POST", PATH, feeder="T1")
        assert (status, told["detail"]) == (409, "order o1 is not closed")
        for wrong in ({"feeder": "T9"}, {"feeder": "T1", "percent": 0}, {"feeder": "T1", "percent": 101}, {}):
            assert (await client.ask("POST", PATH, **wrong))[0] == 400
        assert (await client.ask("POST", PATH, role="viewer", feeder="T1"))[0] == 403
        assert client.desk.drilled is None
