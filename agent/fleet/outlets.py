"""Outlets: PDUs, contactors, breakers that cut feeders. What each says, and which we have cut.

One that was read as off within `stale_s` proves what is behind it off. What we have cut we give back; what a hand cut
we do not touch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from agent.facts import AnyFact
from agent.facts.outlets import OutletSeen, OutletSwitched
from agent.values import Moment, Watts


@dataclass(frozen=True, slots=True, kw_only=True)
class OutletPolicy:
    """One outlet, from the configuration: which feeders it cuts, and for how long its word counts."""

    id: str
    feeders: tuple[str, ...] = ()
    stale_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OutletView:
    """One outlet as it is shown. `wanted` False: we cut it; True: given back and not seen on yet; None: neither."""

    id: str
    feeders: tuple[str, ...]
    on: bool | None
    age_s: float | None
    power_w: Watts | None
    wanted: bool | None
    waits: str | None  # for what it is not given back, or why it is not cut


@dataclass(slots=True)
class _Said:
    on: bool | None
    power_w: Watts | None
    at: float


class Outlets:
    """The outlets of one site; `may_cut` where the owner allows that power is cut.

    `respond_s`: so long machines have to obey before those out of reach count as ones that do not.
    """

    def __init__(
        self, policies: Sequence[OutletPolicy] = (), *, may_cut: bool = False, respond_s: float = 300.0
    ) -> None:
        self.may_cut = may_cut
        self.respond_s = respond_s
        self.policies = {policy.id: policy for policy in policies}
        self.waits: dict[str, str] = {}
        self._said: dict[str, _Said] = {}
        self._wanted: dict[str, bool] = {}
        self._told: dict[str, bool | None] = {}

    @property
    def wanted(self) -> Mapping[str, bool]:
        """What we mean of outlets: False for those that we cut, True for those on their way back."""
        return self._wanted

    def heard(self, name: str, *, on: bool | None, power_w: Watts | None, mono: float) -> None:
        """Take in what one says."""
        self._said[name] = _Said(on, power_w, mono)
        if on and self._wanted.get(name):
            del self._wanted[name]

    def is_on(self, name: str, mono: float) -> bool | None:
        """Return what one says now, None where it says nothing, or did so too long ago."""
        said = self._said.get(name)
        return None if said is None or mono - said.at > self.policies[name].stale_s else said.on

    def apply(self, fact: AnyFact) -> None:
        """Take in a fact, of now or remembered."""
        if isinstance(fact, OutletSwitched) and fact.outlet in self.policies:
            self._wanted[fact.outlet] = fact.on
        if isinstance(fact, OutletSeen) and fact.on and self._wanted.get(fact.outlet):
            del self._wanted[fact.outlet]  # it came back: whoever switches it off later is not us

    def news(self, orders: Sequence[str], now: Moment) -> list[AnyFact]:
        """Return which say something else than they did; that one is on when it is first heard is no news."""
        facts: list[AnyFact] = []
        for name in self.policies:
            on = self.is_on(name, now.mono)
            if on != self._told.get(name):
                is_first = name not in self._told and on
                self._told[name] = on
                facts += [] if is_first else [OutletSeen(at=now.at, outlet=name, on=on, orders=list(orders))]
        return facts

    def views(self, mono: float) -> Iterator[OutletView]:
        """Yield each outlet as it is shown."""
        for name, policy in self.policies.items():
            said = self._said.get(name)
            yield OutletView(
                id=name,
                feeders=policy.feeders,
                on=self.is_on(name, mono),
                age_s=None if said is None else mono - said.at,
                power_w=None if said is None else said.power_w,
                wanted=self._wanted.get(name),
                waits=self.waits.get(name),
            )
