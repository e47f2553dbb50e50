"""Where the machines of a farm listen: an address each on the vendor's own ports, else one address with many ports.

Decided by binding, never by asking: what is free or allowed a moment ago may not be so now.
"""

from __future__ import annotations

import errno
import resource
import socket
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from ipaddress import IPv4Address

from simulators.firmwares import API_PORT, WEB_PORT, Firmware, firmware_of
from simulators.machines import Machine, MixRow, Place
from simulators.wire import BACKLOG

FIRST_ADDRESS = IPv4Address("127.10.0.1")
ONE_ADDRESS = "127.0.0.1"
ANY_ADDRESS = "0.0.0.0"  # noqa: S104 - where it is listened at, peers from outside are dropped unless they were asked for
#: systems hand out ports to clients from here on
FIRST_CLIENT_PORT = 32_768
SPARE_DESCRIPTORS = 200


class Taken(OSError):
    """The address or the ports that were asked for are not to be had; the message is one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Where a farm stands: a place for each machine, and the listening sockets behind them."""

    places: tuple[Place, ...]
    sockets: tuple[socket.socket, ...]
    #: the machine is told by the address; else by the port alone
    by_address: bool
    #: peers from outside loopback are served
    any_peer: bool = False

    def close(self) -> None:
        """Give the ports back."""
        for bound in self.sockets:
            bound.close()


def settle(rows: Sequence[MixRow], *, bind: str | None, own_ports: bool, first_port: int) -> Ground:
    """Find a place for each machine. Raises Taken."""
    if bind is not None or own_ports:
        return _on_one_address(rows, bind or ONE_ADDRESS, first_port)
    ground = _on_own_addresses(rows)
    if ground is not None:
        return ground
    try:
        return _on_one_address(rows, ONE_ADDRESS, first_port)
    except Taken:
        ground = _on_own_addresses(rows, first_port)
        if ground is None:
            raise
        return ground


def listen_at(host: str, port: int) -> socket.socket:
    """Return a socket that listens at one port, 0 for any. Raises Taken."""
    try:
        return _listener(host, port)
    except OSError as error:
        raise Taken(f"{host}:{port}: {error.strerror}") from error


def _listener(host: str, port: int) -> socket.socket:
    with ExitStack() as undo:
        made = undo.enter_context(closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)))
        made.setblocking(False)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        made.listen(BACKLOG)
        undo.pop_all()
    return made


def _on_own_addresses(rows: Sequence[MixRow], first_port: int | None = None) -> Ground | None:
    """Give each machine an address, on vendors' ports or on free ones from `first_port` on; None where that fails."""
    addresses = [str(FIRST_ADDRESS + number) for number in range(len(rows))]
    firmwares = {firmware_of(row.make, row.firmware) for row in rows}
    ports = {port for one in firmwares for port in _own_ports(one) if port is not None}
    ports |= {API_PORT for one in firmwares if one.old_port}
    with ExitStack() as undo:
        try:
            with socket.socket() as probe:
                probe.bind((addresses[-1], 0))
            if first_port is None:
                sockets = tuple(undo.enter_context(closing(_listener(ANY_ADDRESS, port))) for port in sorted(ports))
            else:
                sockets = _block(ANY_ADDRESS, first_port, len(ports))
        except OSError:
            return None
        undo.pop_all()
    there = {port: bound.getsockname()[1] for port, bound in zip(sorted(ports), sockets, strict=True)}
    places = tuple(
        Place(host=host, port=there[port], http_port=None if http_port is None else there[http_port])
        for host, row in zip(addresses, rows, strict=True)
        for port, http_port in (_own_ports(firmware_of(row.make, row.firmware)),)
    )
    return Ground(places=places, sockets=sockets, by_address=True)


def _own_ports(firmware: Firmware) -> tuple[int, int | None]:
    """Return the vendor's port of the API, and that of the page where there is one."""
    return firmware.api_port or API_PORT, (firmware.web_port or WEB_PORT) if firmware.web else None


def _on_one_address(rows: Sequence[MixRow], host: str, first_port: int) -> Ground:
    webs = sum(_has_web(row) for row in rows)
    sockets = _block(host, first_port, len(rows) + webs)
    port = sockets[0].getsockname()[1]
    shown = ONE_ADDRESS if host == ANY_ADDRESS else host
    places, web_port = [], port + len(rows)
    for number, row in enumerate(rows):
        http_port = web_port if _has_web(row) else None
        web_port += _has_web(row)
        places.append(Place(host=shown, port=port + number, http_port=http_port))
    return Ground(places=tuple(places), sockets=sockets, by_address=False, any_peer=not host.startswith("127."))


def _block(host: str, first_port: int, count: int) -> tuple[socket.socket, ...]:
    """Listen at the first `count` ports in a row that are free."""
    _allow_descriptors(count + SPARE_DESCRIPTORS)
    with ExitStack() as undo:
        held: list[socket.socket] = []
        for port in range(first_port, FIRST_CLIENT_PORT):
            try:
                held.append(undo.enter_context(closing(_listener(host, port))))
            except OSError as error:
                if _is_final(error):
                    raise Taken(f"{host}: {error.strerror}") from error
                undo.close()
                held.clear()
            if len(held) == count:
                undo.pop_all()
                return tuple(held)
    raise Taken(f"{host}: no {count} ports in a row are free from {first_port} to {FIRST_CLIENT_PORT - 1}")


def _is_final(error: OSError) -> bool:
    """Whether the next port would fail as well."""
    return isinstance(error, socket.gaierror) or error.errno not in {errno.EADDRINUSE, errno.EACCES}


def _allow_descriptors(count: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, hard), hard))


def _has_web(row: MixRow) -> bool:
    return firmware_of(row.make, row.firmware).web


def hosts_of(machines: Sequence[Machine]) -> list[str]:
    """Return what a configuration's `hosts` needs to name all machines, as few ranges as there are."""
    runs: list[list[Machine]] = []
    for machine in machines:
        if runs and _follows(runs[-1][-1], machine):
            runs[-1].append(machine)
        else:
            runs.append([machine])
    return [_named(run[0], run[-1]) for run in runs]


def _follows(before: Machine, machine: Machine) -> bool:
    if _on_vendor_ports(before) and _on_vendor_ports(machine):
        return IPv4Address(machine.host) == IPv4Address(before.host) + 1
    if machine.host != before.host:
        same = (machine.port, machine.http_port) == (before.port, before.http_port)
        return same and IPv4Address(machine.host) == IPv4Address(before.host) + 1
    if machine.port != before.port + 1:
        return False
    if machine.http_port is None or before.http_port is None:
        return machine.http_port is before.http_port
    return machine.http_port == before.http_port + 1


def _named(first: Machine, last: Machine) -> str:
    hosts = first.host if first.host == last.host else f"{first.host}-{last.host}"
    if _on_vendor_ports(first):
        return hosts
    ports = _span(first.port, last.port)
    if first.http_port is None or last.http_port is None:
        return f"{hosts}:{ports}"
    return f"{hosts}:{ports}/{_span(first.http_port, last.http_port)}"


def _on_vendor_ports(machine: Machine) -> bool:
    firmware = firmware_of(machine.make, machine.firmware)
    return machine.port == _own_ports(firmware)[0] and machine.http_port in {None, firmware.web_port or WEB_PORT}


def _span(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"
