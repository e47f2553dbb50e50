"""The agent's civil time is stepped beneath it, by libfaketime in its own process alone: limits start by either clock
and end by both, and a start with a wrong clock undoes nothing."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.scenarios.stage import refused, stage

LIBRARY = "*/faketime/libfaketimeMT.so.1"


def wrong_clock(folder):
    """Return what lets a process read its civil time from `folder / "clock"`, and leaves monotonic time alone."""
    library = next(Path("/usr/lib").glob(LIBRARY), None)
    assert library is not None, "libfaketime is missing: make deps gets it"
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(folder / "clock"),
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_CACHE_DURATION": "1",
    }


@pytest.mark.lasts(45)
async def test_a_clock_stepped_an_hour_each_way_starts_what_begins_and_ends_nothing(tmp_path):
    async with stage(tmp_path, 12, start=False) as site:
        _set_clock(site, "+0")
        site.environ = wrong_clock(tmp_path)
        await site.start()
        await site.until_known(12, 60)
        full_w = await site.true_draw_w()
        now = datetime.now(UTC)
        cap = {"max_import_kw": 0.6 * full_w / 1000}
        ends_at, starts_at = now + timedelta(minutes=20), now + timedelta(minutes=30)
        await site.order(limit=cap, resume="auto", starts_at=now.isoformat(), ends_at=ends_at.isoformat())
        await site.order(order_id="o2", starts_at=starts_at.isoformat())
        await site.dispatcher.ack("o1", "complied", 60)
        await site.dispatcher.ack("o2", "scheduled", 10)

        _set_clock(site, "+3600")
        await site.until(lambda: _steps(site, 1), 30)
        ack = await site.dispatcher.ack("o2", "active", 20)
        assert "untrusted_clock" in ack["reason"]
        assert datetime.fromisoformat(ack["at"]) < now + timedelta(minutes=10)
        assert "ended" not in site.dispatcher.states("o1")
        assert await _trusted(site) == 0
        await site.dispatcher.ack("o2", "complied", 60)
        assert await site.states() == {"sleeping": 12}

        _set_clock(site, "+0")
        await site.until(lambda: _trusted(site), 30)
        sent = await site.writes()
        _set_clock(site, "-3600")
        await site.until(lambda: _steps(site, 3), 30)
        await site.kill()
        await site.start()
        await site.until(lambda: _all_sleep(site, 12), 60)
        assert await _trusted(site) == 0
        assert await site.writes() == sent
        # by the stepped clock its deadline had passed as well, but nobody has had the time to comply since it came
        states = site.dispatcher.states("o2")
        assert states[:5] == ["received", "accepted", "scheduled", "active", "complied"]
        assert set(states[5:]) <= {"violated", "complied"}, "a busy host may begin without a meter for a moment"
        assert "ended" not in site.dispatcher.states("o1")
        times = [ack["at"] for ack in site.dispatcher.acks]
        assert times == sorted(times)
        assert {"ClockStepped", "ClockTrusted"} <= set(await site.evidence("o1")) & set(await site.evidence("o2"))


@pytest.mark.lasts(30)
async def test_a_step_while_the_agent_was_away_ends_nothing_until_a_hand_confirms_it(tmp_path):
    async with stage(tmp_path, 12, start=False) as site:
        _set_clock(site, "+0")
        site.environ = wrong_clock(tmp_path)
        await site.start()
        await site.until_known(12, 60)
        ends_at = datetime.now(UTC) + timedelta(minutes=20)
        await site.order(resume="auto", ends_at=ends_at.isoformat())
        await site.dispatcher.ack("o1", "complied", 60)
        await site.kill()
        _set_clock(site, "+3600")
        await site.start()
        await site.until(lambda: _steps(site, 1), 30)
        assert (await site.api("/api/v1/clock"))["off_s"] == pytest.approx(3600, abs=5)
        assert "ended" not in site.dispatcher.states("o1")
        assert await refused("clock", "trust", "--by", "Aigul", "--state-dir", site.state_dir) == (0, "")
        ack = await site.dispatcher.ack("o1", "ended", 30)
        assert "untrusted_clock" not in (ack["reason"] or "")
        assert await _trusted(site) == 1


@pytest.mark.lasts(40)
async def test_a_host_that_boots_in_1970_holds_a_law_stop_and_lets_it_go_when_released(tmp_path):
    async with stage(tmp_path, 12) as site:
        await site.until_known(12, 60)
        ends_at = datetime.now(UTC) + timedelta(minutes=20)
        await site.order(ends_at=ends_at.isoformat(), resume="auto")
        await site.dispatcher.ack("o1", "complied", 60)
        sent = await site.writes()
        assert await site.end() == 0
        (tmp_path / "clock").write_text("@1970-01-01 00:00:10\n")
        site.environ = wrong_clock(tmp_path)
        await site.start()
        await site.until(lambda: _all_sleep(site, 12), 60)
        assert await _trusted(site) == 0
        assert await site.writes() == sent
        assert (await site.site())["binding_order"] == "o1"
        await site.dispatcher.cancel("o1")
        ack = await site.dispatcher.ack("o1", "closed", 120)
        assert datetime.fromisoformat(ack["at"]) > ends_at - timedelta(minutes=20)
        assert {"ClockStepped", "Absence"} <= set(await site.evidence("o1"))


def _set_clock(site, offset):
    (site.folder / "clock").write_text(f"{offset}\n")


async def _steps(site, count):
    return len((await site.api("/api/v1/events?kind=ClockStepped&limit=100"))["items"]) >= count


async def _trusted(site):
    lines = (await site.read("/metrics")).decode().splitlines()
    return int(float(next(line for line in lines if line.startswith("hashwatt_clock_trusted")).split()[-1]))


async def _all_sleep(site, count):
    return (await site.site())["miners"].get("sleeping") == count
