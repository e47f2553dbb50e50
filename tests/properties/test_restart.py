"""Invariant 4: killed anywhere, the agent goes on with its order, wakes nobody, and sends nothing where all is done."""

import asyncio
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.control.site import Machines, Site

ORDERED_AT, LENGTH_S = 25, 110


async def killed_at(seconds, folder):
    """Run a site under a stop, killed and started again at each of these seconds; returns its machines and states."""
    machines = Machines(4)
    site, quiet_since = Site(machines, folder), None
    for second in range(LENGTH_S):
        if second == ORDERED_AT:
            await site.order()
        if second in seconds:
            await site.close()
            if len(machines.asleep) == 4 and quiet_since is None:
                quiet_since = len(machines.told)
            site = Site(machines, folder, clock=site.clock)
        await site.live(1)
    states = site.states()
    await site.close()
    return machines, states, quiet_since


def check(seconds):
    """Assert the invariant for one set of instants."""
    with tempfile.TemporaryDirectory() as folder:
        machines, states, quiet_since = asyncio.run(killed_at(seconds, Path(folder)))
    assert {command for _, command in machines.told} <= {"Sleep"}, "somebody was woken under a stop"
    assert len(machines.asleep) == 4, "the order did not go on"
    assert states[:3] == ["received", "accepted", "active"]
    assert states[-1] == "complied"
    if quiet_since is not None:
        assert len(machines.told) == quiet_since, "restarted while complied, it sent a command"


@settings(max_examples=8, deadline=None)
@given(st.sets(st.integers(1, LENGTH_S - 40), min_size=1, max_size=3))
def test_a_kill_at_any_second_loses_no_order_and_wakes_no_machine(seconds):
    check(seconds)
