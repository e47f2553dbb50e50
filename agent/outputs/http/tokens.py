"""Where tokens come from: this host's own in the state directory, and a file of the owner's."""

from __future__ import annotations

import os
import secrets
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from agent.outputs.http.access import Role, Token

LOCAL = "local"
"""The name that the token of this host's own shell goes by."""


def make_local_token(state_dir: Path) -> str:
    """Write a new operator token to `state_dir`/token, for its owner's eyes alone, and return it. Raises OSError."""
    text = secrets.token_urlsafe(32)
    made, kept = state_dir / f"token.{secrets.token_hex(4)}", state_dir / "token"
    descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"{text}\n")
    made.replace(kept)
    return text


def local_token(text: str) -> Token:
    """Return the operator token of this host's own shell."""
    return Token.of(text, name=LOCAL, role=Role.OPERATOR)


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    name: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    role: Literal["viewer", "operator", "orderer"]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    token: Annotated[list[_Row], Field(min_length=1)]


def parse_tokens(text: str) -> tuple[Token, ...]:
    """Return the tokens of a TOML file of [[token]] sha256, name, role; raises ValueError that shows no secret."""
    try:
        rows = _File.model_validate(tomllib.loads(text)).token
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"no TOML: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    names, hashes = [LOCAL, *(row.name for row in rows)], [row.sha256 for row in rows]
    for row in rows:
        if names.count(row.name) > 1 or hashes.count(row.sha256) > 1:
            raise ValueError(f"token {row.name}: its name and its sha256 must be its own")
    return tuple(Token(sha256=row.sha256, name=row.name, role=Role(row.role)) for row in rows)
