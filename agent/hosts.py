"""Which machines a configuration names: addresses, ranges, networks, ports; and the inventory file. Pure."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_network

CGMINER_PORT = 4028
MOST_HOSTS = 200_000
COLUMNS = (
    "id", "host", "port", "http_port", "mac", "serial", "model", "driver", "feeder", "tags", "rack", "position",
    "credentials", "intended", "priority",
)  # fmt: skip
_SPAN = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where one machine answers; None is its family's own port."""

    host: str
    port: int | None = None
    http_port: int | None = None


def expand(text: str) -> Iterator[Place]:
    """Yield the places that one entry of `hosts` names. Raises ValueError with a clear sentence."""
    where, _, http = text.partition("/") if re.search(r":.*/", text) else (text, "", "")
    addresses, _, ports = where.partition(":")
    hosts = list(_hosts(addresses))
    if not ports:
        yield from (Place(host=host) for host in hosts)
        return
    api, web = _span(ports, text), _span(http, text) if http else None
    if web is not None and len(web) != len(api):
        raise ValueError(f"{text}: {len(api)} ports and {len(web)} HTTP ports")
    for host in hosts:
        for at, port in enumerate(api):
            yield Place(host=host, port=port, http_port=web[at] if web is not None else None)


def _span(text: str, whole: str) -> range:
    found = _SPAN.fullmatch(text)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 0 < first <= last <= 65535:
        raise ValueError(f"{whole}: {text!r} is no port or range of ports")
    return range(first, last + 1)


def _hosts(text: str) -> Iterator[str]:
    if "/" in text:
        try:
            network = ip_network(text, strict=False)
        except ValueError:
            raise ValueError(f"{text}: is no network") from None
        if network.num_addresses > MOST_HOSTS:
            raise ValueError(f"{text}: more than {MOST_HOSTS} addresses")
        yield from (str(address) for address in network.hosts())
        return
    first, dash, last = text.partition("-")
    if dash and re.fullmatch(r"[\d.]+", first):
        yield from _range(first, last, text)
    elif re.fullmatch(r"[\d.]+", text):
        yield str(_address(text, text))
    elif re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", text):
        yield text
    else:
        raise ValueError(f"{text!r}: is no address, range or network")


def _range(first: str, last: str, whole: str) -> Iterator[str]:
    begin = _address(first, whole)
    end = _address(last if "." in last else f"{first.rpartition('.')[0]}.{last}", whole)
    if end < begin or int(end) - int(begin) >= MOST_HOSTS:
        raise ValueError(f"{whole}: the range must go up, over at most {MOST_HOSTS} addresses")
    yield from (str(IPv4Address(number)) for number in range(int(begin), int(end) + 1))


def _address(text: str, whole: str) -> IPv4Address:
    try:
        return IPv4Address(text)
    except ValueError:
        raise ValueError(f"{whole}: {text!r} is no IPv4 address") from None


def read_inventory(text: str) -> tuple[list[dict[str, str]], list[str]]:
    """Return an inventory's rows with their filled columns, and every mistake with its line."""
    reader = csv.DictReader(io.StringIO(text.lstrip("\ufeff")))
    unknown = [name for name in reader.fieldnames or () if name not in COLUMNS]
    if unknown or "host" not in (reader.fieldnames or ()):
        said = f"unknown column {unknown[0]}" if unknown else "no column host"
        return [], [f"line 1: {said}; columns are {', '.join(COLUMNS)}"]
    rows, mistakes = [], []
    for row in reader:
        filled = {name: (value or "").strip() for name, value in row.items() if name is not None}
        mistake = _row_mistake(filled)
        if mistake is None and None not in row:
            rows.append({name: value for name, value in filled.items() if value})
        else:
            mistakes.append(f"line {reader.line_num}: {mistake or 'more fields than columns'}")
    return rows, mistakes


def _row_mistake(row: dict[str, str]) -> str | None:
    if not row.get("host"):
        return "host: is empty"
    for name in ("port", "http_port"):
        told = row.get(name, "")
        if told and not (told.isdigit() and 0 < int(told) < 65536):
            return f"{name}: {told!r} is no port"
    if row.get("priority") and re.fullmatch(r"-?\d+", row["priority"]) is None:
        return f"priority: {row['priority']!r} is no whole number"
    return None
