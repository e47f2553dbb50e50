"""Run alone in a network namespace: a farm behind a wire that drops each 20th packet, and a scan through it.

    python -m tests.scenarios.lossy_wire MACHINES [OPTION OF scan]…

Two namespaces, a tun device in each, and between them this program, which hands over all packets but each 20th of both
directions together. Prints what the scan prints. Exit 77 where it may not make them.
"""

import asyncio
import ctypes
import fcntl
import os
import signal
import struct
import subprocess
import sys

NETWORK = "10.77.0.0/20"
SCANNER = "10.78.0.1"
EACH = 20
NOT_HERE = 77
_TUNSETIFF, _TUN_NO_PI, _CLONE_NEWNET = 0x400454CA, 0x1001, 0x40000000
VERSION = (
    b'{"STATUS":[{"STATUS":"S","Msg":"CGMiner versions","Description":"cgminer 4.11.1"}],'
    b'"VERSION":[{"CGMiner":"4.11.1","API":"3.7"}],"id":1}\0'
)


def tun():
    """Return a new tun device of this namespace."""
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH22x", b"tun0", _TUN_NO_PI))
    return device


def ip(*told):
    """Set something up."""
    subprocess.run(["ip", *told], check=True)


def hand_over(source, sink, count):
    """Pass on what is there, but each 20th."""
    while True:
        try:
            packet = os.read(source, 2048)
        except BlockingIOError:
            return
        count[0] += 1
        if count[0] % EACH:
            try:
                os.write(sink, packet)
            except BlockingIOError:
                count[1] += 1


async def answer(reader, writer):
    """Be a cgminer that knows its version alone."""
    if await reader.read(100):
        writer.write(VERSION)
    writer.close()


async def farm(machines, near, far, ready):
    """Let so many machines answer across the network until ended."""
    loop, count = asyncio.get_running_loop(), [0, 0]
    loop.add_reader(near, hand_over, near, far, count)
    loop.add_reader(far, hand_over, far, near, count)
    hosts = [f"10.77.{number * 37 % 16}.{1 + number % 250}" for number in range(machines)]
    for host in hosts:
        await asyncio.start_server(answer, host, 4028, backlog=64)
    os.write(ready, b"+")
    await asyncio.Event().wait()


def behind(machines, near, ready):
    """Be the other namespace."""
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNET):
        sys.exit(NOT_HERE)
    far = tun()
    ip("link", "set", "lo", "up")
    ip("link", "set", "tun0", "up")
    ip("route", "add", "local", NETWORK, "dev", "lo")
    ip("route", "add", f"{SCANNER}/32", "dev", "tun0")
    asyncio.run(farm(machines, near, far, ready))


def main(machines, *scan):
    """Set it all up, scan, and return the scan's exit code."""
    try:
        near = tun()
    except OSError as error:
        sys.stderr.write(f"no tun device: {error}\n")
        return NOT_HERE
    told, ready = os.pipe()
    child = os.fork()
    if not child:
        os.close(told)
        behind(int(machines), near, ready)
    os.close(ready)
    try:
        return through(near, told, scan)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def through(near, told, scan):
    """Be the scanner's namespace, and scan once the farm is there."""
    ip("link", "set", "lo", "up")
    ip("addr", "add", f"{SCANNER}/32", "dev", "tun0")
    ip("link", "set", "tun0", "up", "txqueuelen", "20000")
    ip("route", "add", NETWORK, "dev", "tun0", "src", SCANNER)
    if os.read(told, 1) != b"+":
        return NOT_HERE
    os.close(near)
    command = [sys.executable, "-c", "import sys; from agent.cli import main; sys.exit(main())", "scan", NETWORK]
    return subprocess.run([*command, *scan], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
