"""Hundreds of orders: each step names the order that binds as if all were gathered anew, and costs no look at all."""

import random

import pytest

from agent.orders.order import SITE_SCOPE
from tests.orders.site import Site, at, capped

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
