"""The simulated Teraflux: what its API port does not know, its tokens, and its three settings."""

import json

import pytest

from simulators.machines import MixRow
from tests.simulators.farms import ask, farm, talk, until

TERAFLUX = MixRow(make="Auradine", model="Teraflux AT1500", share=1, firmware="fluxos")


@pytest.fixture
async def small():
    async with farm(TERAFLUX, time_scale=200) as made:
        yield made


async def page(miner, command, token="", **body):
    text = json.dumps({"command": command, **body}).encode() if body else b""
    head = f"{'POST' if body else 'GET'} /{command} HTTP/1.1\r\nHost: x\r\nToken: {token}\r\n"
    request = f"{head}Content-Length: {len(text)}\r\n\r\n".encode() + text
    first, _, rest = (await talk(miner, request, miner.http_port)).partition(b"\r\n")
    return int(first.split()[1]), json.loads(rest.partition(b"\r\n\r\n")[2])


async def admitted(miner):
    return (await page(miner, "token", user="admin", password="admin"))[1]["Token"][0]["Token"]


async def test_the_api_port_tells_what_the_miner_knows_and_no_more(small):
    miner = small.machines[0]
    assert (await ask(miner, "asccount"))["ASCCount"] == [{"BoardCount": 3, "AsicCount": 396}]
    for command in ("mode", "psu", "nonesuch"):
        assert (await ask(miner, command))["STATUS"][0]["Code"] == 14


async def test_a_page_is_shown_to_who_has_a_token(small):
    miner = small.machines[0]
    assert (await page(miner, "mode"))[0] == 401
    assert (await page(miner, "token", user="admin", password="wrong"))[0] == 401
    status, told = await page(miner, "psu", await admitted(miner))
    assert (status, told["PSU"][0]["PowerIn"][-1]) == (200, "W")


async def test_sleep_mode_and_target_are_settings_of_their_own(small):
    miner = small.machines[0]
    token = await admitted(miner)
    assert (await page(miner, "mode", token, mode="custom", tune="power", power="x"))[1]["STATUS"][0]["STATUS"] == "E"
    await page(miner, "mode", token, sleep="on")
    await until(lambda: small.state()["miners"][0]["state"] == "sleeping")
    await page(miner, "mode", token, mode="custom", tune="power", power=2000)
    (mode,) = (await page(miner, "mode", token))[1]["Mode"]
    assert (mode["Mode"], mode["Sleep"], mode["Power"]) == ("custom", "on", 2000)
    await page(miner, "mode", token, sleep="off")
    await until(lambda: small.state()["miners"][0]["state"] == "hashing")
    assert small.state()["miners"][0]["level"] == "limit:2000"
    assert [write.wakes for write in small.writes] == [False, False, True]
