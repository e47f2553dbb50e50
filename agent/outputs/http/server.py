"""The HTTP server: each request is let in by its route's need, then answered; what is refused is a problem document."""

from __future__ import annotations

from http import HTTPStatus
from importlib.metadata import version

from aiohttp import web

from agent.outputs.http.access import Access, Caller, Forbidden, Need, Token, Tokens, Unknown
from agent.outputs.http.bill import Bills
from agent.outputs.http.changes import TOKEN, Changes
from agent.outputs.http.clock import ClockRoutes
from agent.outputs.http.corrections import CorrectionRoutes
from agent.outputs.http.day import DayRoutes
from agent.outputs.http.desk import Desk
from agent.outputs.http.drill import DrillRoutes
from agent.outputs.http.evidence import EvidenceRoutes
from agent.outputs.http.ledger import LedgerRoutes
from agent.outputs.http.problems import Problem, as_problems
from agent.outputs.http.proposals import ProposalRoutes
from agent.outputs.http.reads import Reads, as_json
from agent.outputs.http.routes import V1, Answer, Route, described, routes
from agent.outputs.http.safety import SafetyRoutes
from agent.outputs.http.seals import SealRoutes
from agent.outputs.http.watch import Watch
from agent.outputs.metrics import Metrics
from agent.outputs.sight import Sight

MOST_BODY = 800 * 1024
LAST_ANSWERS_S = 1.0
PROXIED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")

__all__ = ["Access", "HttpServer", "Token", "Tokens"]


class HttpServer:
    """Serves one site. `start` once, `stop` once."""

    def __init__(self, sight: Sight, desk: Desk, metrics: Metrics, access: Access, watch: Watch | None = None) -> None:
        watch = watch or Watch.nothing(sight)
        reads, seals = Reads(sight, desk, metrics), SealRoutes(sight, desk)
        brought = (*LedgerRoutes(desk).table(), *EvidenceRoutes(desk).table(), *ClockRoutes(sight, desk).table())
        brought += (*ProposalRoutes(desk).table(), *SafetyRoutes(sight, desk).table(), *DrillRoutes(desk).table())
        brought += (*DayRoutes(sight, desk).table(), *CorrectionRoutes(sight, desk).table())
        table = (*routes(reads, Changes(sight, desk), Bills(sight, desk), watch, seals), *brought)
        app = web.Application(middlewares=[as_problems], client_max_size=MOST_BODY)
        for route in (*table, _description(table)):
            path = route.path.replace("{id}", "{id:[^/]+}")  # else no id with a brace in it would be found
            for method in (route.method, "HEAD") if _has_head(route) else (route.method,):
                app.router.add_route(method, path, _guarded(route, access))
        app.on_shutdown.append(lambda _app: watch.stream.close())
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=LAST_ANSWERS_S)

    async def start(self, host: str, port: int) -> int:
        """Listen, and return the port that was bound. Raises OSError where it is taken, or no address of this host."""
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host, port).start()
        except OSError as error:
            raise OSError(error.errno, f"http.bind: {host}: {error.strerror}") from None
        bound: int = self._runner.addresses[0][1]
        return bound

    async def stop(self) -> None:
        """Stop listening; what is being answered has a second left."""
        await self._runner.cleanup()


def _has_head(route: Route) -> bool:
    """Whether its headers alone may be asked for: of all that is read, but for the stream, which has no end."""
    return route.method == "GET" and route.path != f"{V1}/stream"


def _description(table: tuple[Route, ...]) -> Route:
    async def answer(_request: web.Request) -> web.Response:
        """Describe this API."""
        return as_json(described((*table, own), version("hashwatt")))

    own = Route(method="GET", path=f"{V1}/openapi.json", need=Need.NOTHING, answer=answer)
    return own


def _guarded(route: Route, access: Access) -> Answer:
    """Let in who may, before anything is read of what he sends."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            token = access.admit(route.need, caller_of(request))
        except Unknown as error:
            raise Problem(HTTPStatus.UNAUTHORIZED, str(error), headers={"WWW-Authenticate": "Bearer"}) from None
        except Forbidden as error:
            raise Problem(HTTPStatus.FORBIDDEN, str(error)) from None
        if token is not None:
            request[TOKEN] = token
        return await route.answer(request)

    return answer


def caller_of(request: web.Request) -> Caller:
    """Return what a request shows of who asks."""
    peer = request.transport.get_extra_info("peername") if request.transport is not None else None
    origin = request.headers.get("Origin")
    elsewhere = origin is not None and origin != f"{request.scheme}://{request.host}"
    return Caller(
        peer=peer[0] if peer else None,
        host=request.host,
        foreign=elsewhere or any(name in request.headers for name in PROXIED),
        authorization=request.headers.get("Authorization"),
    )
