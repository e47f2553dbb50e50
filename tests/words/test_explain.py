"""What a configuration means, as `check` says it: whole texts, compared to the letter."""

from pathlib import Path

import pytest

from agent.config import parse
from agent.words.explain import explain

pytestmark = pytest.mark.pure

HERE = Path(__file__).parent / "explained"


@pytest.mark.parametrize("path", sorted(HERE.glob("*.toml")), ids=lambda path: path.stem)
def test_a_configuration_in_words(path):
    told = path.read_text(encoding="utf-8")
    config = parse(told, file=path.name, folder=HERE)
    assert "\n".join(explain(config)) + "\n" == path.with_suffix(".txt").read_text(encoding="utf-8")


def test_no_secret_is_explained(monkeypatch):
    monkeypatch.setenv("RIDGE", "letmein")
    text = (HERE / "enforcing.toml").read_text(encoding="utf-8")
    assert "letmein" not in "\n".join(explain(parse(text, folder=HERE)))
