"""Discovery in the agent: only the configured networks are touched, who is new is proposed, who is ours is followed."""

from ipaddress import IPv4Network

import pytest

from agent.control.discovery import Met, Outcome, Sighting
from agent.control.prospecting import SETTLES_S, Networks, Prospector
from agent.facts import AnyFact
from agent.facts.identity import MinerMoved, MinersProposed, ProposalsGone
from agent.fleet.proposals import Proposals
from drivers.interface import Identity
from tests.control.site import Site
from tests.control.test_recognition import away, cases, hosts
from tests.properties.identity import named

NETWORK = "127.0.0.0/28"


class Wire:
    """What answers where, and every address that was looked at."""

    def __init__(self):
        self.there, self.touched, self.denied = {}, [], {}

    async def look(self, addresses, _pace, _source):
        self.touched += addresses
        met = [
            Met(host=host, ports=(4028,), outcome=Outcome.FOUND, identity=Identity(driver="plant", **said))
            for host, said in self.there.items()
            if host in addresses
        ]
        met += [
            Met(host=host, ports=(80,), outcome=Outcome.REFUSED, said="no login is accepted", denied=driver)
            for host, driver in self.denied.items()
            if host in addresses
        ]
        return Sighting(met=tuple(met), counts={})


class Book:
    """Takes what is proposed."""

    def __init__(self):
        self.proposals, self.facts, self.adopted = Proposals(), list[AnyFact](), []

    async def propose(self, facts):
        for fact in facts:
            self.facts.append(fact)
            self.proposals.take(fact)

    async def adopt_all(self, miners):
        self.adopted += miners


@pytest.fixture
async def site(tmp_path):
    made = Site(named(3), tmp_path)
    await made.live(30)
    yield made
    await made.close()


def prospector(site, wire, book, **changes):
    where = Networks(networks=(IPv4Network(NETWORK),), **changes)
    return Prospector(site.poller, book.proposals, where, site.clock, wire.look)


def said(last):
    return {"mac": f"02:00:00:00:00:{last:02}", "model": "S19"}


async def test_who_is_new_is_proposed_once_and_nobody_elsewhere_is_touched(site):
    wire, book = Wire(), Book()
    wire.there = {"127.0.0.9": said(9), "127.0.1.9": said(19), "127.0.0.1": said(0)}
    looking = prospector(site, wire, book)
    await looking.look_over(book)
    await looking.look_over(book)
    [fact] = book.facts
    assert isinstance(fact, MinersProposed)
    assert (fact.miners, fact.found[0].mac) == (["127.0.0.9"], "02:00:00:00:00:09")
    assert set(wire.touched) == {f"127.0.0.{at}" for at in range(4, 15)}
    assert book.adopted == []
    assert len(site.fleet) == 3


async def test_a_proposal_that_nobody_answers_for_is_gone_and_one_that_changed_is_told_anew(site):
    wire, book = Wire(), Book()
    looking = prospector(site, wire, book)
    for there in ({"127.0.0.9": said(9)}, {"127.0.0.9": said(10)}, {}):
        wire.there = there
        await looking.look_over(book)
    assert [type(fact) for fact in book.facts] == [MinersProposed, MinersProposed, ProposalsGone]
    assert book.proposals.open == {}


async def test_a_machine_that_says_nothing_without_a_login_is_proposed_as_one_that_needs_it(site):
    wire, book = Wire(), Book()
    wire.denied = {"127.0.0.9": "mara", "127.0.0.10": None, "127.0.0.11": "unknown"}  # None: any web page
    looking = prospector(site, wire, book, adopt=True)
    await looking.look_over(book)
    await looking.look_over(book)
    [fact] = book.facts
    assert [(one.miner, one.driver, one.make) for one in fact.found] == [
        ("127.0.0.9", "mara", None),
        ("127.0.0.11", None, None),
    ]
    assert all(one.note.startswith("login needed") for one in fact.found)
    assert book.adopted == []
    wire.denied = {}
    await looking.look_over(book)
    assert book.proposals.open == {}


async def test_a_machine_of_ours_at_a_new_address_is_followed(site):
    wire, book = Wire(), Book()
    mine = site.machines.says["127.0.0.1"]
    site.machines.hosts.append("127.0.0.9")
    site.machines.says["127.0.0.9"] = mine

    def move():
        site.machines.off.add("127.0.0.1")

    await away(site, "127.0.0.1", then=move)
    wire.there = {"127.0.0.9": mine}
    await prospector(site, wire, book).look_over(book)
    assert hosts(site)["m0"] == "127.0.0.9"
    await site.live(30)
    assert site.fleet.state_name(0).value == "hashing"
    [fact] = await cases(site)
    assert (type(fact), fact.miner, fact.place, fact.was) == (MinerMoved, "m0", "127.0.0.9", "127.0.0.1")
    assert book.facts == []


async def test_a_mac_that_its_own_address_still_shows_is_proposed_with_a_word_against_it(site):
    wire, book = Wire(), Book()
    wire.there = {"127.0.0.9": site.machines.says["127.0.0.1"]}
    looking = prospector(site, wire, book, adopt=True)

    async def look(addresses, pace, source):
        if addresses == ["127.0.0.9"]:
            for _ in range(3):
                site.poller.poll_due(site.clock.now().mono)
        return await wire.look(addresses, pace, source)

    looking._look = look
    site.clock.sleep = site_sleeps
    await looking.look_over(book)
    [fact] = book.facts
    assert fact.found[0].note == "its mac answers at the address of m0 too"
    assert book.adopted == []
    assert hosts(site)["m0"] == "127.0.0.1"


async def site_sleeps(seconds):
    assert seconds == SETTLES_S


async def test_adopted_is_who_is_found_only_where_the_configuration_says_so(site):
    wire, book = Wire(), Book()
    wire.there = {"127.0.0.9": said(9)}
    await prospector(site, wire, book, adopt=True).look_over(book)
    assert book.adopted == ["127.0.0.9"]
