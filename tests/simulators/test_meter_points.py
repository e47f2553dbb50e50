"""The meters beside the site's own: each measures what flows through it, and is silent by itself."""

import asyncio

import numpy as np
import pytest

from drivers.errors import Unreachable
from drivers.meter_map import known_map
from drivers.meter_modbus import ModbusMeter
from drivers.transports.modbus_tcp import ModbusLine
from simulators.machines import BadInput
from simulators.meter import MeterOptions
from simulators.meter_points import MeterPoints, feeders_of
from tests.simulators.farms import CGMINER, EXACT, farm, http, until

LATE_S = 10.0


def points(feeders, machines=5):
    return MeterPoints(MeterOptions(error_pct=0, delay_s=0), machines=machines, feeders=feeders, seed=1)


def said(made):
    return {unit: meter.said(LATE_S).power_w for unit, meter in made.meters.items()}


def test_machines_are_shared_out_in_a_row():
    assert feeders_of(5, 2).tolist() == [0, 0, 0, 1, 1]


def test_each_feeders_meter_shows_its_machines_and_the_first_connections_the_house_too():
    made = points(2)
    made.measure(np.array([1.0, 20.0, 300.0, 4000.0, 50_000.0]), 600_000.0, LATE_S)
    assert said(made) == {10: 600_000.0, 11: 321.0, 12: 54_000.0, 21: 600_321.0, 22: 54_000.0}


def test_without_feeders_only_the_house_has_a_meter():
    made = points(0)
    made.measure(np.ones(5), 600.0, LATE_S)
    assert said(made) == {10: 600.0}


def test_one_falls_silent_by_itself_and_none_that_is_not_there():
    made = points(1)
    made.measure(np.ones(5), 600.0, LATE_S)
    made.fall_silent(21, LATE_S + 1)
    assert made.meters[21].said(LATE_S) is None
    assert made.meters[11].said(LATE_S).power_w == 5
    with pytest.raises(BadInput, match=r"at 12; there are 10, 11, 21"):
        made.fall_silent(12, LATE_S + 1)


async def test_they_answer_at_their_units_and_fall_silent_by_command():
    async with farm(*[CGMINER] * 3, house_w=1000, meter=EXACT, feeders=2) as made:
        line, driver = ModbusLine("127.0.0.1", made.meter_port), ModbusMeter(known_map("eastron-sdm630"))

        async def ask(unit):
            return (await line.run(unit, driver.read())).power_w

        try:
            async with asyncio.timeout(60):
                await until(lambda: made.meter.said(asyncio.get_running_loop().time()) is not None)
                draws_w = made.physics.power_w
                assert await ask(1) == pytest.approx(draws_w.sum() + 1000, rel=0.02)
                assert await ask(10) == pytest.approx(1000)
                assert await ask(11) == pytest.approx(draws_w[:2].sum(), rel=0.02)
                assert await ask(22) == pytest.approx(draws_w[2], rel=0.02)
                with pytest.raises(Unreachable, match="exception 11"):
                    await ask(13)
                told = await http(made.control_port, "/meter", {"stale_s": 60, "unit": 22})
                assert told == (200, {"stale_s": 60, "unit": 22})
                with pytest.raises(Unreachable):
                    await ask(22)
                assert await ask(12) == pytest.approx(draws_w[2], rel=0.02)
            for unit in (13, "22", True):
                status, said_ = await http(made.control_port, "/meter", {"stale_s": 1, "unit": unit})
                assert (status, said_["error"][:5]) == (400, "unit:")
        finally:
            line.close()
