"""`make test-long`: the winter. Prints its seed first, what befell it, then each thing that went wrong; exit 1 for any.

Six of the machines, other firmwares with another seed, are the simulators' faces behind the real drivers; the others
are columns and a driver without a wire. `--seed` with it makes the same again; a shorter or smaller winter has as much
less in it.
"""

import argparse
import asyncio
import gc
import sys
import tempfile
import time
from pathlib import Path

from tests.winter.plan import plan
from tests.winter.proof import failures, tidings
from tests.winter.season import Season

TOLD_EACH_DAYS = 10


def main(arguments):
    """Live through one; returns the exit code."""
    told = _parser().parse_args(arguments)
    say(f"seed {told.seed}")
    began = time.monotonic()

    def day(number):
        if number % TOLD_EACH_DAYS == 0:
            say(f"day {number} after {time.monotonic() - began:.0f} s")

    gc.freeze()
    with tempfile.TemporaryDirectory() as folder:
        farm = {"days": told.days, "machines": told.machines, "faces": told.faces, "reserve": True}
        season = Season(Path(folder), seed=told.seed, day=day, **farm)
        plan(season)
        asyncio.run(season.run())
        wrong = failures(season)
        for line in (*tidings(season), *(f"WRONG {line}" for line in wrong)):
            say(line)
    say(f"{'not held' if wrong else 'held'} in {time.monotonic() - began:.0f} s, {time.process_time():.0f} s of a core")
    return 1 if wrong else 0


def say(line):
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _parser():
    parser = argparse.ArgumentParser(prog="python -m tests.winter", description=__doc__)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--days", type=float, default=120.0)
    parser.add_argument("--machines", type=int, default=1000)
    parser.add_argument("--faces", type=int, default=6, help="of these, how many are the simulators' own")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
