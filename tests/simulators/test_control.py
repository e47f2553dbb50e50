import asyncio

import pytest

from tests.simulators.farms import CGMINER, EXACT, READ_ONLY, ask, farm, http, until


@pytest.fixture
async def small():
    async with farm(CGMINER, READ_ONLY, house_w=500, time_scale=20, meter=EXACT) as made:
        yield made


async def test_state_tells_what_is_truly_so(small):
    status, state = await http(small.control_port, "/state")
    assert status == 200
    assert set(state) == {"meter_w", "house_w", "miners"}
    first, second = state["miners"]
    assert {"host", "port", "state", "power_w", "hashrate_ths", "level"} <= set(first)
    assert (first["state"], first["level"], first["port"]) == ("hashing", "full", small.machines[0].port)
    assert state["meter_w"] == pytest.approx(500 + first["power_w"] + second["power_w"], abs=0.3)


async def test_a_fault_is_posted_for_one_machine_and_ends_in_its_time(small):
    machine = small.machines[0]
    told = {"select": f"{machine.host}:{machine.port}", "fault": "garbage", "for_s": 2}
    assert await http(small.control_port, "/faults", told) == (200, {"machines": 1})
    assert [small.faults.of(at) for at in (0, 1)] == ["garbage", None]
    await until(lambda: small.faults.of(0) is None)


async def test_a_fault_without_an_end_stays(small):
    status, _ = await http(small.control_port, "/faults", {"select": "*", "fault": "pool", "for_s": None})
    assert status == 200
    await until(lambda: all(miner["state"] == "idle" for miner in small.state()["miners"]))
    assert small.state()["miners"][0]["faults"] == ["pool"]


async def test_the_house_is_set(small):
    assert await http(small.control_port, "/house", {"w": 2500}) == (200, {"w": 2500})
    assert small.state()["house_w"] == 2500


async def test_the_meter_falls_silent_and_speaks_again(small):
    loop = asyncio.get_running_loop()
    await until(lambda: small.meter.said(loop.time()) is not None)
    assert await http(small.control_port, "/meter", {"stale_s": 0.2}) == (200, {"stale_s": 0.2})
    assert small.meter.said(loop.time()) is None
    await until(lambda: small.meter.said(loop.time()) is not None)


async def test_writes_tell_which_commands_were_acknowledged_and_what_wakes(small):
    await ask(small.machines[0], "ascdisable", "0")
    await ask(small.machines[0], "ascenable", "0")
    await ask(small.machines[1], "ascdisable", "0")
    _, told = await http(small.control_port, "/writes")
    assert [(write["command"], write["wakes"]) for write in told["writes"]] == [
        ("ascdisable 0", False),
        ("ascenable 0", True),
    ]
    assert {write["port"] for write in told["writes"]} == {small.machines[0].port}


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/faults", {"select": "*", "fault": "fire"}, "fault"),
        ("/faults", {"fault": "dead"}, "select"),
        ("/faults", {"select": "10.9.9.9", "fault": "dead"}, "select"),
        ("/faults", {"select": "x%", "fault": "dead"}, "select"),
        ("/faults", {"select": "200%", "fault": "dead"}, "select"),
        ("/faults", {"select": "*", "fault": "dead", "for_s": -1}, "for_s"),
        ("/faults", {"select": "*", "fault": "dead", "for_s": True}, "for_s"),
        ("/faults", {"select": "*", "fault": "dead", "at_s": 1}, "at_s"),
        ("/faults", {"select": "*", "fault": "dead", "until": 1}, "until"),
        ("/meter", {"stale_s": "5"}, "stale_s"),
        ("/meter", {}, "stale_s"),
        ("/house", {"w": -1}, "w"),
        ("/house", b'{"w": NaN}', "w"),
        ("/house", {"w": 1, "kw": 1}, "kw"),
        ("/house", [1], "the body"),
        ("/house", b"{", "the body"),
    ],
)
async def test_what_is_not_understood_is_400_names_the_field_and_changes_nothing(small, path, body, field):
    before = small.house_w
    status, told = await http(small.control_port, path, body)
    assert status == 400
    assert told["error"].startswith((f"{field}:", f"{field} "))
    assert small.house_w == before
    assert not any(small.faults.every(at) for at in (0, 1))


@pytest.mark.parametrize(
    ("path", "method", "expected"),
    [("/nowhere", "GET", 404), ("/state", "POST", 405), ("/faults", "GET", 405), ("/writes", "DELETE", 405)],
)
async def test_what_is_not_there_is_404_and_what_is_done_otherwise_405(small, path, method, expected):
    status, told = await http(small.control_port, path, b"{}", method)
    assert status == expected
    assert told["error"]
