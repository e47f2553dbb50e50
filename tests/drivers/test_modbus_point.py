"""One bit or register of a device, read over a real line; a coil is switched and answers what it was told."""

import asyncio
import struct
from contextlib import asynccontextmanager

import pytest

from drivers.errors import Garbled, Refused
from drivers.modbus import WriteCoil
from drivers.modbus_point import Point
from drivers.transports.modbus_tcp import ModbusLine
from tests.transports.servers import serving

HEAD = struct.Struct(">HHHB")


class Device:
    """Coils, inputs and registers at one unit."""

    def __init__(self):
        self.bits = {(1, 5): 1, (2, 0): 0, (2, 1): 1}
        self.words = {(3, 100): 77, (4, 7): 40_000}
        self.wrong = False

    def reply(self, request):
        function, address, value = struct.unpack(">BHH", request)
        if function == 5:
            self.bits[1, address] = int(value == 0xFF00)
            return request if not self.wrong else struct.pack(">BHH", 5, address, 0xFF00 - value)
        if (function, address) in self.bits:
            return bytes([function, 1, self.bits[function, address]])
        if (function, address) in self.words:
            return struct.pack(">BBH", function, 2, self.words[function, address])
        return bytes([function | 0x80, 2])

    async def serve(self, reader, writer):
        while True:
            transaction, _, length, unit = HEAD.unpack(await reader.readexactly(HEAD.size))
            reply = self.reply(await reader.readexactly(length - 1))
            writer.write(HEAD.pack(transaction, 0, len(reply) + 1, unit) + reply)
            await writer.drain()


@asynccontextmanager
async def line_to(device):
    async with serving(device.serve) as port:
        line = ModbusLine("127.0.0.1", port)
        try:
            async with asyncio.timeout(60):
                yield line
        finally:
            line.close()


def switch(address, *, on):
    yield WriteCoil(address=address, on=on)
    return (yield from Point.of(f"coil:{address}").read())


@pytest.mark.parametrize(
    ("text", "value"), [("coil:5", 1), ("discrete:0", 0), ("discrete:1", 1), ("holding:100", 77), ("input:7", 40_000)]
)
async def test_each_kind_of_point_is_read_by_its_function(text, value):
    async with line_to(Device()) as line:
        assert await line.run(1, Point.of(text).read()) == value
        with pytest.raises(Refused, match="illegal data address"):
            await line.run(1, Point.of("input:8").read())


async def test_a_coil_is_switched_and_read_back():
    device = Device()
    async with line_to(device) as line:
        assert [await line.run(1, switch(5, on=on)) for on in (False, True)] == [0, 1]
        device.wrong = True
        with pytest.raises(Garbled):
            await line.run(1, switch(5, on=False))


@pytest.mark.pure
@pytest.mark.parametrize("text", ["", "coil", "coil:", "coil:-1", "bit:3", "coil:65536", "coil:1:2"])
def test_what_is_no_point_is_said(text):
    with pytest.raises(ValueError, match="such as discrete:0"):
        Point.of(text)
