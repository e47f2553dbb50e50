"""What an order bears upon, found in this farm: its machines, its meter, and the site as that order is judged by it.

A limit without targets is the site's, at the billing meter. Targets that are one feeder are measured by its meter, if
it has one; others by their machines' figures with a margin. Exempt machines count and are not commanded. An exempt
source's kW are taken off what is counted; consumption is import and what the site generates (contract 4).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from agent.control.metering import BEFORE_S, Metering
from agent.control.observation import among, coming_up
from agent.fleet.fleet import Fleet
from agent.fleet.power import BELIEF_MARGIN, belief_error_w
from agent.fleet.view import Flags, FleetView
from agent.orders.arbitration import Binding
from agent.orders.compliance import Observed, Waiting
from agent.orders.limit import Stop
from agent.orders.order import STEPPING, Chosen, Order, Scope
from agent.planning.part import Part
from agent.values import Moment, Watts

ROOT = "site"
OF_SITE = frozenset({"billing", "check"})
OF_FEEDER = frozenset({"feeder", "connection"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A scope in this farm. `feeder` is its place in the tree where it is measured there; `whole`: at the site's."""

    targets: Flags
    commanded: Flags
    feeder: int | None
    whole: bool


class Scopes:
    """Finds what orders name; rows stay, so what was found is kept as long as an order of that scope is open."""

    def __init__(self, fleet: Fleet, metering: Metering) -> None:
        self._fleet = fleet
        self._metering = metering
        self._known: dict[Scope, Place] = {}
        self._feeder = np.array([fleet.tree.positions[miner.feeder] for miner in fleet.miners], np.intp)
        self._by_tag: dict[str, list[int]] = {}
        for row, miner in enumerate(fleet.miners):
            for tag in miner.tags:
                self._by_tag.setdefault(tag, []).append(row)

    def keep(self, scopes: Iterable[Scope]) -> None:
        """Forget what no order names any more: whoever sends documents must not fill the memory."""
        kept = set(scopes)
        if len(self._known) > len(kept):
            self._known = {scope: place for scope, place in self._known.items() if scope in kept}

    # what an order names -------------------------------------------------------------------------------------

    def unknown(self, order: Order) -> str | None:
        """Return what this order names and this farm has not, None where it has all of it."""
        return self.lacks(order.scope)

    def lacks(self, scope: Scope) -> str | None:
        """Return what a scope names and this farm has not, None where it has all of it."""
        tree, fleet, meters = self._fleet.tree, self._fleet, self._metering.instruments
        for field, chosen in (("targets", scope.targets), ("exempt", scope.exempt)):
            for name, given, known in (
                ("feeders", chosen.feeders, tree.positions),
                ("tags", chosen.tags, self._by_tag),
                ("miners", chosen.miners, fleet.index),
            ):
                missing = next((one for one in given if one not in known), None)
                if missing is not None:
                    return f"{field}.{name}: {missing}"
        missing = next((one for one in scope.sources if one not in meters), None)
        if missing is not None:
            return f"exempt.sources: {missing} is no meter"
        at = scope.at
        if at in tree.positions or (at in meters and meters[at].policy.role in OF_SITE | OF_FEEDER):
            return None
        return f"measure.at: {at} is no feeder, and no meter of the site or a feeder"

    def beyond(self, order: Order, feeders: Iterable[str]) -> bool:
        """Whether an order commands machines outside these feeders."""
        inside = np.zeros(len(self._fleet), np.bool_)
        for feeder in feeders:
            inside |= self.below(feeder)
        return bool((self.place(order.scope).commanded & ~inside).any())

    def place(self, scope: Scope) -> Place:
        """Return a scope in this farm."""
        if scope not in self._known:
            self._known[scope] = self._found(scope)
        return self._known[scope]

    def _found(self, scope: Scope) -> Place:
        at = self._measured_at(scope.at)
        chosen = scope.targets
        if not chosen.names_any and at != ROOT:
            chosen = Chosen(feeders=(at,))
        targets = self._rows(chosen) if chosen.names_any else np.ones(len(self._fleet), np.bool_)
        exempt = self._rows(scope.exempt) if scope.exempt.names_any else np.zeros(len(self._fleet), np.bool_)
        one = chosen.feeders[0] if len(chosen.feeders) == 1 and not (chosen.tags or chosen.miners) else None
        whole = not chosen.names_any or one == ROOT
        feeder = None if whole or one is None else self._fleet.tree.positions[one]
        return Place(targets=targets, commanded=targets & ~exempt, feeder=feeder, whole=whole)

    def _measured_at(self, at: str) -> str:
        meter = self._metering.instruments.get(at)
        if at in self._fleet.tree.positions or meter is None:
            return at
        return meter.policy.feeder if meter.policy.role in OF_FEEDER else ROOT

    def _rows(self, chosen: Chosen) -> Flags:
        rows = np.zeros(len(self._fleet), np.bool_)
        for feeder in chosen.feeders:
            rows |= self.below(feeder)
        rows[[self._fleet.index[miner] for miner in chosen.miners]] = True
        for tag in chosen.tags:
            rows[self._by_tag[tag]] = True
        return rows

    def below(self, feeder: str) -> Flags:
        """Return which machines hang below a feeder."""
        tree = self._fleet.tree
        parents, top = tree.parents(), tree.positions[feeder]
        inside = np.zeros(len(parents), np.bool_)
        inside[top] = True
        for position in range(top + 1, len(parents)):
            inside[position] |= parents[position] >= 0 and inside[parents[position]]
        below: Flags = inside[self._feeder]
        return below

    # what planning is asked for ------------------------------------------------------------------------------

    def part(self, bound: Binding, now: Moment) -> Part:
        """Return a limit that bears upon less than the site, as planning keeps it."""
        order, place = bound.order, self.place(bound.order.scope)
        is_stop = bound.stops
        rate = order.ramp_kw_per_min
        return Part(
            key=order.order_id,
            commanded=place.commanded,
            counted=None if place.whole else place.targets,
            feeder=place.feeder,
            cap_w=float("inf") if is_stop else bound.cap_w + (self.offset_w(order.scope, now) if place.whole else 0.0),
            stop=is_stop,
            may_step=order.order_class in STEPPING,
            shed_w_per_s=None if rate is None else rate * 1000 / 60,
        )

    def offset_w(self, scope: Scope, now: Moment) -> Watts:
        """Return what the billing meter shows beyond what a limit counts: exempt supply, less what is generated."""
        generated_w = 0.0
        if scope.quantity == "consumption":
            meters = self._metering.instruments.values()
            generated_w = sum(self._shown_w(one.policy.id, now) for one in meters if one.policy.role == "generation")
        return sum(self._shown_w(source, now) for source in scope.sources) - generated_w

    def _shown_w(self, meter: str, now: Moment) -> Watts:
        return self._metering.instruments[meter].state(now.mono).last_w or 0.0

    # how an order is judged ----------------------------------------------------------------------------------

    def observed(self, order: Order, site: Observed, view: FleetView, now: Moment) -> Observed:
        """Return the site as an order is judged by it."""
        if order.is_of_site:
            return site
        place = self.place(order.scope)
        seen = among(site, self._fleet, view, place.commanded)
        seen = replace(
            seen,
            restore_pending=seen.restore_pending or not site.proved,
            waiting=self.waiting(place.commanded, view, proved=site.proved),
        )
        if place.whole:
            return self._at_site(order, seen, view, place, now)
        return self._below_site(order, seen, view, place, now)

    def waiting(self, commanded: Flags, view: FleetView, *, proved: bool) -> Waiting:
        """Return what tells whether these machines have still to come back where others bind some of them."""
        told: dict[tuple[frozenset[Scope], bool], bool] = {}  # hundreds of orders that are over ask the same

        def has_to_come_back(others: Sequence[Scope], by_readings: bool) -> bool:  # noqa: FBT001 - as `Waiting` has it
            asked = frozenset(others), by_readings
            if asked not in told:
                told[asked] = answer(*asked)
            return told[asked]

        def answer(others: frozenset[Scope], by_readings: bool) -> bool:  # noqa: FBT001 - as above
            left = commanded.copy()
            for scope in others:
                left &= ~self.place(scope).commanded
            below = ((view.setpoint > view.intended) | self._fleet.owed) & ~view.held
            below |= coming_up(view) if by_readings else False
            return bool((left & below).any() if proved else left.any())

        return has_to_come_back

    def _at_site(self, order: Order, site: Observed, view: FleetView, place: Place, now: Moment) -> Observed:
        less_w = self.offset_w(order.scope, now)
        shown_w = float("inf") if site.meter_w is None else max(0.0, site.meter_w - less_w)
        less_w += self._left_w(order, view, place, shown_w)
        means = site.means
        return replace(
            site,
            meter_w=None if site.meter_w is None else site.meter_w - less_w,
            believed_w=site.believed_w - less_w,
            means=None if means is None else lambda first, last: _less(means(first, last), less_w),
            before_w=None if site.before_w is None else site.before_w - less_w,
        )

    def _left_w(self, order: Order, view: FleetView, place: Place, shown_w: Watts) -> Watts:
        """Return what machines that a stop leaves at work draw; an error of beliefs is no draw below 0."""
        if not isinstance(order.limit, Stop):
            return 0.0
        exempt = place.targets & ~place.commanded & ~view.sealed
        believed_w = float(view.believed_w[exempt].sum())
        return min(believed_w + belief_error_w(believed_w, float(view.model_w[exempt].sum())), shown_w)

    def _below_site(self, order: Order, site: Observed, view: FleetView, place: Place, now: Moment) -> Observed:
        counted = place.commanded if isinstance(order.limit, Stop) else place.targets
        believed_w = float(view.believed_w[counted & ~view.sealed].sum())
        meter = None if place.feeder is None else self._metering.feeder_meter(place.feeder, now.mono)
        max_w = None if place.feeder is None else self._fleet.tree.feeders[place.feeder].max_w
        connection_w = site.connection_w if max_w is None else max_w
        if meter is None:
            return replace(
                site,
                meter_w=None,
                meter="beliefs",
                believed_w=BELIEF_MARGIN * believed_w,
                house_w=0.0,
                standby_w=BELIEF_MARGIN * site.standby_w,
                means=None,
                before_w=None,
                connection_w=connection_w,
                peak_12m_w=None,
            )
        shown_w = meter.state(now.mono).last_w or 0.0
        left_w = self._left_w(order, view, place, shown_w)
        shown_w, means = shown_w - left_w, meter.trail.means(now.mono)
        return replace(
            site,
            meter_w=shown_w,
            meter=meter.policy.id,
            believed_w=believed_w,
            house_w=max(0.0, shown_w - believed_w),
            means=lambda first, last: _less(means(first, last), left_w),
            late_s=meter.policy.delay_s,
            before_w=meter.trail.mean_w(now.mono - BEFORE_S, now.mono),
            connection_w=connection_w,
            peak_12m_w=None,
        )


def _less(mean_w: Watts | None, less_w: Watts) -> Watts | None:
    return None if mean_w is None else mean_w - less_w
