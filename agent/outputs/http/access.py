"""Who may do what over HTTP: tokens with roles, and what may be read without one. A pure judgement.

Tokens are known by their hashes alone. What changes something always needs a token, whoever asks from wherever.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from enum import Enum
from ipaddress import ip_address
from urllib.parse import urlsplit


class Role(Enum):
    """What a token is for."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ORDERER = "orderer"


class Need(Enum):
    """What a route asks of who comes: the roles that may."""

    NOTHING = frozenset[Role]()
    READ = frozenset(Role)
    OPERATE = frozenset({Role.OPERATOR})
    ORDER = frozenset({Role.OPERATOR, Role.ORDERER})


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One token: the SHA-256 of its text in hex, who holds it, and what it is for."""

    sha256: str
    name: str
    role: Role

    @staticmethod
    def of(text: str, *, name: str, role: Role) -> Token:
        """Build the token that `text` is."""
        return Token(sha256=_hash(text), name=name, role=role)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """All tokens of a site."""

    tokens: tuple[Token, ...] = ()

    def find(self, text: str) -> Token | None:
        """Return the token that this text is, comparing each in constant time."""
        hashed, found = _hash(text), None
        for token in self.tokens:
            if hmac.compare_digest(token.sha256, hashed):
                found = token
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks, as far as a request shows it."""

    peer: str | None  # the address at the other end of the connection
    host: str  # the Host header
    foreign: bool  # a proxy, or a page of another site, asks through it
    authorization: str | None = field(default=None, repr=False)

    @property
    def is_here(self) -> bool:
        """Whether somebody on this host asks for it by its own name, and no page that was led here."""
        return not self.foreign and _is_loopback(self.peer) and _is_loopback(urlsplit(f"//{self.host}").hostname)


class Unknown(Exception):
    """Nobody that we know asks: a token is missing or is none of ours."""


class Forbidden(Exception):
    """We know who asks, and may not let him."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What a site allows: whether reading is open on loopback, and its tokens."""

    public_read: bool
    tokens: Tokens

    def admit(self, need: Need, caller: Caller) -> Token | None:
        """Return by whose token a request is let in, None where none is needed. Raises Unknown, Forbidden."""
        if need is Need.NOTHING:
            return None
        if caller.authorization is None:
            if need is Need.READ and self.public_read and caller.is_here:
                return None
            raise Unknown("a token is needed: Authorization: Bearer")
        scheme, _, text = caller.authorization.partition(" ")
        token = self.tokens.find(text.strip()) if scheme.lower() == "bearer" else None
        if token is None:
            raise Unknown("this is no token of this site")
        if token.role not in need.value:
            raise Forbidden(f"the role {token.role.value} may not do this")
        return token


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _is_loopback(host: str | None) -> bool:
    if host is None or host == "localhost":
        return host is not None
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return address.is_loopback
