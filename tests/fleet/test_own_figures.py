"""Ladders by what a drill measured: for the same machine, for another bin of its model, for nobody else."""

from datetime import UTC, datetime

import pytest

from agent.facts.drill import ModelMeasured
from agent.fleet.own_figures import OwnFigures
from agent.planning.ladder import build_ladder
from drivers.interface import Abilities, Identity, PowerRange, SleepAbility

pytestmark = pytest.mark.pure

MEASURED = ModelMeasured(
    at=datetime(2027, 1, 15, tzinfo=UTC),
    model="Antminer S19",
    driver="braiins",
    feeder="T1",
    meter="t1",
    machines=5,
    nominal_w=3000.0,
    levels_w={"full": 3150.0, "limit:2700": 2646.0, "limit:1800": 1800.0, "sleep": 30.0},
    error_w=20.0,
    sleep_s=12.0,
    wake_s=240.0,
    standby_by="meter",
)


def machine(nominal_w, driver="braiins"):
    abilities = Abilities(
        sleep=SleepAbility(standby_w=15.0, settle_s=60.0, wake_s=600.0),
        power_limit=PowerRange(least_w=1500.0, most_w=3600.0),
    )
    return Identity(driver=driver, model="Antminer S19", nominal_w=nominal_w, nominal_ths=100.0, abilities=abilities)


def figures():
    own = OwnFigures(build_ladder)
    own.apply(MEASURED)
    return own


def test_a_measured_model_has_the_watts_and_times_that_were_measured():
    ladder = figures().ladder(machine(3000.0))
    watts = {step.level: step.power_w for step in ladder.steps}
    assert (watts["full"], watts["limit:2700"], watts["sleep"]) == (3150.0, 2646.0, 30.0)
    assert watts["limit:2400"] == pytest.approx(2400 * 0.98)  # by the nearest limit
    assert watts["limit:2100"] == pytest.approx(2100.0)
    assert (ladder.settle_s, ladder.wake_s) == (12.0, 240.0)
    assert ladder.most_w == pytest.approx(3150.0 * 1.05)


def test_another_bin_of_the_model_is_in_proportion_and_never_under_its_most():
    ladder = figures().ladder(machine(2800.0))
    assert ladder.steps[0].power_w == pytest.approx(2940.0)
    less = OwnFigures(build_ladder)
    less.apply(ModelMeasured(**{**_fields(MEASURED), "levels_w": {"full": 2700.0, "sleep": 30.0}}))
    assert less.ladder(machine(3000.0)).most_w == pytest.approx(3150.0)


def test_another_firmware_keeps_its_own():
    own, other = figures(), machine(3000.0, driver="vnish")
    assert own.ladder(other) == build_ladder(other)
    assert own.respond_s([machine(3000.0)], 300.0) == 12.0
    assert own.respond_s([machine(3000.0), other], 300.0) == 300.0
    assert own.respond_s([None], 300.0) == 300.0


def _fields(fact):
    return {name: getattr(fact, name) for name in fact.__struct_fields__}
