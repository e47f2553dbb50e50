"""An HTTP server in a thread that speaks the API's contract for three machines, and notes what it is asked."""

import json
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qsl, urlsplit

TOKEN = "let-me-in"


def miner(name, state, level):
    who = {"id": name, "host": "10.0.0.1", "port": 4028, "model": "S19j Pro [bold]"}
    return {
        "miner": who, "state": state, "reason": None, "hashrate_ths": 104.2, "power_w": 3050.0, "power_source": "miner",
        "boards": [{"slot": 0, "chip_temp_c": 71.5}], "level": level, "intended": "full",
    }  # fmt: skip


def order(order_id, state, **document):
    told = {"order_id": order_id, "revision": 2, "issuer": "energo", "class": "law", "status": "issued", **document}
    return {
        "document": told, "issuer": "energo", "class": "law", "state": state, "revision": 2,
        "last_ack": {"order_id": order_id, "revision": 2, "seq": 4, "state": state, "reason": None},
    }  # fmt: skip


SITE = {
    "site": "kg-1", "at": "2027-01-15T12:00:00.000Z", "mode": "observe", "power_w": 812_000.0, "power_source": "meter",
    "house_w": 20_000.0, "cap_w": 500_000.0, "binding_order": "stop-1", "excess_w": 312_000.0, "shortfall_w": 1500.0,
    "reserve_w": 0.0, "headroom_w": None, "hashrate_ths": 26_000.0, "miners": {"hashing": 2, "sleeping": 1},
    "seals": {"miners": 3, "numbers": ["17"], "broken_feeders": ["T1"],
              "broken": [{"miner": "m-3", "number": "17", "power_w": 3050.0}]},
}  # fmt: skip


@dataclass
class Asked:
    method: str
    path: str
    query: dict
    body: object
    token: str | None


@dataclass
class Farm:
    """What it knows, what it was asked, and the problem that it answers changes with, if any."""

    miners: list = field(default_factory=lambda: [
        miner("m-1", "hashing", "full"), miner("m-2", "hashing", "full"), miner("m-3", "sleeping", "sleep"),
    ])  # fmt: skip
    orders: list = field(default_factory=lambda: [order("stop-1", "complied", limit={"stop": True})])
    not_ready: list = field(default_factory=list)
    seals: list = field(default_factory=list)
    proposals: list = field(default_factory=list)
    shortfall_w: float = 0.0
    page: int = 2
    problem: tuple | None = None  # status, detail
    ack_state: str = "active"
    asked: list = field(default_factory=list)
    url: str = ""

    def changes(self):
        return [a for a in self.asked if a.method != "GET" and not (a.body or {}).get("dry_run") and a.path != "/plan"]

    def answer(self, asked):
        """Return status and body."""
        if asked.method != "GET" and asked.path != "/api/v1/plan":
            if asked.token != TOKEN:
                return 401, {"type": "about:blank", "title": "Unauthorized", "status": 401}
            if self.problem is not None:
                return self.problem[0], {"title": "No", "detail": self.problem[1], "status": self.problem[0]}
        return self._routes(asked)

    def _routes(self, asked):
        match asked.method, asked.path:
            case "GET", "/readyz":
                return (503, {"status": 503, "not_ready": self.not_ready}) if self.not_ready else (200, {"ready": True})
            case "GET", "/api/v1/site":
                return 200, SITE
            case "GET", "/api/v1/miners":
                states = asked.query.get("state")
                return self._list([m for m in self.miners if states in (None, m["state"])], asked.query)
            case "GET", "/api/v1/orders":
                return self._list(self.orders, asked.query)
            case "GET", path if path.startswith("/api/v1/orders/"):
                found = [o for o in self.orders if path.endswith("/" + o["document"]["order_id"])]
                return (200, found[-1]) if found else (404, {"title": "Not Found", "status": 404})
            case "POST", "/api/v1/miners/levels":
                ids, level = self._named(asked.body), asked.body["level"]
                return 200, {"miners": ids, "level": level, "instead": {"sleep": ids[:1]} if level == "limit:9" else {}}
            case "POST", "/api/v1/miners/errands":
                left_out = {"m-3": "is held"}
                told = [miner for miner in self._named(asked.body) if miner not in left_out]
                return 200, {"miners": told, "left_out": left_out, "errand": asked.body["errand"]}
            case "POST" | "DELETE", "/api/v1/holds":
                return 200, {"miners": self._named(asked.body)}
            case "GET", "/api/v1/seals":
                return self._list(self.seals, asked.query)
            case "POST", "/api/v1/seals":
                return 200, {"hashing": ["m-1"], **asked.body, "miners": self._named(asked.body)}
            case "DELETE", "/api/v1/seals":
                return 200, {**asked.body, "miners": ["m-1", "m-2"], "numbers": ["17"]}
            case "GET", "/api/v1/proposals":
                return self._list(self.proposals, asked.query)
            case "POST", "/api/v1/proposals/adopt":
                return 200, {**asked.body, "miners": asked.body["miners"] or [one["id"] for one in self.proposals]}
            case "GET", "/api/v1/capability":
                shed_kw = {"60": 1.0, "300": 2.5, "600": 2.5}
                told = {"floor_kw": 0.6, "floor_with_breakers_kw": 0.5, "shed_kw": shed_kw, "restore_kw_per_min": 500.0}
                return 200, {**told, "held_kw": 0.0, "house_kw": 0.5, "at": "2026-03-01T12:00:00.000Z"}
            case "POST", "/api/v1/proposals/disown":
                return 200, asked.body
            case "GET", "/api/v1/plan":
                levels = {"full": {"intended": 3, "setpoint": 1, "seen": 2}}
                coming = {"at": "2026-03-01T14:00:00Z", "order_id": "cap", "what": "ends", "demand": "at most 3 kW"}
                told = {"power_w": 3100.0, "cap_w": 3000.0, "binding_order": "cap", "shortfall_w": 100.0}
                return 200, {**told, "levels": levels, "next": [coming]}
            case "POST", "/api/v1/plan":
                levels = {"m-1": "sleep", "m-2": "full", "m-3": "sleep"}
                told = {"levels": levels, "power_w": 3100.0, "hashrate_ths": 104.0, "shortfall_w": self.shortfall_w}
                return 200, told
            case "POST", "/api/v1/orders":
                document = asked.body
                return 202, self._ack(document["order_id"], document["revision"])
            case "POST", path if path.endswith("/release"):
                return 200, self._ack(path.split("/")[-2], 2)
        return 404, {"title": "Not Found", "detail": f"there is no {asked.path}", "status": 404}

    def _named(self, body):
        return [m["miner"]["id"] for m in self.miners if fnmatchcase(m["miner"]["id"], body["select"])]

    def _ack(self, order_id, revision):
        return {"order_id": order_id, "revision": revision, "seq": 1, "state": self.ack_state, "reason": "test"}

    def _list(self, found, query):
        start, most = int(query.get("cursor", 0)), min(self.page, int(query.get("limit", 100)))
        end = start + most
        return 200, {"items": found[start:end], "next": str(end) if end < len(found) else None}


class _Speaks(BaseHTTPRequestHandler):
    def _any(self):
        where = urlsplit(self.path)
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        token = self.headers.get("Authorization", "").removeprefix("Bearer ") or None
        asked = Asked(self.command, where.path, dict(parse_qsl(where.query)), json.loads(raw) if raw else None, token)
        self.server.farm.asked.append(asked)
        status, told = self.server.farm.answer(asked)
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json" if status < 400 else "application/problem+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_DELETE = _any  # noqa: N815 - http.server's names

    def log_message(self, *_of):
        return


class _Server(ThreadingHTTPServer):
    daemon_threads = False


def serving(farm, handler=_Speaks):
    """Yield the farm at a free port of this host."""
    server = _Server(("127.0.0.1", 0), handler)
    server.farm = farm
    farm.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield farm
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
