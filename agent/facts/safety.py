"""Facts of safety inputs: smoke, leaks, pumps that fail."""

from __future__ import annotations

from msgspec import field

from agent.facts.fact import Fact


class SafetyTripped(Fact, frozen=True):
    """A safety input says true, or has been silent for too long: its feeder is shed until a hand clears it."""

    input: str
    feeder: str
    why: str  # true | silence
    orders: list[str] = field(default_factory=list)  # whose evidence this belongs to


class SafetyCleared(Fact, frozen=True):
    """A hand cleared a safety input that no longer says true, by name."""

    input: str
    by: str
    orders: list[str] = field(default_factory=list)


SafetyFact = SafetyTripped | SafetyCleared
