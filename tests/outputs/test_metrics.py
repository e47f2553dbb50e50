"""A scrape, read back by Prometheus' own parsers, says what the fleet says."""

import asyncio
import gzip
import subprocess
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from agent.facts import OrderMoved, OrderRefused, UnauthorisedWake
from agent.outputs.exposition import Text, labels, wants_openmetrics
from agent.outputs.metrics import Metrics
from agent.outputs.snapshot import snapshot
from drivers.interface import Board, Fan, Reading, State
from tests.outputs.farm import (
    IDENTITY,
    LADDER,
    NOW,
    START,
    MemoryDesk,
    document,
    empty_book,
    large_fleet,
    sight_of,
    small_fleet,
)

FORMS = pytest.mark.parametrize("openmetrics", [False, True])


def desk() -> MemoryDesk:
    return MemoryDesk(small_fleet(), empty_book())


def metrics() -> Metrics:
    return Metrics(site="farm-1", version="1.2.3")


def text_of(scrape) -> str:
    return b"".join(scrape.pieces).decode()


async def samples(sight, own=None, *, openmetrics=False):
    """Return every sample by its name and its labels but `site`, which all must have."""
    scrape = await (own or metrics()).scrape(sight, openmetrics=openmetrics, zipped=False)
    found = {}
    for family in (read_openmetrics if openmetrics else read_text)(text_of(scrape)):
        for sample in family.samples:
            told = dict(sample.labels)
            assert told.pop("site") == "farm-1"
            key = (sample.name, tuple(sorted(told.items())))
            assert key not in found
            found[key] = sample.value
    return found


def key(name, **told):
    return f"hashwatt_{name}", tuple(sorted(told.items()))


def miner(name, at=0, **told):
    ids, feeders = ("a1", "a2", "b1", "b2", "b3"), ("T1", "q1", "site", "site", "site")
    model = "" if at == 4 else "Antminer S19"
    return key(f"miner_{name}", miner=ids[at], model=model, feeder=feeders[at], **told)


@FORMS
async def test_what_a_machine_says_is_in_the_scrape_in_base_units(openmetrics):
    found = await samples(sight_of(desk()), openmetrics=openmetrics)
    assert found[miner("up")] == 1
    assert found[miner("hashrate_hashes_per_second")] == 98.5e12
    assert found[miner("nominal_hashrate_hashes_per_second")] == 100e12
    assert found[miner("power_watts", source="miner")] == 3010.0
    assert found[miner("efficiency_joules_per_terahash")] == pytest.approx(3010 / 98.5)
    assert found[miner("board_hashrate_hashes_per_second", board="1")] == 49.5e12
    assert found[miner("board_temperature_celsius", board="0", sensor="chip")] == 71.0
    assert found[miner("board_temperature_celsius", board="0", sensor="board")] == 60.5
    assert found[miner("inlet_temperature_celsius")] == 21.5
    assert found[miner("fan_speed_rpm", fan="1")] == 0
    assert found[miner("uptime_seconds")] == 3600
    assert found[miner("hardware_errors_total")] == 7
    assert found[miner("shares_total", result="rejected")] == 2


async def test_each_machine_is_in_one_state_and_all_states_are_told():
    found = await samples(sight_of(desk()))
    for at, state in enumerate(("hashing", "sleeping", "unreachable", "unknown", "unknown")):
        told = {other: found[miner("state", at, state=other)] for other in State}
        assert told == {other: float(other == state) for other in State}


async def test_the_unknown_has_no_sample_and_zero_is_zero():
    found = await samples(sight_of(desk()))
    assert found[miner("hashrate_hashes_per_second", 1)] == 0.0
    assert miner("efficiency_joules_per_terahash", 1) not in found
    assert miner("board_temperature_celsius", board="1", sensor="board") not in found
    assert miner("shares_total", result="stale") not in found
    assert miner("up", 4) not in found


async def test_energy_is_what_was_drawn_between_readings_and_the_unread_time_is_left_out():
    own = desk()
    assert (await samples(sight_of(own)))[miner("energy_joules_total")] == 0.0
    own.fleet.heard(0, Reading(state=State.HASHING, power_w=2990.0), 1005.0)
    own.fleet.heard(0, Reading(state=State.HASHING, power_w=2990.0), 9000.0)
    found = await samples(sight_of(own))
    assert found[miner("energy_joules_total")] == 30_000.0
    assert miner("energy_joules_total", 4) not in found


async def test_the_fading_averages_of_a_sleeper_make_no_efficiency():
    own = desk()
    own.fleet.heard(1, Reading(state=State.SLEEPING, level="sleep", power_w=20.0, hashrate_ths=33.0), 999.0)
    found = await samples(sight_of(own))
    assert found[miner("hashrate_hashes_per_second", 1)] == 33e12
    assert miner("efficiency_joules_per_terahash", 1) not in found


async def test_a_lost_machine_says_nothing_but_counts_as_it_is_believed():
    found = await samples(sight_of(desk()))
    for lost in (2, 3):
        assert miner("hashrate_hashes_per_second", lost) not in found
        assert miner("uptime_seconds", lost) not in found
        assert found[miner("power_watts", lost, source="model")] == 3010.0
    assert (found[miner("up", 2)], found[miner("up", 3)]) == (0, 1)


async def test_what_a_machine_says_it_should_hash_goes_before_its_model():
    own = desk()
    own.fleet.heard(0, Reading(state=State.HASHING, nominal_ths=95.0), 999.0)
    found = await samples(sight_of(own))
    assert found[miner("nominal_hashrate_hashes_per_second")] == 95e12
    assert found[miner("power_watts", source="model")] == 3000.0


async def test_an_old_reading_is_no_word_on_the_present():
    later = desk()
    later.now = NOW.later(60.0)
    found = await samples(sight_of(later))
    assert miner("hashrate_hashes_per_second") not in found
    assert key("site_hashrate_hashes_per_second") not in found


async def test_the_site_and_its_feeders():
    found = await samples(sight_of(desk()))
    assert found[key("site_power_watts", source="meter")] == 12_500.0
    assert found[key("site_house_watts")] == 1500.0
    assert found[key("site_hashrate_hashes_per_second")] == 98.5e12
    assert found[key("site_cap_watts")] == 20_000.0
    assert [found[key(f"site_{name}_watts")] for name in ("excess", "shortfall")] == [0.0, 0.0]
    assert found[key("site_restore_pending_watts")] == 2980.0
    assert [found[key("site_miners", state=state)] for state in ("hashing", "unknown", "fault")] == [1, 2, 0]
    assert found[key("feeder_power_watts", feeder="site")] == 12_500.0
    assert found[key("feeder_power_watts", feeder="T1")] == 3030.0
    assert found[key("feeder_power_watts", feeder="q1")] == 20.0
    assert found[key("feeder_cap_watts", feeder="T1")] == 9000.0
    assert key("feeder_cap_watts", feeder="q1") not in found
    assert (found[key("clock_trusted")], found[key("enforcing")]) == (1, 1)


async def test_without_a_meter_the_draw_is_what_is_believed_and_the_house():
    found = await samples(sight_of(desk(), meter=lambda: None, mode="observe"))
    assert found[key("site_power_watts", source="beliefs")] == 3010 * 3 + 20 + 3500 + 1500
    assert key("site_power_watts", source="meter") not in found
    assert found[key("enforcing")] == 0


async def test_before_the_first_decision_nothing_is_said_of_caps():
    found = await samples(sight_of(desk(), decision=lambda: None))
    assert not [name for name, _ in found if name.startswith(("hashwatt_site_cap", "hashwatt_site_shortfall"))]


async def test_an_order_is_in_one_state_and_gone_a_day_after_it_closed():
    held, own = desk(), metrics()
    await held.receive(b"{}", by="x")
    for body in (document(), document(revision=2, status="cancelled", limit=None)):
        await held.receive(str(body).replace("'", '"').encode(), by="x")
    own.heard(held.facts)
    closed_at = held.book.views()[0].last_ack.at
    assert (await samples(sight_of(held), own))[key("order_state", order="o1", state="cancelled", **{"class": "law"})]
    close(held)
    held.now = replace(NOW, at=closed_at + timedelta(hours=23))
    assert (await samples(sight_of(held), own))[key("order_state", order="o1", state="closed", **{"class": "law"})] == 1
    held.now = replace(NOW, at=closed_at + timedelta(hours=25))
    assert not [name for name, _ in await samples(sight_of(held), own) if name.startswith("hashwatt_order_")]


def close(held):
    last = held.book.views()[0].last_ack
    held.book.apply(OrderMoved(at=last.at, order_id="o1", revision=2, seq=last.seq + 1, event="close", state="closed"))


def moved(event, state, seconds):
    return OrderMoved(at=START + timedelta(seconds=seconds), order_id="o1", revision=1, seq=1, event=event, state=state)


async def test_the_time_to_comply_runs_from_the_start_to_the_first_compliance():
    held, own = desk(), metrics()
    await held.receive(str(document()).replace("'", '"').encode(), by="x")
    own.heard([moved("start", "active", 0)])
    assert key("order_comply_seconds", order="o1") not in await samples(sight_of(held), own)
    own.heard([moved("comply", "complied", 42), moved("breach", "violated", 60), moved("comply", "complied", 99)])
    assert (await samples(sight_of(held), own))[key("order_comply_seconds", order="o1")] == 42.0


@FORMS
async def test_the_agent_counts_what_happens(openmetrics):
    own = metrics()
    own.polls("ok")
    own.polls("garbled")
    own.poll_duration(0.02)
    own.poll_lag(0.25)
    own.command("sleep", "ok")
    own.loop_lag(0.003)
    own.link("mqtt", True)
    refused = {"order_id": "x", "revision": None, "issuer": None, "reason": "", "transport": "mqtt"}
    own.heard([OrderRefused(at=START, code="unsigned", count=3, **refused), UnauthorisedWake(at=START, miners=["a"])])
    found = await samples(sight_of(desk()), own, openmetrics=openmetrics)
    assert found[key("polls_total", result="garbled")] == 1
    assert found[key("polls_total", result="denied")] == 0
    assert found[key("orders_rejected_total", reason="too_many")] == 0
    assert found[key("poll_duration_seconds_count")] == 1
    assert found[key("poll_duration_seconds_sum")] == 0.02
    assert found[key("poll_cycle_lag_seconds")] == 0.25
    assert found[key("commands_total", command="sleep", result="ok")] == 1
    assert found[key("event_loop_lag_seconds")] == 0.003
    assert found[key("link_up", link="mqtt")] == 1
    assert found[key("orders_rejected_total", reason="unsigned")] == 3
    assert found[key("unauthorised_wakes_total")] == 1
    assert found[key("build_info", version="1.2.3")] == 1


async def test_promtool_is_content():
    held, own = desk(), metrics()
    await held.receive(str(document()).replace("'", '"').encode(), by="x")
    own.heard([moved("start", "active", 0), moved("comply", "complied", 42)])
    own.command("sleep", "ok")
    own.link("mqtt", True)
    scrape = await own.scrape(sight_of(held), openmetrics=False, zipped=False)
    told = await asyncio.to_thread(
        subprocess.run,
        ["promtool", "check", "metrics"],
        input=b"".join(scrape.pieces),
        capture_output=True,
        timeout=20,
        check=False,
    )
    assert (told.returncode, told.stdout, told.stderr) == (0, b"", b"")


async def test_openmetrics_ends_with_its_mark_and_names_counters_without_total():
    scrape = await metrics().scrape(sight_of(desk()), openmetrics=True, zipped=False)
    assert text_of(scrape).endswith("# EOF\n")
    assert "# TYPE hashwatt_miner_shares counter\n" in text_of(scrape)
    plain = text_of(await metrics().scrape(sight_of(desk()), openmetrics=False, zipped=False))
    assert "# TYPE hashwatt_miner_shares_total counter\n" in plain
    assert "# EOF" not in plain
    assert "_created" not in plain


async def test_a_zipped_scrape_is_the_same_scrape():
    own, sight = metrics(), sight_of(desk())
    zipped = await own.scrape(sight, openmetrics=False, zipped=True)
    plain = await own.scrape(sight, openmetrics=False, zipped=False)
    assert gzip.decompress(b"".join(zipped.pieces)).decode() == text_of(plain)


async def test_a_board_named_twice_or_a_figure_that_is_none_spoils_no_scrape():
    odd = desk()
    boards = (Board(slot=0, chip_temp_c=1.0), Board(slot=0, chip_temp_c=2.0), Board(slot=1, chip_temp_c=float("nan")))
    fans = (Fan(slot=0, rpm=1), Fan(slot=0, rpm=2))
    odd.fleet.heard(0, Reading(state=State.HASHING, hashrate_ths=float("inf"), boards=boards, fans=fans), 999.0)
    found = await samples(sight_of(odd), openmetrics=True)
    assert found[miner("board_temperature_celsius", board="0", sensor="chip")] == 2.0
    assert miner("board_temperature_celsius", board="1", sensor="chip") not in found
    assert miner("hashrate_hashes_per_second") not in found


async def test_what_the_loop_itself_does_for_two_thousand_machines_takes_a_moment():
    sight = sight_of(MemoryDesk(large_fleet(2000), empty_book()))
    taken = []
    for _ in range(5):
        began = time.thread_time()
        snapshot(sight)
        taken.append(time.thread_time() - began)
    assert min(taken) < 0.005


async def test_half_a_character_in_a_model_spoils_no_scrape():
    odd = desk()
    odd.fleet.identified(0, replace(IDENTITY, model="S\ud800"), LADDER)
    text = text_of(await metrics().scrape(sight_of(odd), openmetrics=False, zipped=False))
    assert 'model="S?"' in text


@pytest.mark.pure
@given(st.text(), st.text())
def test_any_label_comes_back_as_it_was(name, other):
    for openmetrics, read in ((False, read_text), (True, read_openmetrics)):
        text = Text(openmetrics=openmetrics)
        text.gauge("a", "says", [(labels(miner=name, model=other), 1.5)])
        end = "# EOF\n" if openmetrics else ""
        (family,) = read(b"".join(text.pieces).decode() + end)
        assert [(s.labels, s.value) for s in family.samples] == [({"miner": name, "model": other}, 1.5)]


@pytest.mark.pure
@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("", False),
        ("*/*", False),
        ("text/plain", False),
        ("application/openmetrics-text", True),
        ("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4", True),
        ("application/openmetrics-text;q=0.3, text/plain;q=0.4", False),
        ("application/openmetrics-text;q=0", False),
        ("application/openmetrics-text;q=nonsense", False),
    ],
)
def test_openmetrics_is_sent_to_whom_asks_for_it_first(accept, wanted):
    assert wants_openmetrics(accept) is wanted
