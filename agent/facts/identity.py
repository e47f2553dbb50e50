"""Facts of who a machine is: what befell its address, its control board, its firmware. What it says is MinerSeen.

A place is written as the configuration writes one: `HOST`, `HOST:PORT` or `HOST:PORT/HTTP_PORT`. `stated` is what the
inventory said then: once it says something else, that holds.
"""

from __future__ import annotations

import msgspec

from agent.facts.fact import Fact


class MinerMoved(Fact, frozen=True):
    """A miner is at another address: found there, or looked for there since its own is another miner's now."""

    miner: str
    place: str
    was: str
    stated: str
    by: str  # mac | serial: what says so
    found: bool = True
    orders: list[str] = msgspec.field(default_factory=list)  # those open then


class MinersSwapped(Fact, frozen=True):
    """Two miners answer at each other's addresses: where each is now, by its id."""

    miners: list[str]
    places: dict[str, str]
    stated: dict[str, str]
    by: str
    orders: list[str] = msgspec.field(default_factory=list)


class BoardExchanged(Fact, frozen=True):
    """A miner has another control board: its MAC is another, and its serial, or its address and model, are the same."""

    miner: str
    mac: str | None
    was_mac: str | None
    stated_mac: str | None = None
    serial: str | None = None
    by: str = "address"  # serial | address
    orders: list[str] = msgspec.field(default_factory=list)


class FirmwareChanged(Fact, frozen=True):
    """A miner runs another firmware, or another version of it."""

    miner: str
    firmware: str | None
    firmware_version: str | None
    was_firmware: str | None = None
    was_version: str | None = None
    driver: str | None = None
    was_driver: str | None = None
    orders: list[str] = msgspec.field(default_factory=list)


class MinerUnclear(Fact, frozen=True):
    """What answers at a miner's address need not be that miner: it is not raised, and not read for it."""

    miner: str
    reason: str
    orders: list[str] = msgspec.field(default_factory=list)


class MinerClear(Fact, frozen=True):
    """The miner itself answers again."""

    miner: str
    orders: list[str] = msgspec.field(default_factory=list)


class MarkDoubled(Fact, frozen=True):
    """One MAC or serial answers at these miners' addresses at once: they are told apart without it from now on."""

    miners: list[str]
    kind: str  # mac | serial
    mark: str
    orders: list[str] = msgspec.field(default_factory=list)


class MinersKept(Fact, frozen=True):
    """Miners that were taken out of the inventory while these orders hold them: they keep their setpoints."""

    miners: list[str]
    orders: list[str]


class MinersLetGo(Fact, frozen=True):
    """No order holds these miners any more, which the inventory does not name: they are left alone."""

    miners: list[str]
    orders: list[str] = msgspec.field(default_factory=list)  # those that held them


class Found(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A machine that nobody told us of: the id that it would have, where it answers, what it says of itself."""

    miner: str
    host: str
    driver: str | None = None
    make: str | None = None
    model: str | None = None
    firmware: str | None = None
    firmware_version: str | None = None
    mac: str | None = None
    serial: str | None = None
    note: str | None = None  # what speaks against adopting it


class MinersProposed(Fact, frozen=True):
    """Discovery found these machines on the configured networks; they are nobody's until they are adopted."""

    miners: list[str]
    found: list[Found]


class ProposalsGone(Fact, frozen=True):
    """These proposals are none any more: nobody answers there, or the inventory names them."""

    miners: list[str]


class MinersAdopted(Fact, frozen=True):
    """These machines belong to the farm from now on, though the inventory does not name them yet."""

    miners: list[str]
    found: list[Found]
    by: str
    feeder: str = "site"
    credentials: str | None = None
    tags: list[str] = msgspec.field(default_factory=list)


class MinersDisowned(Fact, frozen=True):
    """These machines, which were adopted, belong to the farm no longer; only a hand adopts them again."""

    miners: list[str]
    by: str


class MinerReplaced(Fact, frozen=True):
    """A hand took what answers at a miner's address for that miner from now on. `stated`: what the inventory said."""

    miner: str
    by: str
    mac: str | None = None
    serial: str | None = None
    stated_mac: str | None = None
    stated_serial: str | None = None
    orders: list[str] = msgspec.field(default_factory=list)


IdentityFact = (
    MinerMoved
    | MinersSwapped
    | BoardExchanged
    | FirmwareChanged
    | MinerUnclear
    | MinerClear
    | MarkDoubled
    | MinersKept
    | MinersLetGo
    | MinersProposed
    | ProposalsGone
    | MinersAdopted
    | MinersDisowned
    | MinerReplaced
)
