"""How often somebody is woken by the same thing: once an hour, and then with how often it was meanwhile. Pure.

A program that fights with ours over one machine, or an order that is met and broken by turns, is one alarm and not
hundreds; every case of it stays in the ledger.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from datetime import datetime, timedelta

from agent.facts import AnyFact, SealBroken, UnauthorisedWake
from agent.facts.clock import ClockStepped, ClockTrusted
from agent.facts.safety import SafetyTripped

NOW, EACH, WAVE = timedelta(0), timedelta(hours=1), timedelta(minutes=1)
"""Once in so long each; and machines that somebody wakes one after the other within a minute are one case."""
MOST_KNOWN = 200_000
"""Subjects that are remembered, more than machines can be; the one that was told the longest ago is forgotten first."""


class AlarmRate:
    """What was told in the last hour, by kind of alarm and by what it is about."""

    def __init__(self) -> None:
        self._told_at: OrderedDict[tuple[str, str], datetime] = OrderedDict()
        self._wave_at: datetime | None = None  # when it was told last that machines were woken
        self._since: dict[tuple[str, str], int] = {}
        self._stepped = NOW  # by how much the host's clock stepped while it is not trusted yet

    def passes(self, fact: AnyFact) -> None:
        """Let time pass with any fact: a step of the clock that comes to be trusted is no time that passed."""
        match fact:
            case ClockStepped(step_s=step_s):
                self._stepped += timedelta(seconds=step_s)
            case ClockTrusted():
                ahead, self._stepped = max(self._stepped, NOW), NOW
                if ahead:
                    self._told_at = OrderedDict((about, at + ahead) for about, at in self._told_at.items())
                    self._wave_at = None if self._wave_at is None else self._wave_at + ahead
            case _:
                return

    def admit(self, fact: AnyFact, kind: str) -> int | None:
        """Return how often it was since it was last told, None where that is not an hour ago.

        A safety input is told each time.
        """
        if isinstance(fact, SafetyTripped):
            return 0
        subjects = [(kind, about) for about in _about(fact)]
        new = [one for one in subjects if one not in self._told_at or not NOW <= fact.at - self._told_at[one] < EACH]
        is_wake = isinstance(fact, UnauthorisedWake)
        if new and is_wake and self._wave_at is not None and NOW <= fact.at - self._wave_at < WAVE:
            return None  # who is woken still after it is told then
        for one in set(subjects).difference(new):
            self._since[one] = self._since.get(one, 0) + 1
        for one in new:
            self._told_at[one] = fact.at
            self._told_at.move_to_end(one)
        self._forget()
        if new and is_wake:
            self._wave_at = fact.at
        return max((self._since.pop(one, 0) for one in new), default=None)

    def _forget(self) -> None:
        while len(self._told_at) > MOST_KNOWN:
            gone, _ = self._told_at.popitem(last=False)
            self._since.pop(gone, None)


def _about(fact: AnyFact) -> Iterator[str]:
    """Yield what an alarm is about: each machine that was woken or hashes sealed, else the order, issuer or meter."""
    if isinstance(fact, UnauthorisedWake):
        yield from fact.miners
        return
    if isinstance(fact, SealBroken):
        yield from (*fact.powers_w, *fact.feeders_w)
        return
    told = (getattr(fact, name, None) for name in ("order_id", "issuer", "meter", "binding_order"))
    yield next((str(one) for one in told if one is not None), "")
