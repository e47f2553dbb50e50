"""An order's signature: a compact JWS with Ed25519 (RFC 7515, RFC 8037), read as strictly as an order. Values only."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from hashlib import sha256

from agent.proof.signature import PublicKey, SigningKey

TYPE = "hashwatt-order"
MOST_HEADER_BYTES = 512
_COMPACT = re.compile(rb"\s*([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]*)\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Jws:
    """A signed document, not yet checked: `covered` is what `signature` is over, `kid` the key that it names."""

    kid: str
    payload: bytes
    covered: bytes
    signature: bytes

    @property
    def mark(self) -> bytes:
        """What this very document is known again by, its signature with it."""
        return sha256(self.covered + self.signature).digest()

    def is_by(self, key: PublicKey) -> bool:
        """Whether this key made the signature."""
        return key.made(self.signature, self.covered)


def is_compact(raw: bytes) -> bool:
    """Whether these bytes have the form of a compact JWS."""
    return _COMPACT.fullmatch(raw) is not None


def opened(raw: bytes) -> Jws:
    """Read a compact JWS. Raises ValueError where its header is not that of an order, or a part no base64url."""
    found = _COMPACT.fullmatch(raw)
    if found is None:
        raise ValueError("no compact JWS")
    head, body, signature = found.groups()
    return Jws(
        kid=_kid(_bytes(head)), payload=_bytes(body), covered=b"%s.%s" % (head, body), signature=_bytes(signature)
    )


def content(document: str) -> str:
    """Return what a document says: itself, or what is inside the signature of one that a book has taken in."""
    raw = document.encode()
    return opened(raw).payload.decode() if is_compact(raw) else document


def sealed(payload: bytes, *, kid: str, key: SigningKey) -> bytes:
    """Return these bytes signed, as a compact JWS."""
    header = json.dumps({"alg": "EdDSA", "kid": kid, "typ": TYPE}, separators=(",", ":")).encode()
    covered = b"%s.%s" % (_text(header), _text(payload))
    return b"%s.%s" % (covered, _text(key.signature(covered)))


def _kid(header: bytes) -> str:
    try:
        told = json.loads(header.decode()) if len(header) <= MOST_HEADER_BYTES else None
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict) or told.keys() != {"alg", "kid", "typ"}:
        raise ValueError("the header must have alg, kid and typ, and nothing else")
    if told["alg"] != "EdDSA" or told["typ"] != TYPE:
        raise ValueError(f"the header must say alg EdDSA and typ {TYPE}")
    if not isinstance(told["kid"], str) or not told["kid"]:
        raise ValueError("the header's kid names no key")
    return str(told["kid"])


def _bytes(text: bytes) -> bytes:
    """Decode base64url without padding; of several spellings of the same bytes only the shortest is read."""
    raw = base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4)) if len(text) % 4 != 1 else b""
    if _text(raw) != text:
        raise ValueError("a part is no base64url")
    return raw


def _text(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")
