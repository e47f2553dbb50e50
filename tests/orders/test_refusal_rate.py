"""How many refusals are told, and that each is counted, whoever draws a new id for each document."""

from collections import Counter

import pytest

from agent.orders.order import Rejection
from agent.orders.refusal_rate import BURST, EACH_S, RefusalRate

pytestmark = pytest.mark.pure
CODES = ("malformed", "unknown_issuer", "bad_signature")


def refused(number, order_id=None):
    return Rejection(code=CODES[number % 3], reason="no", order_id=order_id or f"id-{number}", issuer=f"who-{number}")


def flooded(rate, documents, began_s=0.0, per_s=1000):
    told = []
    for number in range(documents):
        mono = began_s + number / per_s
        if number % per_s == 0:
            told += rate.due(mono)
        found = rate.admit(refused(number), "mqtt", mono)
        told += [] if found is None else [found]
    return told + rate.due(began_s + documents / per_s + EACH_S)


def test_new_ids_without_an_end_are_told_together_and_each_is_counted():
    rate = RefusalRate()
    told = flooded(rate, 20_000)
    assert sum(one.count for one in told) == 20_000
    assert len(told) <= BURST + 20 * (1 + len(CODES)) + len(CODES)
    together = Counter(one.rejection.code for one in told if one.rejection.order_id is None)
    assert set(together) == set(CODES)
    assert len(rate._last) + len(rate._held) < 2 * BURST


def test_after_a_quiet_time_each_is_told_again():
    rate = RefusalRate()
    flooded(rate, 5000)
    rate.due(10_000.0)
    found = rate.admit(refused(1, "late"), "mqtt", 10_000.0)
    assert (found.rejection.order_id, found.count) == ("late", 1)


def test_a_source_that_is_told_already_keeps_its_place_in_a_flood():
    rate = RefusalRate()
    assert rate.admit(refused(0, "own"), "mqtt", 0.0) is not None
    for number in range(3000):
        rate.admit(refused(number), "mqtt", 0.5)
    assert rate.admit(refused(0, "own"), "mqtt", 0.9) is None
    told = {one.rejection.order_id: one.count for one in rate.due(1.2)}
    assert told["own"] == 1
