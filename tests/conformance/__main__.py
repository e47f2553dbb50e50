"""The conformance run: prints each miss, then what is not yet read, then how many figures are right.

`--proof` keeps what was proved of each driver, for the table of what is supported. Exit 0: all right. 1: a miss.
2: bad usage, or nothing to read below the folder.
"""

import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path

from drivers.transports.lanes import Lanes
from tests.conformance.captures import devices, folders
from tests.conformance.devices import judge_device
from tests.conformance.faces import judge_faces
from tests.conformance.judging import Tally
from tests.conformance.programs import judge_program

TIMEOUT_S = 3.0
PROOF = Path(__file__).with_name("proof.json")


def main(arguments):
    """Run over the folder that the one argument names; returns the exit code."""
    keeps = arguments[1:] == ["--proof"]
    root = Path(arguments[0]) if keeps or len(arguments) == 1 else None
    if root is None or not root.is_dir():
        return bad("usage: python -m tests.conformance DIR [--proof]")
    try:
        machines, programs = devices(root), folders(root)
    except (ValueError, KeyError, TypeError, OSError) as error:
        return bad(f"not a capture: {error!r}")
    if not machines and not programs:
        return bad(f"no captures below {root}")
    tally, unknown = asyncio.run(judged(machines, programs, root))
    notes = [f"not simulated: {unknown} requests"] if unknown else []
    notes += [*tally.not_yet, f"not yet: {len(tally.not_yet)} files"]
    sys.stdout.writelines(f"{line}\n" for line in (*tally.misses, *notes, tally.line))
    if keeps:
        proofs = {driver: asdict(proof) for driver, proof in sorted(tally.proofs.items())}
        PROOF.write_text(json.dumps(proofs, indent=2) + "\n", encoding="utf-8")
    return 1 if tally.misses else 0


async def judged(machines, programs, root):
    """Read everything, one after the other, as the agent would; then ask the simulated programs the same."""
    tally, lanes = Tally(), Lanes(timeout_s=TIMEOUT_S)
    for program in programs:
        with tally.proving("cgminer", recorded=True):
            await judge_program(program, lanes, tally)
    for machine in machines:
        await judge_device(machine, lanes, tally)
    await lanes.close()
    return tally, await judge_faces(programs, root, tally)


def bad(said):
    """Say what is wrong with the usage."""
    sys.stderr.write(f"{said}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
