"""docs/states.md tells of every driver which field proves its states."""

import re
from pathlib import Path

import pytest

from drivers import registry

pytestmark = pytest.mark.pure
PAGE = Path(__file__).parents[2] / "docs" / "states.md"


def test_every_driver_has_a_row_with_a_proof_of_sleep():
    rows = [line.split("|") for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    told = {name for row in rows for name in re.findall(r"`([a-z0-9-]+)`", row[1])}
    assert told == set(registry.names())
    assert all(row[2].strip() not in {"", "-"} for row in rows)
