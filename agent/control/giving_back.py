"""Whether what orders lowered still comes back, or has come as far as everything else lets it.

A connection that carries less than all machines, a feeder's limit, heat, or who may be switched no more: an order that
waited for those would never be over. It has no clock.
"""

from __future__ import annotations

from agent.fleet.view import FleetView
from agent.planning.headroom import at_step

QUIET_S = 3600.0
"""Nobody was raised for so long, though every ramp would have let whoever waits: longer than switching limits last."""


class GivingBack:
    """Notes when somebody was raised last, or the agent began."""

    def __init__(self) -> None:
        self._since: float | None = None

    def raised(self, mono: float) -> None:
        """Take in that somebody was raised."""
        self._since = mono

    def comes_no_further(self, view: FleetView, ramp_w_per_s: float, mono: float) -> bool:
        """Whether those who wait have waited for longer than any ramp explains."""
        self._since = mono if self._since is None else self._since
        quiet_s = mono - self._since
        waits = (view.setpoint > view.intended) & ~view.held
        if quiet_s < QUIET_S or not waits.any():
            return False
        rise_w = at_step(view.step_w, view.intended) - at_step(view.step_w, view.setpoint)
        return bool(quiet_s * ramp_w_per_s >= float(rise_w[waits].max()))
