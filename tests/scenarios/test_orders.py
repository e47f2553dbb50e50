"""Orders that change or begin later, and a meter that falls silent under one."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.scenarios.stage import ran, stage

MOST_W = 1e5
DOWN = ("ascdisable", "power_off", "conf sleep", "set_low_power", "conf low")  # the further to the left, the lower
FULL = len(DOWN) + 1


async def test_an_order_that_begins_later_is_scheduled_and_nothing_is_sent_before(tmp_path):
    async with stage(tmp_path, 12) as site:
        await site.until_known(12)
        starts_at = datetime.now(UTC) + timedelta(seconds=10)
        await site.order(starts_at=starts_at.isoformat())
        await site.dispatcher.ack("o1", "scheduled", 3)
        assert await site.writes() == []
        ack = await site.dispatcher.ack("o1", "active", 20)
        assert starts_at <= datetime.fromisoformat(ack["at"]) < starts_at + timedelta(seconds=5)
        await site.dispatcher.ack("o1", "complied", 40)
        assert site.dispatcher.states("o1") == ["received", "accepted", "scheduled", "active", "complied"]
        assert await site.states() == {"sleeping": 12}


@pytest.mark.lasts(25)
async def test_a_cap_that_is_revised_downwards_takes_the_farm_down_and_never_up_between(tmp_path):
    async with stage(tmp_path, 24) as site:
        await site.until_known(24)
        full_w = await site.true_draw_w()
        await site.order(limit={"max_import_kw": 0.7 * full_w / 1000})
        await site.dispatcher.ack("o1", "complied", 40)
        before_w = await site.true_draw_w()
        watch = asyncio.create_task(site.most_true_draw_w(15))
        await site.order(revision=2, limit={"max_import_kw": 0.3 * full_w / 1000})
        await site.dispatcher.ack("o1", "complied", 40, revision=2)
        assert await watch <= 1.02 * before_w
        assert 0.15 * full_w < await site.true_draw_w() <= 0.3 * full_w
        assert _raised(await site.writes()) == []
        assert [(ack["state"], ack["revision"]) for ack in site.dispatcher.acks] == [
            ("received", 1), ("accepted", 1), ("active", 1), ("complied", 1),
            ("superseded", 1), ("received", 2), ("accepted", 2), ("active", 2), ("complied", 2),
        ]  # fmt: skip


@pytest.mark.lasts(35)
@pytest.mark.parametrize("meter", ["mqtt", "modbus"])
async def test_a_silent_meter_makes_it_unready_and_beliefs_hold_the_order_until_it_speaks_again(tmp_path, meter):
    async with stage(tmp_path, 12, meter=meter) as site:
        await site.until_known(12)
        full_w = await site.true_draw_w()
        await site.order(limit={"max_import_kw": 0.5 * full_w / 1000})
        await site.dispatcher.ack("o1", "complied", 40)
        await site.until(lambda: _is_ready(site), 10)
        await site.farm("/meter", {"stale_s": 20})
        assert "the billing meter is silent" in await site.until(site.not_ready, 15)
        told = await site.site()
        assert told["power_source"] != "meter"
        assert abs(told["power_w"] - await site.true_draw_w()) < 0.1 * full_w
        assert await site.most_true_draw_w(3) <= 0.5 * full_w
        await site.until(lambda: _is_ready(site), 25)
        assert (await site.site())["power_source"] == "meter"
        assert await site.true_draw_w() <= 0.5 * full_w


def _raised(writes):
    """Return who was told to draw more than he was told before, each time with what he was told until then."""
    told, found = {}, []
    for write in writes:
        place, height = (write["host"], write["port"]), _height(write["command"])
        before = told.setdefault(place, [])
        if height >= (_height(before[-1]) if before else FULL) and not (before and height == _height(before[-1])):
            found.append((place, [*before, write["command"]]))
        before.append(write["command"])
    return found


def _height(command):
    """Return how much a command leaves a machine: a level below all limits, a limit by its watts, or all."""
    words, _, watts = command.partition(" ")
    if words == "adjust_power_limit":
        return len(DOWN) + int(watts) / MOST_W
    return next((at for at, words in enumerate(DOWN) if command.startswith(words)), FULL)


async def _is_ready(site):
    return not await site.not_ready()


ISSUER = """
[orders.issuers.grid]
classes = ["contract"]
keys = ["k1:{key}"]
heartbeat_timeout_s = 6
failsafe_kw = {failsafe_kw}
"""


@pytest.mark.lasts(60)
async def test_a_signed_trajectory_from_an_issuer_that_beats_holds_and_proves_itself(tmp_path):
    code, public, _ = await ran("orders", "keygen", "k1", "-o", tmp_path / "grid.pem")
    assert code == 0
    async with stage(tmp_path, 12, start=False) as site:
        key = public.strip().rpartition(":")[2]
        site.config.write_text(site.config.read_text() + ISSUER.format(key=key, failsafe_kw=10))
        await site.start()
        await site.dispatcher.ack("failsafe.grid", "complied", 60)
        beating = asyncio.create_task(_beat_for_ever(site))
        await site.until(lambda: _is_heard(site), 10)
        signed = await _signed(tmp_path, _trajectory(1, 20, 8))
        await site.dispatcher.say("orders/t1", signed, retain=True)
        await site.dispatcher.ack("t1", "active", 10)
        await site.dispatcher.ack("failsafe.grid", "closed", 120)
        await site.dispatcher.ack("t1", "complied", 40)
        assert await site.true_draw_w() <= 20_000
        await site.until(lambda: _is_below(site, 8_000), 30)
        forged = (await _signed(tmp_path, _trajectory(2, 99)))[:-8] + b"AAAAAAAA"
        await site.dispatcher.say("orders/t1", forged)
        refused = await site.dispatcher.ack("t1", "rejected", 10)
        assert refused["reason"].startswith("bad_signature")
        beating.cancel()
        able = json.loads(await site.retained("capability"))
        assert 0 < (await site.api("/api/v1/capability"))["floor_kw"] < 12
        assert set(able["shed_kw"]) == {"60", "300", "600"}
        await site.dispatcher.ack("failsafe.grid", "active", 30, revision=3)
        kinds = await site.evidence("t1")
        assert {"OrderReceived", "OrderMoved", "SetpointsChanged", "OrderRefused"} <= set(kinds)


def _trajectory(revision, *kilowatts):
    now = datetime.now(UTC)
    points = [
        {"at": (now + timedelta(seconds=8 * place)).isoformat(), "max_import_kw": kw}
        for place, kw in enumerate(kilowatts)
    ]
    return {
        "order_id": "t1", "revision": revision, "issuer": "grid", "class": "contract", "status": "issued",
        "site": "scene", "issued_at": now.isoformat(), "limit": {"trajectory": points},
    }  # fmt: skip


async def _signed(folder, document):
    file = folder / "order.json"
    file.write_text(json.dumps(document))
    out = folder / "order.jws"
    code, _, said = await ran("orders", "sign", file, "--key", folder / "grid.pem", "--kid", "k1", "-o", out)
    assert code == 0, said
    return out.read_bytes().strip()


async def _is_heard(site):
    return (await site.api("/api/v1/events?kind=IssuerHeard"))["items"]


async def _beat_for_ever(site):
    while True:
        await site.dispatcher.beat("grid")
        await asyncio.sleep(1)


async def _is_below(site, power_w):
    return await site.true_draw_w() <= power_w
