"""Looking for machines: knock at every address of given networks, then ask who answers. Nothing is changed anywhere.

Every address is knocked at twice on the API port, once it was silent; who turns that down lives, and is tried on the
other ports. Only an open door is asked who it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from ipaddress import IPv4Address

from drivers.errors import DeviceError, NotListening, NotPermitted, Unreachable
from drivers.identify import identify
from drivers.interface import Identity, Target
from drivers.transports.connect_lane import ConnectLane, Door
from drivers.transports.lanes import Lanes
from drivers.transports.socket_lane import TOO_LATE

API_PORT, OTHER_PORTS = 4028, (80, 4433)
TICK_S = 0.01
MADE_UP_FOR_S = 0.1
ATTEMPTS = 3
ASKED_AT_ONCE = 64


class Outcome(StrEnum):
    """What is at an address; all but FOUND, UNKNOWN, REFUSED and MUTE without an open door."""

    FOUND = "found"  # it said who it is
    UNKNOWN = "unknown"  # it said what no driver knows
    REFUSED = "refused"  # it took the connection and turned us away
    MUTE = "mute"  # it took the connection and said nothing in time
    CLOSED = "closed"  # it turned every connection down
    SILENT = "silent"  # nothing came back
    UNREACHABLE = "unreachable"  # there is no way there


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How hard a network is knocked at: connections a second, how long each is waited for, how many at once."""

    rate_per_s: float = 3000
    timeouts_s: tuple[float, ...] = (1.5, 3.5)  # a pass each; the system repeats a lost packet after 1 s and 3 s
    most_at_once: int = 4096
    answer_s: float = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """An address with an open door: which, what came of asking, and who it is where it said so."""

    host: str
    ports: tuple[int, ...]
    outcome: Outcome
    identity: Identity | None = None
    said: str | None = None
    denied: str | None = None  # the driver of a machine that says no more without a login, or "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What a look at some addresses has found: those with a machine's open door, and how many are what."""

    met: tuple[Met, ...]
    counts: dict[Outcome, int]


Doors = dict[tuple[str, int], Door]


async def look(hosts: Sequence[str], pace: Pace, source_address: str | None = None) -> Sighting:
    """Knock at these addresses and ask who answers. Raises OSError where this host has nothing to spare."""
    lane = ConnectLane(asyncio.get_running_loop(), source_address)
    try:
        doors = await _knock(lane, [(host, API_PORT) for host in hosts], pace)
        alive = [host for host in hosts if doors[host, API_PORT] is Door.CLOSED]
        doors |= await _knock(lane, [(host, port) for port in OTHER_PORTS for host in alive], pace)
    finally:
        lane.close()
    opened: dict[str, list[int]] = {}
    for (host, port), door in doors.items():
        if door is Door.OPEN:
            opened.setdefault(host, []).append(port)
    met = await _ask(opened, pace, source_address)
    shut = (doors[host, API_PORT] for host in hosts if host not in opened)
    return Sighting(met=tuple(one for one in met if not _only_a_web_page(one)), counts=_counted(met, shut))


def _only_a_web_page(met: Met) -> bool:
    """Whether it says nothing at a door that printers have too: counted, and not worth a row."""
    return met.outcome is Outcome.MUTE and API_PORT not in met.ports


def _counted(met: Iterable[Met], shut: Iterable[Door]) -> dict[Outcome, int]:
    counts = dict.fromkeys(Outcome, 0)
    for one in met:
        counts[one.outcome] += 1
    for door in shut:
        counts[Outcome(door.value)] += 1
    return counts


async def _knock(lane: ConnectLane, places: list[tuple[str, int]], pace: Pace) -> Doors:
    """Return what each door did; who was silent is knocked at again."""
    doors: Doors = {}
    left = places
    for timeout_s in pace.timeouts_s:
        await _pass(lane, left, (pace, timeout_s), doors.__setitem__)
        left = [place for place in left if doors[place] is Door.SILENT]
    return doors


async def _pass(
    lane: ConnectLane,
    places: list[tuple[str, int]],
    how: tuple[Pace, float],
    seen: Callable[[tuple[str, int], Door], None],
) -> None:
    """Knock at each place once; what was missed of the rate for a tenth of a second is made up for, no more."""
    pace, timeout_s = how
    clock = asyncio.get_running_loop().time
    last, begun, due = clock(), 0, 1.0
    while begun < len(places):
        now = clock()
        due, last = min(due + (now - last) * pace.rate_per_s, pace.rate_per_s * MADE_UP_FOR_S + 1), now
        piece = places[begun : begun + min(int(due), pace.most_at_once - lane.under_way)]
        for place in piece:
            lane.knock(place, timeout_s, partial(seen, place))
        begun += len(piece)
        due -= len(piece)
        await asyncio.sleep(TICK_S)
    await lane.quiet()


async def _ask(opened: dict[str, list[int]], pace: Pace, source_address: str | None) -> list[Met]:
    """Ask everybody with an open door who it is, so many at once."""
    lanes = Lanes(source_address, pace.answer_s)
    turns = asyncio.Semaphore(ASKED_AT_ONCE)

    async def one(host: str, ports: list[int]) -> Met:
        async with turns:
            return await _met(lanes, host, tuple(ports))

    try:
        return list(await asyncio.gather(*(one(host, ports) for host, ports in sorted(opened.items(), key=_address))))
    finally:
        await lanes.close()


def _address(opened: tuple[str, list[int]]) -> IPv4Address:
    return IPv4Address(opened[0])


async def _met(lanes: Lanes, host: str, ports: tuple[int, ...]) -> Met:
    """Ask one machine, again where no whole answer came: a lost packet is no verdict."""
    error: DeviceError = Unreachable("not asked")
    for _ in range(ATTEMPTS):
        try:
            identity = await lanes.run(Target(host=host), identify(Target(host=host)))
        except Unreachable as silent:
            error = silent
        except DeviceError as answer:
            error = answer
            break
        else:
            return Met(host=host, ports=ports, outcome=Outcome.FOUND, identity=identity)
    denied = error.driver if isinstance(error, NotPermitted) else None
    return Met(host=host, ports=ports, outcome=_outcome(error, ports), said=str(error), denied=denied)


def _outcome(error: DeviceError, ports: tuple[int, ...]) -> Outcome:
    """Return what an error means; a web server alone that gives no answer need be no machine that turns us away."""
    if not isinstance(error, Unreachable):
        return Outcome.REFUSED if isinstance(error, NotPermitted) else Outcome.UNKNOWN
    silent = isinstance(error, NotListening) or str(error) == TOO_LATE
    return Outcome.MUTE if silent or API_PORT not in ports else Outcome.REFUSED
