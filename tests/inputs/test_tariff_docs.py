"""The tariff in docs/tariffs.md is one that is read, and its table has every kind and key."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from agent.inputs.tariff_file import parse_tariff
from agent.tariffs.kinds import KINDS

pytestmark = pytest.mark.pure
PAGE = (Path(__file__).parents[2] / "docs" / "tariffs.md").read_text(encoding="utf-8")


def test_the_example_is_read():
    [example] = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    found = parse_tariff(example)
    assert [one.kind for one in found.components] == ["time_of_use", "vat"]
    assert found.fx["USD"].figures[1].source == "National Bank"


@pytest.mark.parametrize("kind", KINDS)
def test_the_table_has_every_kind_with_its_keys(kind):
    [row] = [line for line in PAGE.splitlines() if line.startswith(f"| `{kind}` |")]
    own = {field.name.removesuffix("_") for field in fields(KINDS[kind])} - {"kind", "name", "party"}
    assert {key for key in own if f"`{key}`" not in row} == set()
