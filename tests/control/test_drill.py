"""Drills on a control room over machines that behave: what is measured, what ends one, what is planned with after."""

import pytest

from agent.facts.drill import DrillBegan, DrillEnded, ModelMeasured
from agent.fleet.selector import at_once
from agent.values import FULL
from drivers.interface import Abilities, PowerRange, Reading, Receipt, Sleep, SleepAbility, State, Wake
from tests.control.site import STANDBY_W, Machines, Site

MODEL = "Antminer S19"
TRUE_FULL_W = 3150.0


class Real(Machines):
    """Machines that draw more than their plate says, take a while to wake and keep a power limit."""

    def __init__(self, count):
        super().__init__(count)
        self.limits = {}
        self.says = {host: {"model": MODEL, "make": "Bitmain"} for host in self.hosts}

    def draw_of(self, host):
        if host in self.off:
            return 0.0
        return STANDBY_W if host in self.asleep else min(TRUE_FULL_W, self.limits.get(host, 1e9) - 40)

    def draw_w(self):
        return 5000.0 + sum(map(self.draw_of, self.hosts))


def limited(site):
    """Let its machines take power limits, tell no watts, and remember how they were told."""

    def reads(driver, _want):
        host, machines = driver.host, driver.machines
        if host in machines.dead:
            yield from driver._reach()
        yield from ()
        if host in machines.asleep:
            return Reading(state=State.SLEEPING, level="sleep")
        level = f"limit:{machines.limits[host]:.0f}" if host in machines.limits else FULL
        return Reading(state=State.HASHING, level=level, hashrate_ths=100.0)

    def sends(driver, command):
        host, machines = driver.host, driver.machines
        machines.told.append((host, type(command).__name__))
        yield from ()
        if isinstance(command, Sleep | Wake):
            (machines.asleep.add if isinstance(command, Sleep) else machines.asleep.discard)(host)
        elif hasattr(command, "limit_w"):
            machines.limits[host] = command.limit_w
        else:
            machines.limits.pop(host, None)
        return Receipt()

    sleep = SleepAbility(standby_w=STANDBY_W, settle_s=5.0, wake_s=20.0)
    abilities = Abilities(sleep=sleep, power_limit=PowerRange(least_w=2500.0, most_w=3500.0))
    create = site.poller._ways.create

    class Driver:
        def __init__(self, identity, target):
            self.plain = create(identity, target)

        def identify(self):
            return self.plain.identify()

        def read(self, want):
            return reads(self.plain, want)

        def send(self, command):
            return sends(self.plain, command)

    for host in site.machines.hosts:
        site.machines.says[host] |= {"abilities": abilities}
    object.__setattr__(site.poller._ways, "create", Driver)
    object.__setattr__(site.poller._ways, "ladder", site.controller.parts.own_figures.ladder)
    return site


@pytest.fixture
async def site(tmp_path, monkeypatch):
    monkeypatch.setattr("agent.control.drill.MEASURED_S", 18.0)
    monkeypatch.setattr("agent.control.drill.REPEATED_S", 1.0)
    monkeypatch.setattr("agent.control.drill.LOST_S", 60.0)
    built = limited(Site(Real(8), tmp_path))
    await built.live(40)
    yield built
    await built.close()


async def goes_on(site, seconds, until=lambda: False):
    for _ in range(seconds):
        await site.live(1)
        await site.desk.drills.look()
        if until():
            return


async def begun(site, percent=50.0):
    plan = at_once(site.desk.drills.planning("site", percent))
    assert await site.desk.drills.begin(plan, by="Aigul") is None
    return plan


def ended(site):
    return lambda: site.desk.drills.course.ended is not None


def kept(site, kind):
    return [fact for fact in site.ledger.replay() if isinstance(fact, kind)]


async def test_each_level_is_measured_at_the_meter_and_planned_with(site, tmp_path):
    plan = await begun(site)
    assert [len(group.rows) for group in plan.groups] == [4]
    await goes_on(site, 3000, ended(site))
    (found,) = kept(site, ModelMeasured)
    true = {level: float(level[6:]) - 40 for level in found.levels_w if level.startswith("limit:")}
    true |= {"full": TRUE_FULL_W, "sleep": STANDBY_W}
    assert set(true) == {"full", "limit:2700", "sleep"}
    for level, power_w in found.levels_w.items():
        assert abs(power_w - true[level]) <= found.error_w + 1.0, level
    assert found.error_w < 0.02 * TRUE_FULL_W
    assert 0 < found.sleep_s <= 15
    assert 0 < found.wake_s <= 30
    (end,) = kept(site, DrillEnded)
    assert end.reason is None
    ladder = site.fleet.ladders[7]
    assert ladder.steps[0].power_w == pytest.approx(found.levels_w["full"])
    assert (ladder.settle_s, ladder.wake_s) == (found.sleep_s, found.wake_s)
    assert site.book.policy.respond_s == found.sleep_s + 20
    await goes_on(site, 60)
    assert not site.machines.asleep
    assert not site.machines.limits
    again = Site(site.machines, tmp_path, clock=site.clock)
    assert again.controller.parts.own_figures.all() == [found]
    await again.close()


async def test_an_order_ends_a_drill_at_once_and_a_stop_by_hand_lets_all_go_back(site):
    await begun(site)
    await goes_on(site, 400, lambda: len(site.machines.asleep) == 4)
    assert len(site.machines.asleep) == 4
    await site.order(order_id="o1", issuer="boss", **{"class": "operator"}, limit={"max_import_kw": 25})
    await goes_on(site, 2)
    assert site.desk.drills.course.reason == "order o1 is not closed"
    (end,) = kept(site, DrillEnded)
    assert end.measured == 0
    assert site.desk.drills.against(site.clock.now()) == "order o1 is not closed"
    await site.order(order_id="o1", revision=2, issuer="boss", **{"class": "operator"}, status="cancelled")
    await goes_on(site, 120, lambda: not site.machines.asleep and not site.book.is_open())
    await goes_on(site, 60)
    await begun(site)
    await goes_on(site, 400, lambda: len(site.machines.asleep) == 4)
    assert await site.desk.drills.stop(by="Aigul")
    await goes_on(site, 60)
    assert not site.machines.asleep
    assert not await site.desk.drills.stop(by="Aigul")


async def test_an_agent_that_was_killed_says_that_the_drill_is_over_and_lets_all_go_back(site, tmp_path):
    await begun(site)
    await goes_on(site, 400, lambda: len(site.machines.asleep) == 4)
    again = Site(site.machines, tmp_path, clock=site.clock)
    await goes_on(again, 120, lambda: not site.machines.asleep)
    assert not site.machines.asleep
    (end,) = kept(again, DrillEnded)
    assert (end.measured, end.reason) == (0, "the agent ended meanwhile")
    assert kept(again, ModelMeasured) == []
    await again.close()
    third = Site(site.machines, tmp_path, clock=site.clock)
    await goes_on(third, 5)
    assert len(kept(third, DrillEnded)) == 1
    await third.close()


async def test_a_machine_that_is_lost_or_held_ends_its_group_and_nobody_stays_asleep(site):
    plan = await begun(site)
    await goes_on(site, 400, lambda: len(site.machines.asleep) == 4)
    first = site.fleet.miners[plan.groups[0].rows[0]]
    site.machines.dead.add(first.host)
    await goes_on(site, 50)
    assert site.desk.drills.course.failures == {}  # firmware that begins anew is away for a while
    await goes_on(site, 200, ended(site))
    assert site.desk.drills.course.failures == {0: f"{first.id} is out of reach"}
    site.machines.dead.clear()
    await goes_on(site, 120)
    assert not site.machines.asleep
    assert kept(site, DrillBegan)[0].miners == [site.fleet.miners[row].id for row in plan.groups[0].rows]


async def test_the_held_the_sealed_and_the_lowered_are_left_out_and_observing_sends_nothing(site, tmp_path):
    await site.desk.hold(["m0"], kind="bench", by="Aigul", until=None)
    await site.desk.set_level(["m1"], "sleep", by="Aigul")
    plan = at_once(site.desk.drills.planning("site", 100.0))
    assert plan.left_out == {"m0": "is held", "m1": "is wanted at sleep"}
    with pytest.raises(ValueError, match="there is no feeder 'T9'"):
        at_once(site.desk.drills.planning("T9", 5.0))
    (tmp_path / "watching").mkdir()
    watching = limited(Site(Real(3), tmp_path / "watching", enforce=False))
    await watching.live(40)
    plan = at_once(watching.desk.drills.planning("site", 5.0))
    assert plan.against == "observe: nothing is sent"
    objection = await watching.desk.drills.begin(plan, by="Aigul")
    assert objection.reason == "observe: nothing is sent"
    assert not watching.machines.told
    await watching.close()


async def test_too_few_for_a_restless_meter_are_told_so(site):
    await begun(site, percent=10.0)
    true_w, turns = site.machines.draw_w, iter(range(100_000))
    site.machines.draw_w = lambda: true_w() + (1500.0 if next(turns) % 10 < 5 else 0.0)
    await goes_on(site, 400, ended(site))
    assert "machines are too few to see" in site.desk.drills.course.failures[0]
    assert not site.machines.told
