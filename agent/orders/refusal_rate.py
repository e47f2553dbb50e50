"""At most one refusal a second for each topic and issuer: what is held back is counted and rolled up, never lost."""

from __future__ import annotations

from dataclasses import dataclass

from agent.orders.order import Rejection

EACH_S = 1.0
Key = tuple[str | None, str | None]


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

    def admit(self, rejection: Rejection, transport: str, mono: float) -> Refusals | None:
        """Return what may be told now, with what was held back before it; None where it is held back itself."""
        key = (rejection.order_id, rejection.issuer)
        before = self._held.pop(key, None)
        found = Refusals(rejection=rejection, transport=transport, count=1 + (before.count if before else 0))
        if mono - self._last.get(key, float("-inf")) < EACH_S:
            self._held[key] = found
            return None
        self._last[key] = mono
        return found

    def due(self, mono: float) -> list[Refusals]:
        """Return what was held back for a second, once."""
        self._last = {key: at for key, at in self._last.items() if mono - at < EACH_S}
        ready = [key for key in self._held if key not in self._last]
        self._last |= dict.fromkeys(ready, mono)
        return [self._held.pop(key) for key in ready]
