"""Who is adopted is of the farm after a new beginning, until the inventory names him; strangers become the machine."""

from dataclasses import replace

import pytest

from agent.config import parse
from agent.control.journal import Unwritten
from agent.facts.identity import Found, MinersAdopted, MinersProposed
from agent.ledger.store import CannotWrite
from agent.wiring.newcomers import Adoption, Newcomers, with_adopted
from tests.control.site import Site
from tests.control.test_recognition import away, cases, seen
from tests.properties.identity import named
from tests.wiring.test_leavers import AT, FARM

CONFIG = parse(FARM)
NEW = Found(miner="127.0.0.9", host="127.0.0.9", mac="02:00:00:00:00:09", model="S19")
HOW = Adoption(by="Aigul", feeder="T1", tags=("row:3",))


@pytest.fixture
async def site(tmp_path):
    made = Site(named(2), tmp_path)
    made.begun_again = 0
    await made.live(30)
    yield made
    await made.close()


def newcomers(site):
    def begin_again():
        site.begun_again += 1

    config, proposals = with_adopted(CONFIG, site.ledger)
    made = Newcomers(config, proposals)
    made.bind(site.controller, site.poller, begin_again)
    return made, config


async def test_who_is_adopted_is_in_the_inventory_from_the_next_beginning_on(site):
    made, config = newcomers(site)
    assert config is CONFIG
    await made.propose([MinersProposed(at=AT, miners=[NEW.miner], found=[NEW])])
    assert [item["id"] for item in newcomers(site)[0].items()] == [NEW.miner]
    assert await made.adopt([NEW.miner], HOW) is None
    assert site.begun_again == 1
    again, config = newcomers(site)
    assert again.items() == []
    [_, entry] = config.miners
    assert (entry.id, entry.host, entry.mac, entry.feeder, entry.tags) == (
        NEW.miner, NEW.host, NEW.mac, "T1", ("row:3",),
    )  # fmt: skip


@pytest.mark.parametrize("named_as", [{"host": NEW.host}, {"mac": NEW.mac}, {"id": NEW.miner}])
async def test_once_the_inventory_names_him_that_holds(site, named_as):
    await site.ledger.append([MinersAdopted(at=AT, miners=[NEW.miner], found=[NEW], by="x")])
    [entry] = CONFIG.miners
    known = replace(CONFIG, miners=(replace(entry, **named_as),))
    assert with_adopted(known, site.ledger)[0] is known


async def test_nobody_is_adopted_who_is_not_proposed_or_to_where_there_is_nothing(site):
    made, _ = newcomers(site)
    await made.propose([MinersProposed(at=AT, miners=[NEW.miner], found=[NEW])])
    assert (await made.adopt(["127.0.0.8"], HOW)).field == "miners"
    assert (await made.adopt([NEW.miner], replace(HOW, feeder="T9"))).field == "feeder"
    assert (await made.adopt([NEW.miner], replace(HOW, credentials="nobody"))).field == "credentials"
    assert site.begun_again == 0


async def test_what_the_disk_refuses_is_not_adopted(site, monkeypatch):
    made, _ = newcomers(site)
    await made.propose([MinersProposed(at=AT, miners=[NEW.miner], found=[NEW])])

    def refuse(*_of):
        raise CannotWrite("database or disk is full")

    monkeypatch.setattr(site.store, "append", refuse)
    with pytest.raises(Unwritten):
        await made.adopt([NEW.miner], HOW)
    assert (site.begun_again, [*made.proposals.open]) == (0, [NEW.miner])


async def test_a_stranger_is_the_machine_from_now_on_by_a_hand_and_over_a_restart(site, tmp_path):
    made, _ = newcomers(site)
    host = site.machines.hosts[0]
    stranger = {"mac": "02:00:00:00:00:99", "model": "S21"}
    await away(site, host, then=lambda: site.machines.says.update({host: stranger}))
    [item] = made.items()
    assert (item["id"], item["mac"], item["replaces"]) == ("m0", stranger["mac"], True)
    assert await made.adopt(["m0"], HOW) is None
    await site.live(20)
    assert made.items() == []
    assert not site.fleet.unclear.any()
    assert site.fleet.state_name(0).value == "hashing"
    assert [type(fact).__name__ for fact in await cases(site)] == ["MinerUnclear", "MinerClear"]
    assert [fact.mac for fact in await seen(site, "m0")][-1] == stranger["mac"]
    assert site.begun_again == 0
    again = Site(site.machines, tmp_path, clock=site.clock)
    await again.live(30)
    assert not again.fleet.unclear.any()
    await again.close()


async def test_who_is_disowned_is_gone_from_the_next_beginning_on_and_adopted_again_by_a_hand_alone(site):
    made, _ = newcomers(site)
    proposed = MinersProposed(at=AT, miners=[NEW.miner], found=[NEW])
    await made.propose([proposed])
    await made.adopt([NEW.miner], HOW)
    assert (await made.disown(["127.0.0.8"], by="Aigul", dry_run=False)).field == "miners"
    assert await made.disown([NEW.miner], by="Aigul", dry_run=True) is None
    assert await made.disown([NEW.miner], by="Aigul", dry_run=False) is None
    assert site.begun_again == 2
    again, config = newcomers(site)
    assert config is CONFIG
    await again.propose([proposed])
    assert again.proposals.welcome() == []
    assert await again.adopt([NEW.miner], HOW) is None
    assert len(newcomers(site)[1].miners) == 2
