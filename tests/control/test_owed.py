"""After a restart machines that cannot be reached are still owed what an order lowered them by."""

from agent.facts import OrderMoved
from tests.control.site import Machines, Site


def states(site, order_id):
    return [fact.state for fact in site.ledger.replay() if isinstance(fact, OrderMoved) and fact.order_id == order_id]


async def test_an_order_is_not_closed_while_those_it_lowered_have_not_been_seen_since_the_start(tmp_path):
    machines = Machines(4)
    site = Site(machines, tmp_path)
    await site.live(30)
    await site.order()
    await site.live(60)
    assert site.book.view("o1").state.value == "complied"
    await site.close()
    machines.dead.update(machines.hosts)
    again = Site(machines, tmp_path, clock=site.clock)
    await again.live(60)
    await again.order(revision=2, status="cancelled")
    await again.live(60)
    assert states(again, "o1")[-1] == "restoring"
    machines.dead.clear()
    await again.live(120)
    assert states(again, "o1")[-1] == "closed"
    assert not machines.asleep
    await again.close()
