"""HTTP/1.1 as small as simulated machines need it: bytes to a request, a response to bytes, digest authentication.

One request a connection, its length known, no chunks. It knows no socket: whoever reads the bytes asks after each
segment whether the request is whole.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote

MAX_HEAD = 16_384
MAX_BODY = 262_144
HEAD_END = b"\r\n\r\n"
_REQUEST_LINE = re.compile(r"([A-Z]{1,16}) (\S{1,4096}) HTTP/1\.[01]")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PARAMETER = re.compile(r'(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))')


class BadRequest(ValueError):
    """What came is no request that is served here; the message is one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A whole request; `target` as it stood in the first line, header names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        """The target without its query."""
        return unquote(self.target.partition("?")[0])

    @property
    def query(self) -> dict[str, str]:
        """The query's fields; of a repeated one the last."""
        return dict(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))

    def json(self) -> Any:
        """Return the body as a document. Raises BadRequest."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise BadRequest("the body is no JSON") from error


def parse_request(received: bytes) -> Request | None:
    """Return the request that the bytes begin with, None while it is incomplete. Raises BadRequest."""
    head, ended, rest = received.partition(HEAD_END)
    if len(head) > MAX_HEAD:
        raise BadRequest("the head is too long")
    if not ended:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    line = _REQUEST_LINE.fullmatch(first)
    if line is None:
        raise BadRequest("the first line is no request line")
    headers = _headers(lines)
    length = _body_length(headers)
    if len(rest) < length:
        return None
    return Request(method=line[1], target=line[2], headers=headers, body=rest[:length])


def _headers(lines: list[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not _TOKEN.fullmatch(name):
            raise BadRequest("a header line has no name")
        key, value = name.lower(), value.strip()
        if key == "content-length" and headers.get(key, value) != value:
            raise BadRequest("two lengths of one body")
        headers[key] = value
    return headers


def _body_length(headers: Mapping[str, str]) -> int:
    if "transfer-encoding" in headers:
        raise BadRequest("a body must come with its length")
    told = headers.get("content-length", "0")
    if not (told.isascii() and told.isdigit()):
        raise BadRequest("the body's length is no number")
    if len(told) > len(str(MAX_BODY)) or int(told) > MAX_BODY:
        raise BadRequest("the body is too long")
    return int(told)


def response(
    status: int, body: bytes | str = b"", content_type: str = "text/plain", headers: Mapping[str, str] | None = None
) -> bytes:
    """Return a whole response, after which the connection closes."""
    data = body.encode() if isinstance(body, str) else body
    lines = [
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        f"Content-Type: {content_type}",
        f"Content-Length: {len(data)}",
        "Connection: close",
        *(f"{name}: {value}" for name, value in (headers or {}).items()),
    ]
    return "\r\n".join(lines).encode("latin-1") + HEAD_END + data


def json_response(document: Any, status: int = 200) -> bytes:
    """Return a response whose body is a document."""
    return response(status, json.dumps(document, separators=(",", ":")), "application/json")


class Digest:
    """Digest authentication with qop "auth"; a nonce of its own stays good, and may be used again."""

    def __init__(self, realm: str, users: Mapping[str, str], algorithm: str = "MD5") -> None:
        self._realm = realm
        self._users = users
        self._algorithm = algorithm
        self._secret = secrets.token_bytes(16)

    def admits(self, request: Request) -> bool:
        """Say whether the request carries a proof of one of the passwords."""
        told = _credentials(request)
        password = self._users.get(told.get("username", ""))
        right = (
            password is not None
            and told.get("realm") == self._realm
            and told.get("uri") == request.target
            and told.get("qop") == "auth"
            and told.get("algorithm", "MD5").upper() == self._algorithm
            and re.fullmatch(r"[0-9a-fA-F]{8}", told.get("nc", "")) is not None
            and self._issued(told.get("nonce", ""))
        )
        if not right:
            return False
        one = self._hash(f"{told['username']}:{self._realm}:{password}")
        two = self._hash(f"{request.method}:{told['uri']}")
        due = self._hash(":".join((one, told["nonce"], told["nc"], told.get("cnonce", ""), "auth", two)))
        return hmac.compare_digest(due.encode(), told.get("response", "").lower().encode())

    def refusal(self, request: Request) -> bytes:
        """Return the 401 with a fresh nonce; "stale" where the client's nonce was none of ours."""
        nonce = secrets.token_hex(8)
        told = _credentials(request)
        stale = ", stale=true" if "nonce" in told and not self._issued(told["nonce"]) else ""
        named = "" if self._algorithm == "MD5" else f", algorithm={self._algorithm}"
        challenge = f'Digest realm="{self._realm}", nonce="{nonce}{self._seal(nonce)}", qop="auth"{named}{stale}'
        body = "<html><body><h1>401 - Unauthorized</h1></body></html>"
        return response(HTTPStatus.UNAUTHORIZED, body, "text/html", {"WWW-Authenticate": challenge})

    def _hash(self, text: str) -> str:
        name = self._algorithm.lower().replace("-", "")
        return hashlib.new(name, text.encode(), usedforsecurity=False).hexdigest()

    def _seal(self, nonce: str) -> str:
        return hmac.new(self._secret, nonce.encode(), "sha256").hexdigest()[:16]

    def _issued(self, nonce: str) -> bool:
        return hmac.compare_digest(self._seal(nonce[:16]).encode(), nonce[16:].encode())


def _credentials(request: Request) -> dict[str, str]:
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "digest":
        return {}
    return {
        match[1].lower(): re.sub(r"\\(.)", r"\1", match[2]) if match[2] is not None else match[3]
        for match in _PARAMETER.finditer(rest)
    }
