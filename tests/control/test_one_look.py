"""Documents that come in one turn: one look serves those upon the site, and no other is judged by the site's meter."""

import pytest

from agent.facts import OrderMoved
from tests.control.site import FULL_W, Machines, Site, encoded

DOCUMENT = {"order_id": "o1", "revision": 1, "issuer": "grid", "class": "contract", "status": "issued"}
DOCUMENT |= {"limit": {"max_import_kw": 5}}


@pytest.fixture
async def site(tmp_path):
    found = Site(Machines(4), tmp_path)
    await found.live(60)
    yield found
    await found.close()


@pytest.mark.parametrize("second", [{"revision": 2, "status": "cancelled"}, {"order_id": "o2", "supersedes": ["o1"]}])
async def test_an_order_below_the_site_is_judged_by_its_own_in_the_turn_that_it_came_in_too(site, second):
    documents = [DOCUMENT | {"targets": {"miners": ["m0", "m1"]}}, DOCUMENT | second]
    told = await site.desk.take_in_all([(None, encoded(one)) for one in documents], transport="mqtt")
    own = [fact for fact in told if isinstance(fact, OrderMoved) and fact.order_id == "o1"]
    assert own[-1].state in {"superseded", "cancelled"}
    assert {(fact.meter, fact.observed_w) for fact in own} == {("beliefs", 2 * FULL_W * 1.05)}


async def test_one_look_serves_all_orders_upon_the_site_that_come_in_a_turn(site, monkeypatch):
    looks, look = [], site.controller.observed
    monkeypatch.setattr(site.controller, "observed", lambda *told, **more: looks.append(1) or look(*told, **more))
    documents = [(None, encoded(DOCUMENT | {"order_id": f"o{at}"})) for at in range(10)]
    await site.desk.take_in_all(documents, transport="mqtt")
    assert len(looks) == 1
