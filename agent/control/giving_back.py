"""Whether what orders lowered still comes back, or has come as far as everything else lets it.

A connection that carries less than all machines, a feeder's limit, heat, who may be switched no more, or who never
answers again: an order that waited for those would never be over. It has no clock.
"""

from __future__ import annotations

from agent.fleet.view import Flags, FleetView
from agent.planning.headroom import at_step

QUIET_S = 3600.0
"""Nobody was raised for so long, though every ramp would have let whoever waits: longer than switching limits last.

Who has said nothing since the agent began has been waited for as long: no ramp keeps him.
"""


class GivingBack:
    """Notes when somebody was raised last, and when the agent began."""

    def __init__(self) -> None:
        self._began: float | None = None
        self._since: float | None = None

    def raised(self, mono: float) -> None:
        """Take in that somebody was raised."""
        self._since = mono

    def comes_no_further(self, view: FleetView, owed: Flags, ramp_w_per_s: float, mono: float) -> bool:
        """Whether those who wait have waited for longer than any ramp explains; `owed`: unheard since the start."""
        self._began = mono if self._began is None else self._began
        self._since = mono if self._since is None else self._since
        waits = (view.setpoint > view.intended) & ~view.held
        if not waits.any():
            return bool((owed & ~view.held).any() and mono - self._began >= QUIET_S)
        quiet_s = mono - self._since
        rise_w = at_step(view.step_w, view.intended) - at_step(view.step_w, view.setpoint)
        return quiet_s >= QUIET_S and bool(quiet_s * ramp_w_per_s >= float(rise_w[waits].max()))
