"""An order whose years are over is dropped, which is told, and its document is never taken for a new one again."""

from datetime import timedelta

from agent.facts import Dropped
from agent.ledger.attest import Attest
from agent.proof import chain
from agent.proof.signature import SigningKey
from agent.search import Search
from agent.wiring.attesting import Attesting
from agent.wiring.forgetting import Forgetting
from tests.control.site import START, Machines, Site

YEARS = timedelta(days=6 * 365.25)


async def of_kind(site, kind):
    return [fact for _, fact in await site.ledger.find(Search(kinds=(kind.__name__,)))]


async def test_what_has_aged_goes_with_its_chain_and_a_redelivery_of_it_changes_nothing(tmp_path):
    site = Site(Machines(3), tmp_path)
    await site.live(30)
    await site.order()
    await site.live(60)
    await site.order(revision=2, status="cancelled")
    await site.live(120)
    assert site.states()[-1] == "closed"
    head = chain.hash_of(site.store.links("o1")[-1])
    await site.order(order_id="o2")
    await site.live(60)

    attest = Attest(site.ledger, SigningKey.make(), "kg-1", "1")
    forgetting = Forgetting(site.ledger, site.controller, Attesting(attest, site.clock).sign, site.clock, 6)
    await forgetting.turn(START + YEARS)
    assert await of_kind(site, Dropped) == []
    assert await attest.last_head() is None
    await forgetting.turn(START + YEARS + timedelta(seconds=400))
    (dropped,) = await of_kind(site, Dropped)
    assert dropped.heads == {"o1": head}
    signed = await attest.last_head()
    assert signed.of("o1").head == head  # signed for before it went
    assert await attest.export("o1", START) is None
    assert (await attest.dropped("o1")).heads == dropped.heads
    assert site.store.links("o1") == []
    assert chain.first_broken("o2", site.store.links("o2")) is None
    await site.close()

    again = Site(site.machines, tmp_path, clock=site.clock)
    assert again.book.open_ids() == ["o2"]
    assert await again.order(revision=2, status="cancelled") == ()
    refused = await again.order()
    assert [fact.code for fact in refused] == ["lower_revision"]
    await again.live(60)
    assert again.states("o2")[-1] == "complied"
    await again.close()
