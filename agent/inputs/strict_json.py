"""JSON read strictly: what another reader might understand otherwise is refused."""

from __future__ import annotations

import json
import math
from typing import Any

MOST_BYTES = 786_432
MOST_WHOLE = 2**63 - 1
MOST_DIGITS = 20  # with a sign; Python itself refuses to read thousands
MOST_DEEP = 64


def decode(raw: bytes) -> dict[str, Any]:
    """Parse strictly. Raises ValueError where it is no JSON object, or one that overflows or has a key twice."""
    if len(raw) > MOST_BYTES:
        raise ValueError(f"more than {MOST_BYTES} bytes")
    try:
        told = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_once,
            parse_constant=_no_constant,
            parse_float=_number,
            parse_int=_integer,
        )
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"no UTF-8 at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"no JSON at line {error.lineno}, column {error.colno}") from error
    if not isinstance(told, dict):
        raise ValueError("no JSON object")  # noqa: TRY004 - one kind of error for whatever is unreadable
    _bound_depth(told)
    return told


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def _integer(text: str) -> int:
    if len(text) > MOST_DIGITS or abs(value := int(text)) > MOST_WHOLE:
        raise ValueError(f"{text[:20]} overflows")
    return value


def _number(text: str) -> float:
    """Return a number; 1.0 is an integer, as JSON Schema has it."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} overflows")
    return int(value) if value.is_integer() and abs(value) < MOST_WHOLE else value


def _bound_depth(told: Any) -> None:
    level = [told]
    for _ in range(MOST_DEEP):
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
    if level:
        raise ValueError("nested too deeply")
