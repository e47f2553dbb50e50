"""The configuration: TOML in, frozen settings out, or every mistake at once with file, key and reason."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import TypeAdapter, ValidationError

from agent.config import not_yet as config_not_yet
from agent.config import rules as config_rules
from agent.config.not_yet import NotYet
from agent.config.schema import Schema
from agent.config.shape import remove, unknown, without_empty
from agent.inventory.inventory import MinerEntry, take_inventory
from agent.problems import ConfigError, Problem
from agent.register_maps import map_mistakes

__all__ = ["Config", "ConfigError", "MinerEntry", "NotYet", "Problem", "Secret", "load", "parse"]

_ADAPTER: TypeAdapter[Schema] = TypeAdapter(Schema)
_IN_WORDS: Mapping[str, Callable[[dict[str, Any]], str]] = MappingProxyType(
    {
        "missing": lambda _: "is required",
        "bool_type": lambda _: "must be true or false",
        "int_type": lambda _: "must be a whole number",
        "string_type": lambda _: "must be text",
        "list_type": lambda _: "must be a list",
        "dict_type": lambda _: "must be a table",
        "dataclass_type": lambda _: "must be a table",
        "finite_number": lambda _: "must be a finite number",
        "too_short": lambda told: f"needs at least {told['min_length']}",
        "literal_error": lambda told: f"must be {told['expected']}",
        "greater_than_equal": lambda told: f"must be at least {told['ge']:g}",
        "less_than_equal": lambda told: f"must be at most {told['le']:g}",
        "less_than": lambda told: f"must be below {told['lt']:g}",
    }
)


class Secret:
    """What a secret's reference leads to; it shows as asterisks."""

    __slots__ = ("_told",)

    def __init__(self, told: str) -> None:
        self._told = told

    def reveal(self) -> str:
        """Return the secret itself."""
        return self._told

    def __repr__(self) -> str:
        """Return asterisks."""
        return "***"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A whole configuration, found sound."""

    file: str
    folder: Path
    schema: Schema
    miners: tuple[MinerEntry, ...]

    def not_yet(self) -> tuple[NotYet, ...]:
        """Return the keys in use whose feature is not built yet."""
        return tuple(config_not_yet.not_yet(self.schema, self.miners))

    def warnings(self) -> tuple[Problem, ...]:
        """Return what is allowed and probably not meant."""
        found = config_rules.warnings(self.schema)
        return tuple(Problem(file=self.file, key=key, reason=reason) for key, reason in found)

    def secret(self, reference: str, key: str) -> Secret:
        """Follow a secret's reference. Raises ConfigError naming the key, never the value."""
        kind, _, where = reference.partition(":")
        try:
            match kind:
                case "env":
                    return Secret(os.environ[where])
                case "credential":
                    folder = Path(os.environ["CREDENTIALS_DIRECTORY"])
                    return Secret((folder / where).read_text(encoding="utf-8").strip())
                case _:
                    return Secret((self.folder / where).read_text(encoding="utf-8").strip())
        except (KeyError, OSError, ValueError) as error:
            why = (
                "it is not set" if isinstance(error, KeyError) else getattr(error, "strerror", None) or "it is no text"
            )
            reason = f"{reference} cannot be read: {why}"
            raise ConfigError([Problem(file=self.file, key=key, reason=reason)]) from None


def load(path: Path) -> Config:
    """Read and check a configuration file. Raises ConfigError."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = f"cannot be read: {getattr(error, 'strerror', None) or error}"
        raise ConfigError([Problem(file=path.name, key="", reason=reason)]) from None
    return parse(text, file=path.name, folder=path.resolve().parent)


def parse(text: str, *, file: str = "farm.toml", folder: Path | None = None) -> Config:
    """Check a configuration's text. Raises ConfigError with every mistake."""
    folder = folder or Path()
    try:
        told = tomllib.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise ConfigError([Problem(file=file, key="", reason=f"is no TOML: {error}")]) from None
    told = without_empty(told)
    schema, problems = _read(told, file)
    if schema is None:
        raise ConfigError(problems)
    keys = {problem.key for problem in problems}
    problems += [
        Problem(file=file, key=key, reason=reason)
        for key, reason in config_rules.contradictions(schema)
        if key not in keys
    ]
    inventory = take_inventory(schema, folder, file)
    problems += inventory.problems
    problems += map_mistakes(schema, folder, file)
    if problems:
        raise ConfigError(problems)
    return Config(file=file, folder=folder, schema=schema, miners=tuple(inventory.entries))


def _read(told: dict[str, Any], file: str) -> tuple[Schema | None, list[Problem]]:
    """Return the schema and its mistakes; with mistakes, of what is left without them, so that others are found too."""
    try:
        return _ADAPTER.validate_python(told), []
    except ValidationError as error:
        problems = [*_problems(error, file)]
        places = [problem["loc"] for problem in error.errors(include_url=False, include_input=False)]
    remove(told, places)
    try:
        return _ADAPTER.validate_python(told), problems
    except ValidationError:
        return None, problems


def _problems(error: ValidationError, file: str) -> Iterator[Problem]:
    for problem in error.errors(include_url=False, include_input=False):
        key = ".".join(str(part) for part in problem["loc"] if part != "[key]")
        yield Problem(file=file, key=key, reason=_reason(problem))


def _reason(problem: Mapping[str, Any]) -> str:
    if problem["type"] == "unexpected_keyword_argument":
        return unknown(str(problem["loc"][-1]))
    words = _IN_WORDS.get(problem["type"])
    return words(problem.get("ctx", {})) if words else str(problem["msg"]).removeprefix("Value error, ")
