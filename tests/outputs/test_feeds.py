"""A hashprice that comes: a file that is read again, a page, a topic; its age, and what holds when it stops."""

import os
from datetime import timedelta
from decimal import Decimal

import pytest
from aiohttp import web

from agent.clock import ManualClock
from agent.config import parse
from agent.facts.energy import EnergyInterval, HashpriceSeen
from agent.outputs.money_bill import now_json
from agent.outputs.money_desk import MoneyDesk
from agent.outputs.money_machines import own_break_even, under_break_even
from agent.wiring.feeds import HashpriceFeed
from agent.wiring.money_terms import terms_of
from tests.control.books import NOON, Books

SITE = '[site]\nid = "a"\ntimezone = "Asia/Bishkek"\ncurrency = "KGS"\nconnection_kw = 100\njurisdiction = "KG"\n'
REVENUE = '[revenue]\npool_fee_pct = 0\nfx = { "USD/KGS" = "87.5" }\nevery_s = 60\nstale_s = 3600\n'


class Room:
    """Money over three machines of 3,000 W and 100 TH/s, and the feed that says what they earn."""

    def __init__(self, revenue, folder=None, clock=None):
        self.clock = clock or ManualClock(NOON)
        config = parse(SITE + REVENUE + revenue, folder=folder)
        self.books = Books(clock=self.clock)
        self.money = MoneyDesk(terms=terms_of(config), fleet=self.books.fleet, power_w=lambda: 9500.0)
        self.told = []
        self.feed = HashpriceFeed(config, self.money.terms.revenue.quotes, self.clock, self.told.append)

    def now(self):
        return now_json(self.money, self.clock.now().at)


async def test_what_comes_prices_what_is_hashed_until_it_is_too_old_and_is_remembered():
    room = Room('source = "mqtt"\nhashprice_per_ph_day = "20"\n')
    assert "no hashprice came: 20 by hand holds" in " ".join(room.now()["doubts"])
    room.feed.take(b'{"hashprice_per_ph_day": "50"}')
    room.feed.take(b'{"hashprice_per_ph_day": "50"}')  # no news
    [fact] = room.told
    assert (fact.per_ph_day, fact.quoted_at, fact.currency) == ("50", NOON, "USD")
    assert room.now()["hashprice"] == {
        "per_ph_day": "50", "currency": "USD", "source": "mqtt", "at": "2026-11-12T12:00:00.000Z", "age_s": 0.0,
    }  # fmt: skip
    half = EnergyInterval(
        at=NOON, start=NOON, end=NOON + timedelta(minutes=15), site_wh=1, unexplained_wh=1, hashed_th=1e6
    )
    assert room.money.priced(half).revenue == "0.578703703704"  # 50 x 1e6 / (86,400 x 1,000)
    await room.clock.advance(3601)
    assert room.now()["hashprice"]["source"] == "by hand"
    again = Room('source = "mqtt"\n')
    again.feed.replayed(fact)
    assert again.now()["hashprice"]["per_ph_day"] == "50"


async def test_what_cannot_be_read_changes_nothing_and_says_why_once_it_is_too_old():
    room = Room('source = "mqtt"\n')
    room.feed.take(b'{"hashprice_per_ph_day": "50"}')
    room.feed.take(b"sold out")
    assert room.now()["hashprice"]["per_ph_day"] == "50"
    await room.clock.advance(3601)
    assert room.now()["hashprice"] is None
    [doubt] = [told for told in room.now()["doubts"] if told.startswith("revenue")]
    assert "nothing is known to be earned; what came is no hashprice: it is no JSON" in doubt


async def test_a_file_is_read_again_when_it_changes(tmp_path):
    path = tmp_path / "prices.csv"
    room = Room('source = "csv"\nfile = "prices.csv"\n', tmp_path)
    await room.feed._look()
    assert room.now()["hashprice"] is None
    path.write_text("at,hashprice_per_ph_day\n2026-11-12T11:30:00Z,48\n2026-11-12T13:00:00Z,52\n")
    await room.feed._look()
    assert room.now()["hashprice"]["per_ph_day"] == "48"
    path.write_text("at,hashprice_per_ph_day\n2026-11-12T11:30:00Z,49\n")
    os.utime(path, ns=(1, 1))
    await room.feed._look()
    assert room.now()["hashprice"]["per_ph_day"] == "49"
    assert [fact.per_ph_day for fact in room.told] == ["48", "49"]


async def test_a_page_is_fetched(aiohttp_page):
    answers, url = aiohttp_page
    room = Room(f'source = "network"\nurl = "{url}"\nbtc_price = "100000"\nheight = 900000\n')
    answers.append(web.json_response({"difficulty": 10**14}))
    await room.feed._fetch()
    assert round(Decimal(room.now()["hashprice"]["per_ph_day"]), 2) == Decimal("62.86")
    answers.append(web.Response(status=503))
    await room.feed._fetch()
    assert room.feed._quotes.trouble == f"{url.partition('?')[0]} answers 503"  # its query may hold a key
    room.feed._told = parse(SITE + '[revenue]\nsource = "http"\nurl = "http://127.0.0.1:1/"\n').schema.revenue
    await room.feed._fetch()
    assert "cannot be reached" in room.feed._quotes.trouble


@pytest.fixture
async def aiohttp_page():
    """What a page on loopback answers next, and where it is."""
    answers = []

    async def answer(_request):
        return answers.pop(0)

    app = web.Application()
    app.router.add_get("/hashprice", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    yield answers, f"http://127.0.0.1:{port}/hashprice?key=secret"
    await runner.cleanup()


async def test_the_network_may_be_known_by_hand_alone():
    room = Room('source = "network"\ndifficulty = "100000000000000"\nbtc_price = "100000"\nheight = 900000\n')
    assert room.now()["hashprice"]["source"] == "by hand"
    assert not [told for told in room.now()["doubts"] if told.startswith("revenue")]


def test_a_machine_is_under_break_even_by_its_own_measured_efficiency():
    """At 6.666 som a kWh and 50 USD x 87.5: break-even at 30 J/TH is 4375/720 = 6.076, at 25 J/TH 7.292."""
    room = Room('hashprice_per_ph_day = "50"\n')
    room.books.tick((3000.0, 3000.0, 3000.0), 0.0, 5)
    fleet, at = room.money.fleet, NOON
    fleet.hashrate_ths[:] = [100.0, 120.0, 100.0]
    assert [round(own_break_even(room.money, row, at), 3) for row in range(2)] == [Decimal("6.076"), Decimal("7.292")]
    assert under_break_even(room.money, at) == ["m0", "m2"]
    assert room.now()["under_break_even"] == 2
    assert isinstance(room.told, list)
    assert HashpriceSeen(at=at, quoted_at=at, per_ph_day="1.5", currency="USD", source="csv").price() == Decimal("1.5")
