"""Small farms on ports of their own, and clients of the plainest kind to talk to their machines."""

import asyncio
import json
from contextlib import asynccontextmanager, suppress

from simulators.farm import Farm, FarmOptions
from simulators.machines import MixRow
from simulators.meter import MeterOptions

CGMINER = MixRow(make="WhatsMiner", model="M50", share=1, firmware="cgminer")
BFGMINER = MixRow(make="WhatsMiner", model="M30S++", share=1, firmware="bfgminer")
READ_ONLY = MixRow(make="WhatsMiner", model="M60S", share=1, firmware="cgminer", access="R")
ANTMINER = MixRow(make="Antminer", model="Antminer S19", share=1, firmware="stock")
EXACT = MeterOptions(error_pct=0, delay_s=0, period_s=0.05)


def farm(*mix, **options):
    """Return a farm with one machine a row of the mix, unless `miners` says otherwise."""
    settings = {"miners": len(mix) or 6, "own_ports": True, "meter": EXACT, **options}
    return Farm(FarmOptions(**({"mix": mix} if mix else {}), **settings))


@asynccontextmanager
async def client(host, port):
    """A connection that is surely gone afterwards."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def talk(machine, request, port=None):
    """Send one request, and return all bytes until the end."""
    async with client(machine.host, port or machine.port) as (reader, writer), asyncio.timeout(60):
        writer.write(request)
        return await reader.read()


async def ask(machine, command, parameter=None):
    """Send one JSON command, and return the reply as a document."""
    told = {"command": command} | ({} if parameter is None else {"parameter": parameter})
    reply = await talk(machine, json.dumps(told).encode())
    assert reply.endswith(b"\0")
    return json.loads(reply[:-1])


async def http(port, path, body=None, method=None):
    """Ask the controls; return status and document."""
    data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    head = f"{method or ('GET' if body is None else 'POST')} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(data)}"
    async with client("127.0.0.1", port) as (reader, writer), asyncio.timeout(60):
        writer.write(head.encode() + b"\r\n\r\n" + data)
        reply = await reader.read()
    first, _, rest = reply.partition(b"\r\n")
    return int(first.split()[1]), json.loads(rest.partition(b"\r\n\r\n")[2])


async def until(holds, within_s=60):
    """Wait until the farm's own time has made something true."""
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110 - what is awaited is the farm's own time
            await asyncio.sleep(0.02)
