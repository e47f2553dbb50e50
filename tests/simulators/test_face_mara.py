"""The simulated firmware of MARA: its login, its configuration as a whole, its history, and its own name elsewhere."""

import copy

import aiohttp
import pytest

from simulators.machines import MixRow
from tests.simulators.farms import ask, farm, until

MARA = MixRow(make="Antminer", model="Antminer S21", share=1, firmware="mara")
BASE = "/kaonsu/v1/"


@pytest.fixture
async def small():
    async with farm(MARA, time_scale=200) as made:
        yield made


async def page(farm, name, body=None, password="root"):
    miner = farm.machines[0]
    login = aiohttp.DigestAuthMiddleware("root", password)
    method, url = "GET" if body is None else "POST", f"http://127.0.0.1:{miner.http_port}{BASE}{name}"
    async with aiohttp.ClientSession(middlewares=(login,)) as session, session.request(method, url, json=body) as reply:
        return reply.status, await reply.json(content_type=None) if reply.status == 200 else None


async def changed(farm, **mode):
    config = copy.deepcopy((await page(farm, "miner_config"))[1])
    config["mode"] |= mode
    return (await page(farm, "miner_config", config))[1]


async def test_nothing_is_shown_without_a_login(small):
    assert (await page(small, "brief", password="wrong"))[0] == 401
    assert (await page(small, "nonesuch"))[0] == 404
    status, brief = await page(small, "brief")
    assert (status, brief["status"]) == (200, "Mining")
    assert brief["hashrate_realtime"] / brief["hashrate_ideal"] == pytest.approx(0.001, rel=0.05)


async def test_its_mode_is_in_its_configuration_and_its_changes_in_its_history(small):
    before = (await page(small, "miner_config"))[1]
    assert (await changed(small, **{"work-mode-selector": "Sleep"}))["error"] is False
    await until(lambda: small.state()["miners"][0]["state"] == "sleeping")
    after = (await page(small, "miner_config"))[1]
    assert after | {"mode": None} == before | {"mode": None}
    assert (await page(small, "log?type=miner_config_history"))[1] == [
        {"1700000000": [{"type": "update", "path": ["Mode", "WorkModeSelector"], "from": "Stock", "to": "Sleep"}]}
    ]
    target = {"work-mode-selector": "Auto", "concorde": {"mode-select": "PowerTarget", "power-target": 2500}}
    await changed(small, **target)
    await until(lambda: small.state()["miners"][0]["state"] == "hashing")
    assert small.state()["miners"][0]["level"] == "limit:2500"
    assert [write.wakes for write in small.writes] == [False, True]


async def test_what_is_no_whole_configuration_is_refused(small):
    whole = (await page(small, "miner_config"))[1]
    for body in ({}, {"mode": {"work-mode-selector": "Sleep"}}, whole | {"mode": {"work-mode-selector": "Nap"}}):
        assert (await page(small, "miner_config", body))[1]["error"] is True
    assert (await page(small, "maintenance", {"type": "reset"}))[1]["error"] is True
    assert (await page(small, "locate_miner", {"blinking": 1}))[1]["error"] is True
    assert not small.writes


async def test_on_its_api_port_it_has_its_own_name(small):
    (row,) = (await ask(small.machines[0], "version"))["VERSION"]
    assert "MARAFW" in row["Type"]
    assert "kaonsu" in row["BMMiner"]
