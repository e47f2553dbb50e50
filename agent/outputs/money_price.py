"""What price does to machines, or would do, as JSON; money is the site's, as decimal text."""

from __future__ import annotations

from typing import Any

from agent.outputs.money_desk import MoneyDesk
from agent.tariffs.peaks import unguarded
from agent.values import rfc3339


def acting_json(money: MoneyDesk | None) -> dict[str, Any] | None:
    """Return it, None where no price is weighed: there is no tariff, or nobody says what hashing earns."""
    if money is None or money.acting is None:
        return None
    told, tariff = money.acting(), money.terms.tariff
    return {
        "act": told.act,
        "currency": money.terms.currency,
        "per_kwh": None if told.market is None else f"{told.market.per_kwh:.6f}",
        "expected_per_kwh": None if told.market is None else f"{told.market.expected_per_kwh:.6f}",
        "stopped": told.stopped,
        "lowered": told.lowered,
        "gain_per_h": None if told.gain_per_h is None else f"{told.gain_per_h:.6f}",
        "gained": f"{told.gained:.6f}",
        "starts": told.starts,
        "guard": {
            "lowered": told.guarded,
            "peaks": [{"charge": name, "keeps_to_kw": round(kw, 3)} for name, kw in told.ceilings_kw],
            "unknown": list(told.unknown),
            "unguarded": [] if tariff is None else [{"charge": name, "why": why} for name, why in unguarded(tariff)],
            "avoided": f"{told.avoided:.6f}",
        },
        "since": None if told.since is None else rfc3339(told.since),
    }
