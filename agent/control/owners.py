"""What contracts with owners allow of levels: kept to by every order and limit but law, emergency and safety."""

from __future__ import annotations

from dataclasses import dataclass, replace

from agent.fleet.view import Flags, FleetView
from agent.orders.arbitration import Cap
from agent.orders.order import STEPPING


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnersTerms:
    """`whole` marks whose machines run in full or sleep, and are never lowered to a level between."""

    whole: Flags

    def over(self, view: FleetView, cap: Cap, *, tripped: bool) -> FleetView:
        """Return the view with it; as it was while a law, an emergency or a safety input (`tripped`) binds."""
        overridden = tripped or cap.may_step or any(bound.order.order_class in STEPPING for bound in cap.parts)
        return view if overridden else replace(view, whole=self.whole)
