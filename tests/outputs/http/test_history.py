"""The past over HTTP: spans and steps that are asked for, and what is said where they make no sense."""

from datetime import timedelta

import pytest

from agent.outputs.http.stream import Stream
from agent.outputs.http.watch import Watch
from agent.past import MinerPoint, SitePoint
from tests.outputs.farm import NOW, serving

V1 = "/api/v1"
HOUR = timedelta(hours=1)


class Kept:
    """A past that notes what it is asked."""

    def __init__(self):
        self.asked = []

    async def site(self, since, until, step_s):
        self.asked.append((since, until, step_s))
        return [SitePoint(at=since, power_w=None, cap_w=9000.0, miners={"hashing": 4})]

    async def miner(self, miner, since, until):
        self.asked.append((miner, since, until))
        if miner == "nobody":
            return []
        return [MinerPoint(at=since, state="hashing", power_w=3010.0, hashrate_ths=98.5, hottest_c=None)]


def remembering():
    kept = Kept()
    return kept, serving(watch=lambda sight: Watch.of(sight, kept, Stream()))


async def test_without_a_word_it_is_the_last_day_in_steps_that_fit():
    kept, served = remembering()
    async with served as client:
        status, told = await client.ask("GET", f"{V1}/history", role=None)
    assert status == 200
    assert kept.asked == [(NOW.at - 24 * HOUR, NOW.at, 300)]
    assert (told["step_s"], told["next"]) == (300, None)
    assert told["items"] == [
        {
            "at": "2027-01-14T12:00:00Z",
            "power_w": None,
            "power_max_w": None,
            "cap_w": 9000.0,
            "excess_w": None,
            "house_w": None,
            "hashrate_ths": None,
            "price_per_kwh": None,
            "miners": {"hashing": 4},
        }
    ]


@pytest.mark.parametrize(
    ("hours", "step_s"), [(1, 60), (6, 60), (12, 120), (24 * 7, 1800), (24 * 30, 7200), (24 * 400, 86_400)]
)
async def test_the_step_grows_with_the_span(hours, step_s):
    kept, served = remembering()
    since = (NOW.at - hours * HOUR).isoformat().replace("+00:00", "Z")
    async with served as client:
        await client.ask("GET", f"{V1}/history?from={since}")
    assert kept.asked[0][2] == step_s


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=yesterday", "from"),
        ("from=2027-01-15T11:00:00", "from"),
        ("from=2027-01-15T13:00:00Z", "from"),
        ("to=2027-13-01T00:00:00Z", "to"),
        ("step=0", "step"),
        ("step=fast", "step"),
        ("step=90", "step"),
        ("step=5", "step"),
        ("stpe=60", "stpe"),
    ],
)
async def test_what_makes_no_sense_is_named_by_its_field(query, field):
    _, served = remembering()
    async with served as client:
        status, told = await client.ask("GET", f"{V1}/history?{query}")
    assert (status, told["errors"][0]["field"]) == (400, field)


async def test_a_machine_is_told_by_five_minutes_and_one_that_never_was_is_not_there():
    kept, served = remembering()
    async with served as client:
        _, told = await client.ask("GET", f"{V1}/miners/a1/history?from=2027-01-15T11:00:00%2B00:00")
        assert kept.asked == [("a1", NOW.at - HOUR, NOW.at)]
        assert told["step_s"] == 300
        assert (told["items"][0]["state"], told["items"][0]["hottest_c"]) == ("hashing", None)
        assert (await client.ask("GET", f"{V1}/miners/nobody/history"))[0] == 404
        assert (await client.ask("GET", f"{V1}/miners/gone/history"))[0] == 200
