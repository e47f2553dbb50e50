"""The simulated WhatsMiner of API version 3: its frames, its parts, its tokens, and who may write."""

import base64
import hashlib
import json
import time

import pytest

from simulators.machines import MixRow, Place
from simulators.mix import machine
from simulators.places import hosts_of
from tests.simulators.farms import farm, talk, until

OPEN = MixRow(make="WhatsMiner", model="M60S", share=1, firmware="whatsminer-v3")
SHUT = MixRow(make="WhatsMiner", model="M60S", share=1, firmware="whatsminer-v3", access="R")


@pytest.fixture
async def small():
    async with farm(OPEN, SHUT, time_scale=200) as made:
        yield made


async def say(miner, command, param=None, **rest):
    text = json.dumps({"cmd": command, "param": param, **rest}).encode()
    reply = await talk(miner, len(text).to_bytes(4, "little") + text)
    assert len(reply) - 4 == int.from_bytes(reply[:4], "little")
    return json.loads(reply[4:])


async def tell(miner, command, param, account="super", password="super", ts=None):
    salt = (await say(miner, "get.device.info", "salt"))["msg"]["salt"]
    ts = int(time.time()) if ts is None else ts
    digest = hashlib.sha256(f"{command}{password}{salt}{ts}".encode()).digest()
    token = base64.b64encode(digest).decode()[:8]
    return (await say(miner, command, param, ts=ts, account=account, token=token))["code"]


async def test_reads_come_by_parts_and_joined_and_what_is_no_part_is_refused(small):
    miner = small.machines[0]
    whole = (await say(miner, "get.device.info"))["msg"]
    assert (whole["miner"]["type"], whole["miner"]["working"], whole["power"]["mode"]) == ("M60S_VK40", "true", "1")
    assert list((await say(miner, "get.device.info", "network"))["msg"]) == ["network"]
    joined = (await say(miner, "get.miner.status", "summary+edevs"))["msg"]
    assert sum(board["hash-realtime"] for board in joined["edevs"]) == pytest.approx(
        joined["summary"]["hash-realtime"], abs=0.01
    )
    assert [(await say(miner, *asked))["code"] for asked in (
        ("get.miner.status",), ("get.miner.status", "nonesuch"), ("get.nonesuch",), ("get.device.info", "nonesuch"),
    )] == [-3, -3, -2, -3]  # fmt: skip


async def test_what_is_no_frame_gets_no_answer(small):
    for request in (b'{"command":"version"}', b"\3\0\0\0{]}", b"\2\0\0\0[]"):
        assert await talk(small.machines[0], request) == b""


async def test_a_token_is_one_of_its_account_its_command_and_now(small):
    miner = small.machines[0]
    assert await tell(miner, "set.system.led", "auto") == 0
    assert await tell(miner, "set.system.led", "auto", account="admin") == -4
    assert await tell(miner, "set.system.led", "auto", password="wrong") == -4
    assert await tell(miner, "set.system.led", "auto", ts=int(time.time()) - 600) == -4
    assert await tell(miner, "set.miner.service", "sing") == -3
    assert await tell(miner, "set.miner.power_limit", "3000") == -3
    assert (await say(miner, "set.miner.service", "stop"))["code"] == -4


async def test_who_lets_nobody_write_says_so_and_does_not(small):
    shut = small.machines[1]
    assert (await say(shut, "get.device.info", "system"))["msg"]["system"]["apiswitch"] == "0"
    assert await tell(shut, "set.miner.service", "stop") == -4
    assert not small.writes


async def test_stopped_it_says_that_it_does_not_work_and_has_no_pools_to_tell_of(small):
    miner = small.machines[0]
    await tell(miner, "set.miner.service", "stop")
    await until(lambda: small.state()["miners"][0]["state"] == "sleeping")
    assert (await say(miner, "get.device.info", "miner"))["msg"]["miner"]["working"] == "false"
    assert (await say(miner, "get.miner.status", "pools"))["code"] == -1
    assert (await say(miner, "get.miner.status", "summary+pools"))["code"] == 0
    await tell(miner, "set.miner.service", "start")
    assert [write.wakes for write in small.writes] == [False, True]
    await until(lambda: small.state()["miners"][0]["state"] == "hashing")


@pytest.mark.pure
def test_a_machine_on_its_vendors_own_port_is_named_by_its_address_alone():
    placed = [machine(0, OPEN, Place(host="127.10.0.1", port=port, http_port=None), 1) for port in (4433, 4028)]
    assert hosts_of(placed[:1]) == ["127.10.0.1"]
    assert hosts_of(placed[1:]) == ["127.10.0.1:4028"]
