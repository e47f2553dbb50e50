"""Whoever answers at a machine's address and need not be it, for hands to see; and a hand's word that it is him now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from agent.control.poller import Poller
from agent.control.recognition import seen_of
from agent.facts import AnyFact
from agent.facts.identity import MinerReplaced


def strangers(poller: Poller) -> Iterator[Mapping[str, object]]:
    """Yield each as proposals are shown; `replaces` says that he would take the place of the machine with that id."""
    for row, stranger in sorted(poller.recognition.unclear.items()):
        if (found := stranger.found) is not None:
            yield {
                "id": poller.fleet.miners[row].id,
                "host": poller.fleet.miners[row].host,
                "driver": found.driver,
                "make": found.make,
                "model": found.model,
                "firmware": found.firmware,
                "firmware_version": found.firmware_version,
                "mac": found.mac,
                "serial": found.serial,
                "note": stranger.reason,
                "since": stranger.since,
                "replaces": True,
            }


def replacements(poller: Poller, miners: Sequence[str], by: str, at: datetime) -> list[AnyFact]:
    """Return the facts that these machines' strangers are them from now on."""
    recognition, facts = poller.recognition, list[AnyFact]()
    for miner in miners:
        row = poller.fleet.index[miner]
        found, stated = recognition.unclear[row].found, poller.fleet.miners[row]
        assert found is not None
        facts.append(
            MinerReplaced(
                at=at,
                miner=miner,
                by=by,
                mac=found.mac,
                serial=found.serial,
                stated_mac=stated.mac,
                stated_serial=stated.serial,
                orders=recognition.open_orders(),
            )
        )
    return facts


def replaced(poller: Poller, facts: Sequence[AnyFact]) -> None:
    """Bind those rows to who answers there; he is asked once more, and then read."""
    for fact in facts:
        if isinstance(fact, MinerReplaced):
            row = poller.fleet.index[fact.miner]
            stranger = poller.recognition.unclear.get(row)
            if stranger is not None and stranger.found is not None:
                poller.recognition.bindings.rebind(row, seen_of(stranger.found))
                poller.soon(row)
