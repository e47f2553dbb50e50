"""Whether two meters that measure the same agree: a difference beyond both their errors, for long, is told once."""

from __future__ import annotations

from agent.facts import AnyFact
from agent.facts.energy import MetersAgree, MetersDiffer
from agent.fleet.power import MeterState
from agent.values import Moment, Watts

WINDOWS = 20
"""A difference, or an agreement, is told once it lasted so many windows: five minutes of the usual ones."""
LEAST_W = 100.0
"""What no error in per cent covers: what a meter shows of nothing."""


class Comparison:
    """The site's meter beside a check of it. `excess_w` is how much more the site's showed when that lasted, else 0."""

    def __init__(self, check: str, *, error: float, check_error: float, window_s: float) -> None:
        self.excess_w: Watts = 0.0
        self._check = check
        self._lasts_s = WINDOWS * window_s
        self._error, self._check_error = error, check_error
        self._differs = False
        self._since: float | None = None  # since when it is the other way round

    def seen(self, meter: MeterState, check: MeterState, now: Moment) -> list[AnyFact]:
        """Compare the means over their windows; returns what is to be told."""
        if meter.mean_w is None or check.mean_w is None or not (meter.covered and check.covered):
            self._since = None
            return []
        apart_w = meter.mean_w - check.mean_w
        error_w = self._error * abs(meter.mean_w) + self._check_error * abs(check.mean_w) + LEAST_W
        if (abs(apart_w) > error_w) == self._differs:
            self._since = None
            self.excess_w = max(0.0, apart_w) if self._differs else 0.0
            return []
        self._since = now.mono if self._since is None else self._since
        if now.mono - self._since < self._lasts_s:
            return []
        self._differs, self._since = not self._differs, None
        self.excess_w = max(0.0, apart_w) if self._differs else 0.0
        if not self._differs:
            return [MetersAgree(at=now.at, meter=meter.id, check=self._check)]
        told = {"meter_w": round(meter.mean_w, 1), "check_w": round(check.mean_w, 1)}
        return [MetersDiffer(at=now.at, meter=meter.id, check=self._check, **told)]
