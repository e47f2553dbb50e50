"""A limit that is not simply on all of the site: on some machines, at a feeder, or with some machines left alone."""

from __future__ import annotations

from dataclasses import dataclass

from agent.fleet.view import Flags, Indices
from agent.values import Watts


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What is counted, whom it may command, and how much it may draw.

    Counted is what the site's meter shows (`counted` None), else what flows through a feeder, else machines' figures.
    """

    key: str  # the order whose limit it is
    commanded: Flags
    counted: Flags | None = None
    feeder: int | None = None  # its place in the tree
    cap_w: Watts = float("inf")
    stop: bool = False
    may_step: bool = False
    shed_w_per_s: float | None = None

    @property
    def is_of_site(self) -> bool:
        """Whether it is measured where the site is."""
        return self.counted is None

    def counts(self, rows: Indices) -> Flags:
        """Return which of these machines it bears upon: a stop upon none that it leaves at work."""
        bears = self.commanded if self.counted is None or self.stop else self.counted | self.commanded
        marked: Flags = bears[rows]
        return marked
