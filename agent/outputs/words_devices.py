"""What befell devices that are no machines and no meters, in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from agent.facts import AnyFact
from agent.facts.climate import FrostSeen, HeatSeen
from agent.facts.outlets import OutletSeen, OutletSwitched
from agent.facts.remedies import NoticeTold, Remedied
from agent.facts.safety import SafetyCleared, SafetyTripped

NAMED = 5


def _heat(fact: HeatSeen) -> str:
    said = [f"Too hot: {_named(fact.hot)}"] if fact.hot else []
    said += [f"{'cool' if said else 'Cool'} again: {_named(fact.cool)}"] if fact.cool else []
    return "; ".join(said) or "Nobody is too hot"


def _named(miners: list[str]) -> str:
    more = len(miners) - NAMED
    return ", ".join(miners[:NAMED]) + (f" and {more} more" if more > 0 else "")


DEVICES: Mapping[type[AnyFact], Callable[[Any], str]] = {
    SafetyTripped: lambda fact: (
        f"Safety input {fact.input} {'says true' if fact.why == 'true' else 'is silent'}: feeder {fact.feeder} is shed"
    ),
    OutletSwitched: lambda fact: (
        f"Outlet {fact.outlet} is {'given back' if fact.on else 'cut'}: {len(fact.miners)} machines; {fact.why}"
    ),
    OutletSeen: lambda fact: (
        f"Outlet {fact.outlet} is seen {'on' if fact.on else 'off'}"
        if fact.on is not None
        else f"Outlet {fact.outlet} is silent"
    ),
    HeatSeen: _heat,
    FrostSeen: lambda fact: (
        f"Loops of {fact.machines} machines {'must stay pumped' if fact.frost else 'may stand again'}: "
        + ("nobody tells how cold it is" if fact.ambient_c is None else f"{fact.ambient_c:.1f} °C at the most")
    ),
    Remedied: lambda fact: (
        f"{'Nothing is sent: ' if fact.dry else ''}{fact.remedy} of {fact.miner}"
        f"{'' if fact.outlet is None else f' by {fact.outlet}'}, for {fact.why}"
    ),
    NoticeTold: lambda fact: (
        f"An alarm ({fact.kind}) {'reached nobody' if fact.given_up else 'was taken'}: webhook {fact.webhook}"
    ),
    SafetyCleared: lambda fact: f"{fact.by} cleared safety input {fact.input}",
}
