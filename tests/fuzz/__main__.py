"""`make fuzz`: a million mutated replies over all drivers, a million order documents that come wrong, over all cores.

Prints the seed first; `--seed` with it makes the same again, `--case NUMBER` one case of it alone. Exit 1 where
anything went wrong, or memory grew.
"""

import argparse
import multiprocessing
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from tests.fuzz import replies
from tests.fuzz.faces import recorded
from tests.fuzz.pieces import order_piece, reply_piece

MILLION = 1_000_000
MOST_GROWN_MB = 24.0
MOST_SHOWN = 20


def main(arguments):
    """Run both; returns the exit code."""
    told = _parser().parse_args(arguments)
    sys.stdout.write(f"seed {told.seed}\n")
    if told.case is not None:
        return _one(told.seed, told.case)
    context = multiprocessing.get_context("spawn")
    found = True
    for name, work, total in (("replies", reply_piece, told.replies), ("orders", order_piece, told.orders)):
        with ProcessPoolExecutor(os.cpu_count(), mp_context=context) as pool:
            found &= _run(name, partial(work, told.seed), total, pool)
    return 0 if found else 1


def _parser():
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seed", default=str(int(time.time())))
    parser.add_argument("--replies", type=int, default=MILLION)
    parser.add_argument("--orders", type=int, default=MILLION)
    parser.add_argument("--case", type=int, help="one case of the replies alone, told in full")
    return parser


def _run(name, work, total, pool):
    """Let pieces be done until `total` is reached; prints what came of it, and returns whether all was right."""
    began, done, piece, wrong, told, grown_mb = time.monotonic(), 0, 0, [], Counter(), 0.0
    workers = pool._max_workers
    while done < total and len(wrong) < MOST_SHOWN:
        for count, ends, found, grew_mb in pool.map(work, range(piece, piece + workers)):
            done += count
            told += ends
            wrong += found
            grown_mb = max(grown_mb, grew_mb)
        piece += workers
    took_s = time.monotonic() - began
    ends = ", ".join(f"{end} {count:,}" for end, count in told.most_common())
    sys.stdout.writelines(f"wrong: {line}\n" for line in wrong[:MOST_SHOWN])
    sys.stdout.write(f"{name}: {done:,} in {took_s:.0f} s, {done / took_s:,.0f} a second, {workers} processes\n")
    sys.stdout.write(f"  {ends}\n  memory grew by {grown_mb:.1f} MB; wrong: {len(wrong)}\n")
    sys.stdout.flush()
    return not wrong and grown_mb <= MOST_GROWN_MB


def _one(seed, number):
    case, tape = replies.case_of(recorded(), seed, number)
    sys.stdout.write(f"{tape.name} ({tape.driver})\n")
    try:
        end = case.hold()
    finally:
        sys.stdout.writelines(f"  {reply!r}\n" for reply in case.fed)
    sys.stdout.write(f"{end}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
