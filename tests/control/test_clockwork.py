"""What befell civil time is written down, with the host's run, and what is written is what the next start goes by."""

import asyncio
from datetime import timedelta

from agent.clock import Ran, TrustedClock
from agent.control.clockwork import watch_civil_time
from agent.facts.clock import ClockTrusted, ClockUnset, HostRan
from agent.host_run import HostRun
from tests.control.site import Machines, Site

HOUR = timedelta(hours=1)


async def test_a_host_that_was_booted_is_told_unset_then_trusted_and_when_it_began(tmp_path):
    site = Site(Machines(1), tmp_path)
    began_at, is_set = site.clock.now().at - HOUR, []
    site.clock.run = lambda: HostRun(boot="b", up_s=3600.0 + site.clock.now().mono, is_set=bool(is_set))
    trusted = TrustedClock(site.clock)
    trusted.begin(began_at - HOUR, doubted=False, ran=Ran("a", began_at - 2 * HOUR))
    watching = asyncio.create_task(watch_civil_time(trusted, site.controller))
    await site.live(5)
    assert [type(fact) for fact in site.ledger.replay(ClockUnset, ClockTrusted, HostRan)] == [ClockUnset]
    is_set.append(True)
    await site.live(5)
    watching.cancel()
    unset, believed, ran = site.ledger.replay(ClockUnset, ClockTrusted, HostRan)
    assert unset.at < began_at < believed.at
    assert (type(believed), ran.boot, ran.began_at) == (ClockTrusted, "b", began_at)
    await site.close()
    again = Site(Machines(1), tmp_path, clock=site.clock)
    assert again.recovery.ran == Ran("b", began_at)
    await again.close()
