"""Orders that bear upon less than the site: on feeders, tags and machines, with exemptions, measured where they say."""

from dataclasses import replace

import pytest

from agent.control import giving_back
from agent.control.metering import MeterPolicy, Said
from agent.facts import SetpointsChanged
from agent.fleet.miner import Feeder
from agent.orders import life
from agent.orders.trust import Issuer
from agent.outputs.feeders import ordered_caps
from tests.control.site import FULL_W, HOUSE_W, STANDBY_W, Layout, Machines, Site

FEEDERS = (
    Feeder(id="T1", parent="site"),
    Feeder(id="T2", parent="site"),
    Feeder(id="C1", parent="T1"),
)
LAYOUT = Layout(
    feeders=FEEDERS,
    where={0: "T1", 1: "T1", 2: "C1", 3: "C1", 4: "T2", 5: "T2", 6: "T2"},
    tags={0: ("owner:acme",), 4: ("owner:acme", "row:3"), 6: ("row:3",)},
)
COUNT = 8
FULL = {f"m{at}": "full" for at in range(COUNT)}


@pytest.fixture
def machines():
    return Machines(COUNT)


async def running(machines, tmp_path, layout=LAYOUT, **more):
    site = Site(machines, tmp_path, layout=layout, **more)
    await site.live(60)
    return site


def asleep(machines):
    return {f"m{machines.hosts.index(host)}" for host in machines.asleep}


async def cap(site, kw, **told):
    return await site.order(**{"class": "contract", "limit": {"max_import_kw": kw}, **told})


def last(site, order_id="o1"):
    return site.book.view(order_id).last_ack


async def test_a_stop_on_a_feeder_puts_everybody_below_it_to_sleep_and_nobody_else(machines, tmp_path):
    site = await running(machines, tmp_path)
    await site.order(targets={"feeders": ["T1"]})
    await site.live(120)
    assert asleep(machines) == {"m0", "m1", "m2", "m3"}
    assert site.states() == ["received", "accepted", "active", "complied"]
    assert last(site).meter == "beliefs"
    assert last(site).observed_w == pytest.approx(4 * STANDBY_W * 1.05)
    await site.order(revision=2, status="cancelled")
    await site.live(120)
    assert not machines.asleep
    assert site.states()[-3:] == ["cancelled", "restoring", "closed"]
    await site.close()


async def test_an_order_is_being_restored_until_its_own_machines_are_back_whatever_binds_elsewhere(machines, tmp_path):
    site = await running(machines, tmp_path)
    await site.order(targets={"feeders": ["T1"]})
    await site.order(order_id="o2", targets={"feeders": ["T2"]})
    await site.live(120)
    assert asleep(machines) == {f"m{at}" for at in range(7)}
    await site.order(revision=2, status="cancelled")
    await site.live(120)
    assert site.states()[-3:] == ["cancelled", "restoring", "closed"]
    assert asleep(machines) == {"m4", "m5", "m6"}
    back = [fact for fact in site.ledger.replay(SetpointsChanged) if "full" in fact.levels]
    assert [fact.orders for fact in back] == [["o2", "o1"]]
    await site.close()


async def test_an_order_is_closed_at_once_where_others_took_over_all_of_its_machines(machines, tmp_path):
    site = await running(machines, tmp_path)
    await site.order(targets={"feeders": ["T1"]})
    await site.order(order_id="o2", targets={"feeders": ["C1"]})
    await site.order(order_id="o3", targets={"miners": ["m0", "m1"]})
    await site.live(120)
    await site.order(revision=2, status="cancelled")
    await site.live(2)
    assert site.states()[-2:] == ["cancelled", "closed"]
    await site.close()


async def test_a_cap_on_tagged_machines_bounds_their_sum_by_their_figures_with_a_margin(machines, tmp_path):
    site = await running(machines, tmp_path)
    await cap(site, 5.0, targets={"tags": ["owner:acme", "row:3"]})
    await site.live(120)
    assert len(asleep(machines) & {"m0", "m4", "m6"}) == 2
    assert len(machines.asleep) == 2
    assert last(site).state == "complied"
    assert last(site).cap_w == 5000.0
    assert last(site).observed_w == pytest.approx(1.05 * (FULL_W + 2 * STANDBY_W))
    await site.close()


async def test_a_woken_target_is_not_raised_while_its_own_limit_binds(machines, tmp_path):
    site = await running(machines, tmp_path)
    await cap(site, 3.5, targets={"miners": ["m0", "m1"]})
    await site.live(400)
    assert len(machines.asleep) == 1
    assert [told for told in machines.told if told[1] == "Wake"] == []
    await site.close()


async def test_two_limits_side_by_side_bind_each_where_it_is_measured(machines, tmp_path):
    site = await running(machines, tmp_path)
    await site.order(targets={"feeders": ["C1"]})
    await cap(site, 7.0, order_id="o2", targets={"feeders": ["T2"]})
    await site.live(120)
    assert asleep(machines) >= {"m2", "m3"}
    assert len(asleep(machines) & {"m4", "m5", "m6"}) == 1
    assert not asleep(machines) & {"m0", "m1", "m7"}
    assert (last(site).binding_order, last(site, "o2").binding_order) == ("o1", "o2")
    await site.close()


async def test_a_limit_above_what_its_feeder_carries_binds_nobody(machines, tmp_path):
    layout = replace(LAYOUT, feeders=(*FEEDERS[:1], Feeder(id="T2", parent="site", max_w=20_000.0), FEEDERS[2]))
    site = await running(machines, tmp_path, layout)
    await cap(site, 25.0, targets={"feeders": ["T2"]})
    assert (last(site).state, last(site).binding_order) == ("active", None)
    await cap(site, 19.0, order_id="o2", targets={"feeders": ["T2"]})
    assert last(site, "o2").binding_order == "o2"
    await site.close()


async def test_who_is_exempt_is_not_commanded_and_counts(machines, tmp_path):
    site = await running(machines, tmp_path)
    kw = (HOUSE_W + 5 * FULL_W + 3 * STANDBY_W) / 1000 + 0.5
    await cap(site, kw, exempt={"feeders": ["T1"]})
    await site.live(120)
    assert len(machines.asleep) == 3
    assert not asleep(machines) & {"m0", "m1", "m2", "m3"}
    assert last(site).state == "complied"
    assert last(site).observed_w == pytest.approx(machines.draw_w())
    await site.close()


async def test_a_stop_leaves_the_exempt_at_work_and_is_complied_with_without_them(machines, tmp_path):
    site = await running(machines, tmp_path)
    await site.order(exempt={"miners": ["m0"]})
    await site.live(120)
    assert asleep(machines) == {f"m{at}" for at in range(1, COUNT)}
    assert last(site).state == "complied"
    site.machines.asleep.discard(site.machines.hosts[3])
    await site.live(12)
    assert "violated" in site.states()
    await site.close()


async def test_what_the_exempt_are_believed_to_draw_makes_no_draw_below_0(tmp_path):
    site = await running(many := Machines(400), tmp_path)  # a fiftieth of their figures is more than the house
    await site.order(exempt={"miners": [f"m{at}" for at in range(len(many.hosts))]})
    assert last(site).observed_w == 0
    await site.close()


def metered(*meters):
    return replace(LAYOUT, meters=tuple(MeterPolicy(window_s=5.0, most_w=1e6, **told) for told in meters))


async def live_metered(site, seconds, figures):
    for _ in range(seconds):
        for meter, power_w in figures().items():
            site.metering.take(meter, Said(power_w=power_w), site.clock.now())
        await site.live(1)


async def test_a_feeder_is_measured_by_its_own_meter_house_load_included(machines, tmp_path):
    site = await running(machines, tmp_path, metered({"id": "t2", "role": "feeder", "feeder": "T2"}))

    def figures():
        below = [machines.hosts[at] for at in (4, 5, 6)]
        return {"t2": 800.0 + sum(STANDBY_W if host in machines.asleep else FULL_W for host in below)}

    await live_metered(site, 20, figures)
    await cap(site, 4.2, measure={"at": "T2"})
    await live_metered(site, 120, figures)
    assert len(asleep(machines) & {"m4", "m5", "m6"}) == 2
    assert len(machines.asleep) == 2
    assert (last(site).state, last(site).meter) == ("complied", "t2")
    assert last(site).observed_w == pytest.approx(800.0 + FULL_W + 2 * STANDBY_W)
    await site.close()


async def test_an_exempt_source_is_taken_off_what_is_counted_and_consumption_counts_what_is_generated(
    machines, tmp_path
):
    layout = metered({"id": "solar", "role": "generation"}, {"id": "gas", "role": "generation"})
    site = await running(machines, tmp_path, layout)
    figures = {"solar": 6000.0, "gas": 2000.0}
    await live_metered(site, 20, lambda: figures)
    await cap(site, 23.5, exempt={"sources": ["solar"]})
    await live_metered(site, 60, lambda: figures)
    assert not machines.asleep
    assert last(site).observed_w == pytest.approx(HOUSE_W + COUNT * FULL_W - 6000.0)
    await cap(site, 29.5, order_id="o2", measure={"quantity": "consumption"})
    await live_metered(site, 120, lambda: figures)
    assert last(site, "o2").observed_w <= 29_500.0
    assert len(machines.asleep) == 3
    await site.close()


@pytest.mark.parametrize(
    ("told", "missing"),
    [
        ({"targets": {"feeders": ["T1", "T9"]}}, "targets.feeders: T9"),
        ({"targets": {"tags": ["owner:none"]}}, "targets.tags: owner:none"),
        ({"targets": {"miners": ["m99"]}}, "targets.miners: m99"),
        ({"exempt": {"miners": ["m99"]}}, "exempt.miners: m99"),
        ({"exempt": {"sources": ["solar"]}}, "exempt.sources: solar is no meter"),
        ({"measure": {"at": "T9"}}, "measure.at: T9 is no feeder, and no meter of the site or a feeder"),
    ],
)
async def test_what_an_order_names_and_the_farm_has_not_is_refused_by_name(machines, tmp_path, told, missing):
    site = await running(machines, tmp_path)
    [refused] = await site.order(**told)
    assert (refused.code, refused.reason) == ("unknown_target", missing)
    await site.live(30)
    assert not machines.asleep
    await site.close()


async def test_an_issuer_orders_within_its_feeders_and_no_more_than_it_may_shed(machines, tmp_path):
    grid = Issuer(name="grid", classes=("law", "contract"), unsigned=True, feeders=("T1",), max_shed_w=7000.0)
    site = await running(machines, tmp_path, replace(LAYOUT, issuers={"grid": grid}))
    for told in ({}, {"targets": {"feeders": ["T2"]}}, {"targets": {"miners": ["m0", "m5"]}}):
        [refused] = await site.order(**told)
        assert (refused.code, refused.reason) == ("not_allowed", "grid may order on T1 alone")
        await site.live(2)
    [refused] = await site.order(targets={"feeders": ["T1"]})
    await site.live(2)
    assert (refused.code, refused.reason) == ("not_allowed", "it sheds 12 kW, grid may 7")
    assert (await site.order(targets={"feeders": ["C1"]}))[-1].state == "active"
    await site.close()


async def test_what_others_hold_down_counts_against_what_an_issuer_may_shed(machines, tmp_path):
    grid = Issuer(name="grid", classes=("law",), unsigned=True)
    small = Issuer(name="small", classes=("contract",), unsigned=True, max_shed_w=7000.0)
    site = await running(machines, tmp_path, replace(LAYOUT, issuers={"grid": grid, "small": small}))
    await site.order()
    await site.live(60)
    assert len(machines.asleep) == COUNT
    [refused] = await cap(site, 1, order_id="o2", issuer="small", targets={"feeders": ["T1"]})
    assert (refused.code, refused.reason) == ("not_allowed", "it sheds 11 kW, small may 7")
    await site.live(2)
    assert (await cap(site, 6, order_id="o3", issuer="small", targets={"feeders": ["T1"]}))[-1].state == "active"
    await site.close()


# means -----------------------------------------------------------------------------------------------------------


async def test_a_rolling_mean_is_complied_with_when_its_whole_window_is(machines, tmp_path):
    site = await running(machines, tmp_path)
    kw = (HOUSE_W + 4 * FULL_W + 4 * STANDBY_W) / 1000 + 0.5
    await cap(site, kw, measure={"over_s": 300}, comply_by_s=60)
    await site.live(150)
    assert len(machines.asleep) == 4
    assert last(site).state == "active"
    await site.live(200)
    assert last(site).state == "complied"
    machines.asleep.clear()
    await site.live(4)
    assert last(site).state == "complied"
    await site.close()


async def test_an_aligned_mean_counts_the_energy_of_its_clock_interval(machines, tmp_path):
    site = await running(machines, tmp_path)  # a minute past noon
    kw = (HOUSE_W + 4 * FULL_W + 4 * STANDBY_W) / 1000 + 0.5
    await cap(site, kw, measure={"over_s": 900, "aligned": True})
    await site.live(60)
    assert len(machines.asleep) >= 4
    await site.live(14 * 60, step_s=5.0)
    assert last(site).state == "complied"
    await site.close()


async def test_the_minutes_of_such_an_order_are_as_it_is_judged(machines, tmp_path):
    site = await running(machines, tmp_path)
    await site.order()
    await site.order(order_id="o2", targets={"feeders": ["C1"]})
    await site.live(120)
    await site.order(order_id="o2", revision=2, status="cancelled")
    await site.live(60)
    minutes = [fact for fact in site.ledger.replay() if type(fact).__name__ == "Minutes"]
    [upon_less] = [fact for fact in minutes if fact.orders == ["o2"]]
    assert max(upon_less.mean_w) <= 2 * FULL_W * 1.05
    assert upon_less.cap_w[-1] == pytest.approx(2 * STANDBY_W * 1.05 * 1.01, abs=0.1)
    assert upon_less.meter is None
    assert all("o2" not in fact.orders for fact in minutes if fact is not upon_less)
    await site.close()


async def test_a_feeders_cap_is_shown_with_the_orders_upon_it(machines, tmp_path):
    site = await running(machines, tmp_path)
    await cap(site, 7.0, targets={"feeders": ["T2"]})
    await cap(site, 9.0, order_id="o2", measure={"at": "T1"})
    await cap(site, 5.0, order_id="o3", targets={"tags": ["row:3"]})
    await site.order(order_id="o4", targets={"feeders": ["T2"]}, exempt={"miners": ["m4"]})
    assert ordered_caps(site.book.cap(site.clock.now()), site.fleet.tree.positions) == {"T2": 7000.0, "T1": 9000.0}
    await site.close()


async def test_what_documents_name_is_not_kept_beyond_the_open_orders(machines, tmp_path):
    site = await running(machines, tmp_path)
    await site.order(targets={"feeders": ["C1"]})
    for number in range(5):
        await site.order(order_id=f"x{number}", issuer="nobody", targets={"miners": [f"m{number}"]})
        await site.live(2)
    assert len(site.controller.scopes._known) == 1
    await site.close()


async def test_an_order_upon_some_is_over_where_the_connection_keeps_them_down(machines, tmp_path, monkeypatch):
    monkeypatch.setattr(giving_back, "QUIET_S", 240.0)
    monkeypatch.setattr(life, "LONG_S", 240.0)
    site = await running(machines, tmp_path)
    await site.order(targets={"feeders": ["T1"]})
    await site.live(60)
    tree = site.controller.limits.tree
    site.controller.limits = replace(
        site.controller.limits, tree=replace(tree, cap_w=(HOUSE_W + 4.5 * FULL_W, *tree.cap_w[1:]))
    )
    await site.order(revision=2, status="cancelled")
    await site.live(200, step_s=5)
    assert site.states()[-1] == "restoring"
    await site.live(200, step_s=5)
    assert site.states()[-2:] == ["restoring", "closed"]
    await site.close()


async def test_a_revision_that_bears_upon_something_else_is_judged_and_reckoned_there_from_its_receipt(
    machines, tmp_path
):
    site = await running(machines, tmp_path)
    half = {"class": "contract", "limit": {"fraction": 0.5, "of": "before"}}
    await site.order(**half)
    told = last(site)
    assert told.observed_w == pytest.approx(COUNT * FULL_W + HOUSE_W, rel=0.05)
    await site.order(**half, revision=2, targets={"feeders": ["T1"]})
    told = last(site)
    assert told.meter == "beliefs"
    assert told.cap_w == pytest.approx(4 * FULL_W * 1.05 / 2, rel=0.05)
    await site.order(revision=3, targets={"feeders": ["T1"]})
    await site.order(revision=4)
    told = last(site)
    assert told.meter != "beliefs"
    assert told.cap_w == pytest.approx((HOUSE_W + COUNT * STANDBY_W) * 1.01, rel=0.05)
    await site.close()


@pytest.mark.parametrize("own_meter", [True, False])
async def test_a_stop_on_a_feeder_leaves_its_exempt_at_work_too_and_is_complied_with_without_them(
    machines, tmp_path, own_meter
):
    at_feeder = {"id": "t1", "role": "feeder", "feeder": "T1"}
    site = Site(machines, tmp_path, layout=metered(at_feeder) if own_meter else LAYOUT)

    def figures():
        down = asleep(machines)
        shown_w = sum(STANDBY_W if f"m{at}" in down else FULL_W for at in range(4)) + 100.0
        return {"t1": shown_w} if own_meter else {}

    await live_metered(site, 60, figures)
    await site.order(targets={"feeders": ["T1"]}, exempt={"miners": ["m0"]})
    await live_metered(site, 60, figures)
    assert asleep(machines) == {"m1", "m2", "m3"}
    assert (last(site).state, last(site).meter) == ("complied", "t1" if own_meter else "beliefs")
    machines.asleep.discard(machines.hosts[3])
    await live_metered(site, 12, figures)
    assert "violated" in site.states()
    await site.close()


async def test_who_is_exempt_from_a_stop_on_a_feeder_comes_back_from_another_order(machines, tmp_path):
    site = await running(machines, tmp_path)
    await site.order()
    await site.live(60)
    await site.order(order_id="o2", targets={"feeders": ["T1"]}, exempt={"miners": ["m0"]})
    await site.order(revision=2, status="cancelled")
    await site.live(120)
    assert asleep(machines) == {"m1", "m2", "m3"}
    assert last(site, "o2").state == "complied"
    await site.close()
