"""What `probe --commands` says of one simulated machine of every firmware, as it asks and words it."""

import msgspec

from agent.cli.machine import commands, machine_json
from agent.cli.options import present
from agent.cli.probe import _talk
from drivers.interface import Target
from simulators.farm import Farm, FarmOptions
from simulators.firmwares import FIRMWARES, can_be_told
from simulators.mix import every_mix
from tests.transports.servers import closed_port


async def test_every_firmware_is_probed_and_says_what_it_could_be_told():
    options = FarmOptions(miners=len(FIRMWARES), mix=every_mix(), own_ports=True, delay_scale=0.01)
    seen = {}
    async with Farm(options) as farm:
        for made in farm.machines:
            target = Target(host=made.host, port=made.port, http_port=made.http_port or closed_port())
            identity, reading = await _talk(target, "auto")
            told = machine_json(target, identity, reading, present()) | {"commands": commands(identity.abilities)}
            msgspec.json.encode(told)
            seen[made.make, made.firmware] = told, can_be_told(made)
    assert len(seen) == len(FIRMWARES)
    for kind, (told, obeys) in seen.items():
        named = [command["command"] for command in told["commands"]]
        assert told["state"] == "hashing", kind
        assert ("sleep" in named) is obeys, (kind, named)
