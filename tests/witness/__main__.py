"""The witness: simulated machines on the vendors' ports, pyasic and pyasic-rs over them, and what each saw differently.

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
from tests.witness.reasons import PYASIC, PYASIC_RS

ALONE = "HASHWATT_WITNESS_ALONE"
HERE = Path(__file__).parent
OTHER_FIRMWARES = (("Antminer", "Antminer S19"), ("WhatsMiner", "M60S"))
"""Of these makes every firmware is looked at, on this model; what names no make is nobody's to know."""
NAMELESS = {"stranger", "cgminer", "bfgminer"}
SETTLE_S, CLIENT_S = 2.0, 600.0


def main(arguments):
    """Let the clients behind the one argument, a Python with both, look at one machine of each model and firmware."""
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
    kinds = [(model.make, model.model, firmware_names(model.make)[0]) for model in models().values()]
    kinds += [
        (make, model, firmware)
        for make, model in OTHER_FIRMWARES
        for firmware in firmware_names(make)[1:]
        if firmware not in NAMELESS
    ]
    mix = tuple(MixRow(make=make, model=model, share=1, firmware=firmware) for make, model, firmware in kinds)
    async with Farm(FarmOptions(miners=len(mix), mix=mix)) as farm:
        if any(machine.host == ONE_ADDRESS for machine in farm.machines):
            return bad("the vendors' ports are taken or not to be had, and pyasic knows no other", 3)
        await asyncio.sleep(SETTLE_S)
        verdicts = [await verdict(python, client, farm) for client in (PYASIC, PYASIC_RS)]
    return max(verdicts)


async def verdict(python, client, farm):
    """Ask one client, print its table; returns the exit code."""
    seen = await asked(python, HERE / client.script, [machine.host for machine in farm.machines])
    true = farm.state()["miners"]
    if seen is None:
        return bad(f"{client.name} did not run", 3)
    rows = [row for machine in true for row in compared(seen[machine["host"]], machine, client)]
    wrong, explained = sum(not row.ok for row in rows), sum(row.why != "" for row in rows)
    sys.stdout.writelines(f"{row.line()}\n" for row in rows if row.why or not row.ok)
    sys.stdout.write(
        f"{client.name}: {len(rows) - wrong} of {len(rows)} fields of {len(true)} machines are as it sees them,"
        f" {explained} of these for the reasons above\n"
    )
    return 1 if wrong else 0


async def asked(python, script, hosts):
    """Return what the client sees by address; None where it fails, and it has said why."""
    client = await asyncio.create_subprocess_exec(
        python, "-W", "ignore", script, *hosts, stdout=asyncio.subprocess.PIPE
    )
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
