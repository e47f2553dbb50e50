"""The families that are spoken: one row a driver."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from drivers.antminer_clone import HIVEON, MSKMINER, VNISH, making
from drivers.antminer_stock import AntminerStock
from drivers.auradine import Auradine
from drivers.avalon import Avalon
from drivers.axeos import AxeOs
from drivers.braiins import Braiins
from drivers.cgminer import Cgminer
from drivers.epic import Epic
from drivers.errors import Unsupported
from drivers.generic import Generic
from drivers.interface import Driver, Identity, Target
from drivers.luxos import Luxos
from drivers.mara import Mara
from drivers.sealminer import SealMiner
from drivers.vnish import Vnish
from drivers.whatsminer import Whatsminer
from drivers.whatsminer_v3 import WhatsminerV3


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One driver: its name in identities and configuration, and how it is made; without an identity it asks itself."""

    name: str
    create: Callable[[Target, Identity | None], Driver]


ROWS = (
    Row(name="antminer-stock", create=AntminerStock),
    Row(name="auradine", create=Auradine),
    Row(name="avalon", create=Avalon),
    Row(name="axeos", create=AxeOs),
    Row(name="braiins", create=Braiins),
    Row(name="cgminer", create=Cgminer),
    Row(name="epic", create=Epic),
    Row(name="generic", create=Generic),
    Row(name="hiveon", create=making(HIVEON)),
    Row(name="luxos", create=Luxos),
    Row(name="mara", create=Mara),
    Row(name="mskminer", create=making(MSKMINER)),
    Row(name="sealminer", create=SealMiner),
    Row(name="vnish", create=Vnish),
    Row(name="vnish-old", create=making(VNISH)),
    Row(name="whatsminer", create=Whatsminer),
    Row(name="whatsminer-v3", create=WhatsminerV3),
)


def names() -> tuple[str, ...]:
    """Return the name of every driver."""
    return tuple(row.name for row in ROWS)


def create(identity: Identity, target: Target) -> Driver:
    """Return the driver of an identified machine; raises Unsupported for a name that no row has."""
    return row(identity.driver).create(target, identity)


def row(name: str) -> Row:
    """Return the row of a driver; raises Unsupported for a name that none has."""
    for candidate in ROWS:
        if candidate.name == name:
            return candidate
    raise Unsupported(f"there is no driver for {name}")
