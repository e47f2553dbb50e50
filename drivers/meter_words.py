"""Registers to numbers. What marks that there is nothing is None, never 0; bytes inside a register are big-endian."""

from __future__ import annotations

import math
import struct
from collections.abc import Container, Sequence

FORMS = {"i16": ">h", "u16": ">H", "i32": ">i", "u32": ">I", "i64": ">q", "u64": ">Q", "f32": ">f", "f64": ">d"}
"""The types that a register map may name."""
_ABSENT = {
    "i16": {0x8000},
    "u16": {0xFFFF},
    "i32": {0x8000_0000, 0x7FFF_FFFF},
    "u32": {0xFFFF_FFFF},
    "i64": {0x8000_0000_0000_0000, 0x7FFF_FFFF_FFFF_FFFF},
    "u64": {0xFFFF_FFFF_FFFF_FFFF},
}


def width(kind: str) -> int:
    """Return how many registers a type fills."""
    return struct.calcsize(FORMS[kind]) // 2


def number(words: Sequence[int], kind: str, *, low_first: bool = False, absent: Container[int] = ()) -> float | None:
    """Return the value of so many registers, None for not implemented, not available, NaN and infinity."""
    ordered = reversed(words) if low_first else words
    raw = b"".join(word.to_bytes(2, "big") for word in ordered)
    bits = int.from_bytes(raw, "big")
    if bits in absent or bits in _ABSENT.get(kind, ()):
        return None
    value = float(struct.unpack(FORMS[kind], raw)[0])
    return value if math.isfinite(value) else None
