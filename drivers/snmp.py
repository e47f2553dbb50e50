"""The words of a conversation with a device over SNMP: what it is asked, what it is set to. Values only.

A name that a device does not have is None in the reply; a request that it refuses as a whole comes back to the
conversation as a Refused.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from drivers.errors import Refused
from drivers.interface import Login


@dataclass(frozen=True, slots=True, kw_only=True)
class Get:
    """Ask for integers, each by its whole name (1.3.6.1.…)."""

    oids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Set:
    """Set one integer."""

    oid: str
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Let the device do what it was told."""

    seconds: float


SnmpAsk = Get | Set | Wait
Values = Mapping[str, int | None]
T_co = TypeVar("T_co", covariant=True)
SnmpConversation = Generator[SnmpAsk, Values | Refused, T_co]


@dataclass(frozen=True, slots=True, kw_only=True)
class Community:
    """What versions 1 and 2c are spoken with: a word, sent in the clear."""

    name: str = field(repr=False)
    version: int = 1  # 1 | 2, for 2c


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """What version 3 is spoken with: authenticated by SHA, made secret by AES-128 (authPriv)."""

    name: str
    authentication: str = field(repr=False)
    privacy: str = field(repr=False)


Access = Community | User
FACTORY = Community(name="private")
"""What APC, Raritan and Server Tech PDUs are told by as they come from the factory."""
VERSIONS = {"v1": 1, "v2c": 2}
SHORTEST = 8
"""Characters of a passphrase of version 3; engines refuse shorter ones (RFC 3414, 11.2)."""


def unusable(logins: Sequence[Login]) -> tuple[int, str] | None:
    """Return which login SNMP cannot be spoken with, and why; None where each will do."""
    for at, login in enumerate(logins[:1] if logins and logins[0].user in VERSIONS else logins):
        if login.user in VERSIONS and not login.password:
            return at, "a community is not empty"
        if login.user not in VERSIONS and len(login.password) < SHORTEST:
            return at, f"a passphrase of SNMP version 3 has at least {SHORTEST} characters"
    return None


def access_of(logins: Sequence[Login]) -> Access:
    """Return what logins mean to SNMP: with the user `v1` or `v2c` a password is a community, any other is version 3's.

    His password authenticates; a second login's makes secret, where there is one, else the same does.
    """
    if not logins:
        return FACTORY
    first, last = logins[0], logins[-1]
    if first.user in VERSIONS:
        return Community(name=first.password, version=VERSIONS[first.user])
    return User(name=first.user, authentication=first.password, privacy=last.password)
