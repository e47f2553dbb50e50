"""What befell a machine's address, board and firmware, in words: one sentence for each fact. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from agent.facts import AnyFact
from agent.facts.identity import (
    BoardExchanged,
    FirmwareChanged,
    MarkDoubled,
    MinerClear,
    MinerMoved,
    MinerReplaced,
    MinersAdopted,
    MinersDisowned,
    MinersKept,
    MinersLetGo,
    MinersProposed,
    MinersSwapped,
    MinerUnclear,
    ProposalsGone,
)

_UNKNOWN = "unknown"
NAMED = 3


def _moved(fact: MinerMoved) -> str:
    if not fact.found:
        return f"{fact.miner} is looked for at {fact.place}: another machine has its address {fact.was} now"
    return f"{fact.miner} moved from {fact.was} to {fact.place}, known by its {_mark(fact.by)}"


def _swapped(fact: MinersSwapped) -> str:
    where = ", ".join(f"{miner} is at {place}" for miner, place in fact.places.items())
    return f"{' and '.join(fact.miners)} exchanged addresses, known by their {_mark(fact.by)}s: {where}"


def _board(fact: BoardExchanged) -> str:
    known = "serial" if fact.by == "serial" else "address and model"
    macs = f"MAC {fact.was_mac or _UNKNOWN} became {fact.mac or _UNKNOWN}"
    return f"{fact.miner} has another control board: {macs}, the same {known}"


def _firmware(fact: FirmwareChanged) -> str:
    was = _named(fact.was_firmware, fact.was_version)
    return f"{fact.miner} runs {_named(fact.firmware, fact.firmware_version)}, before that {was}"


def _named(firmware: str | None, version: str | None) -> str:
    return " ".join(word for word in (firmware, version) if word) or _UNKNOWN


def _few(miners: Sequence[str]) -> str:
    return ", ".join(miners) if len(miners) <= NAMED else f"{len(miners):,} machines ({miners[0]} …)"


def _orders(orders: Sequence[str]) -> str:
    return f"order {orders[0]} closes" if len(orders) == 1 else f"orders {', '.join(orders)} close"


def _mark(kind: str) -> str:
    return "MAC" if kind == "mac" else kind


WORDS: Mapping[type[AnyFact], Callable[[Any], str]] = {
    MinerMoved: _moved,
    MinersSwapped: _swapped,
    BoardExchanged: _board,
    FirmwareChanged: _firmware,
    MinerUnclear: lambda fact: f"It is unclear whether {fact.miner} answers, so it is not raised: {fact.reason}",
    MinerClear: lambda fact: f"{fact.miner} itself answers again",
    MinersKept: lambda fact: (
        f"Taken out of the inventory, and kept where they are set until {_orders(fact.orders)}: {_few(fact.miners)}"
    ),
    MinersLetGo: lambda fact: f"No order holds what was taken out of the inventory, it is let go: {_few(fact.miners)}",
    MinersProposed: lambda fact: f"Found on the networks of [discovery], and nobody's yet: {_few(fact.miners)}",
    ProposalsGone: lambda fact: f"Proposed no longer: {_few(fact.miners)}",
    MinersAdopted: lambda fact: f"{fact.by} adopted {_few(fact.miners)} on feeder {fact.feeder}",
    MinersDisowned: lambda fact: f"{fact.by} disowned {_few(fact.miners)}: adopted no longer",
    MinerReplaced: lambda fact: (
        f"{fact.by} took what answers at the address of {fact.miner} for it: MAC {fact.mac or _UNKNOWN}"
    ),
    MarkDoubled: lambda fact: (
        f"{_mark(fact.kind)} {fact.mark} answers at the addresses of {' and '.join(fact.miners)}: "
        "they are told apart without it"
    ),
}
