"""What an order came to, said so that who has its record alone can reckon it again."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest

from agent.facts import AnyFact, OrderMoved, OrderReceived
from agent.facts.energy import EnergyInterval
from agent.inputs.tariff_file import parse_tariff
from agent.orders.lifecycle import OrderEvent
from agent.outputs.money_order import OrderStory
from agent.outputs.settlement import first_due, last_due, settlement
from agent.outputs.terms import Terms

pytestmark = pytest.mark.pure

STEP, HOUR, DAY = timedelta(minutes=15), timedelta(hours=1), timedelta(days=1)
TUESDAY = datetime(2026, 11, 24, tzinfo=UTC)
START, END = TUESDAY + 17 * HOUR, TUESDAY + 19 * HOUR
TARIFF = """
currency = "KGS"
[[component]]
kind = "flat"
name = "energy"
per_kwh = "5"
"""


def moved(at, event, state, **more):
    return OrderMoved(at=at, order_id="o1", revision=1, seq=1, event=event, state=state, observed_w=1e6, **more)


LIFE = [
    OrderReceived(
        at=START, order_id="o1", revision=1, issuer="grid", order_class="law", transport="mqtt",
        document='{"limit": {"max_import_kw": 90}, "excess_price": {"amount": "2.5", "currency": "USD"}}',
    ),
    moved(START, OrderEvent.START, "active", cap_w=90_000.0),
    moved(START + timedelta(minutes=5), OrderEvent.BREACH, "violated", cap_w=90_000.0, shortfall_w=10_000.0),
    moved(START + timedelta(minutes=9), OrderEvent.COMPLY, "complied", cap_w=90_000.0, shortfall_w=0.0),
    moved(END - timedelta(minutes=1), OrderEvent.END, "ended"),
    moved(END, OrderEvent.CLOSE, "closed"),
]  # fmt: skip


def drawn(since, until):
    """1,000 kW, and 100 kW while the order was in force; the first interval of it is by what machines say."""
    starts = [since + n * STEP for n in range((until - since) // STEP)]
    return [
        EnergyInterval(
            at=at + STEP, start=at, end=at + STEP, site_wh=25_000 if START <= at < END else 250_000, miners_wh=1,
            unexplained_wh=0, hashed_th=1.0, source="beliefs" if at == START else "register",
        )
        for at in starts
    ]  # fmt: skip


def settled(since, until, *, last=True, moves=LIFE):
    story = OrderStory(order_id="o1", usual=STEP)
    story.take([*drawn(since, until), *moves])
    terms = Terms(currency="KGS", zone=UTC, tariff=parse_tariff(TARIFF))
    return settlement(story, terms, until, last=last)


def test_it_says_energy_money_and_how_long_the_order_was_violated():
    told = settled(TUESDAY - 20 * DAY, END + 4 * HOUR)
    assert (told.base_w, told.drawn_wh, told.not_drawn_wh, told.unknown_s) == (1e6, 200_000, 1_800_000, 0.0)
    assert (told.violated_s, told.most_short_w) == (240.0, 10_000.0)
    assert (told.currency, Decimal(told.cost), Decimal(told.cost_not_incurred)) == ("KGS", 1000, 9000)
    assert [(one.name, Decimal(one.amount)) for one in told.charges] == [("energy", 1000)]
    assert (told.excess_wh, Decimal(told.excess_amount), told.excess_currency) == (17_500.0, Decimal("43.75"), "USD")


def test_its_baselines_are_reckoned_again_from_it_alone():
    fact = msgspec.json.decode(msgspec.json.encode(settled(TUESDAY - 20 * DAY, END + 4 * HOUR)), type=AnyFact)
    energies = dict(zip(fact.interval, fact.site_wh, strict=True))
    assert [fact.first + n * STEP for n in fact.counted] == [START + n * STEP for n in range(8)]
    assert fact.estimated == fact.counted[:1]
    hours = fact.interval_s / 3600
    drawn_wh = sum(energies[n] for n in fact.counted)
    assert drawn_wh == fact.drawn_wh
    for one in fact.baselines:
        assert one.why is None
        mean_w = one.adjusted * sum(energies[n] / hours for n in one.taken) / len(one.taken)
        assert mean_w == pytest.approx(one.mean_w) == 1e6
        assert one.not_drawn_wh == pytest.approx(mean_w * hours * len(fact.counted) - drawn_wh)


def test_where_history_is_short_it_says_so():
    told = settled(START - HOUR, END + HOUR, last=False)
    why = {one.method: one.why for one in told.baselines}
    assert why["before_after"] is None
    assert why["ten_of_ten"].startswith("too little history: 0 of 10 days")
    assert "not known" in why["same_day"]
    assert told.last is False


def test_an_order_that_was_never_in_force_comes_to_nothing():
    assert settled(START - HOUR, END, moves=[moved(START, OrderEvent.REFUSE, "rejected")]) is None


def test_it_is_due_once_the_interval_is_written_and_again_when_the_hours_after_it_are():
    closed_at = END + timedelta(minutes=4)
    assert first_due(closed_at, STEP) == END + timedelta(minutes=17)
    assert last_due(closed_at, STEP) == END + 3 * HOUR + timedelta(minutes=17)
