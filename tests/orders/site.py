"""One site as a dispatcher knows it: documents go in, acknowledgements come out, time and the meter move by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from agent.facts import OrderMoved, OrderReceived, OrderRefused
from agent.inputs.order_document import parse_known, parse_order
from agent.orders.acks import ack_of_move, ack_of_refusal
from agent.orders.compliance import Observed
from agent.orders.order import Rejection
from agent.orders.order_book import BookPolicy, OrderBook
from agent.orders.trust import Issuer, TrustPolicy
from agent.values import Moment

T0 = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ISSUERS = {
    "energo": Issuer(name="energo", classes=("law",), unsigned=True),
    "grid": Issuer(name="grid", classes=("grid_emergency", "contract", "market"), unsigned=True),
    "ops": Issuer(name="ops", classes=("operator",), transports=("http", "shell"), unsigned=True),
    "signer": Issuer(name="signer", classes=("law",)),
}
TRUST = TrustPolicy(site="here", issuers=ISSUERS, max_age_s=86_400)
FULL_W, HOUSE_W, STANDBY_W = 1_000_000.0, 50_000.0, 4_000.0
RUNNING = Observed(
    meter_w=FULL_W,
    meter="main",
    believed_w=FULL_W,
    house_w=HOUSE_W,
    house_sampled=True,
    standby_w=STANDBY_W,
    hashing=300,
    awake_reachable=300,
    smallest_target_w=3_000.0,
)
ASLEEP = replace(RUNNING, meter_w=54_000.0, believed_w=54_000.0, hashing=0, awake_reachable=0)


def at(seconds: float) -> str:
    return (T0 + timedelta(seconds=seconds)).isoformat()


def document(**told: object) -> dict[str, object]:
    """Return a law stop, or what the keywords make of it; `order_class` is its class, None leaves a field out."""
    plain = {
        "order_id": "a",
        "revision": 1,
        "issuer": "energo",
        "class": "law",
        "status": "issued",
        "limit": {"stop": True},
    }
    if "order_class" in told:
        told["class"] = told.pop("order_class")
    return {key: value for key, value in {**plain, **told}.items() if value is not None}


def capped(kw: float, **told: object) -> dict[str, object]:
    """Return a contract's cap."""
    return document(**{"issuer": "grid", "order_class": "contract", "limit": {"max_import_kw": kw}, **told})


class Site:
    def __init__(self, **policy: object) -> None:
        self.policy = BookPolicy(**{"trust": TRUST, **policy})
        self.book = OrderBook(self.policy, parse_known)
        self.now = Moment.trusted(T0, 100.0)
        self.observed = RUNNING
        self.facts = []

    def take(self, facts) -> list[str]:
        """Remember facts; return their acks as `order rN #seq state: reason`."""
        self.facts += facts
        return [said(fact) for fact in facts if isinstance(fact, OrderMoved | OrderRefused)]

    def send(self, told: dict[str, object] | bytes, transport: str = "mqtt", topic_id: str | None = None) -> list[str]:
        raw = told if isinstance(told, bytes) else json.dumps(told).encode()
        parsed = parse_order(raw, topic_id=topic_id)
        text = raw.decode("utf-8", "replace")
        facts = self.book.receive(text, parsed, transport=transport, now=self.now, observed=self.observed)
        return self.take(facts)

    def tick(self, seconds: float = 0.0) -> list[str]:
        self.now = self.now.later(seconds)
        return self.take(self.book.tick(self.now, self.observed))

    def wait(self, seconds: int, step: int = 1) -> list[str]:
        return [told for _ in range(0, seconds, step) for told in self.tick(step)]

    def release(self, order_id: str, by: str = "eve", second: str | None = "ann") -> list[str] | Rejection:
        found = self.book.release(order_id, by=by, now=self.now, observed=self.observed, second=second)
        return found if isinstance(found, Rejection) else self.take(found)

    def acks(self) -> list[dict[str, object]]:
        return [ack(fact) for fact in self.facts if isinstance(fact, OrderMoved | OrderRefused)]

    def last(self) -> dict[str, object]:
        return self.acks()[-1]

    def state(self, order_id: str = "a") -> str | None:
        view = self.book.view(order_id)
        return None if view is None else view.state.value

    def restarted(self) -> Site:
        """Return the site after its agent started anew: only the facts are left."""
        after = Site()
        after.policy = after.book.policy = self.policy
        after.now, after.observed = self.now, self.observed
        for fact in self.facts:
            after.book.apply(fact)
        after.facts = list(self.facts)
        return after

    def received(self) -> list[OrderReceived]:
        return [fact for fact in self.facts if isinstance(fact, OrderReceived)]


def ack(fact: OrderMoved | OrderRefused) -> dict[str, object]:
    return ack_of_move(fact) if isinstance(fact, OrderMoved) else ack_of_refusal(fact)


def said(fact: OrderMoved | OrderRefused) -> str:
    told = ack(fact)
    line = f"{told['order_id']} r{told['revision']} #{told['seq']} {told['state']}"
    return f"{line}: {told['reason']}" if told["reason"] else line


def complied(**told: object) -> Site:
    """Return a site that complies with a law stop, or with what the keywords make of it."""
    site = Site()
    site.send(document(**told))
    site.observed = ASLEEP
    site.wait(16)
    assert site.state() == "complied"
    return site
