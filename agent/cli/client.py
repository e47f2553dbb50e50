"""Speaks with a running agent over its HTTP API. What goes wrong is a Failure with one sentence."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlencode, urlsplit

from agent.cli.failure import NO, UNREACHABLE, USAGE, Failure
from agent.state_dir import state_dir as state_dir_of

TIMEOUT_S = 30.0
PAGE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A reply's status and what it says: parsed JSON, else its text."""

    status: int
    said: Any


class Agent:
    """One agent's API."""

    def __init__(self, url: str, token: str | None) -> None:
        self.url = url.rstrip("/")
        self._token = token
        self._where = url_parts(self.url, ("http", "https"), "http://127.0.0.1:8700")

    def get(self, path: str, query: Mapping[str, object] | None = None) -> Any:
        """Return what a path answers; parameters that are None are left out."""
        told = {key: value for key, value in (query or {}).items() if value is not None}
        return self._must("GET", f"{path}?{urlencode(told)}" if told else path)

    def find(self, path: str) -> Any | None:
        """Return what a path answers, None where there is no such thing."""
        answer = self._ask("GET", path, None)
        return None if answer.status == http.HTTPStatus.NOT_FOUND else self._sound(answer)

    def items(self, path: str, query: Mapping[str, object], most: int | None = None) -> list[dict[str, Any]]:
        """Return the items of a list, every page of it, at most `most`."""
        found: list[dict[str, Any]] = []
        cursor = None
        while True:
            page = PAGE if most is None else min(PAGE, most - len(found))
            told = self.get(path, {**query, "limit": page, "cursor": cursor})
            found += told["items"]
            cursor = told["next"]
            if cursor is None or (most is not None and len(found) >= most):
                return found

    def bytes_of(self, path: str) -> bytes:
        """Return what a path answers as it came."""
        status, payload = self._exchange("GET", path, None)
        if status >= http.HTTPStatus.MULTIPLE_CHOICES:
            self._sound(Answer(status=status, said=_read(payload)))
        return payload

    def post(self, path: str, body: object) -> Any:
        """Send JSON, or bytes as they are, and return what comes back."""
        return self._must("POST", path, body)

    def delete(self, path: str, body: object) -> Any:
        """Take back what `body` names."""
        return self._must("DELETE", path, body)

    def not_ready(self) -> list[str]:
        """Return why the agent is not ready; empty: it is."""
        answer = self._ask("GET", "/readyz", None)
        if answer.status == http.HTTPStatus.OK:
            return []
        said = answer.said.get("not_ready", []) if isinstance(answer.said, dict) else answer.said
        return [str(line) for line in (said.splitlines() if isinstance(said, str) else said)]

    def _must(self, method: str, path: str, body: object = None) -> Any:
        return self._sound(self._ask(method, path, body))

    def _sound(self, answer: Answer) -> Any:
        if answer.status >= http.HTTPStatus.MULTIPLE_CHOICES:
            raise _problem(answer, has_token=self._token is not None)
        if isinstance(answer.said, str) and answer.said:
            raise Failure(UNREACHABLE, f"what answers at {self.url} is no Hashwatt agent")
        return answer.said

    def _ask(self, method: str, path: str, body: object) -> Answer:
        status, payload = self._exchange(method, path, body)
        return Answer(status=status, said=_read(payload))

    def _exchange(self, method: str, path: str, body: object) -> tuple[int, bytes]:
        kind = http.client.HTTPSConnection if self._where.scheme == "https" else http.client.HTTPConnection
        connection = kind(self._where.hostname or "", self._where.port, timeout=TIMEOUT_S)
        raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        try:
            connection.request(method, self._where.path + path, raw, self._headers(raw))
            reply = connection.getresponse()
            return reply.status, reply.read()
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise Failure(UNREACHABLE, f"no agent answers at {self.url}: {reason}") from None
        finally:
            connection.close()

    def _headers(self, raw: bytes | None) -> dict[str, str]:
        headers = {"Accept": "application/json"}
        if raw is not None:
            headers["Content-Type"] = "application/json"
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        return headers


def url_parts(url: str, schemes: tuple[str, str], example: str) -> SplitResult:
    """Take a URL apart. Raises Failure for one that is of no such scheme, or names no host."""
    try:
        parts = urlsplit(url)
        sound = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound:
        raise Failure(USAGE, f"{url} is no URL such as {example}")
    return parts


def _read(payload: bytes) -> Any:
    text = payload.decode("utf-8", "replace")
    try:
        return json.loads(text)
    except ValueError:
        return text


def _problem(answer: Answer, *, has_token: bool) -> Failure:
    """Return the sentence of a problem document; 400 is bad input, everything else the answer no."""
    told = answer.said if isinstance(answer.said, dict) else {}
    reason = http.client.responses.get(answer.status, f"status {answer.status}")
    sentence = str(told.get("detail") or told.get("title") or reason)
    if answer.status == http.HTTPStatus.UNAUTHORIZED and not has_token:
        sentence += "; give --token, or run this as the agent's own user"
    return Failure(USAGE if answer.status == http.HTTPStatus.BAD_REQUEST else NO, sentence)


def reach(
    *, url: str | None, token: str | None, state_dir: Path | None, site: str | None, environ: Mapping[str, str]
) -> Agent:
    """Return the agent at a URL, else the one that left its address in a state directory. Raises Failure.

    A token found in a state directory goes to no other URL unless that directory or its site is named.
    """
    if url is not None and state_dir is None and site is None:
        return Agent(url, token)
    folder = _folder(site, state_dir, environ)
    return Agent(url or _address(folder), token or _token(folder))


def _folder(site: str | None, given: Path | None, environ: Mapping[str, str]) -> Path:
    folder = state_dir_of(site, given, environ)
    if site is not None or given is not None or (folder / "address").exists():
        return folder
    sites = sorted(found.parent for found in folder.glob("*/address"))
    if len(sites) > 1:
        names = ", ".join(found.name for found in sites)
        raise Failure(USAGE, f"this host has several sites, name one with --site: {names}")
    return sites[0] if sites else folder


def _address(folder: Path) -> str:
    try:
        told = (folder / "address").read_text(encoding="ascii").strip()
    except FileNotFoundError:
        raise Failure(UNREACHABLE, f"no agent runs here: {folder} holds no address; start one, or give --url") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no address"
        raise Failure(UNREACHABLE, f"{folder / 'address'} cannot be read: {reason}; give --url and --token") from None
    host, _, port = told.rpartition(":")
    nearest = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]", "": "127.0.0.1"}  # noqa: S104 - where it listens on all
    return f"http://{nearest.get(host, host)}:{port}"


def _token(folder: Path) -> str | None:
    """Return the operator token of this host, None where there is none that we may read: reading may be open."""
    try:
        return (folder / "token").read_text(encoding="ascii").strip() or None
    except (OSError, UnicodeDecodeError):
        return None
