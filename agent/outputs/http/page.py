"""The page: a few files that the agent serves itself. Nothing on it comes from anywhere else."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from importlib.resources import files

from aiohttp import web

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
KINDS = {
    "/": ("page.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
    "/page_base.js": ("page_base.js", "text/javascript"),
    "/page_orders.js": ("page_orders.js", "text/javascript"),
}

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def page() -> dict[str, Answer]:
    """Return what answers at each of the page's paths."""
    return {path: _file(name, kind) for path, (name, kind) in KINDS.items()}


def _file(name: str, kind: str) -> Answer:
    body = files(__package__).joinpath(name).read_bytes()
    etag = hashlib.sha256(body).hexdigest()[:32]

    async def answer(request: web.Request) -> web.Response:
        headers = {**HEADERS, "ETag": f'"{etag}"'}
        known = request.if_none_match or ()
        if any(tag.value in {etag, "*"} for tag in known):
            return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
        return web.Response(body=body, content_type=kind, charset="utf-8", headers=headers)

    answer.__doc__ = f"Show the page's own {name}."
    return answer
