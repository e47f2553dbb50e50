"""What may be asked of a Modbus device in one request, and told it: registers, bits, one coil (Modbus specification).

Values only. Addresses are those on the wire, counted from 0.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeVar

Registers = tuple[int, ...]
"""What a reply brought: registers, or bits as 0 and 1; nothing where something was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRegisters:
    """`count` registers from `address`; function 3 reads holding, 4 input registers."""

    function: int
    address: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBits:
    """`count` bits from `address`; function 1 reads coils, 2 discrete inputs."""

    function: int
    address: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteCoil:
    """One coil, on or off: function 5."""

    address: int
    on: bool


ModbusAsk = ReadRegisters | ReadBits | WriteCoil
T_co = TypeVar("T_co", covariant=True)
ModbusConversation = Generator[ModbusAsk, Registers, T_co]
"""Yields requests and is sent what they brought; an exception reply is thrown into it as Refused, silence ends it."""
