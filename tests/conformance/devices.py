"""Machines of the families in hand: identified and read as the poller does, each expected figure compared.

What no driver speaks is no miss: it is named as not read yet.
"""

from drivers import registry
from drivers.errors import DeviceError, Unsupported
from drivers.identify import identify
from drivers.interface import Want
from tests.conformance.judging import figures_of, is_right
from tests.conformance.wires import serving_device


async def judge_device(device, lanes, tally):
    """Read one machine and count its figures."""
    async with serving_device(device) as target:
        try:
            identity, got = await known(lanes, target)
        except NoDriver as error:
            tally.not_yet.append(f"not yet: {device.name}: {error}")
            return
        except DeviceError as error:
            identity, got = None, dict.fromkeys(device.expected, f"{type(error).__name__}: {error}")
    with tally.proving("none" if identity is None else identity.driver, recorded=device.recorded):
        for field, expected in device.expected.items():
            meant = [expected, *device.alternatives.get(field, ())]
            right = any(is_right(field, one, got.get(field)) for one in meant)
            tally.judge(device.name, field, expected, got.get(field), right=right)


class NoDriver(Unsupported):
    """Identification found nobody who speaks it."""


async def read(lanes, target):
    """Return what the agent reads of the machine at a target, by the captures' names. Raises NoDriver."""
    return (await known(lanes, target))[1]


async def known(lanes, target):
    """Return who the machine at a target is, and what is read of it. Raises NoDriver."""
    try:
        identity = await lanes.run(target, identify(target))
    except Unsupported as error:
        raise NoDriver(str(error)) from error
    driver = registry.create(identity, target)
    return identity, figures_of(identity, await lanes.run(target, driver.read(Want.FULL)))
