"""The secrets of a WhatsMiner's wire: its password's hash, the tokens that it has given, and its encryption.

Written from the protocol's description alone, so that a client that derives otherwise is found out.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import random
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

PASSWORD = "admin"  # noqa: S105 - as the machines leave the maker
MOST_TOKENS, TOKEN_S = 32, 1800.0
ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#: the digest's bytes in the order in which they are written, three at a time, least bits first
ORDER = (12, 6, 0, 13, 7, 1, 14, 8, 2, 15, 9, 3, 5, 10, 4)


NotBase64 = binascii.Error


class Undecryptable(ValueError):
    """What was sent is not encrypted with this key."""


def md5_crypt(password: bytes, salt: bytes) -> str:
    """Return the hash part of the `$1$` form."""
    inner = hashlib.md5(password + salt + password, usedforsecurity=False).digest()
    outer = hashlib.md5(password + b"$1$" + salt, usedforsecurity=False)
    for at in range(0, len(password), 16):
        outer.update(inner[: min(16, len(password) - at)])
    left = len(password)
    while left:
        outer.update(b"\0" if left & 1 else password[:1])
        left >>= 1
    digest = outer.digest()
    for number in range(1000):
        parts = [password if number & 1 else digest]
        parts += [salt] if number % 3 else []
        parts += [password] if number % 7 else []
        parts += [digest if number & 1 else password]
        digest = hashlib.md5(b"".join(parts), usedforsecurity=False).digest()
    return "".join(_written(digest[a] | digest[b] << 8 | digest[c] << 16, 4) for a, b, c in _triples()) + _written(
        digest[11], 2
    )


def _triples() -> list[tuple[int, int, int]]:
    return [(ORDER[at], ORDER[at + 1], ORDER[at + 2]) for at in range(0, 15, 3)]


def _written(value: int, digits: int) -> str:
    text = ""
    for _ in range(digits):
        text += ALPHABET[value & 63]
        value >>= 6
    return text


@dataclass(slots=True)
class Secrets:
    """What one machine knows: the salt of its password, the key that follows from both, and who holds a token."""

    serial: str
    salt: str = field(init=False)
    key: str = field(init=False)
    _given: int = 0
    #: until when each token holds, on the loop's clock
    _until: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Derive the key."""
        self.salt = _letters(random.Random(self.serial))  # noqa: S311 - secrets that repeat
        self.key = md5_crypt(PASSWORD.encode(), self.salt.encode())

    def give(self, clock: float, now_s: float) -> dict[str, str] | None:
        """Return what a client derives a new token from, at a wall clock; None when all tokens are given."""
        self._until = {sign: until for sign, until in self._until.items() if until > now_s}
        if len(self._until) >= MOST_TOKENS:
            return None
        self._given += 1
        salt = _letters(random.Random(f"{self.serial}/{self._given}"))  # noqa: S311
        time = f"{int(clock) % 10_000:04d}"
        self._until[md5_crypt((self.key + time).encode(), salt.encode())] = now_s + TOKEN_S
        return {"time": time, "salt": self.salt, "newsalt": salt}

    def knows(self, sign: object, now_s: float) -> bool:
        """Whether a token was given and still holds."""
        return isinstance(sign, str) and self._until.get(sign, 0.0) > now_s

    def open(self, data: str) -> dict[str, Any]:
        """Decrypt a command, padded with zeros or by PKCS#7. Raises NotBase64, Undecryptable."""
        sealed = base64.b64decode(data, validate=True)
        if not sealed or len(sealed) % 16:
            raise Undecryptable("not a number of blocks")
        decryptor = self._cipher().decryptor()
        text = (decryptor.update(sealed) + decryptor.finalize()).rstrip(bytes(range(17)))
        try:
            told = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise Undecryptable(str(error)) from error
        if not isinstance(told, dict):
            raise Undecryptable("no document")
        return told

    def seal(self, text: str) -> str:
        """Encrypt a reply, padded with zeros."""
        plain = text.encode()
        encryptor = self._cipher().encryptor()
        return base64.b64encode(encryptor.update(plain + bytes(-len(plain) % 16)) + encryptor.finalize()).decode()

    def _cipher(self) -> Cipher[modes.ECB]:
        return Cipher(algorithms.AES(hashlib.sha256(self.key.encode()).digest()), modes.ECB())  # noqa: S305 - the wire's


def _letters(chance: random.Random) -> str:
    return "".join(chance.choices(ALPHABET[2:], k=8))
