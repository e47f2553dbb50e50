"""The table of what is supported is what the command makes of the registry, the simulated machines and the proof."""

from pathlib import Path

from drivers import registry
from tests.conformance.support import page

DOCS = Path(__file__).parents[2] / "docs" / "support.md"


def test_the_table_in_the_docs_is_up_to_date():
    assert DOCS.read_text(encoding="utf-8") == page(), "make support makes it anew"


def test_every_driver_has_a_row():
    rows = [line for line in DOCS.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == list(registry.names())
