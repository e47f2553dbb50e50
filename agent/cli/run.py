"""`hashwatt run`: the daemon. Reads its arguments by argparse, so that a running agent loads no shell library."""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import resource
import signal
import sys
from pathlib import Path

import structlog
import uvloop

from agent import logs
from agent.app import serve
from agent.config import Config, ConfigError, load
from agent.ledger.lock import Locked
from agent.ledger.store import CannotOpen
from agent.state_dir import state_dir

OK, BAD_INPUT, TAKEN = 0, 2, 3
EXAMPLES = """examples:
  hashwatt run --config farm.toml
  hashwatt run --config /etc/hashwatt/farm.toml --state-dir /var/lib/hashwatt
"""


def main(argv: list[str]) -> int:
    """Run the agent until SIGTERM or SIGINT; returns the exit code."""
    arguments = _parser().parse_args(argv)
    try:
        config = load(arguments.config)
    except ConfigError as error:
        return _refuse(*map(str, error.problems))
    loosening = [
        f"{config.file}: {left.key}: not yet: ignoring it would loosen control"
        for left in config.not_yet()
        if left.loosens
    ]
    if loosening:
        return _refuse(*loosening)
    logging = config.schema.logging
    logs.configure(level=logging.level, form=logging.format)
    folder = state_dir(config.schema.site.id, arguments.state_dir, os.environ)
    return _run(config, folder)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hashwatt run",
        description="Poll the farm, hold it to the orders in force, keep the ledger. SIGTERM ends it, waking nothing.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=Path, default=Path("farm.toml"), help="the configuration (farm.toml)")
    parser.add_argument("--state-dir", type=Path, help="where ledger, lock and local token live")
    return parser


def _run(config: Config, folder: Path) -> int:
    _allow_many_sockets()
    gc.freeze()  # what the imports made is never garbage: looking through it held the loop up for 80 ms
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_until_told(config, folder))
    except Locked as error:
        return _refuse(str(error), code=TAKEN)
    except CannotOpen as error:
        return _refuse(str(error), code=TAKEN)
    except ConfigError as error:
        return _refuse(*map(str, error.problems))
    except OSError as error:
        return _refuse(f"{config.file}: {error.strerror or error}", code=TAKEN)
    return OK


async def _until_told(config: Config, folder: Path) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, _say_not_yet)
    await serve(config, folder, stop)


def _allow_many_sockets() -> None:
    """Raise the soft limit on descriptors to the hard one: the usual 1,024 are fewer than commands under way."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _say_not_yet() -> None:
    structlog.get_logger().warning("SIGHUP: the configuration is read at the start only; restart to take up a new one")


def _refuse(*sentences: str, code: int = BAD_INPUT) -> int:
    for sentence in sentences:
        sys.stderr.write(f"{sentence}\n")
    return code
