"""Tasmota's commands over HTTP: `/cm?cmnd=…`, the login in the query (Tasmota's own documentation: Commands)."""

from __future__ import annotations

from urllib.parse import quote

from drivers.errors import NotPermitted, Unsupported
from drivers.interface import Login
from drivers.pages import AskingObject, get_object


def command(told: str, login: Login | None) -> AskingObject:
    """Say a command and return its answer. Raises NotPermitted where the login is not taken, Unsupported."""
    who = "" if login is None else f"user={quote(login.user, safe='')}&password={quote(login.password, safe='')}&"
    answer = yield from get_object(f"/cm?{who}cmnd={quote(told, safe='')}", None)
    if "WARNING" in answer:
        raise NotPermitted(f"{told}: its login is not taken")
    if answer.get("Command") in {"Unknown", "Error"}:
        raise Unsupported(f"{told}: the command is not known to it")
    return answer
