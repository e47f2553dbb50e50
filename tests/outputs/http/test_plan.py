"""What control means to do now, over HTTP."""

import json

from tests.outputs.farm import NOW, MemoryDesk, document, empty_book, serving, small_fleet

V1 = "/api/v1"


async def test_levels_wanted_and_seen_are_counted_and_what_comes_next_is_told():
    desk = MemoryDesk(small_fleet(), empty_book())
    await desk.receive(json.dumps(document("binds")).encode(), by="x")
    await desk.receive(json.dumps(document("later", starts_at="2027-01-16T00:00:00Z")).encode(), by="x")
    async with serving(desk) as client:
        status, told = await client.ask("GET", f"{V1}/plan", role=None)
    assert status == 200
    assert told["levels"]["full"] == {"intended": 5, "setpoint": 4, "seen": 1}
    assert told["levels"]["sleep"] == {"intended": 0, "setpoint": 1, "seen": 1}
    assert told["levels"]["unseen"]["seen"] == 3
    assert (told["cap_w"], told["binding_order"]) == (9000.0, "binds")
    assert [(step["order_id"], step["what"]) for step in told["next"]] == [
        ("binds", "must be met by"),
        ("later", "begins"),
    ]
    assert told["next"][0]["at"] > NOW.at.isoformat()


async def test_before_the_first_decision_nothing_is_claimed():
    async with serving(decision=lambda: None) as client:
        _, told = await client.ask("GET", f"{V1}/plan")
    assert (told["changes"], told["forecast_w"], told["headroom_w"]) == (None, None, None)
