"""What is wrong with a configuration: file, key and reason, one clear sentence each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One mistake, or one warning: where it stands and what it is."""

    file: str
    key: str
    reason: str

    def __str__(self) -> str:
        """Return the line that the user reads."""
        return f"{self.file}: {self.key}: {self.reason}" if self.key else f"{self.file}: {self.reason}"


class ConfigError(Exception):
    """The configuration cannot be used; `problems` are all its mistakes."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)
