"""Whatever a file says, it is a configuration or a mistake in words, and nothing else."""

import tomllib
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.config import ConfigError, parse, schema
from agent.config.shape import keys_of
from agent.words.explain import explain

pytestmark = pytest.mark.pure

TABLES = [schema.Site, schema.Feeder, schema.Miners, schema.Meter, schema.Issuer, schema.Mqtt, schema.Control]
KEYS = sorted({key for table in (*TABLES, schema.Schema) for key in keys_of(table)} | {"no_such_key", "a b"})
LIKELY = [
    "", "site", "T1", "full", "limit:3000", "limit:\u00b2", "mqtt", "10.7.0.1", "10.7.0.1-9", "0.0.0.0/0", "mqtt://h",
    "UTC", "USD", "k1:AAAA", "env:A", "file:\x00", "127.0.0.1:1", "1e999", "nowhere.csv", "\x00",
]  # fmt: skip
scalars = (
    st.sampled_from(LIKELY)
    | st.text(max_size=8)
    | st.booleans()
    | st.integers()
    | st.sampled_from([0, 1, -1, 10**400, 2**63])
    | st.floats()
    | st.just(date(2026, 1, 2))
)
documents = st.dictionaries(
    st.sampled_from(KEYS),
    st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
        max_leaves=12,
    ),
    max_size=6,
)
SOUND = {"id": "hill", "timezone": "Asia/Almaty", "currency": "KZT", "connection_kw": 1200}


def written(value):
    """A value as TOML, every table inline."""
    match value:
        case bool():
            return "true" if value else "false"
        case dict():
            return "{" + ", ".join(f"{quoted(key)} = {written(one)}" for key, one in value.items()) + "}"
        case list():
            return "[" + ", ".join(written(one) for one in value) + "]"
        case str():
            return quoted(value)
        case _:
            return str(value)


def quoted(text):
    return '"' + "".join(f"\\U{ord(letter):08x}" for letter in text if not 0xD800 <= ord(letter) < 0xE000) + '"'


def judged(text):
    problems = ()
    try:
        config = parse(text)
    except ConfigError as error:
        config, problems = None, error.problems
    assert (config is None) == bool(problems)
    assert all(problem.reason for problem in problems)
    if config is not None:
        assert all([*explain(config)])


@settings(deadline=None, max_examples=60)
@given(documents, st.booleans())
def test_any_document_of_known_and_unknown_keys(document, sound):
    document = {**document, **({"site": SOUND} if sound else {})}
    text = "\n".join(f"{quoted(key)} = {written(value)}" for key, value in document.items())
    assert tomllib.loads(text).keys() == set(document)
    judged(text)


@settings(deadline=None, max_examples=60)
@given(st.dictionaries(st.sampled_from(sorted(keys_of(schema.Miners))), scalars | st.lists(scalars, max_size=3)))
def test_any_group_of_machines(group):
    judged(f"site = {written(SOUND)}\nminers = [{written(group)}]\n")


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=60))
def test_any_text(text):
    judged(text)


@pytest.mark.parametrize("text", ["a = " + "[" * 5000, "a = " + "9" * 5000, "a = 0000-00-00", "[" + "a." * 5000 + "a]"])
def test_what_breaks_a_parser_is_a_mistake_like_another(text):
    judged(text)
