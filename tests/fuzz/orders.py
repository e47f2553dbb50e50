"""Order documents that come wrong: malformed, forged, replayed, out of order, among some that are right.

What cannot be authentic must be refused or passed over, and counted; acks and evidence are bounded by the second and in
size; each order's acks count 1, 2, 3. Every batch is a book of its own, replayed from its facts at the end.
"""

import json
import random
from collections import Counter
from dataclasses import dataclass, field, replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.facts import OrderMoved, OrderReceived, OrderRefused
from agent.inputs.order_document import parse_known, parse_order
from agent.orders.acks import ack_of_move, ack_of_refusal
from agent.orders.order_book import MOST_KEPT, BookPolicy, OrderBook
from agent.orders.refusal_rate import EACH_S
from agent.orders.trust import Issuer, TrustPolicy
from agent.proof.jws import sealed
from agent.proof.signature import SigningKey
from agent.values import Moment
from tests.fuzz.mutations import damaged
from tests.orders.site import ASLEEP, RUNNING, T0, at, document

KEY, STRANGER = (SigningKey(Ed25519PrivateKey.from_private_bytes(bytes([one]) * 32)) for one in (1, 2))
CLASSES = {"energo": ("law",), "grid": ("grid_emergency", "contract", "market")}
SIGNERS = {name: Issuer(name=name, classes=told, keys={"k1": KEY.public}) for name, told in CLASSES.items()}
BROKER = Issuer(name="broker", classes=("contract",), transports=("http",), unsigned=True)
POLICY = BookPolicy(
    trust=TrustPolicy(
        site="here",
        issuers={**SIGNERS, "broker": BROKER},
    )
)
IDS = tuple(f"order-{number}" for number in range(24))
BATCH = 2000
CONNECTED = [replace(one, connection_w=2e6) for one in (RUNNING, ASLEEP, replace(ASLEEP, restore_pending=True))]
MOST_ACK_BYTES, MOST_REASON = 2048, 600
TOPICS = (*((None,) * 16), "order-1", "x" * 70, "/", "\ud800")
NOISE = (b"", b"null", b"[]", b"\xff\xfe", b"{", b".", b"..", b'{"order_id":"order-1"}', b"a.b.c")
FIRST_MONO = 100.0


class Wrong(AssertionError):
    """A document that did more than it may."""


@dataclass(slots=True)
class Heard:
    """What came of it so far."""

    documents: int = 0
    moved: int = 0
    refused: Counter = field(default_factory=Counter)
    acks: int = 0
    evidence: int = 0
    wrong: list = field(default_factory=list)


class Dispatchers:
    """Draws documents: `right()` from somebody who may, `wrong()` from nobody who may, `either()`."""

    def __init__(self, chance):
        self.chance = chance
        self.sent = []
        self.now_s = 0.0

    def right(self):
        """Return a signed order that its issuer may send."""
        issuer = self.chance.choice(sorted(CLASSES))
        return self._signed(self._told(issuer, self.chance.choice(CLASSES[issuer])))

    def wrong(self):
        """Return what nobody who may has sent now."""
        return self.chance.choice(
            (
                *(self._by_stranger, self._unsigned, self._over_mqtt, self._elsewhere, self._not_his, self._replayed),
                *(self._noise, self._other_kid, self._exchanged, self._deep, self._of_nobody),
            )
        )()

    def either(self):
        """Return what is damaged somewhere: it may still be whole."""
        told = json.dumps(self._told("energo", "law")).encode()
        inside = damaged(told, self.chance)
        return sealed(inside, kid="k1", key=KEY) if self.chance.random() < 0.7 else damaged(self.right(), self.chance)

    def _told(self, issuer="energo", order_class="law", **more):
        draw = self.chance.choice
        offset = self.now_s + draw((-90_000, -60, 0, 1, 60, 90_000))
        limits = (
            {"stop": True},
            {"max_import_kw": draw((0, 300, 1e9))},
            {"reduce_kw": draw((10, 1e6)), "baseline": "before"},
            {"fraction": draw((0, 0.5, 1)), "of": "connection"},
            {"trajectory": [{"at": at(offset + step), "max_import_kw": draw((None, 0, 400))} for step in (0, 60)]},
        )
        return document(
            **{
                "order_id": draw(IDS),
                "revision": draw((1, 1, 2, 3, 5, 2**62)),
                "issuer": issuer,
                "order_class": order_class,
                "status": draw(("issued", "issued", "issued", "cancelled")),
                "site": "here",
                "issued_at": at(self.now_s + draw((0, 0, -90_000, 90_000))),
                "starts_at": draw((None, None, at(offset))),
                "ends_at": draw((None, at(offset + 30), at(offset + 5000))),
                "limit": draw(limits),
                "supersedes": draw((None, None, [draw(IDS)])),
                "resume": draw((None, "auto", "operator")),
                "test": draw((None, None, True)),
                **more,
            }
        )

    @staticmethod
    def _signed(told, key=KEY, kid="k1"):
        return sealed(json.dumps(told).encode(), kid=kid, key=key)

    def _by_stranger(self):
        return self._signed(self._told(), key=STRANGER)

    def _other_kid(self):
        return self._signed(self._told(), kid=self.chance.choice(("k2", "", "k1 ", "\ud800", "k" * 500)))

    def _unsigned(self):
        return json.dumps(self._told()).encode()

    def _over_mqtt(self):
        return json.dumps(self._told("broker", "contract")).encode()

    def _elsewhere(self):
        return self._signed(self._told(site=self.chance.choice(("there", "HERE", "here ", ""))))

    def _not_his(self):
        return self._signed(self._told("energo", self.chance.choice(("market", "operator", "grid_emergency"))))

    def _of_nobody(self):
        return self._signed(self._told(f"nobody-{self.chance.randrange(10**6)}", order_id=f"x{self.chance.random()}"))

    def _replayed(self):
        return self.chance.choice(self.sent) if self.sent else b""

    def _exchanged(self):
        """Return one document's words under another's signature."""
        if len(self.sent) < 2:
            return b"a.b.c"
        one, other = self.chance.sample(self.sent, 2)
        parts, others = one.split(b"."), other.split(b".")
        return b".".join((parts[0], parts[1], others[2])) if parts[1] != others[1] else b"a.b.c"

    def _noise(self):
        return self.chance.choice(NOISE)

    def _deep(self):
        told = json.dumps({**self._told(), "ext": {"x": self.chance.choice((0, "x" * 100_000))}}).encode()
        return told.replace(b'"x": 0', b'"x": ' + b"[" * 3000 + b"]" * 3000)


class Broker:
    """Hands documents to one book, and holds it to what it may say."""

    def __init__(self, heard, seed, number):
        self.heard, self.name = heard, f"{seed}:{number}"
        self.chance = random.Random(self.name)
        self.dispatchers = Dispatchers(self.chance)
        self.book = OrderBook(POLICY, parse_known)
        self.now = Moment.trusted(T0, FIRST_MONO)
        self.facts, self.seqs, self.told_at = [], {}, {}
        self.refused = self.counted = self.ticked_s = 0
        self.lines_since = 0

    def run(self, documents=BATCH):
        """Send so many. Raises Wrong."""
        for _ in range(documents):
            self._pass(self.chance.choice((0.0, 0.0, 0.001, 0.01, 0.3)))
            drawn = self.chance.random()
            if drawn < 0.04:
                self._send(self.dispatchers.right(), may=True)
            elif drawn < 0.2:
                self._send(self.dispatchers.either(), may=True)
            else:
                self._send(self.dispatchers.wrong(), may=False)
        self._pass(2 * EACH_S)
        self._pass(2 * EACH_S)
        if self.counted != self.refused:
            raise Wrong(f"{self.refused} documents were refused, {self.counted} counted")
        self._replay()

    def _pass(self, seconds):
        self.now = self.now.later(seconds)
        self.dispatchers.now_s = self.now.mono - FIRST_MONO
        if self.now.mono - self.ticked_s >= 1.0:
            self.ticked_s = self.now.mono
            self._take(self.book.tick(self.now, self.chance.choice(CONNECTED)))

    def _send(self, raw, *, may):
        topic_id = self.chance.choice(TOPICS)
        parsed = parse_order(raw, topic_id=topic_id)
        text = raw.decode("utf-8", "replace")
        before = self.book.cap(self.now)
        views = self.book.open_ids()
        facts = self.book.receive(text, parsed, transport="mqtt", now=self.now, observed=CONNECTED[0])
        self.heard.documents += 1
        if any(isinstance(fact, OrderReceived) for fact in facts):
            self.dispatchers.sent.append(raw)
        else:
            known = not facts and not self._was_refused(parsed)
            self.refused += 0 if known else 1
        self._take(facts)
        if may:
            return
        if any(not isinstance(fact, OrderRefused) for fact in facts):
            raise Wrong(f"{raw[:300]!r} did {[type(fact).__name__ for fact in facts]}")
        if before != self.book.cap(self.now) or views != self.book.open_ids():
            raise Wrong(f"{raw[:300]!r} changed what binds")

    def _was_refused(self, parsed):
        """Whether a document that nothing followed from was refused, its refusal held back: it is no known one."""
        if not hasattr(parsed, "document"):
            return True
        view = self.book.view(parsed.order_id)
        return view is None or view.order.document != parsed.document

    def _take(self, facts):
        for fact in facts:
            self.facts.append(fact)
            self.heard.evidence += 1
            match fact:
                case OrderMoved():
                    self.heard.moved += 1
                    self._ack(ack_of_move(fact))
                    self._in_sequence(fact)
                case OrderRefused():
                    self._refusal(fact)
                case OrderReceived():
                    continue

    def _refusal(self, fact):
        self.counted += fact.count
        self.heard.refused[fact.code] += fact.count
        self._ack(ack_of_refusal(fact))
        if fact.seq is not None:
            self._in_sequence(fact)
        if len(fact.document or "") > MOST_KEPT:
            raise Wrong(f"evidence of {len(fact.document)} characters")
        key = (fact.order_id, fact.issuer, fact.code if fact.order_id is None else None)
        if self.now.mono - self.told_at.get(key, -1e9) < EACH_S:
            raise Wrong(f"{key} was told twice in a second")
        self.told_at[key] = self.now.mono

    def _in_sequence(self, fact):
        due = self.seqs.get(fact.order_id, 0) + 1
        if fact.seq != due:
            raise Wrong(f"{fact.order_id}: ack {fact.seq} where {due} was due")
        self.seqs[fact.order_id] = fact.seq

    def _ack(self, ack):
        self.heard.acks += 1
        told = json.dumps(ack, allow_nan=False, ensure_ascii=False).encode()
        if len(told) > MOST_ACK_BYTES or len(ack["reason"] or "") > MOST_REASON:
            raise Wrong(f"an ack of {len(told)} bytes: {told[:300]!r}")

    def _replay(self):
        """Build the book anew from what was written."""
        again = OrderBook(POLICY, parse_known)
        for fact in self.facts:
            again.apply(fact)
        if again.views() != self.book.views():
            raise Wrong("the replayed book is another")


def send(seed, numbers, heard, most_wrong=20):
    """Send the batches of these numbers; what went wrong stays in `heard`, each with the seed that makes it again."""
    for number in numbers:
        try:
            Broker(heard, seed, number).run()
        except Wrong as wrong:
            heard.wrong.append(f"{seed}:{number} {wrong}")
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
            heard.wrong.append(f"{seed}:{number} {type(error).__name__}: {error}")
        if len(heard.wrong) >= most_wrong:
            return
