"""Outlets: power is cut only where it may be and nothing else is obeyed, proves machines off, and is given back."""

import pytest

from agent.control import climate_watch, cutting
from agent.facts import Escalated
from agent.facts.climate import FrostSeen, HeatSeen
from agent.facts.outlets import OutletSeen, OutletSwitched
from agent.fleet.miner import Feeder
from agent.fleet.outlets import OutletPolicy, Outlets
from agent.fleet.safety import SafetyPolicy
from agent.ledger.store import CannotWrite
from agent.outputs.alarms import alarm
from agent.outputs.words import sentence
from drivers.errors import NotPermitted
from tests.control.site import FULL_W, HOUSE_W, STANDBY_W, Layout, Machines, Site

FEEDERS = (Feeder(id="site", parent=None), Feeder(id="T1", parent="site"), Feeder(id="T2", parent="site"))
BEHIND = {"q1": (0, 1), "q2": (2, 3)}
LAYOUT = Layout(feeders=FEEDERS, where={0: "T1", 1: "T1", 2: "T2", 3: "T2"})
OBEYS_S, RESPOND_S, STEP_S = 110, 150, 30
"""Within so long a machine was told three times without effect, and power is cut."""


class Room:
    """A site with a contactor on each of two feeders; what is switched shows at the next look."""

    def __init__(self, folder, *, may_cut=True, enforce=True):
        self.machines, self.folder, self.how = Machines(4), folder, {"may_cut": may_cut, "enforce": enforce}
        self.is_on, self.stuck, self.switched = dict.fromkeys(BEHIND, True), set(), []
        self.silent = set()
        self.site = None

    async def begin(self):
        clock = None
        if self.site is not None:
            clock = self.site.clock
            await self.site.close()
        policies = [OutletPolicy(id="q1", feeders=("T1",)), OutletPolicy(id="q2", feeders=("T2",))]
        self.site = Site(
            self.machines,
            self.folder,
            layout=LAYOUT,
            safety=(SafetyPolicy(id="smoke", feeder="T1"),),
            outlets=Outlets(policies, may_cut=self.how["may_cut"], respond_s=RESPOND_S),
            enforce=self.how["enforce"],
            clock=clock,
        )
        self.site.controller.cutting.switch = self.switch
        await self.live(30)

    def switch(self, name, on):
        self.switched.append((name, on))
        if name not in self.stuck:
            self.is_on[name] = on
            hosts = {self.machines.hosts[row] for row in BEHIND[name]}
            (self.machines.off.difference_update if on else self.machines.off.update)(hosts)
            self.machines.asleep -= hosts if on else set()

    async def live(self, seconds):
        for _ in range(int(seconds / 2)):
            mono = self.site.clock.now().mono
            for name, on in self.is_on.items():
                if name not in self.silent:
                    self.site.controller.parts.outlets.heard(name, on=on, power_w=None, mono=mono)
            await self.site.live(2, step_s=2)

    def told(self, *kinds):
        return [fact for fact in self.site.ledger.replay() if isinstance(fact, kinds)]

    def lie(self, *rows):
        self.machines.lying |= {self.machines.hosts[row] for row in rows}


@pytest.fixture(autouse=True)
def sooner(monkeypatch):
    monkeypatch.setattr(cutting, "STEP_S", STEP_S)


@pytest.fixture
async def room(tmp_path):
    made = Room(tmp_path)
    await made.begin()
    yield made
    await made.site.close()


async def test_a_machine_that_disobeys_a_stop_loses_its_power_when_its_neighbours_sleep(room):
    room.lie(0)
    await room.site.order()
    await room.live(60)
    assert room.switched == []
    await room.live(OBEYS_S)
    assert room.switched == [("q1", False)]
    [cut] = room.told(OutletSwitched)
    assert (cut.outlet, cut.on, cut.miners, cut.orders) == ("q1", False, ["m0", "m1"], ["o1"])
    assert cut.why == "1 do not obey: m0"
    assert [fact.means for fact in room.told(Escalated)] == ["outlet q1"]
    assert room.machines.draw_w() == HOUSE_W + 2 * STANDBY_W
    assert room.site.states()[-1] == "complied"


async def test_it_counts_nothing_once_its_outlet_is_seen_off_and_in_full_once_that_is_not(room):
    room.lie(0)
    await room.site.order()
    await room.live(OBEYS_S + 60)
    fleet = room.site.fleet
    assert fleet.believed_w[:2].tolist() == [0.0, 0.0]
    assert room.site.book.view("o1").last_ack.reason is None
    room.silent.add("q1")
    await room.live(70)
    assert [fact.on for fact in room.told(OutletSeen) if fact.outlet == "q1"] == [False, None]
    assert fleet.believed_w[:2].tolist() == [FULL_W, FULL_W]


@pytest.mark.parametrize("how", [{"may_cut": False}, {"enforce": False}])
async def test_without_leave_nothing_is_ever_switched(tmp_path, how):
    room = Room(tmp_path, **how)
    await room.begin()
    room.lie(0)
    await room.site.order()
    await room.live(OBEYS_S + 60)
    assert room.switched == []
    assert {fact.means for fact in room.told(Escalated)} <= {"none left"}
    await room.site.close()


async def test_who_is_out_of_reach_is_cut_only_after_the_time_to_obey(room):
    room.machines.dead.add(room.machines.hosts[2])
    await room.live(30)
    await room.site.order()
    await room.live(RESPOND_S - 10)
    assert room.switched == []
    await room.live(20)
    assert room.switched == [("q2", False)]
    await room.live(60)
    assert room.site.states()[-1] == "complied"


async def test_who_refuses_is_cut_after_the_time_to_obey(room):
    room.machines.refusal[room.machines.hosts[2]] = NotPermitted("wrong password")
    await room.site.order()
    await room.live(RESPOND_S - 10)
    assert room.switched == []
    await room.live(20)
    assert room.switched == [("q2", False)]


async def test_a_limit_that_leaves_others_to_shed_cuts_nobody(room):
    room.lie(0)
    await room.site.order(limit={"max_import_kw": (HOUSE_W + 2 * FULL_W + 500) / 1000})
    await room.live(OBEYS_S + 60)
    assert room.switched == []


async def test_a_limit_that_nothing_else_can_meet_cuts_and_is_not_given_back_under_it(room):
    room.lie(0)
    await room.site.order(limit={"max_import_kw": (HOUSE_W + 300) / 1000})
    await room.live(2 * OBEYS_S)
    assert room.switched == [("q1", False)]
    assert "no headroom" in room.site.controller.parts.outlets.waits["q1"]


async def test_safety_cuts_its_own_feeder_alone(room):
    room.lie(0, 2)
    room.site.controller.parts.safety.heard("smoke", value=True, mono=room.site.clock.now().mono)
    await room.live(OBEYS_S)
    assert room.switched == [("q1", False)]


async def test_power_comes_back_one_outlet_after_the_other_and_never_to_who_is_held(room):
    room.lie(0, 2)
    await room.site.order()
    await room.live(OBEYS_S)
    assert sorted(room.switched) == [("q1", False), ("q2", False)]
    await room.site.desk.hold(["m1"], kind="lockout", by="Aigul", until=None)
    room.machines.lying.clear()
    await room.site.order(revision=2, status="cancelled")
    await room.live(STEP_S - 10)
    assert room.switched[2:] == [("q2", True)]
    await room.live(3 * STEP_S)
    assert room.switched[2:] == [("q2", True)]
    assert room.site.controller.parts.outlets.waits["q1"] == "m1 is held or sealed"
    await room.site.desk.unhold(["m1"], by="Aigul")
    await room.live(120)
    assert room.switched[2:] == [("q2", True), ("q1", True)]
    assert room.machines.draw_w() == HOUSE_W + 4 * FULL_W
    assert not room.site.controller.parts.outlets.wanted


async def test_two_outlets_are_given_back_a_step_apart(room):
    room.lie(0, 2)
    await room.site.order()
    await room.live(OBEYS_S)
    room.machines.lying.clear()
    await room.site.order(revision=2, status="cancelled")
    await room.live(STEP_S - 10)
    assert [on for _, on in room.switched[2:]] == [True]
    await room.live(20)
    assert [on for _, on in room.switched[2:]] == [True, True]


async def test_what_does_not_switch_is_told_again_and_a_restart_goes_on(room):
    room.lie(0)
    room.stuck.add("q1")
    await room.site.order()
    await room.live(OBEYS_S + 60)
    assert len(room.switched) >= 2
    assert set(room.switched) == {("q1", False)}
    await room.begin()
    assert len(room.told(OutletSwitched)) == 1
    room.stuck.clear()
    await room.live(60)
    assert room.is_on["q1"] is False
    room.machines.lying.clear()
    await room.site.order(revision=2, status="cancelled")
    await room.live(120)
    assert room.is_on["q1"] is True
    assert room.machines.draw_w() == HOUSE_W + 4 * FULL_W


async def test_what_a_hand_cut_is_not_given_back(room):
    room.is_on["q2"] = False
    room.machines.off |= set(room.machines.hosts[2:])
    await room.live(120)
    assert room.site.fleet.believed_w[2:].tolist() == [0.0, 0.0]
    assert room.switched == []


async def test_what_came_back_and_a_hand_switched_off_since_stays_off_over_a_restart(room):
    room.lie(0)
    await room.site.order()
    await room.live(OBEYS_S)
    room.machines.lying.clear()
    await room.site.order(revision=2, status="cancelled")
    await room.live(120)
    assert room.switched == [("q1", False), ("q1", True)]
    await room.site.desk.hold(["m1"], kind="lockout", by="Aigul", until=None)
    room.is_on["q1"] = False
    room.machines.off |= set(room.machines.hosts[:2])
    await room.begin()
    await room.live(120)
    await room.site.desk.unhold(["m1"], by="Aigul")
    await room.live(120)
    assert room.switched == [("q1", False), ("q1", True)]


async def test_power_is_cut_though_nothing_can_be_written_and_given_back_only_once_that_can(room, monkeypatch):
    room.lie(0)
    await room.site.order()
    await room.live(60)

    def refuse(*_of):
        raise CannotWrite("database or disk is full")

    with monkeypatch.context() as full:
        full.setattr(room.site.store, "append", refuse)
        await room.live(OBEYS_S)
        assert room.switched == [("q1", False)]


async def test_what_is_on_its_way_back_is_not_told_so_once_somebody_there_is_held_or_all_must_stop_again(room):
    room.lie(0)
    await room.site.order()
    await room.live(OBEYS_S)
    room.machines.lying.clear()
    room.stuck.add("q1")
    await room.site.order(revision=2, status="cancelled")
    await room.live(10)
    assert room.switched[1:] == [("q1", True)]
    await room.site.desk.hold(["m1"], kind="bench", by="Aigul", until=None)
    room.stuck.clear()
    await room.live(60)
    assert room.switched[1:] == [("q1", True)]
    await room.site.order(order_id="o2")
    await room.live(4)
    assert room.site.controller.parts.outlets.wanted == {"q1": False}


async def test_what_was_cut_comes_back_though_leave_to_cut_was_taken_away(room):
    room.lie(0)
    await room.site.order()
    await room.live(OBEYS_S)
    room.how["may_cut"] = False
    await room.begin()
    room.machines.lying.clear()
    await room.site.order(revision=2, status="cancelled")
    await room.live(60)
    assert room.switched == [("q1", False), ("q1", True)]


async def cool(room, row, inlet_c):
    """Make machine 0 a hydro, and let another say, some seconds later, how cold its air is."""
    room.site.fleet.climate.cooled_by(0, "hydro")
    await room.live(6)
    room.machines.inlets[room.machines.hosts[row]] = inlet_c
    await room.live(12)


@pytest.mark.parametrize(("inlet_c", "cut"), [(2.0, False), (None, False), (12.0, True)])
async def test_a_loop_that_may_freeze_is_not_cut(room, inlet_c, cut):
    await cool(room, 3, inlet_c)
    room.lie(0)
    await room.site.order()
    await room.live(OBEYS_S + 60)
    assert room.switched == ([("q1", False)] if cut else [])
    [view, _] = room.site.controller.parts.outlets.views(room.site.clock.now().mono)
    assert view.waits == (None if cut else "it is not cut: the loop of m0 must stay pumped")
    means = "outlet q1" if cut else "none left: its loop must stay pumped"
    assert [fact.means for fact in room.told(Escalated)] == [means]
    assert [fact.frost for fact in room.told(FrostSeen)] == [True] + [False] * cut


async def test_a_safety_input_cuts_a_loop_too(room):
    await cool(room, 3, 2.0)
    room.lie(0)
    room.site.controller.parts.safety.heard("smoke", value=True, mono=room.site.clock.now().mono)
    await room.live(OBEYS_S + 60)
    assert room.switched == [("q1", False)]


async def test_who_became_hot_and_cool_again_is_told_once_each(room, monkeypatch):
    monkeypatch.setattr(climate_watch, "TOLD_EACH_S", 60.0)
    hosts = room.machines.hosts
    room.machines.inlets |= {hosts[1]: 43.0, hosts[2]: 22.0}
    await room.live(130)
    room.machines.inlets[hosts[1]] = 30.0
    await room.live(130)
    told = [(fact.hot, fact.cool, fact.ambient_c) for fact in room.told(HeatSeen)]
    assert told == [(["m1"], [], 22.0), ([], ["m1"], 22.0)]
    assert [(alarm(fact), sentence(fact)) for fact in room.told(HeatSeen)] == [
        ("machines_hot", "Too hot: m1"),
        (None, "Cool again: m1"),
    ]
