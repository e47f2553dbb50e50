"""The terms of a day, told by a control room: machines by kind, and the limits on some of them."""

from datetime import UTC, timedelta
from decimal import Decimal
from types import SimpleNamespace

import numpy as np
import pytest

from agent.fleet.miner import Feeder
from agent.outputs.money_desk import MoneyDesk
from agent.outputs.terms import Terms
from agent.planning.hashprice import Quotes, Revenue
from agent.planning.price import PricePolicy
from agent.values import rfc3339
from agent.wiring.day_terms import DayTerms
from tests.control.site import FULL_W, HOUSE_W, START, Layout, Machines, Site
from tests.tariffs.loads import flat, tariff

COUNT = 6
LAYOUT = Layout(
    feeders=(Feeder(id="T1", parent="site"), Feeder(id="T2", parent="site")),
    where={0: "T1", 1: "T1", 2: "T1", 3: "T2", 4: "T2"},
    tags={0: ("owner:acme",), 3: ("owner:acme",)},
)
DAY = (START + timedelta(days=1)).date()
MIDNIGHT = START.replace(hour=0) + timedelta(days=1)


def within(first, last):
    return {
        "starts_at": rfc3339(MIDNIGHT + timedelta(hours=first)),
        "ends_at": rfc3339(MIDNIGHT + timedelta(hours=last)),
    }


@pytest.fixture
async def site(tmp_path):
    site = Site(Machines(COUNT), tmp_path, layout=LAYOUT)
    await site.live(60)
    yield site
    await site.close()


async def asked(site, policy=None):
    revenue = Revenue(quotes=Quotes(by_hand=Decimal(48)), currency="KGS")
    terms = Terms(currency="KGS", zone=UTC, tariff=tariff(flat("2")), revenue=revenue)
    desk = MoneyDesk(terms=terms, fleet=site.fleet, power_w=site.machines.draw_w)
    price = SimpleNamespace(hysteresis_pct=5, min_on_s=1800.0, min_off_s=900.0, restart_cost=Decimal("0.5"))
    schema = SimpleNamespace(
        price=price,
        site=SimpleNamespace(id="test", timezone="UTC"),
        tariff=SimpleNamespace(metering=SimpleNamespace(interval_min=30)),
    )
    pricing = None if policy is None else SimpleNamespace(policy=policy, factors=lambda: np.ones(COUNT))
    books = SimpleNamespace(desk=desk, pricing=pricing)
    return await DayTerms(SimpleNamespace(schema=schema), site.controller, books, site.clock.now).asked(DAY)


async def test_orders_on_tags_machines_and_feeders_are_limits_on_kinds_of_their_own(site):
    contract = {"class": "contract"}
    kw = {"limit": {"max_import_kw": 4}}
    await site.order(order_id="tag", targets={"tags": ["owner:acme"]}, **contract, **kw, **within(1, 2))
    await site.order(order_id="one", targets={"miners": ["m1"]}, **contract, **within(2, 3))
    await site.order(order_id="two", targets={"feeders": ["T1", "T2"]}, **contract, **kw, **within(3, 4))
    await site.order(order_id="but", exempt={"miners": ["m5"]}, **contract, **kw, **within(4, 5))
    await site.order(order_id="all", **contract, **kw, **within(5, 6))
    await site.order(order_id="t1", targets={"feeders": ["T1"]}, **contract, **kw, **within(6, 7))
    await site.order(order_id="late", **contract, **kw, **within(30, 31))
    told = await asked(site)
    limits = {one["orders"][0]: one for one in told["limits"]}
    number = {name: place for place, name in enumerate(one["orders"][0] for one in told["limits"])}
    under = {name: sum(kind["count"] for kind in told["kinds"] if number[name] in kind["under"]) for name in number}
    assert under == {"tag": 2, "one": 1, "two": 5, "but": 5, "t1": 3}
    assert [kind["count"] for kind in told["kinds"] if number["but"] in kind["exempt"]] == [1]
    assert sum(kind["count"] for kind in told["kinds"]) == COUNT
    assert told["orders"] == ["all", "but", "one", "t1", "tag", "two"]
    assert told["caps_w"] == [1e6] * 10 + [4000.0] * 2 + [1e6] * 36
    assert limits["tag"]["caps_w"] == [None] * 2 + [4000.0] * 2 + [None] * 44
    assert [limits[name]["stop"] for name in ("one", "tag")] == [True, False]
    assert [limits[name]["feeder"] for name in ("t1", "two", "but")] == ["T1", None, None]
    assert [limits[name]["factor"] for name in ("tag", "one", "but")] == [1.05, 1.0, 1.0]
    assert limits["but"]["fixed_w"] == pytest.approx(HOUSE_W)


async def test_an_order_of_machines_that_are_gone_is_left_out(site):
    await site.order(targets={"miners": ["m1"]}, **within(2, 3))
    del site.fleet.index["m1"]
    assert (await asked(site))["limits"] == []


async def test_who_is_not_ours_to_move_counts_where_it_hangs(site):
    site.fleet.held[[0, 1, 5]] = True
    told = await asked(site)
    assert told["fixed_w"] == pytest.approx(HOUSE_W + 3 * FULL_W)
    assert [one["fixed_w"] for one in told["feeders"][1:]] == pytest.approx([1.05 * 2 * FULL_W, 0.0])
    assert sum(kind["count"] for kind in told["kinds"]) == COUNT - 3


async def test_owners_rules_make_kinds_and_everybodys_band_is_none(site):
    acme = np.array([True, False, False, True, False, False])
    policy = PricePolicy(
        min_off_s=np.where(acme, 7200.0, 900.0),
        hysteresis=np.where(acme, 0.3, 0.05),
        restart_cost=np.where(acme, 2.0, 0.5),
        fixed=~acme,
        pays_per_kwh=np.where(acme, 7.0, np.nan),
    )
    told = await asked(site, policy)
    rules = {(kind["feeder"], kind["fixed"]): kind for kind in told["kinds"]}
    assert {key: kind["count"] for key, kind in rules.items()} == {
        ("T1", False): 1, ("T1", True): 2, ("T2", False): 1, ("T2", True): 1, ("site", True): 1,
    }  # fmt: skip
    kind = rules["T1", False]
    assert (kind["band"], kind["min_off_s"], kind["restart_cost"], kind["pays_per_kwh"]) == (0.3, 7200.0, 2.0, 7.0)
    assert (rules["T1", True]["band"], rules["T1", True]["pays_per_kwh"]) == (0.0, None)
    assert [level["level"] for level in rules["T1", True]["levels"]] == ["full", "sleep"]
