"""How cgminer and bfgminer write an answer: JSON or text. What the two programs differ in is here as well."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]
#: lists whose rows have no number: in text their name stands alone
UNNUMBERED = frozenset({"SUMMARY", "VERSION", "CONFIG", "CHECK", "COIN", "ASCS", "PGAS"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What tells one program from the other on the wire."""

    name: str
    description: str
    kind: str
    #: codes of enable and disable by now: already so, done; of one device, of a number that none has, of one not well
    already: dict[bool, int]
    done: dict[bool, int]
    one: int
    no_such: int
    unwell: int


CGMINER = Program(
    name="CGMiner",
    description="cgminer 4.11.1",
    kind="ASC",
    already={True: 108, False: 109},
    done={True: 110, False: 111},
    one=106,
    no_such=107,
    unwell=112,
)
BFGMINER = Program(
    name="BFGMiner",
    description="bfgminer 5.5.0",
    kind="PGA",
    already={True: 61, False: 62},
    done={True: 63, False: 64},
    one=57,
    no_such=58,
    unwell=65,
)
PROGRAMS = {"cgminer": CGMINER, "bfgminer": BFGMINER}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One answer, before it is written as JSON or text: the status, and a list of rows under a name."""

    status: Row
    name: str = ""
    rows: list[Row] = field(default_factory=list)


def as_json(said: Said) -> str:
    """Return an answer as JSON; what has no code is a bare word."""
    if "Code" not in said.status:
        return json.dumps({**said.status, "id": 1}, separators=(",", ":"))
    reply: Row = {"STATUS": [said.status]}
    if said.name:
        reply[said.name] = said.rows
    return json.dumps({**reply, "id": 1}, separators=(",", ":"))


def as_text(said: Said) -> str:
    """Return an answer as text: lines of words, each ended by a bar."""
    if "Code" not in said.status:
        return str(said.status["STATUS"])
    bare = [said.name] if said.name in UNNUMBERED else []
    return _line([], said.status) + "".join(_line(bare, row) for row in said.rows)


def _line(first: list[str], row: Row) -> str:
    words = (f"{key}={str(value).lower() if isinstance(value, bool) else value}" for key, value in row.items())
    return ",".join([*first, *words]) + "|"
