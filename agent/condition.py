"""What counts as true of what a device says: `true`, `open`, `> 50`, `smoke = true`, `tank.level < 1.5`.

Alone, a word is what the whole message must be. Before `=`, `!=`, `<`, `>`, `<=` or `>=` may stand where in a JSON
object the value is found. Words for yes and no are one another's: 1, true, on, yes; 0, false, off, no. Pure.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

_FORM = re.compile(
    r"(?:(?P<path>[A-Za-z_][\w.\-]*)?\s*(?P<sign><=|>=|!=|==|=|<|>))?\s*"  # where, and how
    r"(?P<value>[^<>=!\s][^<>=!]*)"  # with what
)
_ORDER: Mapping[str, Callable[[float, float], bool]] = MappingProxyType(
    {"<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge}
)
YES, NO = frozenset({"1", "true", "on", "yes"}), frozenset({"0", "false", "off", "no"})


class NoCondition(ValueError):
    """A text is no condition; the message is a sentence."""


class NotSaid(ValueError):
    """What came says neither yes nor no; the message is a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A comparison with what a device says."""

    value: str
    sign: str = "="
    path: tuple[str, ...] = ()

    @staticmethod
    def of(text: str) -> Condition:
        """Read a condition. Raises NoCondition."""
        found = _FORM.fullmatch(text.strip())
        if found is None:
            raise NoCondition("must be a word, or a comparison such as > 50 or smoke = true")
        sign, value = found["sign"] or "=", found["value"].strip()
        if sign in _ORDER and _number(value) is None:
            raise NoCondition(f"{value} is no number to compare with")
        return Condition(value=value, sign="=" if sign == "==" else sign, path=tuple((found["path"] or "").split(".")))

    def holds(self, told: str) -> bool:
        """Return whether it is so by what was told. Raises NotSaid where that says neither."""
        said = self._found(told)
        if self.sign in _ORDER:
            number, bound = _number(said), _number(self.value)
            if number is None or bound is None:
                raise NotSaid(f"{said[:40]!r} is no number")
            return _ORDER[self.sign](number, bound)
        return self._equals(said) is (self.sign == "=")

    def _found(self, told: str) -> str:
        if self.path in {(), ("",)}:
            return told.strip()
        try:
            value = json.loads(told)
            for name in self.path:
                value = value[name]
        except (ValueError, LookupError, TypeError, RecursionError):
            raise NotSaid(f"there is no {'.'.join(self.path)} in it") from None
        return value.strip() if isinstance(value, str) else json.dumps(value)

    def _equals(self, said: str) -> bool:
        wanted, word = self.value.casefold(), said.casefold()
        for words, others in ((YES, NO), (NO, YES)):
            if wanted in words:
                if word not in words | others:
                    raise NotSaid(f"{said[:40]!r} is neither yes nor no")
                return word in words
        return word == wanted


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None
