"""Hundreds of machines, a tenth of them broken: done as far as possible, the rest stated in W, nobody woken wrongly.

How soon is measured in polls, which a busy host delays as well, and by what no host, however busy, does too often.
"""

import math
import re

import pytest

from tests.scenarios.stage import stage

MACHINES, DEAD, LIE, GARBAGE, HANG = 500, 10, 10, 15, 15
SILENT = DEAD + GARBAGE + HANG
ASKED = 6
TOLD_WITHIN = 3
"""Polls of each machine, before which all but a quarter are told; on a busy host a word may take a second try."""
RETRY_S = 5
"""After so long a machine is told again, and after twice as long each time."""
TENTH = [
    # shares are of one shuffled order, so the smaller ones lie within the larger; 0 s ends what was there before
    ("10%", "hang", None), ("7%", "garbage", None), ("4%", "garbage", 0), ("4%", "lie", None), ("2%", "lie", 0),
    ("2%", "dead", None),
]  # fmt: skip


@pytest.mark.lasts(55)
async def test_hundreds_of_machines_with_faults_are_stopped_as_far_as_possible(tmp_path):
    async with stage(tmp_path, MACHINES, poll_s=5.0) as site:
        await site.until_known(MACHINES - 20, 180)
        for select, fault, for_s in TENTH:
            await site.farm("/faults", {"select": select, "fault": fault, "for_s": for_s})
        polled = await _polls(site)
        await site.order(comply_by_s=30)
        await site.until(lambda: _are_told(site, polled), 60)
        first = await site.dispatcher.ack("o1", "violated", 90)  # as far as it has come by its deadline
        await site.until(lambda: _sleep(site), 150)
        await site.until(lambda: _is_known(site), 120)

        broken = _broken(await site.farm("/state"))
        assert {fault: len(states) for fault, states in broken.items()} == {
            "dead": DEAD, "lie": LIE, "garbage": GARBAGE, "hang": HANG,
        }  # fmt: skip
        assert set(broken["lie"]) == {"hashing"}
        assert not [write for write in await site.writes() if write["wakes"]]
        assert site.dispatcher.states("o1") == ["received", "accepted", "active", "violated"]
        _owns_up(first)
        ack = await _asked_in_a_calm_moment(site)
        assert f"awake: {LIE} not asleep" in ack["reason"]
        assert f"unproved {SILENT}" in ack["reason"]
        missing_w = await site.true_draw_w() - ack["cap_w"]
        assert abs(ack["shortfall_w"] / missing_w - 1) < 0.02
        assert first["shortfall_w"] > 0.98 * missing_w
        await site.until(lambda: _is_told(site, missing_w), 60)  # once meter and beliefs agree
        _are_told_ever_more_seldom(await site.writes())


async def _are_told(site, polled):
    """Whether everybody who takes a word was told, nearly all before polls went far beside it."""
    polls = await _polls(site) - polled
    told = {_place(write) for write in await site.writes()}
    heeding = [m for m in (await site.farm("/state"))["miners"] if not {*m["faults"]} - {"lie"}]
    waiting = [miner for miner in heeding if _place(miner) not in told]
    assert len(waiting) < MACHINES / 4 or polls < TOLD_WITHIN * MACHINES, f"{len(waiting)} not told in {polls} polls"
    return not waiting


async def _polls(site):
    """Return how many polls have ended."""
    told = (await site.read("/metrics")).decode()
    return sum(float(line.rsplit(" ", 1)[1]) for line in told.splitlines() if line.startswith("hashwatt_polls_total{"))


def _place(miner):
    return miner["host"], miner["port"]


def _are_told_ever_more_seldom(writes):
    """Nobody was told more often than the doubling time between allows."""
    told = {}
    for write in writes:
        told.setdefault(_place(write), []).append(write["at_s"])
    for place, at_s in told.items():
        assert len(at_s) <= 1 + math.log2(1 + (at_s[-1] - at_s[0]) / RETRY_S), (place, at_s)


def _owns_up(ack):
    """However late a host is with its farm: no fewer are called not asleep, or not proved to be, than there are."""
    named = re.findall(r"awake: (\d+) not asleep|unproved (\d+)", ack["reason"])
    assert sum(int(count) for found in named for count in found if count) >= LIE + SILENT, ack


async def _asked_in_a_calm_moment(site):
    """Return what a revision is answered; a host that for seconds has no core for its farm proves nobody asleep."""
    for revision in range(2, 2 + ASKED):
        await site.until(lambda: _is_known(site), 120)
        await site.until_metered()
        await site.order(revision=revision, comply_by_s=1)
        ack = await site.dispatcher.ack("o1", "violated", 30, revision=revision)
        _owns_up(ack)
        if f"unproved {SILENT}" in ack["reason"]:
            break
    return ack


async def _is_told(site, missing_w):
    """Whether excess and shortfall are told.

    Who answers and does not obey is still given the time that the real machine takes: up to 105 s.
    """
    told, state = await site.site(), await site.farm("/state")
    least_w = missing_w - _draw_w(state, "lie", "garbage")
    is_excess = abs(told["excess_w"] / missing_w - 1) < 0.02
    return is_excess and 0.98 * least_w < told["shortfall_w"] < 1.02 * missing_w


async def _is_known(site):
    """Whether the agent has seen who sleeps, who does not, and who says nothing that can be read."""
    counted = (await site.site())["miners"]
    return (counted.get("sleeping"), counted.get("hashing")) == (MACHINES - LIE - SILENT, LIE)


async def _sleep(site):
    """Whether every machine without a fault sleeps."""
    return {m["state"] for m in (await site.farm("/state"))["miners"] if not m["faults"]} == {"sleeping"}


def _broken(state):
    """Return the true states of the machines with a fault, by fault."""
    found = {}
    for miner in state["miners"]:
        for fault in miner["faults"]:
            found.setdefault(fault, []).append(miner["state"])
    return found


def _draw_w(state, *faults):
    return sum(miner["power_w"] for miner in state["miners"] if set(miner["faults"]) & set(faults))
