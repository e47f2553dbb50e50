"""Orders, holds and ledgers follow the machine, not its address; who is unclear is told down and never up."""

import pytest
from msgspec.structs import replace

from agent.facts.identity import (
    BoardExchanged,
    FirmwareChanged,
    MarkDoubled,
    MinerClear,
    MinerMoved,
    MinersSwapped,
    MinerUnclear,
)
from drivers.errors import Garbled, NotPermitted
from drivers.interface import Abilities, State
from tests.control.site import PlantDriver, Site
from tests.properties.identity import named

HERE, THERE = "127.0.0.1", "127.0.0.2"
KINDS = (MinerMoved, MinersSwapped, BoardExchanged, FirmwareChanged, MinerUnclear, MinerClear, MarkDoubled)


@pytest.fixture
async def site(tmp_path):
    made = Site(named(3), tmp_path)
    await made.live(30)
    yield made
    await made.close()


async def cases(site):
    return [fact for _, fact in await site.ledger.since(0, kinds=[kind.__name__ for kind in KINDS])]


async def away(site, *hosts, then=lambda: None):
    """Let machines lose their network for half a minute, and come back after something was done to them."""
    site.machines.dead |= set(hosts)
    await site.live(30)
    then()
    site.machines.dead -= set(hosts)
    await site.live(60)


def hosts(site):
    return {miner.id: miner.host for miner in site.fleet.miners}


async def swapped(site):
    await away(site, HERE, THERE, then=lambda: site.machines.exchange(HERE, THERE))


async def test_two_machines_that_exchange_addresses_keep_their_rows(site):
    await swapped(site)
    assert hosts(site) == {"m0": THERE, "m1": HERE, "m2": "127.0.0.3"}
    [fact] = await cases(site)
    assert isinstance(fact, MinersSwapped)
    assert (sorted(fact.miners), fact.places["m0"], fact.stated["m0"], fact.by) == (["m0", "m1"], THERE, HERE, "mac")
    assert [identity.mac[-1] for identity in site.fleet.identities] == ["0", "1", "2"]
    assert not site.fleet.unclear.any()


async def test_holds_and_orders_follow_the_machine(site):
    await site.desk.hold(["m0"], kind="bench", by="Ann", until=None)
    await site.desk.set_level(["m0"], "sleep", by="Ann")
    await site.live(30)
    assert site.machines.asleep == {HERE}
    await swapped(site)
    assert site.machines.asleep == {THERE}
    site.machines.told.clear()
    await site.desk.set_level(["m0", "m1"], "full", by="Ann")
    await site.live(60)
    assert site.machines.asleep == {THERE}
    await site.desk.unhold(["m0"], by="Ann")
    await site.live(60)
    assert site.machines.told == [(THERE, "Wake")]


async def test_who_is_found_elsewhere_under_a_stop_is_told_at_once_whatever_his_old_address_was_told(site):
    await site.order()
    await site.live(30)
    site.machines.dead |= {HERE, THERE}
    await site.live(30)
    site.machines.exchange(HERE, THERE)
    site.machines.asleep -= {HERE, THERE}  # both begin anew, awake
    site.machines.dead.clear()
    while not await cases(site):
        await site.live(1)
    await site.live(3)
    assert site.machines.asleep == set(site.machines.hosts)


async def test_where_machines_are_survives_a_restart_until_the_inventory_says_otherwise(tmp_path):
    first = Site(named(3), tmp_path)
    await first.live(30)
    await swapped(first)
    await first.close()
    second = Site(first.machines, tmp_path, clock=first.clock)
    assert hosts(second) == {"m0": THERE, "m1": HERE, "m2": "127.0.0.3"}
    await second.live(30)
    assert len(await cases(second)) == 1
    await second.close()
    first.machines.hosts[0], first.machines.hosts[1] = THERE, HERE
    third = Site(first.machines, tmp_path, clock=first.clock)
    assert hosts(third) == {"m0": THERE, "m1": HERE, "m2": "127.0.0.3"}
    await third.close()


async def test_a_machine_that_took_the_address_of_one_that_is_silent_since(site):
    def move():
        site.machines.exchange(HERE, THERE)
        site.machines.off.add(THERE)

    await away(site, HERE, THERE, then=move)
    assert hosts(site) == {"m0": THERE, "m1": HERE, "m2": "127.0.0.3"}
    facts = await cases(site)
    assert [(type(fact), fact.miner, fact.found) for fact in facts] == [
        (MinerMoved, "m1", True),
        (MinerMoved, "m0", False),
    ]
    assert site.fleet.state_name(1) is State.HASHING
    assert site.fleet.state_name(0) in {State.UNREACHABLE, State.UNKNOWN}
    site.machines.off.clear()
    await site.live(120)
    assert site.fleet.state_name(0) is State.HASHING


async def test_three_that_went_round_find_back(site):
    def rotate():
        site.machines.exchange(HERE, THERE)
        site.machines.exchange(THERE, "127.0.0.3")

    await away(site, *site.machines.hosts, then=rotate)
    assert hosts(site) == {"m0": "127.0.0.3", "m1": HERE, "m2": THERE}
    assert not site.fleet.unclear.any()


async def test_a_stranger_is_told_down_and_never_up_and_not_read_for_the_row(site):
    mine = site.machines.says[HERE]
    stranger = mine | {"mac": "02:00:00:00:00:99", "model": "S21"}
    await away(site, HERE, then=lambda: site.machines.says.update({HERE: stranger}))
    [fact] = await cases(site)
    assert isinstance(fact, MinerUnclear)
    assert fact.reason == "a S21 answers where a S19 was"
    assert site.fleet.reasons[0] == "unknown:identity"
    assert site.machines.polls[HERE] > 0
    read = site.machines.polls[HERE]
    await site.order()
    await site.live(60)
    assert site.machines.asleep == set(site.machines.hosts)
    await site.order(revision=2, status="cancelled")
    await site.live(400, step_s=5.0)
    assert site.machines.asleep == {HERE}
    assert site.machines.polls[HERE] == read
    assert [f.mac for f in await seen(site, "m0")] == [mine["mac"]]
    await away(site, HERE, then=lambda: site.machines.says.update({HERE: mine}))
    await site.live(300, step_s=5.0)
    assert site.machines.asleep == set()
    assert isinstance((await cases(site))[-1], MinerClear)


async def seen(site, miner):
    return [fact for _, fact in await site.ledger.since(0, kinds=["MinerSeen"]) if fact.miner == miner]


async def test_a_new_board_and_a_new_firmware_are_the_same_machine(site):
    site.machines.says[HERE] |= {"serial": "SERIAL-0"}
    await away(site, HERE)
    board = site.machines.says[HERE] | {"mac": "02:00:00:00:00:77"}
    await away(site, HERE, then=lambda: site.machines.says.update({HERE: board}))
    await away(site, HERE, then=lambda: site.machines.says.update({HERE: board | {"firmware": "luxos"}}))
    changed, flashed = await cases(site)
    assert (type(changed), changed.mac, changed.was_mac, changed.by) == (
        BoardExchanged, "02:00:00:00:00:77", "02:00:00:00:00:00", "serial",
    )  # fmt: skip
    assert (type(flashed), flashed.firmware, flashed.was_firmware) == (FirmwareChanged, "luxos", "stock")
    assert site.fleet.state_name(0) is State.HASHING
    assert [fact.mac for fact in await seen(site, "m0")][-1] == "02:00:00:00:00:77"


async def test_a_mac_at_two_addresses_tells_nobody_apart(site):
    twin = site.machines.says[THERE]
    await away(site, HERE, then=lambda: site.machines.says.update({HERE: twin}))
    facts = await cases(site)
    assert [type(fact) for fact in facts] == [MarkDoubled]
    assert hosts(site) == {"m0": HERE, "m1": THERE, "m2": "127.0.0.3"}
    assert not site.fleet.unclear.any()


@pytest.mark.parametrize("answer", [NotPermitted("no login is accepted"), Garbled("not JSON")])
async def test_who_answers_without_saying_who_he_is_does_not_keep_the_other_waiting(site, answer, monkeypatch):
    def identify(driver):
        yield from ()
        raise answer

    usual = PlantDriver.identify
    monkeypatch.setattr(
        PlantDriver, "identify", lambda driver: identify(driver) if driver.host == THERE else usual(driver)
    )
    await away(site, HERE, THERE, then=lambda: site.machines.exchange(HERE, THERE))
    assert hosts(site)["m1"] == HERE


async def test_no_raising_command_goes_to_a_machine_that_came_back_before_it_said_who_it_is(site, monkeypatch):
    await site.order()
    await site.live(40)
    site.machines.dead.add(HERE)
    await site.live(40)
    await site.order(revision=2, status="cancelled")
    asked = []
    usual = PlantDriver.identify

    def identify(driver):
        asked.append((driver.host, len([1 for host, told in site.machines.told if host == HERE and told == "Wake"])))
        return usual(driver)

    monkeypatch.setattr(PlantDriver, "identify", identify)
    site.machines.dead.clear()
    await site.live(120)
    assert (HERE, 0) in asked
    assert site.machines.asleep == set()


async def test_an_uptime_that_does_not_go_on_makes_a_machine_say_who_it_is_before_it_is_read(site, monkeypatch):
    uptime, usual = {HERE: 1000}, PlantDriver.read

    def read(driver, want):
        reading = yield from usual(driver, want)
        return replace(reading, uptime_s=uptime.get(driver.host))

    monkeypatch.setattr(PlantDriver, "read", read)
    await site.live(60)
    heard = []
    monkeypatch.setattr(site.fleet, "heard", lambda row, reading, now: heard.append((row, reading.uptime_s)))
    site.machines.exchange(HERE, THERE)
    uptime[HERE] = 5
    await site.live(40)
    assert hosts(site) == {"m0": THERE, "m1": HERE, "m2": "127.0.0.3"}
    assert (0, 5) not in heard
    assert [type(fact) for fact in await cases(site)] == [MinersSwapped]


async def test_a_machine_that_begins_anew_by_our_command_is_not_asked_who_it_is(site, monkeypatch):
    uptime, usual = [1000], PlantDriver.read

    def read(driver, want):
        reading = yield from usual(driver, want)
        return replace(reading, uptime_s=uptime[0])

    monkeypatch.setattr(PlantDriver, "read", read)
    await site.live(80)
    await site.order()
    await site.live(3)
    asked = []
    monkeypatch.setattr(PlantDriver, "identify", lambda driver: asked.append(driver.host))
    uptime[0] = 5
    await site.live(15)
    assert asked == []
    assert site.states()[-1] == "complied"


async def test_one_that_says_less_since_it_came_back_is_read_and_shed_as_before_and_not_raised_yet(site):
    whole = site.machines.says[HERE]
    less = {name: value for name, value in whole.items() if name != "mac"}
    await site.order()
    await site.live(40)
    await away(site, HERE, then=lambda: site.machines.says.update({HERE: less}))
    assert site.fleet.state_name(0) is State.SLEEPING
    assert site.fleet.identities[0].mac == whole["mac"]
    await site.order(revision=2, status="cancelled")
    await site.live(60)
    assert site.machines.asleep == {HERE}
    site.machines.says[HERE] = whole
    await site.live(60)
    assert site.machines.asleep == set()
    assert await cases(site) == []


async def test_what_a_machine_does_not_say_any_more_is_not_waited_for_for_ever_nor_forgotten(site, tmp_path):
    whole = site.machines.says[HERE]
    less = {name: value for name, value in whole.items() if name != "mac"}
    await site.order()
    await site.live(40)
    await away(site, HERE, then=lambda: site.machines.says.update({HERE: less}))
    await site.order(revision=2, status="cancelled")
    await site.live(700, step_s=5.0)
    assert site.machines.asleep == set()
    assert [fact.mac for fact in await seen(site, "m0")][-1] == whole["mac"]


@pytest.mark.parametrize(
    "said", [{"firmware": "stock"}, {"firmware_version": "of a page"}, {"driver": "x", "firmware": "y"}]
)
async def test_a_half_read_identification_is_no_other_firmware(site, said):
    before, machines = site.fleet.identities[0], site.machines
    whole = machines.says[HERE]
    partial = {**whole, "firmware": "Braiins OS", "firmware_version": "24.06"} | said | {"partial": True}
    machines.says[HERE] = {**whole, "firmware": "Braiins OS", "firmware_version": "24.06"}
    await away(site, HERE)
    known = len(await cases(site))

    def starved():
        machines.says[HERE] = partial

    await away(site, HERE, then=starved)
    assert len(await cases(site)) == known
    assert site.fleet.identities[0].driver == before.driver
    assert site.fleet.state_name(0) is State.HASHING  # it is read as the machine that it was
    machines.says[HERE] = {key: value for key, value in partial.items() if key != "partial"}
    await site.live(60)
    (change,) = (await cases(site))[known:]
    assert isinstance(change, FirmwareChanged)


async def test_a_machine_that_is_half_read_keeps_the_abilities_that_it_had(site):
    site.machines.says[HERE] |= {"abilities": Abilities(), "partial": True}
    await away(site, HERE)
    assert site.fleet.ladders[0].sleeps
    assert await cases(site) == []
