"""The witness: simulated machines on the vendors' ports, pyasic over them, and a table of what it saw.

Exit 0: all as the farm says. 1: not. 2: bad usage. 3: the vendors' ports are taken, or the client did not run.
Where the system allows it runs in a network of its own, that has a loopback and nothing else.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from simulators.farm import Farm, FarmOptions
from simulators.firmwares import firmware_names
from simulators.machines import MixRow, models
from simulators.places import ONE_ADDRESS
from tests.witness.comparing import compared

ALONE = "HASHWATT_WITNESS_ALONE"
CLIENT = Path(__file__).with_name("client.py")
OTHERS = (
    ("Antminer", "Antminer S21", "mara"),
    ("Antminer", "Antminer S19 XP", "epic"),
    ("WhatsMiner", "M60S", "whatsminer-v3"),
)
"""Firmware that machines did not come with, and that the client knows."""
SETTLE_S, CLIENT_S = 2.0, 120.0


def main(arguments):
    """Let the client behind the one argument, a Python with pyasic, look at one machine of each model."""
    if len(arguments) != 1 or shutil.which(arguments[0]) is None:
        return bad("usage: python -m tests.witness PYTHON, one that has pyasic", 2)
    if ALONE not in os.environ and can_be_alone():
        return subprocess.run(alone(sys.executable, "-m", "tests.witness", *arguments), check=False).returncode
    return asyncio.run(witnessed(arguments[0]))


def alone(*command):
    """Return the command that runs another in a network of its own."""
    inside = f'ip link set lo up && {ALONE}=1 exec "$@"'
    return ["unshare", "--map-root-user", "--net", "sh", "-c", inside, "alone", *command]


def can_be_alone():
    """Whether the system gives a network of one's own."""
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        return False
    return subprocess.run(alone("true"), check=False, capture_output=True).returncode == 0


async def witnessed(python):
    """Run the farm, ask the client, print the table; returns the exit code."""
    mix = tuple(
        MixRow(make=model.make, model=model.model, share=1, firmware=firmware_names(model.make)[0])
        for model in models().values()
    ) + tuple(MixRow(make=make, model=model, share=1, firmware=firmware) for make, model, firmware in OTHERS)
    async with Farm(FarmOptions(miners=len(mix), mix=mix)) as farm:
        if any(machine.host == ONE_ADDRESS for machine in farm.machines):
            return bad("the vendors' ports are taken or not to be had, and pyasic knows no other", 3)
        await asyncio.sleep(SETTLE_S)
        seen = await asked(python, [machine.host for machine in farm.machines])
        true = farm.state()["miners"]
    if seen is None:
        return bad("the client did not run", 3)
    rows = [row for machine in true for row in compared(seen[machine["host"]], machine)]
    wrong = sum(not row.ok for row in rows)
    sys.stdout.writelines(f"{row.line()}\n" for row in rows)
    sys.stdout.write(f"{len(rows) - wrong} of {len(rows)} fields of {len(true)} machines are as pyasic sees them\n")
    return 1 if wrong else 0


async def asked(python, hosts):
    """Return what the client sees by address; None where it fails, and it has said why."""
    client = await asyncio.create_subprocess_exec(python, CLIENT, *hosts, stdout=asyncio.subprocess.PIPE)
    try:
        async with asyncio.timeout(CLIENT_S):
            told, _ = await client.communicate()
    finally:
        if client.returncode is None:
            client.kill()
            await client.wait()
    return json.loads(told) if client.returncode == 0 else None


def bad(said, code):
    """Say what is wrong."""
    sys.stderr.write(f"witness: {said}\n")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
