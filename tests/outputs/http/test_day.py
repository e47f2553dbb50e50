"""A day ahead over HTTP: its terms, the plan that is kept, and what the day made beside it."""

from datetime import date, timedelta

import pytest

from agent.facts.energy import DayPlanned
from agent.outputs.http.routes import V1
from tests.outputs.farm import MemoryDesk, empty_book, serving, small_fleet
from tests.outputs.http.test_money import money_over
from tests.outputs.test_month_report import NOON, interval

PATH = f"{V1}/plan/day"
PLAN = {
    "day": "2026-01-01", "start": "2026-01-01T00:00:00Z", "step_s": 900, "currency": "KGS",
    "kwh": [1.0, 2.0], "revenue": [10.0, 11.0], "energy_cost": [5.0, 6.0], "start_cost": [0.0, 0.5], "peaks": 1.0,
}  # fmt: skip


@pytest.fixture
def desk():
    return MemoryDesk(small_fleet(), empty_book())


async def test_a_plan_is_kept_and_shown_beside_what_the_day_made(desk):
    money = money_over(desk.fleet)
    day = NOON.date().isoformat()
    desk.facts += [
        money.priced(interval(0, 600, 300, 100, hashed_th=900_000.0)),  # a PH/s
        money.priced(interval(1, 0, 300, 100)),
    ]
    told = PLAN | {"day": day, "start": f"{day}T00:00:00Z"}
    async with serving(desk, money=money) as client:
        before = await client.ask("GET", f"{PATH}/made?day={day}")
        kept = await client.ask("POST", PATH, **told)
        status, said = await client.ask("GET", f"{PATH}/made?day={day}")
    assert (before[0], before[1]["planned"]) == (200, None)
    assert kept[0] == 201
    assert kept[1]["expected"] == "8.5"
    [fact] = [fact for fact in desk.facts if isinstance(fact, DayPlanned)]
    assert (fact.day, fact.kwh, fact.peaks) == (day, [1.0, 2.0], 1.0)
    assert (status, said["planned"]["money"], said["planned"]["kwh"]) == (200, 8.5, 3.0)
    assert said["made"]["kwh"] == pytest.approx(1.4)
    assert said["made"]["cost"] == pytest.approx(5)  # a kWh at 5: of the other nobody knows what it earned
    assert said["made"]["revenue"] == pytest.approx(50 * 80 / 96, rel=0.011)
    assert (said["made"]["unknown"], said["is_past"]) == (1, desk.now.at.date() > NOON.date())
    assert [row["kwh"] for row in said["made"]["intervals"]] == [1.0, 0.4]


async def test_the_terms_are_whoever_knows_them_and_days_have_words(desk):
    asked = []

    async def terms(day):
        asked.append(day)
        return {"day": day.isoformat()}

    async with serving(desk, day_terms=terms) as client:
        assert await client.ask("GET", f"{PATH}?day=2026-12-01") == (200, {"day": "2026-12-01"})
        await client.ask("GET", f"{PATH}?day=tomorrow")
        bad = await client.ask("GET", f"{PATH}?day=soon")
        far = await client.ask("GET", f"{PATH}?day=9999-12-31")
    async with serving(desk) as client:
        nobody = await client.ask("GET", f"{PATH}?day=2026-12-01")
    assert asked == [date(2026, 12, 1), desk.now.at.date() + timedelta(days=1)]
    assert (bad[0], far[0], nobody[0]) == (400, 400, 501)


@pytest.mark.parametrize(
    "wrong", [{"kwh": [1.0]}, {"day": "soon"}, {"step_s": 1}, {"kwh": [1.0, "2"]}, {"more": 1}], ids=str
)
async def test_a_plan_that_is_none_is_refused(desk, wrong):
    async with serving(desk) as client:
        assert (await client.ask("POST", PATH, **(PLAN | wrong)))[0] == 400
    assert desk.facts == []
