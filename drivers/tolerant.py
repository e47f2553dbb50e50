"""JSON as miners write it: strict when it is, repaired when the defect is a known one, else Garbled.

The strict way is the hot one and decodes straight into the caller's type. A reply that was cut is never completed.
"""

from __future__ import annotations

import json
import re
from typing import Any, TypeVar

import msgspec

from drivers.errors import Garbled

T = TypeVar("T")

_BLANKED = bytes.maketrans(bytes(range(32)), b" " * 32)
_PIECE = re.compile(
    r'(?P<text>"(?:[^"\\]|\\.)*(?:"|\\?\Z))'  # one that is cut reaches to the end, so that none is looked for twice
    r"|(?P<touching>\}\s*(?=\{))"  # S9 and clones: [{header}{figures}]
    r"|(?P<leading>(?<=[\[{])\s*,)"
    r"|(?P<trailing>,\s*(?=[}\]]))"
    r"|(?P<unset>-?\b(?:nan|inf|infinity)\b)",
    re.IGNORECASE,
)
_ESCAPE = re.compile(
    r"\\(?:(?P<known>[\"\\/bfnrt]|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u(?![dD][89a-fA-F])[0-9a-fA-F]{4})"
    r"|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)"
)
_DECODER = json.JSONDecoder(strict=False)


def decode(payload: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """Decode a reply into the decoder's type; raises Garbled for what cannot be read."""
    try:
        return decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _decode_repaired(payload, decoder)
    except RecursionError as error:
        raise Garbled("nested too deep", payload) from error


def _decode_repaired(payload: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    try:
        document = _DECODER.raw_decode(repaired(payload))[0]
    except (ValueError, RecursionError) as error:
        raise Garbled(f"not JSON: {error}", payload) from error
    return convert(document, decoder.type, payload)


def convert(document: object, kind: type[T], payload: bytes) -> T:
    """Convert a document to a type, texts of numbers included; raises Garbled, which keeps `payload`."""
    try:
        return msgspec.convert(document, type=kind, strict=False)
    except (msgspec.ValidationError, RecursionError, UnicodeEncodeError) as error:  # half a character, "\\ud800"
        raise Garbled(f"not of the wire's form: {error}", payload) from error


def repaired(payload: bytes) -> str:
    """Return the text with the known defects mended; strings keep their words."""
    text = payload.translate(_BLANKED).decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    return _PIECE.sub(_mended, text)


def _mended(piece: re.Match[str]) -> str:
    match piece.lastgroup:
        case "text":
            return _ESCAPE.sub(_escape, piece[0])
        case "touching":
            return "},"
        case "unset":
            return "null"
        case _:
            return ""


def _escape(escape: re.Match[str]) -> str:
    """Keep an escape that JSON knows; half of a character is the mark of one that cannot be read."""
    if escape["known"]:
        return escape[0]
    return "\\ufffd" if escape["half"] else escape[0][1:]


def plain_decoder() -> msgspec.json.Decoder[Any]:
    """Return a decoder of any document."""
    return msgspec.json.Decoder(Any)
