"""A scan through a wire that loses packets."""

import asyncio
import json
import shutil
import sys

import pytest

from tests.scenarios.lossy_wire import NOT_HERE

MACHINES = 500
PATIENCE_S = 400
ALONE = ("unshare", "--map-root-user", "--net")


async def finished(*command):
    """Return the exit code and both outputs of a process."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, out.decode(), err.decode()


async def test_none_of_500_is_missed_where_each_twentieth_packet_is_lost():
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        pytest.skip("there is no unshare, or no ip, here")
    if (await finished(*ALONE, "true"))[0]:
        pytest.skip("network namespaces may not be made here")
    wire = (*ALONE, sys.executable, "-m", "tests.scenarios.lossy_wire", str(MACHINES), "--json", "--rate", "1500")
    code, out, err = await finished(*wire)
    if code == NOT_HERE:
        pytest.skip(f"no wire of one's own can be had here: {err}")
    assert code == 0, err
    told = json.loads(out)
    assert told["counts"]["found"] == MACHINES, told["counts"]
    assert len({miner["host"] for miner in told["miners"]}) == MACHINES
