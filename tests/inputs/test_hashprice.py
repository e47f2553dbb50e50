"""What a feed says of the hashprice is read, or refused in one sentence."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from agent.inputs.hashprice import BadQuote, Shape, read_csv, read_json

pytestmark = pytest.mark.pure
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
PLAIN = Shape(said="http")
NETWORK = Shape(said="network", network=True, by_hand={"price": Decimal(100_000), "height": Decimal(900_000)})


@pytest.mark.parametrize(
    ("raw", "price", "at"),
    [
        (b"62.86", "62.86", NOW),
        (b'{"hashprice_per_ph_day": "62.86"}', "62.86", NOW),
        (b'{"hashprice_per_ph_day": 62.86, "at": "2026-06-01T17:00:00+06:00", "more": []}', "62.86",
         datetime(2026, 6, 1, 11, tzinfo=UTC)),
        (b'{"hashprice_per_ph_day": 50, "at": 1780311600}', "50", datetime(2026, 6, 1, 11, tzinfo=UTC)),
    ],
)  # fmt: skip
def test_a_document_is_a_quote(raw, price, at):
    found = read_json(raw, PLAIN, NOW)
    assert (found.per_ph_day, found.at, found.said) == (Decimal(price), at, "http")


def test_what_the_network_pays_is_worked_out_from_the_feed_and_from_what_is_known_by_hand():
    assert round(read_json(b'{"difficulty": 1e14}', NETWORK, NOW).per_ph_day, 2) == Decimal("62.86")
    twice = read_json(b'{"difficulty": 100000000000000, "fees_btc": "3.125", "height": 900001}', NETWORK, NOW)
    assert round(twice.per_ph_day, 2) == Decimal("125.73")


@pytest.mark.parametrize(
    ("raw", "price"),
    [
        (b'{"btc_per_ph_day": "0.0005", "price": 100000}', "50"),
        (b'{"btc_per_th_day": 0.0000005}', "50"),
        (b'{"sat_per_th_day": 50, "price": "90000"}', "45"),
    ],
)  # fmt: skip
def test_what_a_pool_pays_in_bitcoin_is_a_quote(raw, price):
    assert read_json(raw, Shape(said="http", by_hand={"price": Decimal(100_000)}), NOW).per_ph_day == Decimal(price)


def test_a_payout_in_bitcoin_needs_its_price_unless_bitcoin_is_the_currency():
    assert read_json(b'{"btc_per_ph_day": 1}', Shape(said="http", currency="BTC"), NOW).per_ph_day == 1
    with pytest.raises(BadQuote, match="btc_per_ph_day needs the price of a bitcoin"):
        read_json(b'{"btc_per_ph_day": 1}', PLAIN, NOW)


BAD = [
    (b"{", PLAIN, "no JSON"),
    (b"[" * 100_000, PLAIN, "no JSON"),
    (b"\xff\xfe", PLAIN, "no JSON"),
    (b"NaN", PLAIN, "no JSON"),
    (b"true", PLAIN, "neither a number nor an object"),
    (b"{}", PLAIN, "no hashprice_per_ph_day"),
    (b'{"hashprice_per_ph_day": true}', PLAIN, "hashprice_per_ph_day is no number"),
    (b'{"hashprice_per_ph_day": "much"}', PLAIN, "hashprice_per_ph_day is no number"),
    (b'{"hashprice_per_ph_day": "NaN"}', PLAIN, "is not from 0"),
    (b'{"hashprice_per_ph_day": -1}', PLAIN, "is not from 0"),
    (b'{"hashprice_per_ph_day": 1, "at": "noon"}', PLAIN, "at is no instant"),
    (b'{"hashprice_per_ph_day": 1, "at": "2026-06-01T12:00:00"}', PLAIN, "at needs an offset"),
    (b'{"hashprice_per_ph_day": 1, "at": 1e300}', PLAIN, "at is no instant"),
    (b"{}", NETWORK, "difficulty is told neither by the feed nor by hand"),
    (b'{"difficulty": 0}', NETWORK, "difficulty is at least 1"),
    (b'{"difficulty": 5, "height": 1.5}', NETWORK, "height is a whole number"),
]


@pytest.mark.parametrize(("raw", "shape", "said"), BAD)
def test_what_is_no_quote_is_refused_with_the_reason(raw, shape, said):
    with pytest.raises(BadQuote, match=said):
        read_json(raw, shape, NOW)


def test_a_csv_has_quotes_through_time():
    text = "at,hashprice_per_ph_day\n2026-06-01T00:00:00Z,50\n2026-06-02T00:00:00Z,51.5\n"
    assert [(quote.at.day, quote.per_ph_day) for quote in read_csv(text, PLAIN)] == [(1, 50), (2, Decimal("51.5"))]
    network = "at,difficulty,price\n2026-06-01T00:00:00Z,100000000000000,\n2026-06-02T00:00:00Z,100000000000000,50000\n"
    assert [round(quote.per_ph_day, 2) for quote in read_csv(network, NETWORK)] == [Decimal("62.86"), Decimal("31.43")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no column at"),
        ("when,hashprice_per_ph_day\n", "no column at"),
        ("at,hashprice_per_ph_day\n2026-06-01T00:00:00Z,50\n,51\n", "row 3: at is no instant"),
        ("at,hashprice_per_ph_day\n2026-06-01T00:00:00Z,\n", "row 2: it has no hashprice_per_ph_day"),
    ],
)
def test_a_csv_that_cannot_be_read_names_the_row(text, said):
    with pytest.raises(BadQuote, match=said):
        read_csv(text, PLAIN)
