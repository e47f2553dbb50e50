"""How a command ends badly: a sentence for standard error and an exit code of the contract."""

from __future__ import annotations

NO, USAGE, UNREACHABLE = 1, 2, 3


class Failure(Exception):
    """The command ends with `code`: NO is an answer, USAGE bad input, UNREACHABLE could not reach or already taken."""

    def __init__(self, code: int, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
