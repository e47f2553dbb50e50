"""A small farm that outputs look at, and a desk that does what it is asked, in memory."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import aiohttp
import numpy as np

from agent.facts import (
    ErrandSent,
    HoldLifted,
    HoldPlaced,
    IntendedChanged,
    OrderMoved,
    OrderRefused,
    SealLifted,
    SealPlaced,
)
from agent.facts.clock import ClockTrusted
from agent.facts.safety import SafetyCleared
from agent.fleet.fleet import Fleet, FleetPolicy
from agent.fleet.holds import Hold, Holds
from agent.fleet.miner import Feeder, FeederTree, Ladder, Miner, Step
from agent.fleet.power import MeterState
from agent.fleet.safety import Safety, SafetyPolicy
from agent.fleet.seals import Objection, Seal, Seals, against_lifting, against_sealing
from agent.inputs.order_document import parse_known, parse_order
from agent.orders.compliance import Observed
from agent.orders.order import Rejection
from agent.orders.order_book import BookPolicy, OrderBook
from agent.orders.trust import Issuer, TrustPolicy
from agent.outputs.http.access import Access, Role, Token, Tokens
from agent.outputs.http.desk import CannotWrite, Chains, WhatIf
from agent.outputs.http.server import HttpServer
from agent.outputs.metrics import Metrics
from agent.outputs.sight import Sight
from agent.planning.decide import Memory, decide
from agent.planning.situation import Demand, Policy, Situation
from agent.planning.tree import Tree
from agent.proof.evidence import Kept
from agent.proof.signature import SigningKey
from agent.trusted_time import Standing
from agent.values import Moment
from drivers.interface import (
    Abilities,
    Board,
    Fan,
    Identity,
    LowAbility,
    Pool,
    Reading,
    SleepAbility,
    State,
)

START = datetime(2027, 1, 15, 12, 0, tzinfo=UTC)
NOW = Moment.trusted(START, 1000.0)
LADDER = Ladder(
    steps=(
        Step(level="full", power_w=3000.0, hashrate_ths=100.0),
        Step(level="low", power_w=2000.0, hashrate_ths=75.0),
        Step(level="sleep", power_w=20.0, hashrate_ths=0.0),
    ),
    most_w=3150.0,
)
IDENTITY = Identity(
    driver="any",
    make="Bitmain",
    model="Antminer S19",
    firmware="stock",
    mac="02:00:00:00:00:01",
    nominal_ths=100.0,
    abilities=Abilities(
        sleep=SleepAbility(standby_w=20.0), low=LowAbility(power_share=0.7, hashrate_share=0.75), reboot=True
    ),
)
HASHING = Reading(
    state=State.HASHING,
    level="full",
    hashrate_ths=98.5,
    power_w=3010.0,
    uptime_s=3600,
    inlet_c=21.5,
    boards=(
        Board(slot=0, hashrate_ths=49.0, chip_temp_c=71.0, board_temp_c=60.5, chips=76),
        Board(slot=1, hashrate_ths=49.5, chip_temp_c=72.0),
    ),
    fans=(Fan(slot=0, rpm=5880), Fan(slot=1, rpm=0)),
    pools=(Pool(url="stratum+tcp://pool.example:3333", user="farm.1", active=True),),
    accepted=120,
    rejected=2,
    hardware_errors=7,
)
ASLEEP = Reading(state=State.SLEEPING, level="sleep", power_w=20.0, hashrate_ths=0.0)
TREE = FeederTree.of((Feeder(id="T1", max_w=9000.0), Feeder(id="q1", parent="T1")))
MINERS = (
    Miner(id="a1", host="127.0.0.1", port=4028, feeder="T1", tags=("owner:acme",)),
    Miner(id="a2", host="127.0.0.2", feeder="q1", tags=("row:3",)),
    Miner(id="b1", host="127.0.0.3"),
    Miner(id="b2", host="127.0.0.4"),
    Miner(id="b3", host="127.0.0.5", tags=("row:3",)),
)


def small_fleet() -> Fleet:
    """One that hashes, one asleep, one that was lost, one that says garbage, one that nobody heard yet."""
    fleet = Fleet(MINERS, TREE, FleetPolicy(meter_lag_s=10.0))
    for row in range(4):
        fleet.identified(row, IDENTITY, LADDER)
    fleet.heard(0, HASHING, 995.0)
    fleet.heard(1, ASLEEP, 996.0)
    fleet.heard(2, HASHING, 990.0)
    fleet.silent(2)
    fleet.silent(2)
    fleet.heard(3, HASHING, 991.0)
    fleet.garbled(3)
    return fleet


def empty_book() -> OrderBook:
    issuers = {
        "energo": Issuer(name="energo", classes=("law", "operator"), transports=("http",), unsigned=True),
        "wire": Issuer(name="wire", classes=("law",), transports=("mqtt",), unsigned=True),
    }
    return OrderBook(BookPolicy(trust=TrustPolicy(site="farm-1", issuers=issuers)), parse_known)


def document(order_id: str = "o1", **changes: object) -> dict[str, object]:
    made = {
        "order_id": order_id,
        "revision": 1,
        "issuer": "energo",
        "class": "law",
        "status": "issued",
        "limit": {"max_import_kw": 9},
    }
    return {key: value for key, value in {**made, **changes}.items() if value is not None}


class MemoryDesk:
    """Does what it is asked and remembers it, without control and without a disk."""

    def __init__(self, fleet: Fleet, book: OrderBook) -> None:
        self.fleet, self.book, self.holds = fleet, book, Holds()
        self.seals = Seals()
        self.safety = Safety([SafetyPolicy(id="smoke-T1", feeder="T1", silence_s=60.0)], NOW.mono)
        self.proposed, self.adopted = {}, []  # ids and what speaks against them; who was adopted, where, by whom
        self.drilled, self.drill_figures, self.against_drills = None, [], None
        self.now = NOW
        self.facts = []
        self.is_full = False
        self.standing = Standing(off_s=0.0)
        self.records = {}

    def _must_write(self) -> None:
        if self.is_full:
            raise CannotWrite("no space is left")

    async def receive(self, raw, *, by):
        facts = self.book.receive(
            raw.decode("utf-8", "replace"), parse_order(raw), transport="http", now=self.now, observed=Observed(), by=by
        )
        self.facts += facts
        told = [fact for fact in facts if isinstance(fact, OrderMoved | OrderRefused)]
        if told:
            return told[-1]
        known = parse_order(raw)
        return None if isinstance(known, Rejection) else self.book.view(known.order_id).last_ack

    async def keep(self, plan):
        self._must_write()
        self.facts.append(plan)

    async def correct(self, fact):
        self._must_write()
        self.facts.append(fact)

    async def release(self, order_id, *, by, second=None):
        self._must_write()
        told = self.book.release(order_id, by=by, now=self.now, observed=Observed(), second=second)
        if isinstance(told, Rejection):
            return told
        self.facts += told
        return told[-1]

    async def answer(self, order_id, *, accept, by):
        self._must_write()
        told = self.book.answer(order_id, accept=accept, by=by, now=self.now, observed=Observed())
        if isinstance(told, Rejection):
            return told
        self.facts += told
        return told[-1]

    async def set_level(self, miners, level, *, by):
        self._must_write()
        for miner in miners:
            self.fleet.intend(self.fleet.index[miner], level)
        self.facts.append(IntendedChanged(at=self.now.at, level=level, miners=list(miners), by=by))

    async def excuses(self, miners, errand):
        known = {miner: self.fleet.identities[self.fleet.index[miner]] for miner in miners}
        return {
            miner: f"cannot {errand}" for miner, found in known.items() if found is None or not found.abilities.reboot
        }

    async def send(self, miners, errand, *, by):
        self.facts.append(ErrandSent(at=self.now.at, miners=list(miners), errand=errand, by=by))
        return miners[1:]

    async def hold(self, miners, *, kind, by, until):
        self._must_write()
        self.holds.place(miners, Hold(kind=kind, by=by, since=self.now.at, until=until))
        self.facts.append(HoldPlaced(at=self.now.at, miners=list(miners), kind=kind, by=by, until=until))

    async def unhold(self, miners, *, by):
        self._must_write()
        self.holds.lift(miners)
        self.facts.append(HoldLifted(at=self.now.at, miners=list(miners), by=by))

    async def seal(self, miners, *, number, act, by):
        self._must_write()
        if objection := against_sealing(self.seals.by_miner(), miners, number=number, act=act):
            return objection
        self.seals.place(miners, Seal(number=number, act=act, by=by, since=self.now.at))
        self.fleet.seal(self.seals.by_miner(), self.seals.broken)
        self.facts.append(SealPlaced(at=self.now.at, miners=list(miners), number=number, act=act, by=by))
        return None

    async def unseal(self, miners, *, by, second):
        self._must_write()
        if objection := against_lifting(self.seals.by_miner(), miners, by, second):
            return objection
        numbers = self.seals.numbers(miners)
        self.seals.lift(miners)
        self.fleet.seal(self.seals.by_miner(), self.seals.broken)
        self.facts.append(SealLifted(at=self.now.at, miners=list(miners), numbers=numbers, by=by, second=second))
        return None

    def proposals(self):
        return [
            {"id": miner, "host": miner, "note": note, "since": self.now.at} for miner, note in self.proposed.items()
        ]

    async def adopt(self, miners, how, *, by):
        for miner in miners:
            if miner not in self.proposed:
                return Objection(field="miners", reason=f"{miner!r} is not proposed")
        if not how.dry_run:
            self._must_write()
            self.adopted.append((list(miners), how.feeder, by))
        return None

    async def disown(self, miners, *, by, dry_run):
        if miners != ["10.0.0.7"]:
            return Objection(field="miners", reason=f"{miners[0]!r} was not adopted")
        self.adopted += [] if dry_run else [("disowned", by)]
        return None

    async def drill_plan(self, feeder, percent):
        if feeder not in self.fleet.tree.positions:
            raise ValueError(f"there is no feeder {feeder!r}")
        group = {"model": "S19", "driver": "cgminer", "miners": ["a1"], "alike": 9, "levels": ["full", "sleep"]}
        plan = {"feeder": feeder, "percent": percent, "meter": "main", "groups": [group], "left_out": {"a2": "is held"}}
        return plan | {"lasts_s": 600, "against": self.against_drills}

    async def begin_drill(self, feeder, percent, *, by):
        if self.against_drills is not None:
            return Objection(field="feeder", reason=self.against_drills)
        group = {**(await self.drill_plan(feeder, percent))["groups"][0], "failure": None}
        told = {"feeder": feeder, "percent": percent, "meter": "main", "by": by, "since": "2027-01-15T12:00:00.000Z"}
        told |= {"state": "going", "reason": None, "group": 0, "level": "sleep", "doing": "settling", "stage": 1}
        self.drilled = told | {"stages": 3, "groups": [group], "measured": []}
        return None

    async def stop_drill(self, *, by):
        if self.drilled is None or self.drilled["state"] != "going":
            return False
        self.drilled |= {"state": "stopped", "reason": f"stopped by {by}", "level": None}
        return True

    def drill(self):
        return {"drill": self.drilled, "figures": self.drill_figures}

    async def clear_safety(self, name, *, by):
        if objection := self.safety.against_clearing(name, self.now.mono):
            return objection
        fact = SafetyCleared(at=self.now.at, input=name, by=by)
        self.safety.apply(fact)
        self.facts.append(fact)
        return None

    def clock(self):
        return self.standing

    async def trust_clock(self, *, by):
        self._must_write()
        doubted, self.standing = self.standing.doubted_since is not None, Standing(off_s=0.0)
        self.facts += [ClockTrusted(at=self.now.at, by=by)] if doubted else []
        return doubted

    def plan(self, max_import_w):
        levels = {miner.id: "sleep" for miner in self.fleet.miners}
        return WhatIf(levels=levels, power_w=max_import_w, hashrate_ths=0.0, shortfall_w=0.0)

    async def events(self, *, after, kinds, limit):
        numbered = [(n, fact) for n, fact in enumerate(self.facts, 1) if n > after]
        return [(n, fact) for n, fact in numbered if not kinds or type(fact).__name__ in kinds][:limit]

    async def find(self, search):
        found = await self.events(after=search.after, kinds=search.kinds, limit=10_000)
        found = [(n, fact) for n, fact in found if search.means(fact) and n < (search.before or 10_000)]
        return (found[::-1] if search.newest_first else found)[: search.limit]

    async def evidence(self, *, after, limit):
        chains = [
            Kept(order_id=order, links=len(lines) - 2, head="ab" * 32, since=START, until=START, covered=True)
            for order, lines in sorted(self.records.items())
            if order > after
        ]
        return Chains(chains=chains[:limit], key=KEY.public.text, site_head=None)

    async def record(self, order_id):
        return self.records.get(order_id, f"there is no evidence of order {order_id}")


KEY = SigningKey.make()


def sight_of(desk: MemoryDesk, **changes: object) -> Sight:
    meter = MeterState(id="main", fresh=True, silent_s=1.0, last_w=12_500.0, mean_w=12_400.0, covered=True)
    cap = desk.book.cap(desk.now)
    demand = Demand(cap_w=cap.cap_w, order=cap.binding_order)
    view = desk.fleet.view(NOW.mono)
    caps = tuple(feeder.max_w or float("inf") for feeder in desk.fleet.tree.feeders)
    tree = Tree(
        parent=tuple(desk.fleet.tree.parents()), cap_w=(20_000.0, *caps[1:]), ramp_w_per_s=(float("inf"),) * len(caps)
    )
    decision = decide(view, tree, demand, Situation(now=NOW.mono), Policy(), Memory())
    sight = Sight(
        site="farm-1",
        mode="enforce",
        fleet=desk.fleet,
        book=desk.book,
        now=lambda: desk.now,
        decision=lambda: decision,
        meter=lambda: meter,
        house_w=lambda: 1500.0,
        holds=desk.holds.by_miner,
        seals=desk.seals,
        safety=desk.safety,
        not_ready=tuple,
    )
    return replace(sight, **changes)


TOKENS = {role: f"the-{role}-of-the-farm" for role in ("viewer", "operator", "orderer")}


@dataclass(kw_only=True)
class Client:
    """Speaks with a server under test."""

    base: str
    session: aiohttp.ClientSession
    desk: MemoryDesk
    metrics: Metrics

    async def ask(self, method, path, *, role="operator", headers=None, raw=None, **body):
        """Return status and what was said; without a role, without a token."""
        told = dict(headers or {})
        if role is not None:
            told["Authorization"] = f"Bearer {TOKENS[role]}"
        data = {"data": raw} if raw is not None else {"json": body} if body else {}
        async with self.session.request(method, self.base + path, headers=told, **data) as answer:
            kind = answer.content_type
            said = await answer.json(content_type=None) if kind.endswith("json") else await answer.text()
            if answer.status >= 400:
                assert kind == "application/problem+json", (answer.status, said)
                assert said["status"] == answer.status
                assert said["title"]
                assert said["detail"]
            return answer.status, said


@contextlib.asynccontextmanager
async def serving(desk: MemoryDesk | None = None, *, public_read: bool = True, watch=None, **changes: object):
    """Serve a small farm on a free port."""
    desk = desk or MemoryDesk(small_fleet(), empty_book())
    metrics = Metrics(site="farm-1", version="1.2.3")
    tokens = tuple(Token.of(text, name=f"{role}-1", role=Role(role)) for role, text in TOKENS.items())
    access = Access(public_read=public_read, tokens=Tokens(tokens=tokens))
    sight = sight_of(desk, **changes)
    server = HttpServer(sight, desk, metrics, access, None if watch is None else watch(sight))
    port = await server.start("127.0.0.1", 0)
    try:
        async with aiohttp.ClientSession() as session:
            yield Client(base=f"http://127.0.0.1:{port}", session=session, desk=desk, metrics=metrics)
    finally:
        await server.stop()


def large_fleet(size: int) -> Fleet:
    """Many machines that all hash, with three boards and four fans."""
    miners = [Miner(id=f"m{row:05d}", host=f"127.0.{row >> 8}.{row & 255}", feeder="T1") for row in range(size)]
    fleet = Fleet(miners, TREE, FleetPolicy())
    reading = replace_boards(HASHING)
    for row in range(size):
        fleet.identified(row, IDENTITY, LADDER)
        fleet.heard(row, reading, 995.0)
    assert np.isfinite(fleet.heard_at).all()
    return fleet


def replace_boards(reading: Reading) -> Reading:
    boards = tuple(Board(slot=at, hashrate_ths=33.0, chip_temp_c=70.0, board_temp_c=60.0) for at in range(3))
    told = {field: getattr(reading, field) for field in reading.__struct_fields__}
    return Reading(**{**told, "boards": boards, "fans": tuple(Fan(slot=at, rpm=5000) for at in range(4))})
