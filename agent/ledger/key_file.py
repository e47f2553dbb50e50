"""The key that signs evidence, where the configuration names none: a file in the state directory, made once."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from agent.ledger.store import CannotOpen
from agent.proof.signature import SigningKey

NAME = "evidence.key"


def own_key(state_dir: Path) -> SigningKey:
    """Return the key of this state directory, made for its owner's eyes alone where there is none. Raises CannotOpen.

    One that is there and cannot be read is never made anew: what it signed would lose its proof.
    """
    try:
        return read_key(state_dir)
    except FileNotFoundError:
        pass
    except PermissionError:
        raise CannotOpen(f"{state_dir / NAME}: belongs to somebody else") from None
    key, made = SigningKey.make(), state_dir / f"{NAME}.{secrets.token_hex(4)}"
    descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(key.pem)
        file.flush()
        os.fsync(file.fileno())
    made.replace(state_dir / NAME)
    return key


def read_key(state_dir: Path) -> SigningKey:
    """Return the key of this state directory. Raises FileNotFoundError, PermissionError, CannotOpen."""
    path = state_dir / NAME
    try:
        return SigningKey.read(path.read_text(encoding="ascii"))
    except (FileNotFoundError, PermissionError):
        raise
    except OSError as error:
        raise CannotOpen(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise CannotOpen(f"{path}: {error}") from None
