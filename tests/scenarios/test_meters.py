"""Meters in every role, over Modbus, MQTT and a page, at two connections over a tree of feeders: each does its part."""

import asyncio
import json
import re
from contextlib import asynccontextmanager

import aiomqtt
import pytest

from tests.scenarios.stage import ROOT, stage

T1_KW, ORDERED_KW = 9.0, 16.0
SEES = 1.25
"""Of T1's draw its meter shows so much more than machines are believed to: as if something else hung there too."""
METERS = """
[[feeder]]
id = "north"

[[feeder]]
id = "T1"
parent = "north"
max_kw = {t1_kw}

[[feeder]]
id = "south"

[[feeder]]
id = "T2"
parent = "south"

[[connection]]
id = "north"
kw = 18
meter = "north"

[[connection]]
id = "south"
kw = 16
meter = "south"
"""
METER = """
[[meter]]
id = "{id}"
role = "{role}"
feeder = "{feeder}"
kind = "{kind}"
address = "{place}"
unit = {unit}
multiplier = {times}
period_s = 0.5
delay_s = 1
window_s = 1
stale_s = 8
"""
SUN = """
[[meter]]
id = "sun"
role = "generation"
kind = "mqtt"
window_s = 1
stale_s = 5
"""
SMOKE = """
[[safety_input]]
id = "smoke"
feeder = "T2"
kind = "mqtt"
topic = "fire/T2"
when = "smoke = true"
"""
SITE_METERS = (
    ("north", "billing", "north", 21, 1),
    ("south", "billing", "south", 22, 1),
    ("check", "check", "site", 1, 0.9),
    ("house", "house", "site", 10, 1),
    ("t1", "feeder", "T1", 11, SEES),
    ("t2", "feeder", "T2", 12, 1),
)


def rewire(config, pages):
    """Give a farm's configuration the feeders, connections and meters of this scene; machines stay where they are."""
    text = re.sub(r"(?m)^connection_kw = .*$", "connection_kw = 34", config.read_text())
    place = re.search(r'^address = "(.+)"$', text, re.MULTILINE)[1]
    kept = [table for table in text.split("\n\n") if not table.startswith(("[[meter]]", "[[feeder]]"))]
    told = METERS.format(t1_kw=T1_KW) + SUN + SMOKE
    for name, role, feeder, unit, times in SITE_METERS:
        kind = "shelly" if role == "check" else "modbus"
        at = pages if kind == "shelly" else place
        told += METER.format(id=name, role=role, feeder=feeder, kind=kind, place=at, unit=unit, times=times)
        told += 'map = "eastron-sdm630"\n' if kind == "modbus" else ""
    config.write_text("\n\n".join(kept) + told)


@asynccontextmanager
async def sunshine(port, watts):
    """Publish what the panels generate, each half second."""

    async def shine():
        async with aiomqtt.Client("127.0.0.1", port) as client:
            while True:
                await client.publish(f"{ROOT}/meter/sun", json.dumps({"power_w": watts}), qos=1)
                await asyncio.sleep(0.5)

    shining = asyncio.create_task(shine())
    try:
        yield
    finally:
        shining.cancel()
        await asyncio.gather(shining, return_exceptions=True)


class Watched:
    """What the site says of itself, by meter and by feeder."""

    def __init__(self, site):
        self.site = site
        self.meters = {meter["id"]: meter for meter in site["meters"]}
        self.feeders = {feeder["id"]: feeder for feeder in site["feeders"]}


async def seen(scene):
    return Watched(await scene.site())


async def on_t1_w(scene):
    """Return what the machines of T1 truly draw: the first half."""
    miners = (await scene.farm("/state"))["miners"]
    return sum(miner["power_w"] for miner in miners[: len(miners) // 2])


@pytest.mark.lasts(45)
async def test_every_meter_does_what_its_role_says_and_the_cap_is_held_through_a_silence(tmp_path):
    async with stage(tmp_path, 8, feeders=2, start=False) as scene, sunshine(scene.broker.port, 5000):
        rewire(scene.config, scene.control_url.removeprefix("http://"))
        await scene.start()
        await scene.until(lambda: everyone_speaks(scene), 60)
        await the_site_is_the_sum_of_its_connections(scene)
        await the_house_is_what_its_meter_shows(scene)
        await a_feeder_is_held_at_its_own_meter(scene)
        await scene.order(limit={"max_import_kw": ORDERED_KW})
        await scene.dispatcher.ack("o1", "complied", 90)
        await the_check_that_differs_is_told(scene)
        await the_check_stands_in_for_a_silent_connection(scene)
        await smoke_stops_its_feeder_at_once(scene)
        assert "violated" not in scene.dispatcher.states("o1")


async def everyone_speaks(scene):
    site = await seen(scene)
    return all(meter["fresh"] for meter in site.meters.values()) and site.site["power_source"] == "meter"


async def the_site_is_the_sum_of_its_connections(scene):
    site = await seen(scene)
    assert {name: meter["role"] for name, meter in site.meters.items()} == {
        "north+south": "billing",
        "north": "connection",
        "south": "connection",
        "check": "check",
        "house": "house",
        "t1": "feeder",
        "t2": "feeder",
        "sun": "generation",
    }
    both_w = site.meters["north"]["power_w"] + site.meters["south"]["power_w"]
    assert site.site["power_w"] == pytest.approx(both_w, rel=0.05)
    assert site.meters["sun"]["power_w"] == 5000
    await scene.until(lambda: near_the_truth(scene), 30)
    assert {feeder["id"]: feeder["power_source"] for feeder in site.site["feeders"]} == dict.fromkeys(
        ("site", "north", "T1", "south", "T2"), "meter"
    )


async def near_the_truth(scene):
    return (await scene.site())["power_w"] == pytest.approx(await scene.true_draw_w(), rel=0.03)


async def the_house_is_what_its_meter_shows(scene):
    await scene.farm("/house", {"w": 2500})

    async def shown():
        site = await seen(scene)
        return site.site["house_w"] == pytest.approx(2500, rel=0.02) == site.meters["house"]["power_w"]

    await scene.until(shown, 30)


async def a_feeder_is_held_at_its_own_meter(scene):
    cap_w = 1000 * T1_KW

    async def held():
        told = (await seen(scene)).feeders["T1"]
        return told["power_w"] <= cap_w and SEES * await on_t1_w(scene) <= cap_w

    await scene.until(held, 60)
    assert (await seen(scene)).feeders["T1"]["cap_w"] == cap_w


async def the_check_that_differs_is_told(scene):
    async def told():
        facts = (await scene.api("/api/v1/events?kind=MetersDiffer"))["items"]
        return facts and facts[0]

    fact = await scene.until(told, 60)
    assert (fact["meter"], fact["check"]) == ("north+south", "check")
    assert fact["check_w"] == pytest.approx(0.9 * fact["meter_w"], rel=0.03)


async def the_check_stands_in_for_a_silent_connection(scene):
    watching = asyncio.create_task(scene.most_true_draw_w(16))
    await scene.farm("/meter", {"stale_s": 16, "unit": 22})
    reason = "the billing meter is silent (south): its check check stands in"
    await scene.until(lambda: is_not_ready(scene, reason), 20)
    await scene.until(lambda: all_is_seen(scene), 3)
    await scene.until(lambda: is_ready(scene), 60)
    assert (await seen(scene)).meters["check"]["standing_in_for"] is None
    assert await watching <= 1010 * ORDERED_KW


async def all_is_seen(scene):
    """Whether the check that stands in shows no less than all that is drawn."""
    site = await seen(scene)
    assert (site.meters["check"]["standing_in_for"], site.site["power_source"]) == ("north+south", "meter")
    return site.site["power_w"] >= 0.98 * await scene.true_draw_w()


async def smoke_stops_its_feeder_at_once(scene):
    async with aiomqtt.Client("127.0.0.1", scene.broker.port) as client:
        await client.publish("fire/T2", json.dumps({"smoke": True, "battery": 90}), qos=1)

    async def stopped():
        miners = (await scene.farm("/state"))["miners"]
        return all(miner["state"] == "sleeping" for miner in miners[len(miners) // 2 :])

    await scene.until(stopped, 30)
    [smoke] = (await scene.site())["safety"]
    assert (smoke["says"], smoke["tripped"]["why"]) == (True, "true")


async def is_not_ready(scene, reason):
    return await scene.not_ready() == [reason]


async def is_ready(scene):
    return not await scene.not_ready()
