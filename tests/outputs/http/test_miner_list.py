"""Machines searched, sorted and paged, as the page asks for them."""

import asyncio
import time

import pytest

from tests.outputs.farm import MemoryDesk, empty_book, large_fleet, serving

V1 = "/api/v1"


async def ids(client, query):
    status, told = await client.ask("GET", f"{V1}/miners?{query}")
    assert status == 200, told
    return [item["miner"]["id"] for item in told["items"]]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("a1", ["a1"]),
        ("127.0.0.4", ["b2"]),
        ("ANTMINER", ["a1", "a2", "b1", "b2"]),
        ("antminer row:3", ["a2"]),
        ("02:00:00", ["a1", "a2", "b1", "b2"]),
        ("q1", ["a2"]),
        ("nothing like it", []),
        ("%20", ["a1", "a2", "b1", "b2", "b3"]),
    ],
)
async def test_a_search_finds_by_name_address_model_and_label(search, found):
    async with serving() as client:
        assert await ids(client, f"search={search}") == found


@pytest.mark.parametrize(
    ("sort", "found"),
    [
        ("row", ["a1", "a2", "b1", "b2", "b3"]),
        ("-row", ["b3", "b2", "b1", "a2", "a1"]),
        ("hashrate_ths", ["a2", "a1", "b1", "b2", "b3"]),
        ("-hashrate_ths", ["a1", "a2", "b1", "b2", "b3"]),
        ("-efficiency_j_th", ["a1", "a2", "b1", "b2", "b3"]),
        ("-hottest_c", ["a1", "a2", "b1", "b2", "b3"]),
        ("model", ["a1", "a2", "b1", "b2", "b3"]),
        ("power_w", ["a2", "a1", "b1", "b2", "b3"]),
    ],
)
async def test_an_order_puts_what_is_unknown_last(sort, found):
    async with serving() as client:
        assert await ids(client, f"sort={sort}") == found


async def test_pages_follow_each_other_in_any_order_and_say_how_many_there_are():
    async with serving() as client:
        seen, cursor = [], ""
        while True:
            _, told = await client.ask("GET", f"{V1}/miners?sort=-row&limit=2{cursor}")
            seen += [item["miner"]["id"] for item in told["items"]]
            assert told["total"] == 5
            if told["next"] is None:
                break
            cursor = f"&cursor={told['next']}"
    assert seen == ["b3", "b2", "b1", "a2", "a1"]


async def test_fields_pick_what_is_told_of_each():
    async with serving() as client:
        _, told = await client.ask("GET", f"{V1}/miners?limit=1&fields=state,hottest_c")
        assert [*told["items"][0]] == ["miner", "state", "hottest_c"]
        assert told["items"][0]["hottest_c"] == 72.0


@pytest.mark.parametrize(
    ("query", "field"),
    [("sort=colour", "sort"), ("sort=--row", "sort"), ("fields=colour", "fields"), ("search=" + "x" * 101, "search")],
)
async def test_what_cannot_be_asked_is_named(query, field):
    async with serving() as client:
        status, told = await client.ask("GET", f"{V1}/miners?{query}")
    assert (status, told["errors"][0]["field"]) == (400, field)


async def test_a_search_through_a_large_fleet_lets_the_loop_turn():
    async with serving(MemoryDesk(large_fleet(20_000), empty_book())) as client:
        turns, running = 0, True

        async def turning():
            nonlocal turns
            while running:
                turns += 1
                await asyncio.sleep(0)

        task = asyncio.create_task(turning())
        began = time.monotonic()
        assert await ids(client, "search=m19999&sort=-hottest_c&state=hashing") == ["m19999"]
        running = False
        await task
    assert turns > 20, f"{turns} turns in {time.monotonic() - began:.2f} s"
