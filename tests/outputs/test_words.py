"""Every fact has its sentence, which says who, what and how much."""

import builtins
import types
from datetime import UTC, datetime, timedelta
from types import UnionType
from typing import get_args, get_origin

import msgspec
import pytest

from agent import facts
from agent.facts.energy import Absence
from agent.outputs.words import sentence

pytestmark = pytest.mark.pure

AT = datetime(2026, 11, 12, 8, tzinfo=UTC)


SAMPLES = {str: "x", bytes: b"x", int: 1, float: 1500.0, datetime: AT, bool: True}


def made(kind):
    """Return a fact of a kind with something in each field that has no default; None where that may be."""
    fields = [field for field in msgspec.structs.fields(kind) if field.required]
    return kind(**{field.name: None if isinstance(field.type, UnionType) else sample(field.type) for field in fields})


def sample(told):
    match get_origin(told), get_args(told):
        case builtins.list, (item,):
            return [sample(item)]
        case builtins.dict, (key, item):
            return {sample(key): sample(item)}
        case types.UnionType, (first, *_):
            return sample(first)
    return SAMPLES[told] if told in SAMPLES else made(told)


@pytest.mark.parametrize("kind", get_args(facts.AnyFact), ids=lambda kind: kind.__name__)
def test_every_fact_has_a_sentence(kind):
    said = sentence(made(kind))
    assert said
    assert kind.__name__ not in said
    assert "None" not in said


def test_a_step_of_an_order_says_its_draw_against_its_cap_and_why():
    step = facts.OrderMoved(
        at=AT, order_id="winter", revision=1, seq=5, event="breach", state="violated",
        cap_w=10_300.0, observed_w=42_000.0, shortfall_w=31_700.0, reason="unproved 2",
    )  # fmt: skip
    assert sentence(step) == "Order winter is violated, 42.0 kW of 10.3 kW, short by 31.7 kW, unproved 2"


def test_a_broken_seal_says_which_who_and_how_much():
    broken = facts.SealBroken(at=AT, powers_w={"a": 3000.0, "b": 3500.0}, numbers=["17"], feeders_w={"T1": 7000.0})
    assert sentence(broken) == "Behind seal 17: a, b at 6.5 kW, feeder T1 draws 7.0 kW"
    assert sentence(facts.SealBroken(at=AT, powers_w={}, numbers=["17"], feeders_w={"T1": 7000.0})) == (
        "Behind seal 17: feeder T1 draws 7.0 kW"
    )


def test_many_machines_are_counted_and_few_are_named():
    few = facts.UnauthorisedWake(at=AT, miners=["a", "b"])
    many = facts.UnauthorisedWake(at=AT, miners=[f"m{at}" for at in range(8000)])
    assert sentence(few) == "Woken by somebody else: a, b"
    assert sentence(many) == "Woken by somebody else: 8,000 machines (m0 …)"


def test_an_absence_says_what_the_register_bounds_and_nothing_where_it_is_unknown():
    away = Absence(at=AT, since=AT - timedelta(days=21), until=AT, over_least_wh=0.0, over_most_wh=1500.0)
    assert sentence(away).endswith("above the cap 0.0 to 1.5 kWh were drawn")
    unknown = Absence(at=AT, since=AT - timedelta(days=21), until=AT)
    assert sentence(unknown) == "The agent was away from 2026-10-22T08:00:00.000Z to 2026-11-12T08:00:00.000Z"


def test_one_machine_is_spoken_of_as_one():
    one, two = (facts.LoginsRefused(at=AT, miners=miners, until=AT) for miners in (["m2"], ["m2", "m3"]))
    assert sentence(one).startswith("m2 does not permit anything: ")
    assert sentence(two).startswith("m2, m3 do not permit anything: ")


def test_no_cap_is_not_a_cap_of_zero():
    assert sentence(facts.CapChanged(at=AT, cap_w=None, binding_order=None)) == "Nothing caps the draw"
    assert sentence(facts.CapChanged(at=AT, cap_w=0.0, binding_order="o1")) == "The cap is 0.0 kW, by order o1"
