"""md5-crypt, the `$1$` hash of passwords: WhatsMiners derive their keys and tokens by it.

Old and weak, and the wire's alone: nothing of ours is kept by it.
"""

from __future__ import annotations

from hashlib import md5

ROUNDS = 1000
_DIGITS = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_TRIPLES = ((0, 6, 12), (1, 7, 13), (2, 8, 14), (3, 9, 15), (4, 10, 5))


def md5_crypt(password: str, salt: str) -> str:
    """Return the 22 characters of the hash alone, without `$1$` and the salt; of a salt, eight characters count."""
    secret, grain = password.encode(), salt.encode()[:8]
    return _text(_stretched(_first(secret, grain), secret, grain))


def _first(secret: bytes, grain: bytes) -> bytes:
    other = _md5(secret + grain + secret)
    whole = (other * (len(secret) // 16 + 1))[: len(secret)]
    bits = b"".join(b"\0" if len(secret) >> bit & 1 else secret[:1] for bit in range(len(secret).bit_length()))
    return _md5(secret + b"$1$" + grain + whole + bits)


def _stretched(digest: bytes, secret: bytes, grain: bytes) -> bytes:
    """Hash a thousand times over; what stands around the digest repeats every 42 rounds."""
    around = [
        (
            secret if turn % 2 else b"",
            (grain if turn % 3 else b"") + (secret if turn % 7 else b"") + (b"" if turn % 2 else secret),
        )
        for turn in range(42)
    ]
    for turn in range(ROUNDS):
        before, after = around[turn % 42]
        digest = _md5(before + after + digest if turn % 2 else digest + after)
    return digest


def _md5(text: bytes) -> bytes:
    return md5(text, usedforsecurity=False).digest()


def _text(digest: bytes) -> str:
    """Write 128 bits in 22 digits of six bits, in the order that the first program did."""
    words = [(digest[one] << 16 | digest[two] << 8 | digest[three], 4) for one, two, three in _TRIPLES]
    return "".join(_DIGITS[word >> 6 * at & 63] for word, length in (*words, (digest[11], 2)) for at in range(length))
