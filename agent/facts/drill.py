"""Facts of drills: what was measured of a model at this farm, and how a drill went."""

from __future__ import annotations

from agent.facts.fact import Fact


class DrillBegan(Fact, frozen=True):
    """A share of a feeder's machines is measured at each level, at a meter, from now on."""

    feeder: str
    percent: float
    meter: str
    miners: list[str]
    by: str


class DrillEnded(Fact, frozen=True):
    """A drill is over, and its machines go back to what their owner wants. `reason`: why it did not go to its end."""

    feeder: str
    measured: int  # models
    reason: str | None = None


class ModelMeasured(Fact, frozen=True):
    """What a model with a firmware draws at each level and how long its sleep and wake take, as the meter showed it.

    Watts of one machine. A machine's own full is in the proportion of its nominal watts to `nominal_w`. Only what
    lies between levels shows at a meter; they stand upon `standby_by`'s word of what is drawn asleep.
    """

    model: str
    driver: str
    feeder: str
    meter: str
    machines: int
    nominal_w: float  # of their full, before it was measured
    levels_w: dict[str, float]
    error_w: float  # so far off a level's watts may be
    sleep_s: float  # from the command until 95 % of the draw was gone for good, at the meter
    wake_s: float  # from the command until it was back within 5 % for good
    standby_by: str  # meter | miner | model


DrillFact = DrillBegan | DrillEnded | ModelMeasured
