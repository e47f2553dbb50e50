"""At most one refusal a second for each topic and issuer, and a bounded number over all of them.

What is held back is counted and rolled up, never lost. Whoever draws a new id for each document gets the first thousand
answered and then one a second; the others are told together, a line for each code.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from agent.orders.order import Rejection

EACH_S = 1.0
BURST, REFILL_PER_S = 1000.0, 1.0
"""So many sources are told apart at once, and so many more each second: no farm has more dispatchers."""
MANY = "of too many ids to tell each"
Key = tuple[str | None, str | None, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusals:
    """The latest refusal of a source, how many it stands for, and over which transport it came."""

    rejection: Rejection
    transport: str
    count: int = 1


class RefusalRate:
    """Lets one refusal a second through for each topic and issuer, and counts those that it held back."""

    def __init__(self) -> None:
        self._last: dict[Key, float] = {}
        self._held: dict[Key, Refusals] = {}
        self._left = BURST
        self._left_at: float | None = None

    def admit(self, rejection: Rejection, transport: str, mono: float) -> Refusals | None:
        """Return what may be told now, with what was held back before it; None where it is held back itself."""
        key: Key = (rejection.order_id, rejection.issuer, None)
        if key not in self._last and key not in self._held and not self._has_room(mono):
            rejection = replace(rejection, order_id=None, revision=None, issuer=None, order_class=None, reason=MANY)
            key = (None, None, rejection.code)
        before = self._held.pop(key, None)
        found = Refusals(rejection=rejection, transport=transport, count=1 + (before.count if before else 0))
        if mono - self._last.get(key, float("-inf")) < EACH_S:
            self._held[key] = found
            return None
        self._last[key] = mono
        return found

    def _has_room(self, mono: float) -> bool:
        """Take a place for one more source, where there is one."""
        passed_s = 0.0 if self._left_at is None else max(0.0, mono - self._left_at)
        self._left, self._left_at = min(BURST, self._left + REFILL_PER_S * passed_s), mono
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True

    def due(self, mono: float) -> list[Refusals]:
        """Return what was held back for a second, once."""
        self._last = {key: at for key, at in self._last.items() if mono - at < EACH_S}
        ready = [key for key in self._held if key not in self._last]
        self._last |= dict.fromkeys(ready, mono)
        return [self._held.pop(key) for key in ready]
