"""What acknowledgements say, in the language of a report. The phrases are in `report_reasons.toml`, a table a language.

A phrase that has no words in a language stays as it was said.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

_FIGURE = re.compile(r"-?\d[\d,]*(\.\d+)?")
_FIGURES_OF = {"ru": {ord(","): "\N{NO-BREAK SPACE}", ord("."): ","}}


@cache
def _phrases(language: str) -> Sequence[tuple[re.Pattern[str], str]]:
    text = (files("agent.outputs") / "report_reasons.toml").read_text(encoding="utf-8")
    return [(_pattern(said), words) for said, words in tomllib.loads(text).get(language, {}).items()]


def _pattern(said: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{\d\\\}", "(.+?)", re.escape(said)))


def told(reason: str, language: str) -> str:
    """Return a reason in a language: as a whole where that is a phrase, else phrase by phrase."""
    whole = _matched(reason, language)
    return "; ".join(phrase(part, language) for part in reason.split("; ")) if whole is None else whole


def phrase(said: str, language: str) -> str:
    """Return one phrase, and those that it is put together of, in a language."""
    if (matched := _matched(said, language)) is not None:
        return matched
    if _FIGURE.fullmatch(said) is not None:
        return said.translate(_FIGURES_OF.get(language, {}))
    return said


def _matched(said: str, language: str) -> str | None:
    for pattern, words in _phrases(language):
        if (found := pattern.fullmatch(said)) is not None:
            return words.format(*(told(part, language) for part in found.groups()))
    return None
