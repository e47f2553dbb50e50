"""What counts as true of what a device says."""

import pytest

from agent.condition import Condition, NoCondition, NotSaid

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    ("when", "told", "holds"),
    [
        ("true", "true", True),
        ("true", " ON\n", True),
        ("true", "1", True),
        ("true", "False", False),
        ("false", "0", True),
        ("off", "yes", False),
        ("ALARM", "alarm", True),
        ("ALARM", "quiet", False),
        ("!= ok", "fire", True),
        ("!= ok", "OK", False),
        ("> 50", "50.5", True),
        (">= 50", "50", True),
        ("<1.5", "2", False),
        ("smoke = true", '{"smoke": true, "battery": 90}', True),
        ("smoke == true", '{"smoke": "off"}', False),
        ("tank.level < 20", '{"tank": {"level": 12}}', True),
        ("water-leak != no", '{"water-leak": true}', True),
    ],
)
def test_a_message_is_compared(when, told, holds):
    assert Condition.of(when).holds(told) is holds


@pytest.mark.parametrize(
    ("when", "told"),
    [
        ("true", ""),
        ("true", "offline"),
        ("> 50", "hot"),
        ("> 50", "nan"),
        ("smoke = true", "true"),
        ("smoke = true", '{"leak": true}'),
        ("smoke = true", '{"smoke": null}'),
        ("a.b > 1", '{"a": 7}'),
        ("a > 1", "[" * 100_000),
    ],
)
def test_what_says_neither_is_no_answer(when, told):
    with pytest.raises(NotSaid):
        Condition.of(when).holds(told)


@pytest.mark.parametrize("when", ["", "  ", ">", "> hot", "a <", "= =", "a = b = c"])
def test_what_compares_nothing_is_no_condition(when):
    with pytest.raises(NoCondition):
        Condition.of(when)
