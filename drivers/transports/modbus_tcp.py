"""Modbus TCP: one connection to an address, one request at a time whoever asks, as gateways to a serial bus want it.

The only module that knows pymodbus; it is loaded where there is a Modbus meter, and only there. A connection is dropped
after anything that went wrong, so that no late answer is taken for the next one.
"""

from __future__ import annotations

import asyncio
import logging

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ExceptionResponse, ModbusPDU

from drivers.errors import DeviceError, DriverBug, Garbled, NotListening, Refused, Unreachable
from drivers.meter import MeterConversation, MeterReading, ReadRegisters, Registers

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
    """One address that meters are behind, by their units. `close` it at the end."""

    def __init__(self, host: str, port: int = PORT) -> None:
        self._host = host
        self._port = port
        self._turn = asyncio.Lock()
        self._client: AsyncModbusTcpClient | None = None

    async def run(self, unit: int, conversation: MeterConversation) -> MeterReading:
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

    async def _run(self, unit: int, conversation: MeterConversation) -> MeterReading:
        asked: ReadRegisters | MeterReading = next(conversation)
        while not isinstance(asked, MeterReading):
            reply: Registers | Refused
            try:
                reply = await self._ask(unit, asked)
            except Refused as error:
                reply = error
            await asyncio.sleep(GAP_S)
            asked = _next(conversation, reply)
        return asked

    async def _ask(self, unit: int, asked: ReadRegisters) -> Registers:
        client = await self._connected()
        read = client.read_holding_registers if asked.function == 3 else client.read_input_registers
        try:
            async with asyncio.timeout(REQUEST_S):
                answer = await read(asked.address, count=asked.count, device_id=unit)
        except TimeoutError:
            raise Unreachable(f"{self._named(unit)}: no answer in {REQUEST_S:g} s") from None
        except (ModbusException, OSError) as error:
            raise Unreachable(f"{self._named(unit)}: {error}") from error
        if isinstance(answer, ExceptionResponse):
            raise self._refused(unit, answer.exception_code)
        return self._registers(unit, asked, answer)

    def _registers(self, unit: int, asked: ReadRegisters, answer: ModbusPDU) -> Registers:
        if answer.isError() or len(answer.registers) != asked.count:
            raise Garbled(f"{self._named(unit)}: {answer}")
        return tuple(answer.registers)

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


def _next(conversation: MeterConversation, reply: Registers | Refused) -> ReadRegisters | MeterReading:
    """Return what the conversation asks next, or what it has learned. Raises DeviceError."""
    try:
        return conversation.throw(reply) if isinstance(reply, Refused) else conversation.send(reply)
    except StopIteration as done:
        reading: MeterReading = done.value
        return reading
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise DriverBug(str(error)) from error
