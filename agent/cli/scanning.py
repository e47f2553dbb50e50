"""Carrying out a scan piece by piece: what is done is kept in a file, so that an interrupted scan goes on."""

from __future__ import annotations

import asyncio
import json
import resource
import sys
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from itertools import chain, islice
from pathlib import Path
from typing import Any

from agent.cli.failure import NO, UNREACHABLE, USAGE, Failure
from agent.cli.show import as_json, plain, table
from agent.control.discovery import Met, Outcome, Pace, look

PIECE = 16_384
MOST_AT_ONCE = 4096
SPARE_DESCRIPTORS = 300
_NEIGHBOURS = Path("/proc/sys/net/ipv4/neigh/default/gc_thresh3")


@dataclass(slots=True)
class Progress:
    """How far a scan of these networks is, and what it has met."""

    networks: list[str]
    done: int = 0
    met: list[dict[str, Any]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=lambda: {outcome.value: 0 for outcome in Outcome})

    def kept(self) -> dict[str, Any]:
        """Return what the file holds."""
        return {"networks": self.networks, "done": self.done, "met": self.met, "counts": self.counts}


def run(networks: list[IPv4Network], *, rate: int, resume: Path | None, as_json_: bool, as_toml: bool) -> None:
    """Scan, and print. Raises Failure."""
    progress = _begun(Progress([str(network) for network in networks]), resume)
    pace = Pace(rate_per_s=rate, most_at_once=_descriptors())
    size = sum(_size(network) for network in networks)
    for fact in _limits(networks, size, pace):
        print(fact, file=sys.stderr)
    try:
        asyncio.run(_scan(networks, size, progress, pace, resume))
    except KeyboardInterrupt:
        more = f"; the same command goes on from {progress.done:,}" if resume is not None else ""
        raise Failure(NO, f"interrupted at {progress.done:,} of {size:,} addresses{more}") from None
    except OSError as error:
        raise Failure(UNREACHABLE, f"this host cannot scan: {error.strerror or error}") from None
    if resume is not None:
        resume.unlink(missing_ok=True)
    _print(progress, as_json_=as_json_, as_toml=as_toml)
    if not progress.counts[Outcome.FOUND]:
        raise Failure(NO, "no machine is found")


async def _scan(networks: list[IPv4Network], size: int, progress: Progress, pace: Pace, resume: Path | None) -> None:
    hosts = islice(chain.from_iterable(network.hosts() for network in networks), progress.done, None)
    while piece := [str(host) for host in islice(hosts, PIECE)]:
        sighting = await look(piece, pace)
        progress.met += [_row(met) for met in sighting.met]
        for outcome, count in sighting.counts.items():
            progress.counts[outcome.value] += count
        progress.done += len(piece)
        if resume is not None:
            _keep(progress, resume)
        print(f"{progress.done:,} of {size:,} addresses: {_summary(progress)}", file=sys.stderr)


def _size(network: IPv4Network) -> int:
    return network.num_addresses - (2 if network.prefixlen < 31 else 0)


def _row(met: Met) -> dict[str, Any]:
    keys = ("driver", "make", "model", "firmware", "firmware_version", "mac", "serial")
    who = {key: getattr(met.identity, key) if met.identity is not None else None for key in keys}
    who["driver"] = who["driver"] or met.denied
    return {"host": met.host, "ports": list(met.ports), "outcome": met.outcome.value, **who, "said": met.said}


def _begun(fresh: Progress, resume: Path | None) -> Progress:
    """Return what the file says was done already; raises Failure where it is of another scan."""
    if resume is None or not resume.exists():
        return fresh
    try:
        kept = Progress(**json.loads(resume.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise Failure(USAGE, f"{resume}: is no scan's file: {error}") from None
    if kept.networks != fresh.networks:
        raise Failure(USAGE, f"{resume}: is of a scan of {', '.join(kept.networks)}")
    return kept


def _keep(progress: Progress, resume: Path) -> None:
    fresh = resume.with_name(f"{resume.name}.new")
    fresh.write_text(json.dumps(progress.kept()), encoding="utf-8")
    fresh.replace(resume)


def _descriptors() -> int:
    """Raise this process's limit as far as it may, and return how many connections fit."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_AT_ONCE + SPARE_DESCRIPTORS if hard == resource.RLIM_INFINITY else hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(16, min(MOST_AT_ONCE, wanted - SPARE_DESCRIPTORS))


def _limits(networks: list[IPv4Network], size: int, pace: Pace) -> list[str]:
    """Return what of this host would slow the scan, or lose machines."""
    facts = []
    if pace.most_at_once < min(MOST_AT_ONCE, pace.rate_per_s * pace.timeouts_s[-1]):
        facts.append(f"open files: ulimit -n leaves {pace.most_at_once:,} connections at once; that bounds the rate")
    try:
        most = int(_NEIGHBOURS.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return facts
    if size > most and not all(network.is_loopback for network in networks):
        facts.append(f"neighbour table: net.ipv4.neigh.default.gc_thresh3 is {most:,}, fewer than {size:,} addresses;")
        facts.append("where they are on this host's own wire, raise it or lower --rate, or machines may be missed")
    return facts


def _summary(progress: Progress) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in progress.counts.items() if count)


def _print(progress: Progress, *, as_json_: bool, as_toml: bool) -> None:
    if as_json_:
        as_json({"networks": progress.networks, "counts": progress.counts, "miners": progress.met})
    elif as_toml:
        print(toml(progress.met))
    else:
        columns = ("host", "outcome", "make", "model", "firmware", "mac", "said")
        table(columns, ([row[column] for column in columns] for row in progress.met))
        print(_summary(progress))


def toml(met: list[dict[str, Any]]) -> str:
    """Return [[miners]] for what was found, one for each sort of machine."""
    sorts: dict[str, list[str]] = {}
    for row in met:
        if row["outcome"] == Outcome.FOUND:
            sort = " ".join(plain(row[key]) for key in ("make", "model", "firmware") if row[key])
            sorts.setdefault(sort or plain(row["driver"]), []).append(row["host"])
    groups = []
    for sort, hosts in sorted(sorts.items()):
        lines = "".join(f'  "{host}",\n' for host in hosts)
        groups.append(f"[[miners]]  # {len(hosts)}: {sort}\nhosts = [\n{lines}]\n")
    return "\n".join(groups)
