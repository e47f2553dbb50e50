import asyncio
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import aiomqtt
import pytest

from simulators.meter import Meter, MeterOptions
from tests.brokers import Mosquitto
from tests.simulators.farms import CGMINER, EXACT, farm, until


@pytest.fixture
def broker(tmp_path):
    with Mosquitto(tmp_path) as running:
        yield running


@asynccontextmanager
async def metered(broker, **options):
    url = f"mqtt://127.0.0.1:{broker.port}"
    async with farm(CGMINER, house_w=1000, mqtt_url=url, site="s1", **options) as made:
        yield made


@asynccontextmanager
async def hearing(broker):
    async with aiomqtt.Client("127.0.0.1", broker.port) as client:
        await client.subscribe("hashwatt/s1/meter/main")
        yield aiter(client.messages)


async def next_of(messages):
    async with asyncio.timeout(60):
        return json.loads((await anext(messages)).payload)


async def test_it_publishes_what_flows_with_its_register_and_the_moment(broker):
    async with hearing(broker) as messages, metered(broker) as made:
        first, second = await next_of(messages), await next_of(messages)
        assert set(first) == {"power_w", "energy_wh", "at"}
        assert first["power_w"] == pytest.approx(made.meter_w(), rel=0.01)
        assert second["energy_wh"] >= first["energy_wh"]
        assert abs(datetime.fromisoformat(first["at"]) - datetime.now(UTC)) < timedelta(seconds=5)


async def test_it_says_nothing_while_it_is_stale(broker):
    async with hearing(broker) as messages, metered(broker) as made:
        await next_of(messages)
        made.silence_meter(0.5)
        silent_from = datetime.now(UTC)
        while (told := await next_of(messages)) and datetime.fromisoformat(told["at"]) < silent_from:
            """One may have been on its way."""
        assert datetime.fromisoformat(told["at"]) - silent_from > timedelta(seconds=0.35)


async def test_it_comes_back_by_itself_after_the_broker(broker):
    async with metered(broker) as made:
        async with hearing(broker) as messages:
            await next_of(messages)
        broker.stop()
        broker.start()
        async with hearing(broker) as messages:
            assert (await next_of(messages))["power_w"] == pytest.approx(made.meter_w(), rel=0.01)


async def test_a_farm_whose_broker_is_away_runs_and_ends(broker):
    broker.stop()
    async with metered(broker) as made:
        await until(lambda: made.now_s > 0.2)


def after(meter, moments):
    for at_s, power_w in moments:
        meter.measure(power_w, at_s)
    return meter


def test_it_is_late_by_its_delay():
    meter = after(Meter(MeterOptions(error_pct=0, delay_s=2), 1), [(at, 100.0 * at) for at in range(10)])
    assert meter.said(9).power_w == 700
    assert meter.said(9).at_s == 7


def test_it_has_nothing_to_say_before_its_first_measurement_is_old_enough():
    meter = after(Meter(MeterOptions(error_pct=0, delay_s=2), 1), [(0, 100.0), (1, 100.0)])
    assert meter.said(1.5) is None
    assert meter.said(2).power_w == 100


def test_its_error_stays_within_bounds_and_is_the_same_for_a_seed():
    def figures(seed):
        meter = Meter(MeterOptions(error_pct=2, delay_s=0), seed)
        return [after(meter, [(at, 1000.0)]).said(at).power_w for at in range(100)]

    assert all(980 <= power_w <= 1020 for seed in range(20) for power_w in figures(seed))
    assert figures(5) == figures(5)
    assert figures(5) != figures(6)
    assert len(set(figures(5))) > 50


def test_its_register_is_the_sum_of_what_it_measured():
    meter = Meter(EXACT, 1)
    begun = after(meter, [(0, 3600.0)]).said(0).energy_wh
    assert after(meter, [(at, 3600.0) for at in range(1, 11)]).said(10).energy_wh == pytest.approx(begun + 10)
