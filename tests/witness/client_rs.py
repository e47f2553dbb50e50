"""What pyasic-rs sees at addresses of this machine, as JSON by address. Runs where it is, and nothing of ours.

It is pointed at no other address than the loopback's.
"""

import asyncio
import ipaddress
import json
import sys

from pyasic_rs import MinerFactory


async def seen(factory, host):
    """Return what pyasic-rs finds at an address, None where it identifies nothing."""
    miner = await factory.get_miner(host)
    if miner is None:
        return None
    if miner.firmware == "Braiins":
        miner.set_auth("root", "root")
    data = (await miner.get_data()).model_dump()
    device, pools = data["device_info"], [pool for group in data["pools"] for pool in group["pools"]]
    return {
        "class": device["firmware"],
        "make": device["make"],
        "model": device["model"],
        "mac": data["mac"],
        "serial": data["serial_number"],
        "api_version": data["api_version"],
        "firmware_version": data["firmware_version"],
        "is_mining": data["is_mining"],
        "power_w": data["wattage"],
        "hashrate_ths": ths(data["hashrate"]),
        "inlet_c": data["fluid_temperature"],
        "fans_rpm": [fan["rpm"] for fan in data["fans"] if fan["rpm"] is not None],
        "boards": [{"hashrate_ths": ths(one["hashrate"]), "chips": one["working_chips"]} for one in data["hashboards"]],
        "pools": [{"url": str(pool["url"]), "user": pool["user"], "alive": pool["alive"]} for pool in pools],
        "errors": [str(error) for error in data["messages"]],
    }


def ths(rate):
    """Return a rate in TH/s."""
    units = {"H/s": 1e-12, "KH/s": 1e-9, "MH/s": 1e-6, "GH/s": 1e-3, "TH/s": 1.0, "PH/s": 1e3}
    return None if rate is None else rate["value"] * units[rate["unit"]]


async def main(hosts):
    """Print what is seen at each address."""
    if not all(ipaddress.ip_address(host).is_loopback for host in hosts):
        sys.exit("only addresses of the loopback")
    factory, found = MinerFactory(), {}
    for count, host in enumerate(hosts, start=1):
        found[host] = await seen(factory, host)
        sys.stderr.write(f"pyasic-rs: {count} of {len(hosts)}\n")
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
