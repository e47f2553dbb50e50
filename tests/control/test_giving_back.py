"""An order is over when its machines are back, as far as everything else lets them; not before, whatever the ramp."""

from dataclasses import replace

import pytest

from agent.control import giving_back
from agent.control.giving_back import QUIET_S, GivingBack
from agent.facts import CapChanged
from agent.orders import life
from drivers.errors import Refused
from drivers.interface import Abilities, SleepAbility
from tests.control.site import FULL_W, STANDBY_W, Machines, Site

COUNT = 6
LONG_S = 240.0
CARRIES_W = 20_000.0  # house load and four of the machines
CAP_KW = 15.0  # what half of them sleeping makes room for


async def test_where_the_connection_carries_less_than_all_an_order_is_over_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(giving_back, "QUIET_S", LONG_S)
    monkeypatch.setattr(life, "LONG_S", LONG_S)
    machines = Machines(COUNT)
    site = Site(machines, tmp_path)
    limits = site.controller.limits
    site.controller.limits = replace(limits, tree=replace(limits.tree, cap_w=(CARRIES_W,)))
    await site.live(120, step_s=5)
    assert len(machines.asleep) == 2
    await site.order()
    await site.live(60)
    await site.order(revision=2, status="cancelled")
    await site.live(LONG_S - 60, step_s=5)
    assert len(machines.asleep) == 2
    assert site.states()[-1] == "restoring"
    await site.live(120, step_s=5)
    assert site.states()[-2:] == ["restoring", "closed"]
    await site.close()


@pytest.mark.parametrize(("rate_kw_per_min", "over"), [(1.0, True), (0.01, False)])
async def test_a_slow_ramp_is_waited_for(tmp_path, rate_kw_per_min, over):
    site = Site(Machines(COUNT), tmp_path)
    await site.live(60)
    await site.order()
    await site.live(60)
    view, owed, back = site.fleet.view(site.clock.now().mono), site.fleet.owed, GivingBack()
    ramp_w_per_s = rate_kw_per_min * 1000 / 60
    assert not back.comes_no_further(view, owed, ramp_w_per_s, 0.0)
    assert not back.comes_no_further(view, owed, ramp_w_per_s, QUIET_S - 1)
    assert back.comes_no_further(view, owed, ramp_w_per_s, QUIET_S) is over
    needed_s = (FULL_W - STANDBY_W) / ramp_w_per_s
    assert back.comes_no_further(view, owed, ramp_w_per_s, max(QUIET_S, needed_s))
    back.raised(needed_s)
    assert not back.comes_no_further(view, owed, ramp_w_per_s, needed_s + QUIET_S - 1)
    await site.close()


async def test_under_a_looser_cap_an_order_is_restored_up_to_that_cap_and_the_journal_says_whose_it_is(tmp_path):
    machines = Machines(COUNT)
    site = Site(machines, tmp_path)
    await site.live(60)
    await site.order(order_id="o2", **{"class": "contract"}, limit={"max_import_kw": 21})
    await site.live(60)
    assert len(machines.asleep) == 1
    await site.order()
    await site.live(60)
    await site.order(revision=2, status="cancelled")
    await site.live(120)
    assert site.states()[-3:] == ["cancelled", "restoring", "closed"]
    assert len(machines.asleep) == 1
    await site.order(order_id="o2", **{"class": "contract"}, limit={"max_import_kw": 2100}, revision=2)
    await site.live(120)
    assert [fact.binding_order for fact in site.ledger.replay(CapChanged)] == [None, "o2", "o1", "o2", None]
    await site.close()


async def all_but_one_are_back(tmp_path):
    """Stop a farm and lift that again: everybody was told up, and one does not come. Return machines, site, and him."""
    machines = Machines(COUNT)
    site = Site(machines, tmp_path)
    await site.live(60)
    await site.order()
    await site.live(60)
    slow, *_ = machines.hosts
    machines.lying.add(slow)
    await site.order(revision=2, status="cancelled")
    await site.live(8)
    assert not (site.fleet.setpoint > 0).any(), "everybody was told"
    return machines, site, slow


async def test_an_order_is_over_when_its_machines_are_read_at_work_not_when_they_were_told(tmp_path):
    machines, site, slow = await all_but_one_are_back(tmp_path)
    assert machines.asleep == {slow}
    assert site.states()[-1] == "restoring"
    machines.asleep.clear()
    await site.live(11)
    assert site.states()[-2:] == ["restoring", "closed"]
    await site.close()


@pytest.mark.parametrize("away_s", [1, 60])
async def test_who_is_on_his_way_up_is_waited_for_over_a_restart(tmp_path, away_s):
    machines, site, slow = await all_but_one_are_back(tmp_path)
    await site.close()
    await site.clock.advance(away_s)
    again = Site(machines, tmp_path, clock=site.clock)
    await again.live(15)
    assert machines.asleep == {slow}
    assert again.states()[-1] == "restoring", "it would be over by what the others are at"
    machines.asleep.clear()
    await again.live(15)
    assert again.states()[-1] == "closed"
    await again.close()


@pytest.mark.parametrize("how", ["refuses", "ignores"])
async def test_after_a_restart_a_cap_is_held_at_once_against_who_came_back_long_ago_and_does_not_obey(tmp_path, how):
    machines = Machines(COUNT)
    slowly = Abilities(sleep=SleepAbility(standby_w=STANDBY_W, settle_s=5.0, wake_s=600.0))
    machines.says = {host: {"abilities": slowly} for host in machines.hosts}
    site = Site(machines, tmp_path)
    await site.live(30)
    await site.order()
    await site.live(30)
    await site.order(revision=2, status="cancelled")
    await site.live(60)
    assert not machines.asleep
    await site.close()
    await site.clock.advance(86_400.0)
    again = Site(machines, tmp_path, clock=site.clock)
    await again.live(30)
    some = machines.hosts[: COUNT // 2]
    machines.refusal = {host: Refused("no") for host in some} if how == "refuses" else {}
    machines.lying = set(some) if how == "ignores" else set()
    await again.order(order_id="o2", limit={"max_import_kw": CAP_KW})
    await again.live(90)
    assert machines.draw_w() <= CAP_KW * 1000
    await again.close()


async def test_who_does_not_come_back_in_his_time_is_no_longer_waited_for(tmp_path):
    machines = Machines(COUNT)
    site = Site(machines, tmp_path)
    await site.live(60)
    await site.order()
    await site.live(60)
    machines.lying.add(machines.hosts[0])
    await site.order(revision=2, status="cancelled")
    await site.live(60)
    assert machines.asleep == {machines.hosts[0]}
    assert site.states()[-2:] == ["restoring", "closed"]
    await site.close()
