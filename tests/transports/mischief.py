"""What machines, and whoever stands in their place, do to a connection: one behaviour each, that counts what it sends.

Every one takes what it is asked first. They end with the connection, or with the test.
"""

import asyncio
import gzip
import socket
import ssl
import struct
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

BLOCK = b"x" * 65_536
HUGE_BYTES = 100_000_000
BOMB = gzip.compress(b" " * 50_000_000, 9)
"""50 kB that unpack to 50 MB."""


class Sender:
    """Answers each connection with `head`, then as `how` says; `sent` counts the bytes of all connections."""

    def __init__(self, how, head=b"", whole=b""):
        self.how, self.head, self.whole = how, head, whole
        self.sent = 0
        self.connections = 0

    async def __call__(self, reader, writer):
        self.connections += 1
        if await reader.read(65_536):
            await self.how(self, writer)

    async def send(self, writer, raw):
        writer.write(raw)
        self.sent += len(raw)
        await writer.drain()


async def hang(_sender, _writer):
    """Say nothing, and keep the connection."""
    await asyncio.Event().wait()


async def slow(sender, writer):
    """Send a byte now and then, for ever."""
    while True:
        await sender.send(writer, b" ")
        await asyncio.sleep(0.01)


async def slow_reply(sender, writer):
    """Send the right reply, so slowly that it never ends."""
    for at in range(len(sender.whole) // 2):
        await sender.send(writer, sender.whole[at : at + 1])
        await asyncio.sleep(0.01)
    await hang(sender, writer)


async def half(sender, writer):
    """Send half of the right reply, and close."""
    await sender.send(writer, sender.whole[: len(sender.whole) // 2])


async def half_and_hang(sender, writer):
    """Send half of the right reply, and keep the connection."""
    await half(sender, writer)
    await hang(sender, writer)


async def close(_sender, _writer):
    """Close without a word."""


async def reset(_sender, writer):
    """Reset the connection."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def half_and_reset(sender, writer):
    """Send half of the right reply, and reset the connection."""
    await half(sender, writer)
    await reset(sender, writer)


async def endless(sender, writer):
    """Send without an end."""
    await sender.send(writer, sender.head)
    while True:
        await sender.send(writer, BLOCK)


async def huge(sender, writer):
    """Send 100 MB, and close."""
    await sender.send(writer, sender.head)
    for _ in range(HUGE_BYTES // len(BLOCK)):
        await sender.send(writer, BLOCK)


async def say(sender, writer):
    """Send `whole`."""
    await sender.send(writer, sender.whole)


# --- certificates ---------------------------------------------------------------------------------------------


def certified(folder, host="localhost"):
    """Return a server's context with a certificate for a host that nobody vouches for, and its file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = folder / f"{host}.pem"
    file.write_bytes(made.public_bytes(pem) + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context, file


@contextmanager
def quiet_handshakes():
    """Let the loop say nothing of handshakes that fail at the server."""
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, _context: None)
    try:
        yield
    finally:
        loop.set_exception_handler(None)
