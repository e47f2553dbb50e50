"""The part of the house that follows the machines with a delay: ventilation, dry coolers, pumps.

After a shed they run on for minutes, and after a restore they come back when machines are long awake. A house load that
was learned while machines slept is therefore less than it will be: what fell away with the machines is expected back
with them, in proportion, and kept free until it has come or has had its time.
"""

from __future__ import annotations

from dataclasses import dataclass

from agent.values import Watts

FOLLOWS_S = 900.0
"""So long after machines moved their cooling has followed, whatever drives it: as long as a house sample counts."""
MOVED = 0.05
"""A change of the machines' draw by this share is one; less is drift."""
KNOWN_S = 86_400.0
"""What the house was beside all machines is believed for a day: seasons move it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Point:
    load_w: Watts
    house_w: Watts
    mono: float


class Followers:
    """What the house was beside the most machines, and the least that it was since."""

    def __init__(self) -> None:
        self._full: _Point | None = None
        self._least = (0.0, 0.0)  # W of machines, W of house, since then
        self._anchor: tuple[Watts, float] | None = None  # what machines draw, and since when
        self._rose_at = float("-inf")
        self._house_w = 0.0

    def observe(self, load_w: Watts, house_w: Watts, mono: float) -> None:
        """Take in a house load that is known well, beside what machines draw."""
        self.moved(load_w, mono)
        self._house_w = house_w
        full, least_w, least_house_w = self._full, *self._least
        is_old = full is None or mono - full.mono > KNOWN_S
        is_steady = self._anchor is not None and mono - self._anchor[1] >= FOLLOWS_S
        if is_steady and (is_old or full is None or load_w >= (1 - MOVED) * full.load_w):
            self._full, self._least = _Point(load_w=load_w, house_w=house_w, mono=mono), (load_w, house_w)
        else:
            self._least = min(least_w, load_w), min(least_house_w, house_w)

    def moved(self, load_w: Watts, mono: float) -> None:
        """Take in what machines draw, also while the house beneath them is not known."""
        if self._anchor is None or abs(load_w - self._anchor[0]) > MOVED * max(load_w, self._anchor[0]):
            if self._anchor is not None and load_w > self._anchor[0]:
                self._rose_at = mono
            self._anchor = load_w, mono

    @property
    def share(self) -> float:
        """Return how many W of house come with one W of machines."""
        full, (least_w, least_house_w) = self._full, self._least
        if full is None or full.load_w - least_w <= MOVED * full.load_w:
            return 0.0
        return max(0.0, full.house_w - least_house_w) / (full.load_w - least_w)

    def expected_w(self, load_w: Watts, mono: float) -> Watts:
        """Return what is still to follow machines that draw `load_w`."""
        if self._full is None or mono - self._rose_at >= FOLLOWS_S:
            return 0.0
        least_w, least_house_w = self._least
        back_w = self.share * (min(load_w, self._full.load_w) - least_w)
        return max(0.0, least_house_w + back_w - self._house_w)
