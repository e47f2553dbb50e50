"""The ledger over HTTP: facts as they are, filtered and paged from either end."""

from datetime import timedelta

import pytest

from agent.facts import CapChanged, IntendedChanged, OrderMoved
from tests.outputs.farm import START, serving

PATH = "/api/v1/ledger"


def remember(client):
    client.desk.facts += [
        IntendedChanged(at=START, level="sleep", miners=["a1"], by="Aigul"),
        OrderMoved(at=START, order_id="o1", revision=1, seq=1, event="start", state="active"),
        CapChanged(at=START + timedelta(minutes=1), cap_w=5.0, binding_order="o1"),
    ]


async def numbers(client, query):
    status, told = await client.ask("GET", f"{PATH}?{query}")
    assert status == 200, told
    return [item["number"] for item in told["items"]], told["next"]


async def test_a_fact_is_told_as_it_is_with_its_number():
    async with serving() as client:
        remember(client)
        _, told = await client.ask("GET", PATH)
        assert told["items"][0] == {
            "number": 1,
            "fact": "IntendedChanged",
            "at": "2027-01-15T12:00:00Z",
            "level": "sleep",
            "miners": ["a1"],
            "by": "Aigul",
        }


async def test_facts_are_picked_by_kind_order_and_miner():
    async with serving() as client:
        remember(client)
        assert await numbers(client, "order=o1") == ([2, 3], None)
        assert await numbers(client, "miner=a1") == ([1], None)
        assert await numbers(client, "kind=CapChanged&order=o1") == ([3], None)


async def test_pages_follow_each_other_from_either_end():
    async with serving() as client:
        remember(client)
        assert await numbers(client, "limit=2") == ([1, 2], "2")
        assert await numbers(client, "limit=2&cursor=2") == ([3], None)
        assert await numbers(client, "limit=2&sort=-number") == ([3, 2], "2")
        assert await numbers(client, "limit=2&sort=-number&cursor=2") == ([1], None)


@pytest.mark.parametrize("query", ["kind=Nothing", "from=yesterday", "cursor=x", "sort=at", "limit=0", "orders=o1"])
async def test_what_cannot_be_meant_is_refused_by_its_name(query):
    async with serving() as client:
        status, told = await client.ask("GET", f"{PATH}?{query}")
        assert status == 400
        assert told["detail"].startswith(query.partition("=")[0])
