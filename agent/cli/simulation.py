"""Running the simulated farm for `hashwatt simulate`; standard output has the farm's own lines alone."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from ipaddress import IPv4Address
from pathlib import Path
from typing import TypeVar

from agent.cli.failure import UNREACHABLE, USAGE, Failure
from agent.cli.simulate import How, What
from simulators.broker import checked
from simulators.farm import Farm, FarmOptions
from simulators.faults import read_schedule
from simulators.machines import BadInput, MixRow
from simulators.mix import DEFAULT_MIX, EVERY, every_mix, read_mix
from simulators.places import Taken

_T = TypeVar("_T")


def run(what: What, how: How) -> None:
    """Run the farm until SIGINT or SIGTERM. Raises Failure."""
    try:
        asyncio.run(_run(_options(what, how), how.config_out))
    except BadInput as error:
        raise Failure(USAGE, str(error)) from error
    except Taken as error:
        raise Failure(UNREACHABLE, str(error)) from error


def _options(what: What, how: How) -> FarmOptions:
    if what.bind is not None:
        _check_address(what.bind)
    if re.fullmatch(r"[A-Za-z0-9._-]{1,64}", how.site) is None:
        raise BadInput(f"--site: {how.site!r} is not 1 to 64 of A-Z a-z 0-9 . _ -")
    if how.mqtt is not None:
        checked(how.mqtt)
    return FarmOptions(
        miners=what.miners,
        mix=_mix(what.mix),
        seed=what.seed,
        feeders=what.feeders,
        bind=what.bind,
        own_ports=what.own_ports,
        control_port=what.control_port,
        schedule=() if what.faults is None else _read(what.faults, read_schedule),
        delay_scale=how.delay_scale,
        time_scale=how.time_scale,
        warm=not how.cold,
        house_w=how.house_w,
        mqtt_url=how.mqtt,
        site=how.site,
    )


def _mix(told: Path | None) -> tuple[MixRow, ...]:
    if told is None:
        return DEFAULT_MIX
    return every_mix() if str(told) == EVERY else _read(told, read_mix)


def _check_address(told: str) -> None:
    try:
        IPv4Address(told)
    except ValueError:
        raise BadInput(f"--bind: {told!r} is no IPv4 address") from None


def _read(path: Path, parse: Callable[[str], _T]) -> _T:
    try:
        return parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: {getattr(error, 'strerror', None) or 'is no text'}") from error
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from error


async def _run(options: FarmOptions, config_out: Path | None) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        for sort in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(sort, ended.set)
            stack.callback(loop.remove_signal_handler, sort)
        farm = await stack.enter_async_context(Farm(options))
        if config_out is not None:
            _write(config_out, farm.config_toml())
        sys.stdout.write(announcement(farm))
        sys.stdout.flush()
        await ended.wait()


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from error


def announcement(farm: Farm) -> str:
    """Return the lines that tell who is where."""
    lines = [
        f"miner {made.host} {made.port} {made.http_port or 0} {made.make} {made.model} {made.mac}"
        for made in farm.machines
    ]
    meter, control = f"meter localhost:{farm.meter_port}", f"control localhost:{farm.control_port}"
    return "\n".join([*lines, meter, control, f"ready {len(lines)}\n"])
