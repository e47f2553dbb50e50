"""Ed25519 signatures, and the keys that make and check them, as text. Values only: no file, no randomness but `make`.

A line of JSON is signed like this: everything before `,"sig":` is covered, the signature stands last, in hex.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

SIZE = 32
"""Bytes of a key as it is."""
_SIGNATURE = re.compile(rb'(?s)(.*),"sig":"([0-9a-f]{128})"}')
_PEM = "-----BEGIN"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """What a signature is checked by."""

    raw: bytes

    @staticmethod
    def read(text: str) -> PublicKey:
        """Read KID:BASE64, base64 alone, or PEM. Raises ValueError, which says what is wrong."""
        text = text.strip()
        if text.startswith(_PEM):
            return PublicKey(_pem_public(text))
        kid, _, encoded = text.rpartition(":")
        key = PublicKey(_raw(encoded))
        if kid and kid != key.kid:
            raise ValueError(f"the key is {key.kid}, not {kid}")
        return key

    @property
    def kid(self) -> str:
        """The key's id: the first sixteen digits of the SHA-256 of its bytes."""
        return hashlib.sha256(self.raw).hexdigest()[:16]

    @property
    def text(self) -> str:
        """The key as text: its id, a colon, its bytes in base64."""
        return f"{self.kid}:{base64.b64encode(self.raw).decode()}"

    @property
    def pem(self) -> str:
        """The key as openssl reads it."""
        key = Ed25519PublicKey.from_public_bytes(self.raw)
        return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def signed(self, line: bytes) -> bool:
        """Whether a line ends in a signature of this key over the rest of it."""
        found = _SIGNATURE.fullmatch(line)
        return found is not None and self.made(bytes.fromhex(found[2].decode()), found[1])

    def made(self, signature: bytes, covered: bytes) -> bool:
        """Whether this key made this signature over these bytes."""
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, covered)
        except InvalidSignature:
            return False
        return True


class SigningKey:
    """What signs. It shows as its public half."""

    __slots__ = ("_key",)

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    @staticmethod
    def make() -> SigningKey:
        """Make a new one."""
        return SigningKey(Ed25519PrivateKey.generate())

    @staticmethod
    def read(text: str) -> SigningKey:
        """Read PEM, or base64 of the 32 bytes. Raises ValueError, which shows nothing of the key."""
        if not text.lstrip().startswith(_PEM):
            return SigningKey(Ed25519PrivateKey.from_private_bytes(_raw(text.strip())))
        try:
            key = load_pem_private_key(text.encode(), None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            key = None
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError("is no Ed25519 key without a password")  # noqa: TRY004 - it is the text that is wrong
        return SigningKey(key)

    @property
    def public(self) -> PublicKey:
        """What its signatures are checked by."""
        return PublicKey(self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))

    @property
    def pem(self) -> str:
        """The key itself, for its file."""
        return self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    def sign(self, line: bytes) -> bytes:
        """Return a line of JSON with its signature last."""
        covered = line.removesuffix(b"}")
        return b'%s,"sig":"%s"}' % (covered, self.signature(covered).hex().encode())

    def signature(self, covered: bytes) -> bytes:
        """Return the signature over these bytes."""
        return self._key.sign(covered)

    def __repr__(self) -> str:
        """Return the public half."""
        return f"SigningKey of {self.public.text}"


def unsigned(line: bytes) -> bytes:
    """Return a line as it was before it was signed; one without a signature stays as it is."""
    found = _SIGNATURE.fullmatch(line)
    return line if found is None else found[1] + b"}"


def _raw(encoded: str) -> bytes:
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != SIZE or base64.b64encode(raw).decode() != encoded:
        raise ValueError(f"is no base64 of {SIZE} bytes")
    return raw


def _pem_public(text: str) -> bytes:
    try:
        key = load_pem_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("is no Ed25519 public key")  # noqa: TRY004 - likewise
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)
