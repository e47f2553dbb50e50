"""Blocks: by the month, the day, the year, by kW of demand, and together with times of use."""

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.tariffs.bill import Unpriced, bill, price_at
from agent.tariffs.blocks import Block, BlockPeriod, Blocks
from agent.tariffs.charging import charged
from agent.tariffs.demand import Demand, DemandBlock, DemandPeriod
from agent.tariffs.load import Load, Taken
from agent.tariffs.ratchet import Ratchet
from tests.tariffs.loads import BISHKEK, HOUR, QUARTER, days, instants, rate, tariff
from tests.tariffs.test_periods import ZONES

pytestmark = pytest.mark.pure


def block(up_to, price, unit="kWh"):
    return Block(up_to=None if up_to is None else Decimal(up_to), per_kwh=rate(price), unit=unit)


def plus(up_to, more, unit="kWh"):
    bound = None if up_to is None else Decimal(up_to)
    return Block(up_to=bound, plus_per_kw=Decimal(more), per_kwh=rate("1"), unit=unit)


def blocks(*prices, **told):
    return Blocks(name="energy", period=(BlockPeriod(name="all", block=prices),), **told)


def amounts(component, load, zone=BISHKEK):
    return [month.amount for month in bill(tariff(component), load, zone).months]


QUARTER_YEAR = days((2026, 1, 1), (2026, 4, 1), BISHKEK)  # 744,000, 672,000 and 744,000 kWh at 1000 kW
FALLING = (block(210_000, "5.851"), block(None, "4.339"))


def test_blocks_begin_again_each_month():
    [first, second, third] = amounts(blocks(*FALLING), QUARTER_YEAR)
    assert first == third == 210_000 * Decimal("5.851") + 534_000 * Decimal("4.339")
    assert second == 210_000 * Decimal("5.851") + 462_000 * Decimal("4.339")


def test_blocks_over_the_year_go_on_from_month_to_month():
    yearly = blocks(block(1_000_000, "1"), block(None, "2"), over="year")
    assert amounts(yearly, QUARTER_YEAR) == [744_000, 256_000 + 2 * 416_000, 2 * 744_000]
    over_new_year = days((2025, 12, 1), (2026, 2, 1), BISHKEK)
    assert amounts(blocks(block(744_000, "1"), block(None, "2"), over="year"), over_new_year) == [744_000, 744_000]


def test_bounds_by_the_day_grow_with_the_days_of_the_month():
    daily = blocks(block(12_000, "1", "kWh/day"), block(None, "2"))
    assert amounts(daily, QUARTER_YEAR) == [372_000 * 3, 336_000 * 3, 372_000 * 3]


def test_bounds_by_the_kilowatt_grow_with_the_demand_of_the_month():
    hours_use = blocks(block(200, "0.07", "kWh/kW"), block(None, "0.04", "kWh/kW"))
    assert amounts(hours_use, QUARTER_YEAR)[0] == 200_000 * Decimal("0.07") + 544_000 * Decimal("0.04")


def test_a_bound_may_be_so_many_kilowatt_hours_and_more_for_each_kilowatt():
    """The first 3,000 kWh and 100 a kW of 1,000: 103,000 kWh; then to 10,000 and 200 a kW: 210,000."""
    both = [Block(up_to=Decimal(up_to), plus_per_kw=Decimal(more), per_kwh=rate(price)) for up_to, more, price in (
        (3000, 100, "3"), (10_000, 200, "2"),
    )]  # fmt: skip
    told = amounts(blocks(*both, block(None, "1")), QUARTER_YEAR)
    assert told == [103_000 * 3 + 107_000 * 2 + kwh - 210_000 for kwh in (744_000, 672_000, 744_000)]
    quiet = Load(start=QUARTER_YEAR.start, step=HOUR, kwh=(Decimal(0),) * 3)
    assert amounts(blocks(*both, block(None, "1")), quiet) == [0]
    held = blocks(*both, block(None, "1"), ratchet=(Ratchet(pct=Decimal(50), measured={"2025-12": Decimal(4000)}),))
    assert amounts(held, QUARTER_YEAR)[0] == 203_000 * 3 + 207_000 * 2 + 744_000 - 410_000


def test_the_demand_that_bounds_go_by_has_its_ratchet():
    high = days((2026, 1, 1), (2026, 2, 1), BISHKEK, "500").kwh  # 2000 kW in January
    low = days((2026, 2, 1), (2026, 3, 1), BISHKEK, "100").kwh  # 400 kW in February
    load = Load(start=QUARTER_YEAR.start, step=QUARTER_YEAR.step, kwh=high + low)
    held = blocks(block(200, "1", "kWh/kW"), block(None, "0"), ratchet=(Ratchet(pct=Decimal(50)),))
    assert amounts(held, load) == [400_000, 200_000]


def test_steps_within_a_bound_per_kilowatt_end_with_it():
    nested = blocks(
        block(200, "9", "kWh/kW"),  # the head of its three steps; no kWh is charged at it
        block(3_000, "3"),
        block(10_000, "2"),
        block(None, "1"),
        block(400, "0.5", "kWh/kW"),
        block(None, "0.25", "kWh/kW"),
    )
    load = days((2026, 1, 1), (2026, 2, 1), BISHKEK, "25")  # 100 kW: bounds at 20,000 and 40,000 of 74,400 kWh
    [amount] = amounts(nested, load)
    assert amount == 3 * 3_000 + 2 * 7_000 + 10_000 + 20_000 * Decimal("0.5") + 34_400 * Decimal("0.25")
    small = days((2026, 1, 1), (2026, 2, 1), BISHKEK, "1")  # 4 kW: bounds at 800 and 1,600 of 2,976 kWh
    assert amounts(nested, small) == [3 * 800 + 800 * Decimal("0.5") + 1_376 * Decimal("0.25")]


def two_periods(first, second, bounds):
    def made(name, prices, **told):
        listed = (*(block(up_to, price) for up_to, price in zip(bounds, prices, strict=False)), block(None, prices[-1]))
        return BlockPeriod(name=name, block=listed, **told)

    return Blocks(name="energy", period=(made("peak", first, hours=("08:00-20:00",)), made("off", second)))


def test_periods_share_the_blocks_as_they_share_the_month():
    component = two_periods(("1", "2"), ("10", "20"), [372_000])  # one half of January's kWh
    [amount, *_] = amounts(component, QUARTER_YEAR)
    assert amount == 186_000 * (1 + 2 + 10 + 20)


BAD = [
    (lambda: blocks(block(-1, "1"), block(None, "2")), "a block ends at -1, which is not above 0"),
    (lambda: blocks(block(20, "1"), block(10, "2")), "a block ends at 10, which is not above 20"),
    (lambda: blocks(block(None, "1"), block(10, "2")), "only the last block may have no up_to"),
    (blocks, "needs at least one block"),
    (lambda: blocks(block(10, "1"), block(10, "2", "kWh/kW")), "bounds in kWh stand before those in kWh/kW"),
    (lambda: plus(5, -1), "plus_per_kw is not negative"),
    (lambda: plus(None, 1), "plus_per_kw is added to an up_to in kWh"),
    (lambda: plus(5, 1, "kWh/kW"), "plus_per_kw is added to an up_to in kWh"),
    (lambda: blocks(plus(5, 2), plus(6, 1)), "plus_per_kw falls from a block to the next"),
    (lambda: blocks(block(9, "1", "kWh/kW"), plus(5, 1)), "one of them says what a kW is worth"),
    (lambda: blocks(plus(5, 2), block(None, "1"), over="year"), "over the year have bounds in kWh"),
    (lambda: blocks(block(10, "1", "kWh/day"), block(None, "2"), over="year"), "over the year have bounds in kWh"),
    (
        lambda: Blocks(
            name="e",
            period=(
                BlockPeriod(name="a", hours=("08:00-20:00",), block=(block(10, "1"), block(None, "2"))),
                BlockPeriod(name="b", block=(block(20, "1"), block(None, "2"))),
            ),
        ),
        "two periods of month 1 have blocks with different bounds",
    ),
]


@pytest.mark.parametrize(("make", "said"), BAD, ids=[said for _, said in BAD])
def test_bounds_rise_from_above_zero_and_are_those_of_the_whole_month(make, said):
    with pytest.raises(ValueError, match=said):
        make()


def test_what_is_taken_above_the_last_bound_has_no_price():
    with pytest.raises(Unpriced, match="there is no price above the last block, which ends at 1000"):
        amounts(blocks(block(1000, "1")), QUARTER_YEAR)


def test_a_price_list_that_ends_is_in_doubt_before_anything_is_billed():
    today = date(2026, 1, 1)
    ending = Demand(
        name="d", period=(DemandPeriod(name="x", block=(DemandBlock(up_to=Decimal(9), per_kw=rate("1")),)),)
    )
    assert list(tariff(blocks(block(10, "1"), plus(1000, 5)), ending).doubts(today, today)) == [
        "energy: all has no price above its last block, up to 1000 kWh and 5 a kW",
        "d: x has no price above its last block, up to 9 kW",
    ]
    assert list(tariff(blocks(block(10, "1"), block(None, "1"))).doubts(today, today)) == []


KWH = st.lists(st.decimals(min_value=0, max_value=500, places=3), min_size=2, max_size=150)
PRICES = st.lists(st.decimals(min_value=-1, max_value=9, places=4), min_size=1, max_size=4)


@given(start=instants(), kwh=KWH, prices=PRICES, zone=st.sampled_from(ZONES), unit=st.sampled_from(["kWh", "kWh/kW"]))
@settings(max_examples=50, deadline=None)
def test_blocks_are_what_filling_them_hour_by_hour_gives(start, kwh, prices, zone, unit):
    load = Load(start=start, step=HOUR, kwh=tuple(kwh))
    size = 4000 if unit == "kWh" else 20
    listed = [block(size * (at + 1), str(price), unit) for at, price in enumerate(prices[:-1])]
    component = blocks(*listed, block(None, str(prices[-1]), unit))
    slow, filled, month, peak = Fraction(0), Fraction(0), None, {}
    minutes = [(start + at * QUARTER, Fraction(kwh[at // 4]) / 4) for at in range(len(kwh) * 4)]
    for at, taken in minutes:
        name = at.astimezone(zone).strftime("%Y-%m")
        peak[name] = max(peak.get(name, Fraction(0)), taken * 4)
    for at, taken in minutes:
        name = at.astimezone(zone).strftime("%Y-%m")
        if name != month:
            month, filled = name, Fraction(0)
        bounds = [size * (n + 1) * (peak[name] if unit == "kWh/kW" else 1) for n in range(len(prices) - 1)]
        left = taken
        while left > 0:
            place = sum(filled >= bound for bound in bounds)
            part = min(left, bounds[place] - filled) if place < len(bounds) else left
            slow += part * Fraction(prices[place])
            filled, left = filled + part, left - part
    assert abs(Fraction(bill(tariff(component), load, zone).amount) - slow) < Fraction(1, 10**9)


@given(kwh=KWH, prices=st.lists(st.decimals(min_value=0, max_value=9, places=3), min_size=6, max_size=6))
@settings(max_examples=60, deadline=None)
def test_periods_fill_the_blocks_together_as_slow_fractions_say(kwh, prices):
    start = datetime(2026, 5, 1, tzinfo=UTC)
    load = Load(start=start, step=HOUR, kwh=tuple(kwh))
    component = two_periods([str(one) for one in prices[:3]], [str(one) for one in prices[3:]], [3000, 9000])
    total = sum(map(Fraction, kwh))
    widths = [min(total, 3000), max(min(total, 9000) - 3000, 0), max(total - 9000, 0)]
    slow = Fraction(0)
    for at, taken in enumerate(kwh):
        listed = prices[:3] if 8 <= at % 24 < 20 else prices[3:]
        for width, price in zip(widths, listed, strict=True):
            slow += (Fraction(taken) * width / total if total else 0) * Fraction(price)
    found = bill(tariff(component), load, UTC)
    assert abs(Fraction(found.amount) - slow) < Fraction(1, 10**9)
    assert sum(part.quantity for line in found.months[0].lines for part in line.parts) == sum(kwh)


def test_intervals_are_charged_by_the_block_that_the_month_has_come_to():
    """What the ledger does, step by step: the pieces add up to the month's bill, to the last digit."""
    component = blocks(block(250_000, "1.1"), block(500_000, "2.2"), block(None, "3.3"))
    load = days((2026, 1, 1), (2026, 2, 1), BISHKEK, "333.333", HOUR * 6)
    taken, sum_ = Decimal(0), Decimal(0)
    for at, kwh in enumerate(load.kwh):
        start = load.start + at * load.step
        piece = charged(tariff(component), int(kwh * 1000), start, start + load.step, BISHKEK, Taken(month_kwh=taken))
        taken, sum_ = taken + kwh, sum_ + piece.cost
    assert sum_ == bill(tariff(component), load, BISHKEK).amount


@pytest.mark.parametrize(("before", "price"), [(0, "1.1"), (249_999, "1.1"), (250_000, "2.2"), (10**6, "3.3")])
def test_the_price_of_one_more_kilowatt_hour_is_that_of_the_block_reached(before, price):
    component = blocks(block(250_000, "1.1"), block(500_000, "2.2"), block(None, "3.3"))
    noon = datetime(2026, 1, 15, 12, tzinfo=BISHKEK)
    assert price_at(tariff(component), noon, BISHKEK, Taken(month_kwh=Decimal(before))) == Decimal(price)
