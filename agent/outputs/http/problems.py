"""What goes wrong over HTTP, as RFC 9457 problem documents; every error leaves through here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import web

from agent.outputs.http.desk import CannotWrite

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
TYPE = "application/problem+json"


class Problem(Exception):
    """A request that is not answered: its status, one sentence, and what else is worth telling."""

    def __init__(
        self, status: HTTPStatus, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.more = more
        self.headers = headers


def bad_field(field: str, reason: str) -> Problem:
    """Return the problem of one parameter or member that is not as it must be."""
    return Problem(HTTPStatus.BAD_REQUEST, f"{field}: {reason}", errors=[{"field": field, "reason": reason}])


def response(problem: Problem) -> web.Response:
    """Return a problem as it is sent; what it tells beside its status stands in the same object."""
    status = HTTPStatus(problem.status)
    body = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": problem.detail}
    return web.Response(
        status=status.value,
        body=msgspec.json.encode({**body, **problem.more}),
        content_type=TYPE,
        headers=problem.headers,
    )


@web.middleware
async def as_problems(request: web.Request, handler: Answer) -> web.StreamResponse:
    """Answer, and turn whatever is refused into a problem document."""
    try:
        return await handler(request)
    except Problem as problem:
        return response(problem)
    except CannotWrite as error:
        return response(Problem(HTTPStatus.SERVICE_UNAVAILABLE, f"nothing was changed: {error}", code="cannot_write"))
    except web.HTTPException as error:
        return response(_of(request, error))


def _of(request: web.Request, error: web.HTTPException) -> Problem:
    headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
    match error.status:
        case HTTPStatus.NOT_FOUND:
            detail = f"there is no {request.path}"
        case HTTPStatus.METHOD_NOT_ALLOWED:
            detail = f"{request.path} does not take {request.method}"
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            detail = f"a body may have at most {request.client_max_size} bytes"
        case _:
            detail = error.reason
    return Problem(HTTPStatus(error.status), detail, headers=headers)
