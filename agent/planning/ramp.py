"""A ramp as a bucket that fills with the watts that may move; it starts empty and holds no more than one step."""

from __future__ import annotations

from dataclasses import dataclass

from agent.values import Watts

LONGEST_TICK_S = 15.0
"""A bucket gains no more than this brings at once, however long nobody looked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ramp:
    """How many watts may move at `mono`; None: not running."""

    tokens_w: Watts = 0.0
    mono: float | None = None

    def filled(self, *, rate_w_per_s: float, mono: float, step_w: Watts) -> Ramp:
        """Return the bucket at `mono`: it holds what one tick brings, or one step of `step_w` where that is more."""
        if self.mono is None:
            return Ramp(tokens_w=0.0, mono=mono)
        brought_w = rate_w_per_s * min(max(mono - self.mono, 0.0), LONGEST_TICK_S)
        most_w = max(step_w, brought_w)
        return Ramp(tokens_w=min(self.tokens_w + brought_w, most_w), mono=mono)

    def spent(self, moved_w: Watts) -> Ramp:
        """Return the bucket after `moved_w` moved."""
        return Ramp(tokens_w=self.tokens_w - moved_w, mono=self.mono)
