"""A report in Russian says in Russian why; what nobody has words for stays as it was said."""

import re
import tomllib
from importlib.resources import files

import pytest

from agent.outputs.report_reasons import phrase, told
from agent.words.limits import limit_words

pytestmark = pytest.mark.pure

REASONS = [
    "awake: 3 hashing", "awake: 12 not asleep; unproved 2", "breakers: only they take the rest off the meter",
    "unexplained 1500 W", "awaiting_release", "late_receipt; untrusted_clock", "conflict: its ramp needs 600 s",
    "conflict: starts_at and local.starts are 3600 s apart; the stricter holds", "observe: nothing is sent",
    "test: nothing is sent", "offer: it waits for accept or decline", "superseded", "released: by A. B. and C. D.",
    "declined: by A. B.", "declined: its end passed without an answer", "phone, read back", "by hand",
    "the interval before it is under another order", "the two hours after it, the next one left out, are not known",
    "nobody knows what was drawn before the order", "2.5 h are unknown: nobody looked, and no register tells",
    "they are in no sum", "12 kWh of what was drawn are by what machines say, not by a meter",
    "what was drawn above the limit is not known: it is not one on the site's draw at its billing meter",
    "0.25 h of it are in intervals in part outside it; left out of what is above its limit",
    "too little history: 3 of 10 days of its type without an order are known before it",
    "energy: 6.06 from 2026-01-01 is not confirmed (the figure of 2025 carried on; no tariff of 2026 was found)",
    "VAT: the figure from 2021-10-01 is not known, so that nothing is charged for it (no tariff of 2026 was found)",
    "the tariff ends on 2026-12-31, and is used for days after that",
    "energy: the figure of all times is not known, so that nothing is charged for it",
    "energy: the figure of all times is not known, so that nothing is charged for it (no tariff of 2026 was found)",
    "energy: 0.04 from 2025-04-01 is not confirmed (the figure of 2024-04-01 carried on; no later one was found)",
    "the tariff is meant for at most 500 kW a month: 2026-01 has 812, and 1 more of 2 months lie outside",
    "the tariff is meant for at least 500 kWh a month: 2026-01 has 8",
    "2026-01: 1,000.5 kWh are estimated, since the meter did not tell them",
    "energy: 1 has no price above its last block, up to 1000 kWh",
]  # fmt: skip
LIMITS = [
    {"stop": True}, {"max_import_kw": 2500.5}, {"reduce_kw": 800}, {"reduce_kw": 800, "baseline": {"kw": 4000}},
    {"fraction": 0.5, "of": "peak_12m"}, {"trajectory": [1, 2]}, {"fraction": 1, "of": "connection"},
]  # fmt: skip
NAMES = re.compile(r"starts_at|local\.starts|[ABCD]\.")


@pytest.mark.parametrize("said", REASONS + [limit_words(limit) for limit in LIMITS])
def test_each_reason_and_limit_is_said_in_russian(said):
    assert told(said, "en") == said
    russian = NAMES.sub("", told(said, "ru"))
    assert not re.search(r"[A-Za-z{}]", russian), russian


def test_figures_are_written_as_the_language_does_and_names_stay():
    assert phrase("at most 2,500.5 kW at the meter", "ru") == "не более 2\N{NO-BREAK SPACE}500,5 кВт по счётчику"
    assert phrase("released: by A. B. and C. D.", "ru") == "ограничение сняли: A. B. и C. D."
    assert told("something new; awaiting_release", "ru").startswith("something new; ")


def test_every_phrase_has_as_many_places_as_its_words():
    table = tomllib.loads((files("agent.outputs") / "report_reasons.toml").read_text(encoding="utf-8"))
    for phrases in table.values():
        for said, words in phrases.items():
            assert sorted(re.findall(r"\{\d\}", said)) == sorted(re.findall(r"\{\d\}", words)), said
