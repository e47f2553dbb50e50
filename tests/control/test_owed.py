"""After a restart machines that cannot be reached are still owed what an order lowered them by."""

from agent.control import giving_back
from agent.facts import OrderMoved
from agent.orders import life
from tests.control.site import Machines, Site

LONG_S = 240.0


def states(site, order_id):
    return [fact.state for fact in site.ledger.replay() if isinstance(fact, OrderMoved) and fact.order_id == order_id]


async def begun_again(machines, tmp_path, *, dead):
    """Return a site that has begun again under a stop that all obeyed; who is dead answers nobody since."""
    site = Site(machines, tmp_path)
    await site.live(30)
    await site.order()
    await site.live(60)
    assert site.book.view("o1").state.value == "complied"
    await site.close()
    machines.dead.update(dead)
    again = Site(machines, tmp_path, clock=site.clock)
    await again.live(60)
    return again


async def test_an_order_is_not_closed_while_those_it_lowered_have_not_been_seen_since_the_start(tmp_path):
    machines = Machines(4)
    again = await begun_again(machines, tmp_path, dead=machines.hosts)
    await again.order(revision=2, status="cancelled")
    await again.live(60)
    assert states(again, "o1")[-1] == "restoring"
    machines.dead.clear()
    await again.live(120)
    assert states(again, "o1")[-1] == "closed"
    assert not machines.asleep
    await again.close()


async def test_who_never_answers_again_is_waited_for_no_longer_than_others_and_neither_is_what_begins_after(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(giving_back, "QUIET_S", LONG_S)
    monkeypatch.setattr(life, "LONG_S", LONG_S)
    machines = Machines(4)
    again = await begun_again(machines, tmp_path, dead=machines.hosts[3:])
    await again.order(revision=2, status="cancelled")
    await again.live(LONG_S - 60, step_s=5)
    assert states(again, "o1")[-1] == "restoring"
    await again.live(120, step_s=5)
    assert states(again, "o1")[-1] == "closed"
    await again.order(order_id="o2")
    await again.live(60)
    await again.order(order_id="o2", revision=2, status="cancelled")
    await again.live(30)
    assert len(machines.asleep) == 1, "the ramp asks nobody who does not answer"
    await again.live(LONG_S, step_s=5)
    assert states(again, "o2")[-1] == "closed", "though others were raised since"
    await again.close()
