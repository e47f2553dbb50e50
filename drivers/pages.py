"""Pages of JSON without a session: how meters and outlets are asked over HTTP, and what a status means.

A login answers a digest or basic challenge, so that the same page serves devices with and without one.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from drivers.interface import Exchange, Http, HttpReply, Login, Reply
from drivers.web_json import anything, judged

Asking = Generator[Exchange, Reply, HttpReply]
AskingObject = Generator[Exchange, Reply, dict[str, Any]]


def ask(
    method: str,
    path: str,
    login: Login | None,
    body: bytes | None = None,
    content_type: str | None = None,
    headers: tuple[tuple[str, str], ...] = (),
) -> Asking:
    """Ask for a page; raises what its status means: NotPermitted, Unsupported or Refused."""
    reply = yield Http(
        method=method,
        path=path,
        body=body,
        content_type=content_type,
        headers=headers,
        user=None if login is None else login.user,
        password=None if login is None else login.password,
    )
    assert isinstance(reply, HttpReply)
    return judged(reply, path.partition("?")[0])  # a query may hold a password


def get_object(path: str, login: Login | None) -> AskingObject:
    """Get a page that is a JSON object; raises what its status means, and Garbled."""
    return anything((yield from ask("GET", path, login)))
