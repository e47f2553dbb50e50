"""Reboot and blink by hand: who is told, who is left out and why, and that nobody is woken by it."""

import asyncio
import time

import pytest

from agent.control.errands import Errands
from agent.fleet.selector import at_once
from drivers.errors import Unreachable
from drivers.interface import Abilities, Identity, Locate, Reboot, Receipt, SleepAbility
from tests.control import site as room
from tests.control.site import FULL_W, STANDBY_W, Machines, PlantDriver, Site


class BlinkingDriver(PlantDriver):
    """A machine that reboots and blinks, but the last one, which can neither."""

    def identify(self):
        yield from self._reach()
        able = self.host != self.machines.hosts[-1]
        sleep = SleepAbility(standby_w=STANDBY_W, settle_s=5.0, wake_s=20.0)
        abilities = Abilities(sleep=sleep, reboot=able, locate=able)
        return Identity(driver="blinking", nominal_w=FULL_W, nominal_ths=100.0, abilities=abilities)

    def send(self, command):
        if isinstance(command, Reboot | Locate):
            self.machines.sent.append((self.host, command))
            yield from self._reach()
            return Receipt()
        return (yield from super().send(command))


@pytest.fixture
async def make_site(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "PlantDriver", BlinkingDriver)
    made = []

    async def make(**how):
        machines = Machines(4)
        machines.sent = []
        made.append(Site(machines, tmp_path, **how))
        await made[0].live(30)
        return made[0]

    yield make
    await made[0].close()


async def test_those_who_can_are_told_and_it_is_written_down(make_site):
    site = await make_site()
    errands = site.desk.errands
    assert at_once(errands.excusing(["m0", "m1", "m3"], "reboot")) == {"m3": "cannot reboot"}
    assert await errands.send(["m0"], "reboot", by="anna") == []
    assert await errands.send(["m1"], "locate", by="anna") == []
    assert site.machines.sent == [("127.0.0.1", Reboot()), ("127.0.0.2", Locate())]
    written = [fact for fact in site.ledger.replay() if type(fact).__name__ == "ErrandSent"]
    assert [(fact.miners, fact.errand, fact.by) for fact in written] == [
        (["m0"], "reboot", "anna"), (["m1"], "locate", "anna"),
    ]  # fmt: skip


async def test_who_sleeps_or_is_held_is_not_rebooted_and_may_blink(make_site):
    site = await make_site()
    await site.desk.hold(["m1"], kind="bench", by="anna", until=None)
    await site.desk.set_level(["m2"], "sleep", by="anna")
    await site.live(20)
    everybody = ["m0", "m1", "m2"]
    assert at_once(site.desk.errands.excusing(everybody, "reboot")) == {
        "m1": "is held", "m2": "is lowered, and might wake by it",
    }  # fmt: skip
    assert at_once(site.desk.errands.excusing(everybody, "unlocate")) == {}


async def test_who_is_out_of_reach_or_under_way_is_left_out(make_site):
    site = await make_site()
    site.machines.dead.add("127.0.0.1")
    site.machines.answer["127.0.0.2"] = Unreachable("silent")
    await site.live(60)
    assert at_once(site.desk.errands.excusing(["m0", "m2"], "locate")) == {"m0": "is out of reach"}
    site.poller.busy[2] = True
    assert await site.desk.errands.send(["m2"], "locate", by="anna") == ["m2"]


async def test_where_nothing_is_sent_nobody_is_told(make_site):
    site = await make_site(enforce=False)
    assert at_once(site.desk.errands.excusing(["m0"], "locate")) == {"m0": "observe: nothing is sent"}


async def test_of_many_the_first_are_told_at_once_and_the_others_are_looked_at_again(make_site, monkeypatch):
    monkeypatch.setattr("agent.control.errands.AT_ONCE", 1)
    site = await make_site()
    errands = site.desk.errands
    assert await errands.send(["m0", "m1", "m2"], "reboot", by="anna") == []
    assert [host for host, _ in site.machines.sent] == ["127.0.0.1"]
    await site.desk.hold(["m1"], kind="bench", by="anna", until=None)
    site.poller.busy[2] = True
    errands.tell_some()
    assert len(site.machines.sent) == 1
    site.poller.busy[2] = False
    running = asyncio.create_task(errands.run())
    while len(site.machines.sent) < 2:
        await site.clock.advance(0.1)
        await asyncio.sleep(0)
    running.cancel()
    assert [host for host, _ in site.machines.sent] == ["127.0.0.1", "127.0.0.3"]


async def test_a_large_fleet_is_looked_through_in_short_turns(make_site):
    site = await make_site()
    index = site.fleet.index
    site.fleet.index = {f"x{at}": at % 4 for at in range(20_000)}
    turns, spent_s = Errands(site.controller.parts, site.controller.limits).excusing([*site.fleet.index], "reboot"), []
    began = time.thread_time()
    for _ in turns:
        spent_s.append(time.thread_time() - began)
        began = time.thread_time()
    site.fleet.index = index
    assert len(spent_s) == 100
    assert sorted(spent_s)[90] < 0.01


async def test_a_reboot_that_was_asked_for_before_a_stop_is_not_sent_after_it(make_site):
    site = await make_site()
    assert at_once(site.desk.errands.excusing(["m0"], "reboot")) == {}
    await site.order()
    await site.live(1)
    assert site.fleet.setpoint[0] > 0
    assert await site.desk.errands.send(["m0"], "reboot", by="anna") == ["m0"]
    assert site.machines.sent == []
