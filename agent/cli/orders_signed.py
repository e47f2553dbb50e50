"""`orders keygen`, `orders sign` and `orders verify`: an issuer's key, and what it signs. No agent is asked."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from agent.cli.failure import NO, USAGE, Failure
from agent.orders.order import Rejection
from agent.proof.jws import Jws, is_compact, opened, sealed
from agent.proof.signature import SIZE, PublicKey, SigningKey

_KID = re.compile(r"[A-Za-z0-9._-]{1,64}")
Kid = Annotated[str, typer.Option("--kid", metavar="KID", help="The key's id, as the farm knows it.")]
File = Annotated[Path, typer.Argument(metavar="FILE", help="The document; - reads it.", show_default=False)]


def keygen(
    kid: Annotated[str, typer.Argument(metavar="KID", help="What to call the key.", show_default=False)],
    out: Annotated[Path, typer.Option("-o", metavar="FILE", help="Where the key goes; nothing is overwritten.")],
) -> None:
    """Make a key to sign orders with; prints its public half, for `keys` of the issuer in farm.toml."""
    key = SigningKey.make()
    public = f"{_usable(kid)}:{key.public.text.rpartition(':')[2]}"
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise Failure(USAGE, f"{out} cannot be made: {error.strerror}") from None
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(key.pem)
    print(public)


def sign(
    file: File,
    key: Annotated[Path, typer.Option("--key", metavar="PEM", help="The issuer's key, of orders keygen.")],
    kid: Kid,
    out: Annotated[Path | None, typer.Option("-o", metavar="FILE", help="Left out: printed.")] = None,
) -> None:
    """Sign an order's document, once it is one that an agent could take in."""
    from agent.inputs.order_document import parse_order  # noqa: PLC0415 - no schema library for everybody else

    signed = sealed(_read(file), kid=_usable(kid), key=_signing_key(key))
    found = parse_order(signed)
    if isinstance(found, Rejection):
        raise Failure(USAGE, f"{file}: {found.code}: {found.reason}")
    if out is None:
        print(signed.decode())
        return
    try:
        out.write_bytes(signed + b"\n")
    except OSError as error:
        raise Failure(USAGE, f"{out} cannot be written: {error.strerror}") from None


def seal(raw: bytes, *, key: Path, kid: str | None) -> bytes:
    """Return a document signed, once it is one that an agent could take in. Raises Failure."""
    from agent.inputs.order_document import parse_order  # noqa: PLC0415 - no schema library for everybody else

    if kid is None:
        raise Failure(USAGE, "--key needs --kid: what the key is called in farm.toml")
    signed = sealed(raw, kid=_usable(kid), key=_signing_key(key))
    found = parse_order(signed)
    if isinstance(found, Rejection):
        raise Failure(USAGE, f"{found.code}: {found.reason}")
    return signed


def verify(
    file: File,
    key: Annotated[str, typer.Option("--key", metavar="KID:BASE64", help="The public half, as in farm.toml.")],
) -> None:
    """Say whether a document is signed by a key, and print what it says."""
    kid, _, text = key.rpartition(":")
    try:
        public = PublicKey.read(text)
    except ValueError as error:
        raise Failure(USAGE, f"--key: must be KID:BASE64, of {SIZE} bytes: {error}") from None
    document = _signed(file)
    if kid not in {"", document.kid}:
        raise Failure(NO, f"{file}: is signed by {document.kid!a}, not by {kid}")
    if not document.is_by(public):
        raise Failure(NO, f"{file}: the signature is not of this key, or the document was changed")
    print(document.payload.decode("utf-8", "replace"))


def _signed(file: Path) -> Jws:
    raw = _read(file)
    if not is_compact(raw):
        raise Failure(NO, f"{file}: is not signed")
    try:
        return opened(raw)
    except ValueError as error:
        raise Failure(NO, f"{file}: {error}") from None


def _usable(kid: str) -> str:
    if _KID.fullmatch(kid) is None:
        raise Failure(USAGE, "a key's id is of letters, digits, dots, dashes and underscores, 64 at most")
    return kid


def _signing_key(path: Path) -> SigningKey:
    try:
        return SigningKey.read(path.read_text(encoding="ascii"))
    except OSError as error:
        raise Failure(USAGE, f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise Failure(USAGE, f"{path}: {error}") from None


def _read(file: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise Failure(USAGE, f"{file} cannot be read: {error.strerror}") from None
