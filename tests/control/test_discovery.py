import asyncio
import os
from contextlib import AsyncExitStack

import pytest

from agent.control.discovery import API_PORT, Outcome, Pace, look

PACE = Pace(timeouts_s=(5.0,), answer_s=0.5)
NETWORK = f"127.{64 + os.getpid() % 128}.{os.getpid() // 128 % 250}"
PATIENCE_S = 60
VERSION = (
    b'{"STATUS":[{"STATUS":"S","Msg":"CGMiner versions","Description":"cgminer 4.11.1"}],'
    b'"VERSION":[{"CGMiner":"4.11.1","API":"3.7"}],"id":1}\0'
)
STRANGE = b'{"STATUS":[{"STATUS":"S","Msg":"a kettle","Description":"kettle 1"}],"id":1}\0'


async def farm(stack, faces, port=API_PORT):
    for host, face in faces.items():
        try:
            server = await asyncio.start_server(face, host, port)
        except OSError as error:
            pytest.skip(f"{host}:{port} cannot be listened at: {error}")
        stack.push_async_callback(server.wait_closed)
        stack.callback(server.close)


def saying(reply):
    async def face(reader, writer):
        if await reader.read(100):
            writer.write(reply)
        writer.close()

    return face


async def closing(_reader, writer):
    writer.close()


async def mute(reader, writer):
    await reader.read()
    writer.close()


def at(number):
    return f"{NETWORK}.{number}"


async def outcomes(hosts):
    async with asyncio.timeout(PATIENCE_S):
        sighting = await look(hosts, PACE)
    return sighting, {met.host: met.outcome for met in sighting.met}


async def test_what_stands_behind_an_open_door_is_told_apart():
    faces = {at(1): saying(VERSION), at(2): closing, at(3): mute, at(4): saying(STRANGE)}
    async with AsyncExitStack() as stack:
        await farm(stack, faces)
        sighting, met = await outcomes([at(number) for number in (9, 4, 8, 3, 7, 2, 6, 1, 5)])
    assert met == {at(1): Outcome.FOUND, at(2): Outcome.REFUSED, at(3): Outcome.MUTE, at(4): Outcome.UNKNOWN}
    assert [one.host for one in sighting.met] == [at(number) for number in range(1, 5)]
    assert sighting.counts[Outcome.CLOSED] == 5
    assert sum(sighting.counts.values()) == 9


async def test_who_is_found_says_who_it_is():
    async with AsyncExitStack() as stack:
        await farm(stack, {at(20): saying(VERSION)})
        sighting, _ = await outcomes([at(20)])
    (met,) = sighting.met
    assert met.identity.driver == "cgminer"
    assert met.ports == (API_PORT,)


async def test_a_web_server_that_hangs_up_is_counted_and_gets_no_row():
    async with AsyncExitStack() as stack:
        await farm(stack, {at(40): closing}, port=80)
        sighting, met = await outcomes([at(40)])
    assert met == {}
    assert sighting.counts[Outcome.MUTE] == 1


async def test_a_network_is_knocked_at_no_faster_than_the_rate():
    began_at = asyncio.get_running_loop().time()
    async with asyncio.timeout(PATIENCE_S):
        sighting = await look([at(number) for number in range(100, 150)], Pace(rate_per_s=200))
    assert sum(sighting.counts.values()) == 50  # closed, unless another farm listens at every address just now
    assert asyncio.get_running_loop().time() - began_at > 0.3
