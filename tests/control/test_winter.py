"""The Kyrgyz winter: a stop of a whole farm from 12 November, twice prolonged, sealed, alone for three weeks, released.

Whatever happens in these four months, nobody is woken before the issuer releases, and what it cost is told in som.
"""

import json
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
import typer.testing

from agent.cli.main import shell
from agent.facts import OrderMoved, OrderRefused, SealBroken, SealQuiet
from agent.facts.energy import Absence, EnergyInterval
from agent.facts.orders import OrderVanished
from agent.orders.order import Rejection
from agent.proof import chain
from tests.control.site import FULL_W, HOUSE_W, STANDBY_W
from tests.control.winter import QUIET_S, Season, World, local

MACHINES, RAMP_W_PER_S = 8, 80.0
FULL_DRAW_W = MACHINES * FULL_W + HOUSE_W
START = local(2026, 11, 12)
FARM = """
[site]
id = "test"
timezone = "Asia/Bishkek"
currency = "KGS"
connection_kw = 100
jurisdiction = "KG"

[[miners]]
hosts = ["127.0.0.1-127.0.0.8"]

[revenue]
hashprice_per_ph_day = "40"
currency = "USD"
fx = { "USD/KGS" = "87.5" }
"""
SOM_PER_KWH = Decimal("6.06") * Decimal("1.10")  # the pack's energy, and its mining tax; the other rates have no source
SOM_PER_PH_DAY = Decimal(40) * Decimal("87.5") * Decimal("0.99")  # a pool's fee is 1 % where none is told


@pytest.fixture
async def winter(tmp_path):
    (tmp_path / "farm.toml").write_text(FARM)
    made = Winter(tmp_path)
    yield made
    if made.season is not None:
        await made.season.close()


class Winter:
    """The world and the life of the agent that is under way in it."""

    def __init__(self, folder):
        self.folder = folder
        self.world = World(MACHINES, local(2026, 11, 11, 22, 30))
        self.season = None
        self.register = {}  # Wh of the meter by when it was read

    async def begin(self):
        self.season = await Season(self.world, self.folder, restore_w_per_s=RAMP_W_PER_S).began()
        return self.season

    async def restart(self, *, away=timedelta(0), gracefully=True):
        """End this life, let the host be off, and begin the next one on the same store."""
        await self.season.end(gracefully=gracefully)
        await self.world.advance(away.total_seconds())
        return await self.begin()

    async def order(self, revision, **changes):
        facts = await self.season.order(revision=revision, starts_at=START.isoformat(), **changes)
        return [fact.state for fact in facts if isinstance(fact, OrderMoved)]

    def told(self, *kinds):
        return [fact for fact in self.season.ledger.replay() if isinstance(fact, kinds)]

    def woken(self):
        return [host for host, what in self.world.told if what == "Wake"]

    def last(self):
        return self.season.book.view("o1").last_ack

    def read(self):
        self.register[self.season.clock.now().at] = self.world.register_wh


async def test_the_kyrgyz_winter(winter):
    await the_stop_is_met(winter)
    await it_is_prolonged_and_the_machines_are_sealed(winter)
    await one_wakes_behind_the_seal(winter)
    await the_host_is_off_for_three_weeks(winter)
    await nobody_else_may_lift_it(winter)
    await its_end_passes_and_the_seals_come_off(winter)
    await its_issuer_releases_it(winter)
    the_report_is_told_in_som(winter)
    nothing_is_missing_in_the_ledger(winter)


async def the_stop_is_met(winter):
    season = await winter.begin()
    await season.live(40)
    await season.until(local(2026, 11, 11, 23, 45))
    assert await winter.order(1, ends_at="2027-01-01T00:00:00+06:00") == ["received", "accepted", "scheduled"]
    await season.until(START - timedelta(seconds=30))
    await season.live(30)
    winter.read()
    await season.live(300)
    assert winter.last().state == "complied"
    assert winter.world.draw_w() == HOUSE_W + MACHINES * STANDBY_W


async def it_is_prolonged_and_the_machines_are_sealed(winter):
    season = winter.season
    await season.until(local(2026, 11, 20, 10))
    winter.world.off.update(winter.world.hosts)
    everybody = [miner.id for miner in season.fleet.miners]
    await season.desk.sealing.seal(everybody, number="004711", act="12 of 2026-11-20", by="A. Asanov")
    await season.live(60)
    assert winter.last().reason is None
    assert season.fleet.believed_w.sum() == 0.0
    await season.until(local(2026, 12, 10, 9))
    assert (await winter.order(2, ends_at="2027-02-01T00:00:00+06:00"))[0] == "superseded"
    await season.live(60)
    assert (winter.last().revision, winter.last().state) == (2, "complied")


async def one_wakes_behind_the_seal(winter):
    season, host = winter.season, winter.world.hosts[7]
    await season.until(local(2026, 12, 20, 3))
    winter.world.off.discard(host)
    winter.world.asleep.discard(host)
    winter.world.lying.add(host)
    await season.live(120)
    [broken] = winter.told(SealBroken)
    assert (broken.powers_w, broken.numbers, broken.orders) == ({"m7": FULL_W}, ["004711"], ["o1"])
    assert winter.last().state == "violated"
    winter.world.off.add(host)
    winter.world.lying.discard(host)
    await season.live(120)
    assert [quiet.miners for quiet in winter.told(SealQuiet)] == [["m7"]]
    assert winter.last().state == "complied"
    await season.until(local(2026, 12, 24))
    await season.desk.vanish("o1")
    assert len(winter.told(OrderVanished)) == 1
    await season.live(30)
    assert winter.last().state == "complied"


async def the_host_is_off_for_three_weeks(winter):
    await winter.season.until(local(2027, 1, 5, 12))
    season = await winter.restart(away=timedelta(weeks=3))
    await season.live(60)
    [absence] = winter.told(Absence)
    assert (absence.until - absence.since, absence.orders) == (timedelta(weeks=3), ["o1"])
    drawn_wh = absence.after_wh - absence.before_wh
    assert drawn_wh == pytest.approx(HOUSE_W * 21 * 24, rel=1e-3)
    assert 0 == absence.over_least_wh <= absence.over_most_wh < drawn_wh
    assert winter.last().state == "complied"
    await season.until(local(2027, 1, 28, 9))
    assert (await winter.order(3, ends_at="2027-03-01T00:00:00+06:00"))[0] == "superseded"
    await season.live(60)
    assert (winter.last().revision, winter.last().state) == (3, "complied")


async def nobody_else_may_lift_it(winter):
    season = winter.season
    await season.until(local(2027, 2, 10, 9))
    document = {"issuer": "boss", "class": "operator", "status": "cancelled"}
    [refused] = await season.order(revision=4, **document)
    assert isinstance(refused, OrderRefused)
    assert refused.code == "not_allowed"
    released = await season.desk.release("o1", by="the owner", second="the engineer")
    assert isinstance(released, Rejection)
    await season.desk.set_level(["m0"], "full", by="the owner")
    await season.live(60)
    assert winter.woken() == []


async def its_end_passes_and_the_seals_come_off(winter):
    await winter.season.until(local(2027, 3, 1, 1))
    assert "awaiting_release" in winter.last().reason
    season = await winter.restart(gracefully=False)
    await season.live(60)
    await season.until(local(2027, 3, 10, 11))
    sealed = list(season.seals.by_miner())
    assert (await season.desk.sealing.unseal(sealed, by="A. Asanov", second="a. ASANOV")).field == "and"
    assert await season.desk.sealing.unseal(sealed, by="A. Asanov", second="B. Bekov") is None
    winter.world.off.clear()
    winter.world.asleep -= {*winter.world.hosts[:2]}  # these two forgot what they were told, and hash
    await season.live(240)
    assert winter.woken() == []
    assert winter.world.draw_w() == HOUSE_W + MACHINES * STANDBY_W
    await season.until(local(2027, 3, 15, 9))
    assert isinstance(await season.desk.release("o1", by="the owner", second="the engineer"), Rejection)
    assert winter.last().state == "complied"


async def its_issuer_releases_it(winter):
    season = winter.season
    assert await winter.order(4, status="cancelled") == ["ended"]
    draws_w = []
    for _ in range(600):
        await season.live(1)
        draws_w.append(winter.world.draw_w())
    assert (
        max(later - before for before, later in zip(draws_w, draws_w[60:], strict=False)) <= 60 * RAMP_W_PER_S + FULL_W
    )
    assert winter.world.draw_w() == FULL_DRAW_W
    assert winter.last().state == "closed"
    await season.until(local(2027, 3, 15, 10))
    winter.read()
    await season.until(local(2027, 3, 15, 11))
    assert season.states() == [
        "received", "accepted", "scheduled", "active", "complied", "superseded",
        "received", "accepted", "active", "complied", "violated", "complied", "superseded",
        "received", "accepted", "active", "complied", "complied", "violated", "complied",
        "ended", "restoring", "closed",
    ]  # fmt: skip
    winter.facts = [*season.ledger.replay()]
    winter.links = season.store.links("o1")
    winter.season = None
    await season.end()


def the_report_is_told_in_som(winter):
    files = ["--state-dir", str(winter.folder), "--config", str(winter.folder / "farm.toml")]
    said = typer.testing.CliRunner().invoke(shell, ["report", "--order", "o1", *files, "--json"])
    assert said.exit_code == 0, said.stderr
    report = json.loads(said.stdout)
    began, ended = winter.register
    assert report["counted"][0]["from"] == "2026-11-11T18:00:00.000Z"
    assert report["hours"] == (ended - began) / timedelta(hours=1)
    assert (report["base_kw"], report["unknown_h"]) == (FULL_DRAW_W / 1000, 0)
    drawn_kwh = (winter.register[ended] - winter.register[began]) / 1000
    assert report["drawn_kwh"] == pytest.approx(drawn_kwh, abs=0.2)
    assert report["not_drawn_kwh"] == pytest.approx(report["hours"] * FULL_DRAW_W / 1000 - drawn_kwh, abs=0.2)
    assert Decimal(report["cost"]) == Decimal(str(report["drawn_kwh"])) * SOM_PER_KWH
    assert Decimal(report["cost_not_incurred"]) == Decimal(str(report["not_drawn_kwh"])) * SOM_PER_KWH
    unheard = [f for f in counted(winter) if f.hashed_th is None]
    assert sum(map(seconds, unheard)) == pytest.approx(timedelta(weeks=3).total_seconds(), abs=60)
    heard = [f for f in counted(winter) if f.hashed_th is not None]
    not_hashed_th = sum(MACHINES * 100 * seconds(f) - f.hashed_th for f in heard)
    not_earned = float(SOM_PER_PH_DAY) * not_hashed_th / 86_400_000
    assert float(report["revenue_not_earned"]) == pytest.approx(not_earned, abs=0.01)
    spared_kwh = sum(Decimal(round(FULL_DRAW_W * seconds(f) / 3600) - f.site_wh) / 1000 for f in heard)
    assert Decimal(report["saved"]) == spared_kwh * SOM_PER_KWH - Decimal(report["revenue_not_earned"])
    for doubt in ("hashed in 504", "VAT: the figure from 2021-10-01 is not known", "6.06 from 2026-01-01 is not conf"):
        assert any(doubt in told for told in report["doubts"]), doubt


def nothing_is_missing_in_the_ledger(winter):
    assert chain.first_broken("o1", winter.links) is None
    kinds = {json.loads(line)["fact"]["fact"] for line in winter.links}
    assert {"SealPlaced", "SealBroken", "SealQuiet", "SealLifted", "Absence", "OrderVanished", "OrderRefused"} <= kinds
    told = counted(winter)
    for before, after in pairwise(told):
        assert before.end == after.start
    assert {f.quality for f in told if seconds(f) == QUIET_S} == {"measured", "estimated"}
    metered_wh = winter.register[told[-1].end] - winter.register[told[0].start]
    assert sum(f.site_wh for f in told) == pytest.approx(metered_wh, abs=200)


def counted(winter):
    """Return what was drawn while the order lasted, by metering intervals and their pieces."""
    began, ended = winter.register
    return [f for f in winter.facts if isinstance(f, EnergyInterval) and began <= f.start and f.end <= ended]


def seconds(fact):
    return (fact.end - fact.start).total_seconds()
