"""The text form of the cgminer wire, which some firmware answers whatever it was asked in.

    STATUS=S,When=1,Code=11,Msg=Summary,Description=x|SUMMARY,Elapsed=38,MHS av=0.00|

It is turned into the sections of the JSON form; every figure stays a text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_SECTIONS = {"ASC": "DEVS", "PGA": "DEVS", "POOL": "POOLS"}
_PAIR = re.compile(r"([^,=]+)=((?:\\.|[^,\\])*)")
_ESCAPED = re.compile(r"\\(.)")


def sections_of(payload: bytes) -> dict[str, list[dict[str, str]]]:
    """Return the rows of a text reply by the names of the JSON form's sections."""
    sections: dict[str, list[dict[str, str]]] = {}
    for name, row in _rows(payload.decode("utf-8", "replace").strip(" \r\n\0")):
        sections.setdefault(_SECTIONS.get(name, name), []).append(row)
    return sections


def _rows(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    for section in re.split(r"(?<!\\)\|", text):
        if row := {name: _ESCAPED.sub(r"\1", value) for name, value in _PAIR.findall(section)}:
            yield re.split("[,=]", section, maxsplit=1)[0], row
