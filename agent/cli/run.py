"""`hashwatt run`: the daemon. Reads its arguments by argparse, so that a running agent loads no shell library."""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import signal
import sys
from pathlib import Path

import structlog
import uvloop

from agent import logs
from agent.app import Running, serve
from agent.config import Config, ConfigError, load
from agent.descriptors import allow_many
from agent.ledger.lock import Locked
from agent.ledger.store import CannotOpen
from agent.state_dir import state_dir
from agent.wiring.followed import FOLLOWED, mistakes
from agent.wiring.money_terms import terms_of
from agent.wiring.order_room import schedule_of
from agent.wiring.outlet_room import check_snmp

OK, BAD_INPUT, TAKEN = 0, 2, 3
BESIDE = (terms_of, schedule_of, check_snmp)
"""What reads the files beside a configuration."""
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
    if loosening := _loosening(config):
        return _refuse(*loosening)
    logging = config.schema.logging
    logs.configure(level=logging.level, form=logging.format)
    folder = state_dir(config.schema.site.id, arguments.state_dir, os.environ)
    return _run(_Life(config, arguments.config), folder)


def _loosening(config: Config) -> list[str]:
    """Return why this configuration must not run."""
    left = (left.key for left in config.not_yet() if left.loosens)
    return [f"{config.file}: {key}: not yet: ignoring it would loosen control" for key in left]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hashwatt run",
        description="Poll the farm, hold it to the orders in force, keep the ledger. SIGHUP takes up what "
        "the configuration says now; SIGTERM ends it. Neither wakes anything.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=Path, default=Path("farm.toml"), help="the configuration (farm.toml)")
    parser.add_argument("--state-dir", type=Path, help="where ledger, lock and local token live")
    return parser


class _Life:
    """What runs, and what signals make of it: an end, or a new beginning with what the file says then."""

    def __init__(self, config: Config, file: Path) -> None:
        self.config = config
        self.ended = False
        self.stop = asyncio.Event()
        self._file = file
        self._proven: Config | None = None

    def end(self) -> None:
        """End the agent."""
        self.ended = True
        self.stop.set()

    def begin_again(self) -> None:
        """Take up the file as it is now; one that is not sound is told of and left."""
        try:
            fresh = load(self._file)
        except ConfigError as error:
            return _leave(*map(str, error.problems))
        # the files that it names are read by whatever runs next, the old configuration too: with a mistake there
        # neither could begin
        if problems := [*_loosening(fresh), *map(str, mistakes(fresh, *BESIDE, *FOLLOWED))]:
            return _leave(*problems)
        self.config = fresh
        self.stop.set()
        return None

    def prove(self, _running: Running) -> None:
        """Note that an agent runs by this configuration."""
        self._proven = self.config

    def fall_back(self) -> bool:
        """Go back to the last configuration that ran; False where there is no other."""
        found = self._proven is not None and self._proven is not self.config
        self.config = self._proven or self.config
        return found


def _leave(*problems: str) -> None:
    structlog.get_logger().error("the new configuration is not taken up", problems=problems)


def _run(life: _Life, folder: Path) -> int:
    allow_many()
    gc.freeze()  # what the imports made is never garbage: looking through it held the loop up for 80 ms
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_until_told(life, folder))
    except Locked as error:
        return _refuse(str(error), code=TAKEN)
    except CannotOpen as error:
        return _refuse(str(error), code=TAKEN)
    except ConfigError as error:
        return _refuse(*map(str, error.problems))
    except OSError as error:
        return _refuse(f"{error.filename or life.config.file}: {error.strerror or error}", code=TAKEN)
    gc.freeze()  # what is left goes with the process: looking through it took seconds of an end that has five
    return OK


async def _until_told(life: _Life, folder: Path) -> None:
    """Run until SIGTERM or SIGINT; at SIGHUP begin again in this process: a start wakes nothing, lets go of nothing."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, life.end)
    loop.add_signal_handler(signal.SIGHUP, life.begin_again)
    while not life.ended:
        life.stop.clear()
        try:
            await serve(life.config, folder, life.stop, ready=life.prove)
        except (ConfigError, OSError) as error:
            if not life.fall_back():
                raise
            _leave(str(error))


def _refuse(*sentences: str, code: int = BAD_INPUT) -> int:
    for sentence in sentences:
        sys.stderr.write(f"{sentence}\n")
    return code
