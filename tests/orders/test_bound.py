"""Hundreds of orders: each step names the order that binds as if all were gathered anew, and costs no look at all."""

import random
from dataclasses import replace

import pytest

from agent.orders.arbitration import Binding
from agent.orders.order import SITE_SCOPE
from tests.orders.site import RUNNING, Site, at, capped

pytestmark = pytest.mark.pure
T1, T2 = {"targets": {"feeders": ["T1"]}}, {"targets": {"feeders": ["T2"]}}


def named(site, order_id):
    """Return what binds where an order is measured, gathered from all of them."""
    bindings = site.book._lives.bindings(site.policy.margin, site.now)
    order = site.book.view(order_id).order
    for scope in (order.scope, SITE_SCOPE):
        here = [one for one in bindings if one.order.scope == scope]
        if here:
            return min(here, key=lambda one: (one.cap_w, *one.order.rank())).order.order_id
    return None


@pytest.mark.parametrize("seed", range(6))
def test_each_ack_names_the_order_that_binds(seed):
    draw, site = random.Random(seed), Site()
    for number in range(60):
        name = f"o{draw.randrange(20)}"
        known = site.book.view(name)
        revision = 1 if known is None else known.order.revision + 1
        told = {"order_id": name, "revision": revision, **(draw.choice([{}, {}, T1, T2]))}
        match draw.randrange(4):
            case 0:
                site.send(capped(draw.randrange(100, 900, 100), **told | {"status": "cancelled"}))
            case 1:
                starts, ends = (at(number * 10 + draw.randrange(1, 40)), at(number * 10 + 50 + draw.randrange(40)))
                site.send(capped(draw.randrange(100, 900, 100), starts_at=starts, ends_at=ends, **told))
            case _:
                site.send(capped(draw.randrange(100, 900, 100), **told))
        last = site.last()
        if last["state"] not in {"rejected", "cancelled", "superseded"}:
            assert last["binding_order"] == named(site, last["order_id"]), number
        site.tick(10)
        bound = {one.order.order_id for one in site.book._lives.bindings(site.policy.margin, site.now)}
        site.book._lives.keeping_down(None, 0.0, site.now)
        assert set(site.book._lives.bound._of) == bound


def test_five_hundred_orders_that_end_at_once_are_gathered_once(monkeypatch):
    site = Site()
    for number in range(500):
        site.send(capped(500 + number % 7, order_id=f"o{number}", ends_at=at(60)))
    looks = []
    binding = type(site.book._lives["o1"]).binding
    monkeypatch.setattr(
        type(site.book._lives["o1"]), "binding", lambda *of, **how: looks.append(1) or binding(*of, **how)
    )
    ended = [told for told in site.tick(61) if "ended" in told]
    assert len(ended) == 500
    assert len(looks) < 10 * 500


def test_among_hundreds_of_orders_that_are_over_each_other_one_is_weighed_once_a_look(monkeypatch):
    site, weighed = Site(), []
    site.observed = replace(RUNNING, restore_pending=True, waiting=lambda others, by_readings: True)
    for number in range(500):
        site.send(capped(500 + number % 7, order_id=f"o{number}", **(T1 if number % 2 else {})))
    for number in range(0, 500, 3):
        site.send(capped(500, order_id=f"o{number}", revision=2, status="cancelled"))
    keeps_down = Binding.keeps_down
    monkeypatch.setattr(Binding, "keeps_down", lambda *of: weighed.append(1) or keeps_down(*of))
    site.tick(1)
    assert len(weighed) < 3 * 500


def test_others_may_look_between_two_orders():
    site = Site()
    for number in range(500):
        site.send(capped(500 + number % 7, order_id=f"o{number}", ends_at=at(60)))
    steps = list(site.book.steps(site.now.later(61), site.observed))
    assert len(steps) > 500
    assert max(map(len, steps)) <= 2
