"""The text form of the cgminer wire, which some firmware answers whatever it was asked in.

    STATUS=S,When=1,Code=11,Msg=Summary,Description=x|SUMMARY,Elapsed=38,MHS av=0.00|

It is turned into the JSON form, joined replies too; every figure stays a text. Each section ends with a bar: one that
does not was cut, and its last figure with it. A section of no rows alone, "DEVS,", lacks it on bfgminer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from drivers.errors import Garbled

Sections = dict[str, list[dict[str, str]]]

_SECTIONS = {"ASC": "DEVS", "PGA": "DEVS", "POOL": "POOLS"}
_END = re.compile(r"\|(?:[A-Z]+,)?\Z")
_SECTION = re.compile(r"(?:[^|\\]+|\\.)+", re.DOTALL)
_FIELD = re.compile(r"(?:[^,\\]+|\\.)+", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def sections_of(payload: bytes) -> Sections | dict[str, list[Sections]]:
    """Return the rows of a plain reply by the JSON form's names, or such replies by command; raises Garbled."""
    text = payload.decode("utf-8", "replace").strip(" \r\n\0")
    if _END.search(text) is None:
        raise Garbled("the last section has no end", payload)
    plain: Sections = {}
    joined: dict[str, list[Sections]] = {}
    told = plain
    for name, row in _rows(text):
        if name == "CMD":
            told = {}
            joined[row.get("CMD", "")] = [told]
        else:
            told.setdefault(_SECTIONS.get(name, name), []).append(row)
    return joined or plain


def _rows(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Split in time that grows with the text alone, whatever is in it."""
    for section in _SECTION.findall(text):
        fields = [field.partition("=") for field in _FIELD.findall(section)]
        if row := {name: _plain(value) for name, equals, value in fields if equals}:
            yield fields[0][0], row


def _plain(value: str) -> str:
    return _ESCAPED.sub(r"\1", value) if "\\" in value else value
