"""Modbus TCP: one connection to an address, one request at a time whoever asks, as gateways to a serial bus want it.

The only module that knows pymodbus; it is loaded where there is a Modbus device, and only there. A connection is
dropped after anything that went wrong, so that no late answer is taken for the next one.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Generic, TypeVar

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ExceptionResponse, ModbusPDU

from drivers.errors import DeviceError, DriverBug, Garbled, NotListening, Refused, Unreachable
from drivers.modbus import ModbusAsk, ModbusConversation, ReadBits, ReadRegisters, Registers, WriteCoil

T = TypeVar("T")
PORT = 502
REQUEST_S = 2.0
CONNECT_S = 3.0
GAP_S = 0.02
"""Meters on a bus want so long between two requests."""
LOST = {10: "the gateway has no path to it", 11: "it did not answer the gateway"}
BUSY = {4: "device failure", 5: "acknowledged, not done", 6: "busy"}
MEANING = {1: "illegal function", 2: "illegal data address", 3: "illegal data value"}

logging.getLogger("pymodbus").setLevel(logging.CRITICAL)  # what goes wrong is told by our own errors


class ModbusLine:
    """One address that devices are behind, by their units. `close` it at the end."""

    def __init__(self, host: str, port: int = PORT) -> None:
        self._host = host
        self._port = port
        self._turn = asyncio.Lock()
        self._client: AsyncModbusTcpClient | None = None

    async def run(self, unit: int, conversation: ModbusConversation[T]) -> T:
        """Run a conversation with one unit. Raises DeviceError."""
        async with self._turn:
            try:
                return await self._run(unit, conversation)
            except Refused:
                raise
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        """Drop the connection; the next request makes another."""
        if self._client is not None:
            self._client.close()
            self._client = None

    async def _run(self, unit: int, conversation: ModbusConversation[T]) -> T:
        asked = _next(conversation, None)
        while not isinstance(asked, _Ended):
            reply: Registers | Refused
            try:
                reply = await self._ask(unit, asked)
            except Refused as error:
                reply = error
            await asyncio.sleep(GAP_S)
            asked = _next(conversation, reply)
        return asked.result

    async def _ask(self, unit: int, asked: ModbusAsk) -> Registers:
        client = await self._connected()
        try:
            async with asyncio.timeout(REQUEST_S):
                answer = await _request(client, unit, asked)
        except TimeoutError:
            raise Unreachable(f"{self._named(unit)}: no answer in {REQUEST_S:g} s") from None
        except (ModbusException, OSError) as error:
            raise Unreachable(f"{self._named(unit)}: {error}") from error
        if isinstance(answer, ExceptionResponse):
            raise self._refused(unit, answer.exception_code)
        return self._registers(unit, asked, answer)

    def _registers(self, unit: int, asked: ModbusAsk, answer: ModbusPDU) -> Registers:
        """Return what a reply brought; bits come eight at a time, and those beyond were not asked for."""
        if answer.isError():
            raise Garbled(f"{self._named(unit)}: {answer}")
        match asked:
            case WriteCoil(on=on):
                if [*answer.bits[:1]] != [on]:
                    raise Garbled(f"{self._named(unit)}: {answer}")
                return ()
            case ReadBits(count=count):
                told = tuple(int(bit) for bit in answer.bits[:count])
            case ReadRegisters(count=count):
                told = tuple(answer.registers)
        if len(told) != count:
            raise Garbled(f"{self._named(unit)}: {answer}")
        return told

    def _refused(self, unit: int, code: int) -> DeviceError:
        """Return what an exception reply means: only the first three are the device's own no."""
        told = MEANING.get(code) or LOST.get(code) or BUSY.get(code) or "unknown"
        sentence = f"{self._named(unit)}: exception {code}, {told}"
        return Refused(sentence) if code in MEANING else Unreachable(sentence)

    async def _connected(self) -> AsyncModbusTcpClient:
        if self._client is not None and self._client.connected:
            return self._client
        self.close()
        client = AsyncModbusTcpClient(
            self._host, port=self._port, timeout=REQUEST_S, retries=0, reconnect_delay=0, name="meter"
        )
        self._client = client
        try:
            async with asyncio.timeout(CONNECT_S):
                is_up = await client.connect()
        except TimeoutError:
            raise Unreachable(f"{self._host}:{self._port}: no connection in {CONNECT_S:g} s") from None
        if not is_up:
            raise NotListening(f"{self._host}:{self._port}: no connection")
        return client

    def _named(self, unit: int) -> str:
        return f"{self._host}:{self._port} unit {unit}"


async def _request(client: AsyncModbusTcpClient, unit: int, asked: ModbusAsk) -> ModbusPDU:
    match asked:
        case WriteCoil():
            return await client.write_coil(asked.address, asked.on, device_id=unit)
        case ReadBits():
            bits = client.read_coils if asked.function == 1 else client.read_discrete_inputs
            return await bits(asked.address, count=asked.count, device_id=unit)
        case ReadRegisters():
            words = client.read_holding_registers if asked.function == 3 else client.read_input_registers
            return await words(asked.address, count=asked.count, device_id=unit)


@dataclass(frozen=True, slots=True)
class _Ended(Generic[T]):
    """A conversation is over, and this is what it learned."""

    result: T


def _next(conversation: ModbusConversation[T], reply: Registers | Refused | None) -> ModbusAsk | _Ended[T]:
    """Return what the conversation asks next, or what it has learned. Raises DeviceError."""
    try:
        if reply is None:
            return next(conversation)
        return conversation.throw(reply) if isinstance(reply, Refused) else conversation.send(reply)
    except StopIteration as done:
        return _Ended(done.value)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise DriverBug(str(error)) from error
