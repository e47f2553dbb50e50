"""Which machines a configuration names: addresses, ranges, networks, ports; and the inventory file. Pure."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _csv import Reader

CGMINER_PORT = 4028
MOST_PLACES = 200_000
"""As many machines as one configuration may name: twice what one agent is built for."""
COLUMNS = (
    "id", "host", "port", "http_port", "mac", "serial", "model", "driver", "feeder", "tags", "rack", "position",
    "credentials", "intended", "priority",
)  # fmt: skip
_ELSEWHERE = {
    "address": "host", "ip": "host", "ip address": "host", "ipv4": "host", "miner ip": "host",
    "mac address": "mac", "macaddress": "mac", "sn": "serial", "serial number": "serial", "serial no": "serial",
    "worker": "id", "worker name": "id", "miner name": "id", "api port": "port", "http port": "http_port",
    "web port": "http_port", "miner model": "model", "slot": "position", "index": "position",
}  # fmt: skip
"""What other programs' exports call our columns."""
DELIMITERS = ",;\t"
_SPAN = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
_MAC = re.compile(r"[0-9A-Fa-f]{2}([:-]?[0-9A-Fa-f]{2}){5}")
_WHOLE = re.compile(r"-?[0-9]{1,9}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where one machine answers; None is its family's own port."""

    host: str
    port: int | None = None
    http_port: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of an inventory file: its number and its filled columns."""

    line: int
    told: dict[str, str]


def expand(text: str) -> Iterator[Place]:
    """Yield the places that one entry of `hosts` names. Raises ValueError with a clear sentence."""
    addresses, colon, rest = text.strip().partition(":")
    ports, slash, http = rest.partition("/")
    hosts = _hosts(addresses, text)
    if not colon:
        yield from (Place(host=host) for host in hosts)
        return
    api = _span(ports, text)
    web = _span(http, text) if slash else None
    if web is not None and len(web) != len(api):
        raise ValueError(f"{text}: {len(api)} ports and {len(web)} HTTP ports")
    if len(hosts) * len(api) > MOST_PLACES:
        raise ValueError(f"{text}: more than {MOST_PLACES} machines")
    for host in hosts:
        for at, port in enumerate(api):
            yield Place(host=host, port=port, http_port=web[at] if web is not None else None)


def _span(text: str, whole: str) -> range:
    found = _SPAN.fullmatch(text)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 0 < first <= last <= 65535:
        raise ValueError(f"{whole}: {text!r} is no port or range of ports")
    return range(first, last + 1)


def _hosts(text: str, whole: str) -> list[str]:
    if "/" in text:
        return _network(text, whole)
    if re.fullmatch(r"[0-9.]+-[0-9.]+", text):
        return _range(text, whole)
    if re.fullmatch(r"[0-9.]+", text):
        return [str(_address(text, whole))]
    if _NAME.fullmatch(text):
        return [text]
    raise ValueError(f"{whole!r} is no address, range or network")


def _network(text: str, whole: str) -> list[str]:
    try:
        network = IPv4Network(text, strict=False)
    except ValueError:
        raise ValueError(f"{whole}: {text!r} is no network") from None
    if network.num_addresses > MOST_PLACES:
        raise ValueError(f"{whole}: more than {MOST_PLACES} addresses")
    return [str(address) for address in network.hosts()]


def _range(text: str, whole: str) -> list[str]:
    first, _, last = text.partition("-")
    begin = _address(first, whole)
    end = _address(last if "." in last else f"{first.rpartition('.')[0]}.{last}", whole)
    if end < begin:
        raise ValueError(f"{whole}: a range goes up")
    if int(end) - int(begin) >= MOST_PLACES:
        raise ValueError(f"{whole}: more than {MOST_PLACES} addresses")
    return [str(IPv4Address(number)) for number in range(int(begin), int(end) + 1)]


def _address(text: str, whole: str) -> IPv4Address:
    try:
        return IPv4Address(text)
    except ValueError:
        raise ValueError(f"{whole}: {text!r} is no IPv4 address") from None


def read_inventory(text: str) -> tuple[list[Row], list[tuple[int, str]]]:
    """Return an inventory's rows, and every mistake with its line; nothing where the columns are wrong."""
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    try:
        columns = [_column(name) for name in next(reader, [])]
    except csv.Error as error:
        return [], [(1, f"is no CSV: {error}")]
    mistake = _heading_mistake(columns)
    if mistake is not None:
        return [], [(1, f"{mistake}; columns are {', '.join(COLUMNS)}")]
    return _rows(reader, columns)


def read_foreign(text: str) -> tuple[list[Row], list[tuple[int, str]], list[str]]:
    """Return the rows of any program's export, every mistake with its line, and the headings that we have no use for.

    The delimiter is whichever of comma, semicolon and tab the headings hold most of. Raises ValueError for a file
    without an address column.
    """
    text = text.removeprefix("\ufeff")
    delimiter = max(DELIMITERS, key=text.partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        headings = next(reader, [])
    except csv.Error as error:
        raise ValueError(f"is no CSV: {error}") from None
    columns = _known(headings)
    if "host" not in columns:
        raise ValueError(f"there is no column host, address or ip; columns are {', '.join(COLUMNS)}")
    left_out = [heading.strip() for heading, column in zip(headings, columns, strict=True) if not column]
    return *_rows(reader, columns), left_out


def _known(headings: list[str]) -> list[str]:
    """Return each heading's column, "" for what is none of ours or stands twice; our own word goes before another's."""
    own = [heading.strip().lower() for heading in headings]
    columns = [name if name in COLUMNS and own.index(name) == at else "" for at, name in enumerate(own)]
    for at, heading in enumerate(headings):
        column = _column(heading)
        if not columns[at] and column in COLUMNS and column not in columns:
            columns[at] = column
    return columns


def _rows(reader: Reader, columns: list[str]) -> tuple[list[Row], list[tuple[int, str]]]:
    rows: list[Row] = []
    mistakes: list[tuple[int, str]] = []
    try:
        for fields in reader:
            named = zip(columns, fields, strict=False)
            told = {name: value.strip() for name, value in named if name and value.strip()}
            mistake = _too_many(columns, fields) or row_mistake(told)
            if mistake is not None:
                mistakes.append((reader.line_num, mistake))
            elif told:
                rows.append(Row(line=reader.line_num, told=told))
    except csv.Error as error:
        mistakes.append((reader.line_num, f"is no CSV: {error}"))
    return rows, mistakes


def _column(heading: str) -> str:
    name = heading.strip().lower()
    return name if name in COLUMNS else _ELSEWHERE.get(re.sub(r"[\s_-]+", " ", name), name)


def _heading_mistake(columns: list[str]) -> str | None:
    for at, name in enumerate(columns):
        if name not in COLUMNS:
            return f"{name!r} is no column"
        if name in columns[:at]:
            return f"column {name} stands twice"
    return None if "host" in columns else "there is no column host"


def _too_many(columns: list[str], fields: list[str]) -> str | None:
    return f"{len(fields)} fields for {len(columns)} columns" if len(fields) > len(columns) else None


def row_mistake(told: Mapping[str, str]) -> str | None:
    """Return what is wrong with a row by itself, None where nothing is."""
    if not told:
        return None
    if "host" not in told:
        return "host: is empty"
    for name in ("port", "http_port"):
        if name in told and not (_WHOLE.fullmatch(told[name]) and 0 < int(told[name]) <= 65535):
            return f"{name}: {told[name]!r} is no port"
    if "priority" in told and _WHOLE.fullmatch(told["priority"]) is None:
        return f"priority: {told['priority']!r} is no whole number"
    if "mac" in told and _MAC.fullmatch(told["mac"]) is None:
        return f"mac: {told['mac']!r} is no MAC address"
    return _host_mistake(told["host"])


def _host_mistake(host: str) -> str | None:
    numeric = re.fullmatch(r"[0-9.]+", host)
    try:
        good = IPv4Address(host) is not None if numeric else _NAME.fullmatch(host) is not None
    except ValueError:
        good = False
    return None if good else f"host: {host!r} is no address"
