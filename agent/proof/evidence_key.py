"""Which key signs evidence: the one that the configuration names, else the one in the state directory."""

from __future__ import annotations

from pathlib import Path

from agent.config import Config, ConfigError, Problem
from agent.ledger.key_file import own_key, read_key
from agent.proof.signature import SigningKey


def signing_key(config: Config, state_dir: Path) -> SigningKey:
    """Return the key of an agent, made where there is none. Raises ConfigError that shows no secret, CannotOpen."""
    named = _named(config)
    return own_key(state_dir) if named is None else named


def known_key(config: Config | None, state_dir: Path) -> SigningKey | None:
    """Return the key that signs for this store, None where we have none. Raises ConfigError, CannotOpen."""
    named = None if config is None else _named(config)
    if named is not None:
        return named
    try:
        return read_key(state_dir)
    except (FileNotFoundError, PermissionError):
        return None


def _named(config: Config) -> SigningKey | None:
    reference = config.schema.evidence.key
    if reference is None:
        return None
    secret = config.secret(reference, "evidence.key")
    try:
        return SigningKey.read(secret.reveal())
    except ValueError as error:
        raise ConfigError((Problem(file=config.file, key="evidence.key", reason=str(error)),)) from None
