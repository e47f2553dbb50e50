"""What pyasic sees at addresses of this machine, as JSON by address. Runs where pyasic is, and nothing of ours.

It is pointed at no other address than the loopback's.
"""

import asyncio
import ipaddress
import json
import re
import sys

from pyasic import get_miner
from pyasic.errors import APIError

MACHINE_S = 60.0
CANNOT = re.compile(r"Failed to call (\w+) on")


async def seen(host):
    """Return what pyasic finds at an address, None where it identifies nothing."""
    miner = await get_miner(host)
    if miner is None:
        return None
    data = await told(miner)
    if isinstance(data, str):
        return {"failed": data}
    return {
        "class": type(miner).__name__,
        "make": data.make,
        "model": data.model,
        "mac": data.mac,
        "serial": data.serial_number,
        "api_version": data.api_ver,
        "firmware_version": data.fw_ver,
        "is_mining": data.is_mining,
        "uptime_s": data.uptime,
        "power_w": data.wattage,
        "power_limit_w": data.wattage_limit,
        "hashrate_ths": float(data.hashrate) if data.hashrate is not None else None,
        "inlet_c": data.env_temp,
        "fans_rpm": [fan.speed for fan in data.fans if fan.speed is not None],
        "boards": [board(one) for one in data.hashboards],
        "pools": [{"url": str(pool.url), "user": pool.user, "alive": pool.alive} for pool in data.pools],
        "errors": [str(error) for error in data.errors],
    }


async def told(miner):
    """Return what it finds out, without what it cannot ask this machine for; why, where it finds out nothing."""
    without = ["config"]
    while True:
        try:
            return await miner.get_data(exclude=without)
        except (APIError, OSError, TimeoutError) as error:
            found = CANNOT.search(str(error))
            if found is None or found[1] in without:
                return f"{type(error).__name__}: {error}"
            without.append(found[1])


def board(one):
    """Return one hashboard."""
    rate = None if one.hashrate is None else float(one.hashrate)
    return {"hashrate_ths": rate, "chips": one.chips, "board_c": one.temp, "chip_c": one.chip_temp}


async def main(hosts):
    """Print what is seen at each address."""
    if not all(ipaddress.ip_address(host).is_loopback for host in hosts):
        sys.exit("only addresses of the loopback")
    found = {}
    for count, host in enumerate(hosts, start=1):
        async with asyncio.timeout(MACHINE_S):
            found[host] = await seen(host)
        sys.stderr.write(f"pyasic: {count} of {len(hosts)}\n")
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
