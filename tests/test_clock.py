"""The host's clock over its runs: what was written of one tells the time when the agent begins again in it."""

from datetime import UTC, datetime, timedelta

import pytest

from agent.clock import ManualClock, Ran, TrustedClock
from agent.host_run import HostRun, host_run

pytestmark = pytest.mark.pure

NOON = datetime(2026, 1, 10, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Host(ManualClock):
    """A host that has been up for an hour when its clock says noon."""

    def __init__(self, *, is_set=True, boot="a"):
        super().__init__(NOON)
        self.is_set, self.boot = is_set, boot

    def run(self):
        return HostRun(boot=self.boot, up_s=3600.0 + self.now().mono, is_set=self.is_set)


def begun(host, ran=None, last_at=None, *, doubted=False):
    clock = TrustedClock(host)
    clock.begin(last_at, doubted=doubted, ran=ran)
    return clock


async def test_a_run_of_the_host_is_told_once_and_again_when_its_clock_was_set():
    host = Host()
    clock = begun(host)
    assert clock.ran() == Ran("a", NOON - HOUR)
    await host.advance(50.0)
    assert clock.ran() is None
    host.step_wall_clock(3600.0)
    clock.now()
    assert clock.ran() is None
    clock.trust()
    assert clock.ran() == Ran("a", NOON)


def test_a_run_that_goes_on_knows_what_time_it_is():
    host = Host()
    host.step_wall_clock(7200.0)
    clock = begun(host, Ran("a", NOON - HOUR), NOON - HOUR / 2)
    assert clock.now().at == NOON
    assert not clock.now().is_trusted
    assert clock.standing().off_s == 7200.0


def test_a_new_run_is_doubted_until_a_time_service_has_set_its_clock():
    host = Host(is_set=False)
    clock = begun(host, Ran("before", NOON - HOUR), NOON - HOUR / 2)
    assert (clock.now().at, clock.now().latest) == (NOON - HOUR / 2, NOON)
    assert clock.ran() is None
    host.is_set = True
    assert clock.now().is_trusted
    assert clock.ran() == Ran("a", NOON - HOUR)


def test_where_no_run_was_ever_written_down_the_clock_is_believed():
    assert begun(Host(is_set=False), None, NOON - HOUR).now().is_trusted


def test_this_host_tells_its_run_or_that_it_cannot():
    first, second = host_run(), host_run()
    assert (first is None) == (second is None)
    if first is not None and second is not None:
        assert first.boot == second.boot
        assert 0.0 < first.up_s <= second.up_s
