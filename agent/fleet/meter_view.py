"""One meter as it stands at one moment, for whoever shows it. A value."""

from __future__ import annotations

from dataclasses import dataclass

from agent.fleet.power import MeterState
from agent.values import Watts

SITE = "site"


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterView:
    """What a meter is for, where, and what it says.

    `role` is billing | check | generation | export | house | feeder, or connection for each billing meter of several:
    `billing` is then their sum.
    """

    role: str
    feeder: str
    state: MeterState
    kind: str | None = None  # how it is reached, None for a sum
    register_map: str | None = None  # by which map it is read, None where it needs none
    age_s: float | None = None  # of the last figure that was taken, None before the first
    energy_wh: float | None = None  # the last of its import register that counts, however old
    reactive_var: float | None = None  # with its latest figure
    standing_in_for: str | None = None  # the meter whose silence this one fills now

    @property
    def id(self) -> str:
        """Its name."""
        return self.state.id

    @property
    def power_w(self) -> Watts | None:
        """W imported by its latest figure, None while it is silent."""
        return self.state.last_w

    @property
    def measures(self) -> str | None:
        """The feeder whose draw it tells, None where that is the whole site or something else."""
        return self.feeder if self.role in {"feeder", "connection"} and self.feeder != SITE else None
