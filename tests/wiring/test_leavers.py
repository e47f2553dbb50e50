"""A machine that is taken out of the inventory under an order is held to it until it closes, and then let go."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from agent.config import parse
from agent.control import giving_back
from agent.facts import IntendedChanged, MinerSeen, OrderMoved, SetpointsChanged
from agent.facts.identity import MinerMoved, MinersKept, MinersLetGo
from agent.ledger.ledger import Ledger
from agent.ledger.store import Store
from agent.orders import life
from agent.wiring import leavers as leaving
from agent.wiring.leavers import held_out, with_held
from tests.control.site import Machines, Site

AT = datetime(2026, 1, 10, tzinfo=UTC)
FARM = """
[site]
id = "kg-1"
timezone = "Asia/Bishkek"
currency = "KGS"
connection_kw = 100

[[feeder]]
id = "T1"

[[miners]]
hosts = ["127.0.0.1"]

[credentials.farm]
logins = [{ user = "root", password = "env:NONE" }]
"""
SEEN = MinerSeen(at=AT, miner="m2", host="127.0.0.2", mac="02:00:00:00:00:02", feeder="T1", credentials="farm")
LOWERED = SetpointsChanged(at=AT, levels={"sleep": ["m2"]}, cause="shed", binding_order="o1")
CONFIG = parse(FARM)


def held(*facts, open_ids=("o1",), inventory=CONFIG.miners):
    return held_out(facts, open_ids, inventory)


@pytest.mark.pure
def test_who_is_held_by_an_open_order_and_by_nothing_else_is_kept():
    assert held(SEEN, LOWERED) == {"m2": ["o1"]}
    assert held(SEEN, LOWERED, open_ids=("o2",)) == {"m2": ["o2"]}
    assert held(LOWERED) == {}
    assert held(SEEN) == {}
    assert held(SEEN, LOWERED, IntendedChanged(at=AT, level="sleep", miners=["m2"], by="x")) == {}
    assert (
        held(SEEN, LOWERED, SetpointsChanged(at=AT, levels={"full": ["m2"]}, cause="restore", binding_order="o1")) == {}
    )
    assert held(SEEN, SetpointsChanged(at=AT, levels={"sleep": ["m2"]}, cause="blind")) == {}
    assert held(SEEN, LOWERED, MinersKept(at=AT, miners=["m2"], orders=["o1"])) == {"m2": ["o1"]}
    assert held(SEEN, LOWERED, MinersLetGo(at=AT, miners=["m2"])) == {}


@pytest.mark.pure
def test_who_is_in_the_inventory_by_another_name_has_not_left():
    [entry] = CONFIG.miners
    assert held(SEEN, LOWERED, inventory=[replace(entry, host="127.0.0.2")]) == {}
    assert held(SEEN, LOWERED, inventory=[replace(entry, mac="02-00-00-00-00-02")]) == {}


async def test_it_is_kept_at_its_last_address_on_its_feeder_with_its_credentials(tmp_path):
    ledger = Ledger(Store("sqlite:///hashwatt.db", tmp_path))
    moved = MinerMoved(at=AT, miner="m2", place="127.0.0.9:4029", was="127.0.0.2", stated="127.0.0.2", by="mac")
    active = OrderMoved(at=AT, order_id="o1", revision=1, seq=1, event="start", state="active")
    await ledger.append([SEEN, LOWERED, moved, active])
    config, leavers = with_held(CONFIG, ledger)
    assert leavers.held == {"m2": ["o1"]}
    [_, entry] = config.miners
    assert (entry.id, entry.host, entry.port, entry.feeder, entry.credentials) == (
        "m2", "127.0.0.9", 4029, "T1", "farm",
    )  # fmt: skip
    await ledger.append([OrderMoved(at=AT, order_id="o1", revision=1, seq=2, event="close", state="closed")])
    same, nobody = with_held(CONFIG, ledger)
    assert same is CONFIG
    assert not nobody.held
    await ledger.close()


async def without_the_second(tmp_path, machines, *, dead=False):
    """Return a site that begins under a stop of the life before it, one of two taken out; what asks to begin anew."""
    first = Site(machines, tmp_path)
    await first.live(30)
    await first.order()
    await first.live(30)
    await first.close()
    machines.dead.update({"127.0.0.2"} if dead else ())
    second = Site(machines, tmp_path, clock=first.clock)
    [entry] = CONFIG.miners
    _, leavers = with_held(replace(CONFIG, miners=(replace(entry, id="m0"),)), second.ledger)
    again = asyncio.Event()
    leavers.begin_again = again.set
    return second, again, asyncio.create_task(leavers.run(second.controller))


async def test_it_is_held_restored_and_let_go(tmp_path):
    machines = Machines(2)
    second, again, waiting = await without_the_second(tmp_path, machines)
    await second.live(30)
    assert not again.is_set()
    machines.asleep.discard("127.0.0.2")
    await second.live(30)
    assert "127.0.0.2" in machines.asleep
    await second.order(revision=2, status="cancelled")
    await second.live(200)
    assert again.is_set()
    assert machines.asleep == set()
    facts = list(second.ledger.replay(MinersKept, MinersLetGo))
    assert [(type(fact), fact.miners, fact.orders) for fact in facts] == [
        (MinersKept, ["m1"], ["o1"]),
        (MinersLetGo, ["m1"], ["o1"]),
    ]
    waiting.cancel()
    await second.close()


async def test_who_was_taken_out_because_it_is_dead_is_let_go_too(tmp_path, monkeypatch):
    for module, name in ((giving_back, "QUIET_S"), (life, "LONG_S"), (leaving, "LONGEST_S")):
        monkeypatch.setattr(module, name, 60.0)
    machines = Machines(2)
    second, again, waiting = await without_the_second(tmp_path, machines, dead=True)
    await second.live(60)
    await second.order(revision=2, status="cancelled")
    await second.live(30)
    assert not again.is_set()
    await second.live(180)
    assert again.is_set()
    waiting.cancel()
    await second.close()
