"""A programme is paid by what an order's evidence proves: verified, of its order and time, with a baseline."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest

from agent.facts import OrderMoved
from agent.facts.orders import BaselineTold, OrderSettled
from agent.inputs.tariff_file import parse_tariff
from agent.problems import ConfigError
from agent.proof import chain
from agent.proof.evidence import Export, Record, export
from agent.proof.signature import SigningKey
from agent.tariffs.bill import bill
from tests.tariffs.loads import BISHKEK, HOUR, days

START = datetime(2026, 4, 10, 12, tzinfo=UTC)
END = START + timedelta(hours=4)
KEY = SigningKey.make()
TARIFF = """
currency = "USD"
[[component]]
kind = "programme"
name = "dr"
kw = 800
per_kwh = "0.5"
events = [{{ evidence = "o1.jsonl"{0} }}]
"""


def moved(at, event, state):
    return OrderMoved(at=at, order_id="o1", revision=1, seq=1, event=event, state=state)


def settled(*baselines):
    return OrderSettled(
        at=END, order_id="o1", last=True, interval_s=900, first=START, interval=[], site_wh=[], counted=[],
        baselines=list(baselines) or [
            BaselineTold(method="before_after", mean_w=1_000_000.0, not_drawn_wh=1.0),
            BaselineTold(method="ten_of_ten", why="too little history: 3 of 10 days"),
        ],
    )  # fmt: skip


LIFE = [moved(START, "start", "active"), moved(END, "end", "ended"), moved(END, "close", "closed"), settled()]


def write(folder, facts=LIFE, changed=None):
    links, prev = [], chain.FIRST
    for number, fact in enumerate(facts, 1):
        links.append(chain.link("o1", number, prev, msgspec.json.encode(fact)))
        prev = chain.hash_of(links[-1])
    record = Record(order_id="o1", links=links)
    raw = b"".join(export(record, Export(site="s", agent="1", at=END), KEY))
    (folder / "o1.jsonl").write_bytes(raw if changed is None else raw.replace(*changed))


def read(folder, more=""):
    return parse_tariff(TARIFF.format(more), folder=folder)


def test_a_call_takes_times_order_and_baseline_from_the_evidence(tmp_path):
    write(tmp_path)
    (call,) = read(tmp_path, f', key = "{KEY.public.text}"').components[0].events
    assert (call.from_, call.until, call.order, call.baseline_kw) == (START, END, "o1", 1000)
    assert call.proof == "before_after of o1.jsonl"
    load = days((2026, 4, 1), (2026, 5, 1), BISHKEK, "300", HOUR)
    assert bill(read(tmp_path), load, BISHKEK).amount == -4 * 700 * Decimal("0.5")
    assert read(tmp_path).components[0].events[0].proof == "before_after of o1.jsonl, no key given"


@pytest.mark.parametrize(
    ("facts", "changed", "more", "key", "reason"),
    [
        (LIFE, (b"1000000.0", b"9000000.0"), "", "evidence", "o1.jsonl: line 5 does not hold: its hash is not that"),
        (LIFE[:3], None, "", "evidence", "o1.jsonl: order o1 is not over and settled in it"),
        (
            [*LIFE[:3], msgspec.structs.replace(LIFE[3], last=False)], None, "", "evidence",
            "o1.jsonl: order o1 is not settled for the last time in it",
        ),
        (LIFE, None, ', method = "ten_of_ten"', "method", "by ten_of_ten: too little history: 3 of 10 days"),
        (LIFE, None, ', method = "same_day"', "method", "has no baseline by same_day: it has none"),
        (LIFE, None, ', method = "best"', "method", "must be one of before_after, ten_of_ten, same_day"),
        (LIFE, None, ', order = "o2"', "order", "o1.jsonl is the evidence of o1"),
        (LIFE, None, ", baseline_kw = 2000", "baseline_kw", "is what the evidence says"),
        (LIFE, None, f', key = "{SigningKey.make().public.text}"', "evidence", "is none of those that were given"),
        (LIFE, None, ', key = "x"', "key", "is no key of a site"),
        (
            LIFE, None, ", from = 2026-04-11T12:00:00Z, until = 2026-04-11T16:00:00Z", "from",
            "order o1 was in force from 2026-04-10T12:00:00Z to 2026-04-10T16:00:00Z, and not then",
        ),
        (
            LIFE, None, ", from = 2026-04-10T12:00:00Z, until = 2026-04-10T17:00:01Z", "from",
            "was in force from 2026-04-10T12:00:00Z to 2026-04-10T16:00:00Z, and not then",
        ),
        (
            LIFE, None, ", from = 2026-04-10T10:59:59Z, until = 2026-04-10T16:00:00Z", "from",
            "was in force from 2026-04-10T12:00:00Z to 2026-04-10T16:00:00Z, and not then",
        ),
    ],
    ids=range(13),  # a key is made anew by each worker, and names no test
)  # fmt: skip
def test_what_is_not_proved_bills_nothing(tmp_path, facts, changed, more, key, reason):
    write(tmp_path, facts, changed)
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, more)
    (problem,) = caught.value.problems
    assert problem.key == f"component.dr.events.0.{key}"
    assert reason in problem.reason


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"o1\.jsonl cannot be read: No such file"):
        read(tmp_path)
