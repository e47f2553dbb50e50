"""Stuck machines in a whole control room: told by what is allowed, written first, never who must stay as he is."""

import pytest

from agent.control import remedying
from agent.facts import SendingPaused
from agent.facts.outlets import OutletSwitched
from agent.facts.remedies import Remedied
from agent.fleet import remedies
from agent.fleet.miner import Feeder
from agent.fleet.outlets import OutletPolicy, Outlets
from agent.fleet.remedies import RemedyPolicy
from agent.ledger.store import CannotWrite
from agent.outputs.words import sentence
from drivers.interface import Abilities, Identity, Reading, Reboot, Receipt, Restart, SleepAbility, State
from tests.control import site as room
from tests.control.site import FULL_W, STANDBY_W, Layout, Machines, PlantDriver, Site

FEEDERS = (Feeder(id="site", parent=None), Feeder(id="T1", parent="site"))
ALL = ("restart", "reboot", "outlet_cycle")
STUCK_S = 60.0


class Barren(PlantDriver):
    """A machine that may hash nothing until it is rebooted; the first can be restarted, which does not help."""

    def identify(self):
        yield from self._reach()
        sleep = SleepAbility(standby_w=STANDBY_W, settle_s=5.0, wake_s=20.0)
        abilities = Abilities(sleep=sleep, restart=self.host == self.machines.hosts[0], reboot=True)
        return Identity(driver="barren", nominal_w=FULL_W, nominal_ths=100.0, abilities=abilities)

    def read(self, want):
        found = yield from super().read(want)
        if self.host in self.machines.barren and found.state is State.HASHING:
            return Reading(state=State.HASHING, level="full", power_w=900.0, hashrate_ths=0.0)
        return found

    def send(self, command):
        if not isinstance(command, Reboot | Restart):
            return (yield from super().send(command))
        self.machines.sent.append((self.host, type(command).__name__))
        yield from self._reach()
        if isinstance(command, Reboot):
            self.machines.barren.discard(self.host)
        return Receipt()


@pytest.fixture
async def make_site(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "PlantDriver", Barren)
    monkeypatch.setattr(remedies, "STUCK_S", STUCK_S)
    made = []

    async def make(*, policy=None, outlets=None, **how):
        machines = Machines(4)
        machines.sent, machines.barren = [], set()
        layout = Layout(feeders=FEEDERS, where={3: "T1"})
        made.append(Site(machines, tmp_path, layout=layout, outlets=outlets or Outlets(), **how))
        made[0].controller.remedying.remedies.policy = policy or RemedyPolicy(remedies=ALL)
        await made[0].live(30)
        return made[0]

    yield make
    await made[0].close()


def told(site, *kinds):
    return [fact for fact in site.ledger.replay() if isinstance(fact, kinds)]


def ail(site, *rows):
    site.machines.barren |= {site.machines.hosts[row] for row in rows}


async def test_one_that_hashes_nothing_is_restarted_then_rebooted(make_site):
    site = await make_site()
    ail(site, 0)
    await site.live(STUCK_S - 10)
    assert site.machines.sent == []
    await site.live(30)
    assert site.machines.sent == [("127.0.0.1", "Restart")]
    await site.live(STUCK_S + 20)
    assert site.machines.sent == [("127.0.0.1", "Restart"), ("127.0.0.1", "Reboot")]
    await site.live(3 * STUCK_S)
    assert len(site.machines.sent) == 2
    [first, second] = told(site, Remedied)
    assert (first.miner, first.remedy, first.dry, first.outlet) == ("m0", "restart", False, None)
    assert sentence(second) == "reboot of m0, for it hashes nothing"


async def test_nothing_is_done_where_nothing_is_allowed(make_site):
    site = await make_site(policy=RemedyPolicy())
    ail(site, 0, 1)
    await site.live(3 * STUCK_S)
    assert (site.machines.sent, told(site, Remedied)) == ([], [])


async def test_observe_says_what_would_be_done_and_sends_nothing(make_site):
    site = await make_site(enforce=False)
    ail(site, 1)
    await site.live(STUCK_S + 30)
    assert site.machines.sent == []
    [fact] = told(site, Remedied)
    assert sentence(fact) == "Nothing is sent: reboot of m1, for it hashes nothing"


async def test_who_is_held_or_must_sleep_is_left_as_he_is(make_site):
    site = await make_site()
    ail(site, 0, 1)
    await site.desk.hold(["m0"], kind="bench", by="anna", until=None)
    site.machines.lying.add(site.machines.hosts[1])  # told to sleep, and does not
    await site.order()
    await site.live(4 * STUCK_S)
    assert site.machines.sent == []


async def test_what_cannot_be_written_is_not_sent(make_site, monkeypatch):
    site = await make_site()
    ail(site, 1)

    async def full(*_told):
        raise CannotWrite("no space left")

    monkeypatch.setattr(site.ledger, "append", full)
    await site.live(STUCK_S + 30)
    assert site.machines.sent == []


def seen(site, *, on=True):
    site.controller.parts.outlets.heard("q1", on=on, power_w=40.0, mono=site.clock.now().mono)


async def live_seen(site, state, seconds):
    for _ in range(int(seconds / 2)):
        seen(site, on=state["on"])
        await site.live(2, step_s=2)


@pytest.mark.parametrize(("may_cut", "where"), [(True, "T1"), (False, "T1"), (True, "site")])
async def test_a_dead_socket_with_power_loses_it_for_some_seconds_where_it_alone_is_behind_the_outlet(
    make_site, may_cut, where
):
    outlets = Outlets([OutletPolicy(id="q1", feeders=(where,), stale_s=60.0)], may_cut=may_cut)
    site = await make_site(outlets=outlets)
    state, switched = {"on": True}, []

    def switch(name, on):
        switched.append((name, on))
        state["on"] = on
        if on:
            site.machines.dead.clear()

    site.controller.cutting.switch = switch
    site.machines.dead.add(site.machines.hosts[3])
    await live_seen(site, state, STUCK_S + 160)
    if not (may_cut and where == "T1"):
        assert (switched, told(site, Remedied)) == ([], [])
        return
    assert switched == [("q1", False), ("q1", True)]
    assert [(fact.remedy, fact.outlet) for fact in told(site, Remedied)] == [("outlet_cycle", "q1")]
    assert [fact.on for fact in told(site, OutletSwitched)] == [False, True]
    assert site.fleet.state_name(3) is State.HASHING


def test_a_tick_looks_no_more_often_than_machines_are_read():
    assert remedying.LOOKS_EACH_S <= 10.0


async def test_who_cannot_sleep_is_no_more_treated_where_a_stop_binds_its_feeder(make_site, monkeypatch):
    def identify(self):
        yield from self._reach()
        return Identity(driver="barren", nominal_w=FULL_W, nominal_ths=100.0, abilities=Abilities(reboot=True))

    monkeypatch.setattr(Barren, "identify", identify)
    site = await make_site()
    ail(site, 2, 3)
    await site.order(targets={"feeders": ["T1"]})
    await site.live(STUCK_S + 30)
    assert site.machines.sent == [("127.0.0.3", "Reboot")]


async def test_what_the_disk_refused_is_done_once_it_takes_it_again_and_counts_once(make_site, monkeypatch):
    site = await make_site()
    ail(site, 1)

    async def full(*_told):
        raise CannotWrite("no space left")

    with monkeypatch.context() as disk:
        disk.setattr(site.ledger, "append", full)
        await site.controller.parts.journal.record([SendingPaused(at=site.clock.now().at, error="no space left")])
        await site.live(STUCK_S + 60)
    await site.live(30)
    assert site.machines.sent == [("127.0.0.2", "Reboot")]
    assert len(told(site, Remedied)) == 1


async def test_who_is_lowered_between_the_look_and_the_telling_is_not_told(make_site):
    site = await make_site()
    treating = site.controller.remedying
    treating._due[:] = [(0, remedies.REBOOT), (1, remedies.REBOOT)]
    site.fleet.setpoint[0] = 1
    treating.send(written=True)
    assert site.machines.sent == [("127.0.0.2", "Reboot")]
