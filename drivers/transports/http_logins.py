"""Answers to the challenges of miners' web servers: digest (RFC 7616, RFC 2617, RFC 2069) and basic (RFC 7617).

Headers are text of one character a byte, as they came: a realm in any encoding goes back in the same bytes. What we say
ourselves is UTF-8.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

_PART = re.compile(r'(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_ESCAPE = re.compile(r"\\(.)")
_SESSION = "-SESS"
_HASHES: dict[str, Callable[[bytes], str]] = {
    "MD5": lambda text: hashlib.md5(text, usedforsecurity=False).hexdigest(),
    "SHA-256": lambda text: hashlib.sha256(text).hexdigest(),
}


@dataclass(frozen=True, slots=True)
class Login:
    """Who logs in."""

    user: str
    password: str

    def basic(self) -> str:
        """Return the Authorization header of a basic login."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


@dataclass(slots=True, kw_only=True)
class Digest:
    """A server's challenge, which serves until it makes another; `count` requests were signed with it."""

    realm: str
    nonce: str
    algorithm: str | None
    qop: bool
    opaque: str | None
    count: int = 0

    def sign(self, login: Login, method: str, uri: str, cnonce: str) -> str:
        """Return the Authorization header of one request; `cnonce` is random."""
        self.count += 1
        parts = {"username": _as_bytes(login.user), "realm": self.realm, "nonce": self.nonce, "uri": uri}
        parts["response"] = self._response(login, method, uri, cnonce)
        if self.opaque is not None:
            parts["opaque"] = self.opaque
        bare = {} if self.algorithm is None else {"algorithm": self.algorithm}
        if self.qop:
            parts["cnonce"] = cnonce
            bare |= {"qop": "auth", "nc": self._nc()}
        told = [f'{name}="{_escaped(value)}"' for name, value in parts.items()]
        return "Digest " + ", ".join(told + [f"{name}={value}" for name, value in bare.items()])

    def _response(self, login: Login, method: str, uri: str, cnonce: str) -> str:
        name = (self.algorithm or "MD5").upper()
        secret = self._hash(_as_bytes(login.user), self.realm, _as_bytes(login.password))
        if name.endswith(_SESSION):
            secret = self._hash(secret, self.nonce, cnonce)
        between = (self.nonce, self._nc(), cnonce, "auth") if self.qop else (self.nonce,)
        return self._hash(secret, *between, self._hash(method, uri))

    def _hash(self, *parts: str) -> str:
        return _HASHES[(self.algorithm or "MD5").upper().removesuffix(_SESSION)](":".join(parts).encode("latin-1"))

    def _nc(self) -> str:
        return f"{self.count:08x}"


def digest_of(challenges: Iterable[str]) -> Digest | None:
    """Return the first digest challenge that can be answered, None where there is none."""
    for challenge in challenges:
        if challenge[:7].lower() != "digest ":
            continue
        told = {name.lower(): _ESCAPE.sub(r"\1", quoted) or bare for name, quoted, bare in _PART.findall(challenge[7:])}
        algorithm = told.get("algorithm")
        offered = [word.strip().lower() for word in told.get("qop", "").split(",") if word.strip()]
        known = (algorithm or "MD5").upper().removesuffix(_SESSION) in _HASHES
        if known and told.get("nonce") and "realm" in told and ("auth" in offered or not offered):
            return Digest(
                realm=told["realm"],
                nonce=told["nonce"],
                algorithm=algorithm,
                qop=bool(offered),
                opaque=told.get("opaque"),
            )
    return None


def asks_for_basic(challenges: Iterable[str]) -> bool:
    """Whether a basic login is asked for."""
    return any(challenge[:5].lower() == "basic" for challenge in challenges)


def _as_bytes(text: str) -> str:
    """Return text as its bytes in UTF-8, one character each."""
    return text.encode().decode("latin-1")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
