"""Safety inputs: which have tripped and not been cleared by a hand, and what each says now.

One that says true sheds its feeder, also where it said so for a moment only. Silence for longer than is allowed says
true. What has tripped stays so, over restarts, until it says false and a hand clears it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from agent.facts import AnyFact
from agent.facts.safety import SafetyCleared, SafetyTripped
from agent.fleet.seals import Objection
from agent.values import Moment

Why = str
"""true | silence"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyPolicy:
    """One safety input, from the configuration."""

    id: str
    feeder: str
    silence_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """What a safety input has done: which feeder it sheds, why, since when."""

    feeder: str
    why: Why
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyView:
    """One safety input as it is shown; `says` None where it has said nothing since the start."""

    id: str
    feeder: str
    says: bool | None
    age_s: float | None
    trip: Trip | None


@dataclass(slots=True)
class _Said:
    """What an input said last, and when we heard it live."""

    heard_at: float
    is_heard: bool = False
    value: bool | None = None
    had_been: bool = False  # it said true since the last look


class Safety:
    """The safety inputs of one site."""

    def __init__(self, policies: Sequence[SafetyPolicy] = (), mono: float = 0.0) -> None:
        self._policies = {policy.id: policy for policy in policies}
        self._said = {policy.id: _Said(mono) for policy in policies}
        self._trips: dict[str, Trip] = {}

    @property
    def trips(self) -> Mapping[str, Trip]:
        """What has tripped and was not cleared, by input; also of inputs that are configured no longer."""
        return self._trips

    @property
    def may_fall_silent(self) -> bool:
        """Whether silence may trip any of them."""
        return any(policy.silence_s is not None for policy in self._policies.values())

    def heard(self, name: str, *, value: bool, mono: float, kept: bool = False) -> bool:
        """Take in what one says; returns whether it trips. What a broker had kept is no sign of life."""
        said = self._said[name]
        said.value = value
        said.had_been |= value
        if not kept:
            said.heard_at, said.is_heard = mono, True
        return value and self._is_news(name, "true")

    def is_due(self, mono: float) -> bool:
        """Whether one would trip if it were looked at."""
        return any(self._is_news(name, self._why(name, mono)) for name in self._policies)

    def look(self, orders: Sequence[str], now: Moment) -> list[SafetyTripped]:
        """Return what trips at this moment."""
        facts: list[SafetyTripped] = []
        for name, policy in self._policies.items():
            why = self._why(name, now.mono)
            if why is not None and self._is_news(name, why):
                facts.append(SafetyTripped(at=now.at, input=name, feeder=policy.feeder, why=why, orders=list(orders)))
                self.apply(facts[-1])
            self._said[name].had_been = False
        return facts

    def apply(self, fact: AnyFact) -> None:
        """Take in a fact, of now or remembered."""
        match fact:
            case SafetyTripped(input=name):
                known = self._trips.get(name)
                trip = Trip(feeder=fact.feeder, why=fact.why, since=fact.at)
                self._trips[name] = trip if known is None else replace(known, why=fact.why)
            case SafetyCleared(input=name):
                self._trips.pop(name, None)
            case _:
                return

    def against_clearing(self, name: str, mono: float) -> Objection | None:
        """Return why an input cannot be cleared now."""
        if name not in self._trips:
            known = name in self._policies
            return Objection(field="id", reason=f"{name} has not tripped" if known else f"there is no input {name}")
        if name in self._policies and (why := self._why(name, mono)) is not None:
            silent_s = mono - self._said[name].heard_at
            still = "still says true" if why == "true" else f"has been silent for {silent_s:,.0f} s"
            return Objection(field="id", reason=f"{name} {still}")
        return None

    def views(self, mono: float) -> Iterator[SafetyView]:
        """Yield each input as it is shown; those that are configured no longer while they have tripped."""
        for name in {**self._policies, **self._trips}:
            said, policy, trip = self._said.get(name), self._policies.get(name), self._trips.get(name)
            yield SafetyView(
                id=name,
                feeder=policy.feeder if policy is not None else self._trips[name].feeder,
                says=None if said is None else said.value,
                age_s=None if said is None or not said.is_heard else mono - said.heard_at,
                trip=trip,
            )

    def _why(self, name: str, mono: float) -> Why | None:
        said, silence_s = self._said[name], self._policies[name].silence_s
        if said.value or said.had_been:
            return "true"
        return "silence" if silence_s is not None and mono - said.heard_at > silence_s else None

    def _is_news(self, name: str, why: Why | None) -> bool:
        trip = self._trips.get(name)
        return why is not None and (trip is None or (trip.why == "silence" and why == "true"))
