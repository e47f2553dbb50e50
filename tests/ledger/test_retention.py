"""What has aged goes, and a start is what it would have been: open orders, machines, seals, holds, clock, absence."""

import asyncio
import json
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.control.absence import Away
from agent.control.metering import Metering
from agent.control.recovery import Recovery
from agent.facts import (
    AgentStarted,
    CapChanged,
    HoldLifted,
    HoldPlaced,
    IntendedChanged,
    LastPowers,
    LevelsSeen,
    MinerSeen,
    ModesBefore,
    OrderMoved,
    OrderReceived,
    OrderRefused,
    SealBroken,
    SealLifted,
    SealPlaced,
    SealQuiet,
    SetpointsChanged,
)
from agent.facts.clock import ClockStepped, ClockTrusted
from agent.facts.energy import Absence, MeterInterval
from agent.facts.identity import (
    BoardExchanged,
    Found,
    MarkDoubled,
    MinerMoved,
    MinerReplaced,
    MinersAdopted,
    MinersDisowned,
    MinersProposed,
    MinersSwapped,
    ProposalsGone,
)
from agent.facts.orders import IssuerHeard, OrderHouseLowered
from agent.fleet.fleet import Fleet, FleetPolicy
from agent.fleet.holds import Holds
from agent.fleet.miner import FeederTree, Miner
from agent.fleet.power import HouseLoad
from agent.fleet.proposals import Proposals
from agent.fleet.seals import Seals
from agent.inputs.order_document import parse_known
from agent.ledger.ledger import Ledger
from agent.ledger.store import Store
from agent.orders.order_book import BookPolicy, OrderBook
from agent.orders.trust import TrustPolicy
from agent.proof import chain
from agent.values import Moment

NOW = datetime(2032, 1, 1, tzinfo=UTC)
UNTIL = NOW - timedelta(days=2190)
URL = "sqlite:///hashwatt.db"
MINERS = ("m1", "m2", "m3")


class Story:
    """A history of facts in time; what befalls orders follows their life."""

    def __init__(self):
        self.facts, self.at, self.open, self.seq, self.revision = [], UNTIL - timedelta(days=40), {}, {}, {}

    def add(self, fact, /, **told):
        self.facts.append(fact(at=self.at, **told))

    def moved(self, order, event, state):
        self.seq[order] = self.seq.get(order, 0) + 1
        told = {"order_id": order, "revision": self.revision[order], "seq": self.seq[order]}
        self.add(OrderMoved, **told, event=event, state=state, cap_w=1.0, binding_order=order)

    def order(self, order, what):
        match what, self.open.get(order):
            case "begin", None:
                self._received(order, "issued")
                self.moved(order, "receive", "received")
                self.moved(order, "start", "active")
                self.open[order] = True
            case "end", True:
                self.moved(order, "end", "ended")
                self.moved(order, "close", "closed")
                del self.open[order]
            case "cancel", True:
                self._received(order, "cancelled")
                self.moved(order, "cancel", "cancelled")
                self.moved(order, "close", "closed")
                del self.open[order]
            case "refuse", _:
                known = order in self.revision
                self.seq[order] = self.seq.get(order, 0) + known
                told = {
                    "code": "lower_revision",
                    "reason": "x",
                    "transport": "mqtt",
                    "issuer": "energo",
                    "known": known,
                }
                seq = self.seq[order] if known else None
                self.add(OrderRefused, order_id=order, revision=1, seq=seq, **told)
            case "house", True:
                self.add(OrderHouseLowered, order_id=order, house_w=float(len(self.facts)))
            case _:
                self.add(LevelsSeen, levels={"sleep": ["m1"]})

    def _received(self, order, status):
        self.revision[order] = self.revision.get(order, 0) + 1
        told = {"order_id": order, "revision": self.revision[order], "issuer": "energo"}
        document = {**told, "class": "law", "status": status, "limit": {"stop": True}}
        if status == "cancelled":
            del document["limit"]
        self.add(OrderReceived, **told, order_class="law", transport="mqtt", document=json.dumps(document), house_w=5.0)

    def machine(self, what, miners, number):
        orders = sorted(self.open)
        match what:
            case "setpoint":
                binding = orders[0] if orders else None
                self.add(SetpointsChanged, levels={f"limit:{number + 1}": miners}, cause="shed", binding_order=binding)
            case "intended":
                self.add(IntendedChanged, level=f"limit:{number + 1}", miners=miners, by="x")
            case "hold":
                self.add(HoldPlaced, miners=miners, kind="bench", by=str(number % 3))
            case "unhold":
                self.add(HoldLifted, miners=miners, by="x")
            case "seen":
                self.add(MinerSeen, miner=miners[0], host="127.0.0.1", firmware=str(number))
            case "moved":
                place = f"127.0.0.{number}"
                self.add(MinerMoved, miner=miners[0], place=place, was="x", stated="127.0.0.1", by="mac")
            case "swapped":
                places = {miner: f"127.0.1.{number + at}" for at, miner in enumerate(miners)}
                stated = dict.fromkeys(miners, "127.0.0.1")
                self.add(MinersSwapped, miners=miners, places=places, stated=stated, by="mac", orders=orders)
            case "board":
                self.add(BoardExchanged, miner=miners[0], mac=str(number), was_mac=None)
            case "replaced":
                self.add(MinerReplaced, miner=miners[0], by="x", mac=str(number), serial=str(number))
            case "proposed":
                self.add(MinersProposed, miners=miners, found=[Found(miner=one, host=str(number)) for one in miners])
            case "gone":
                self.add(ProposalsGone, miners=miners)
            case "adopted":
                found = [Found(miner=one, host=str(number)) for one in miners]
                self.add(MinersAdopted, miners=miners, found=found, by="x", feeder=str(number))
            case "disowned":
                self.add(MinersDisowned, miners=miners, by="x")
            case "doubled":
                self.add(MarkDoubled, miners=miners, kind="mac", mark=str(number))
            case "mode":
                self.add(ModesBefore, modes=dict.fromkeys(miners, str(number)))
            case "seal":
                self.add(SealPlaced, miners=miners, number=str(number), act="a", by="x", orders=orders)
            case "unseal":
                self.add(SealLifted, miners=miners, numbers=["1"], by="x", second="y", orders=orders)
            case "broke":
                self.add(SealBroken, powers_w=dict.fromkeys(miners, 5.0), numbers=["1"], feeders_w={"f": 1.0})
            case "quiet":
                self.add(SealQuiet, miners=miners, feeders=["f"])

    def site(self, what, number):
        match what:
            case "cap":
                self.add(CapChanged, cap_w=float(number), binding_order=None)
            case "powers":
                self.add(LastPowers, powers_w={"m1": float(number)}, house_w=float(number))
            case "step":
                self.add(ClockStepped, step_s=9.0, orders=sorted(self.open))
            case "trust":
                self.add(ClockTrusted)
            case "start":
                self.add(AgentStarted, version="1", mode="enforce", away_since=self.at - timedelta(hours=1))
            case "absence":
                self.add(Absence, since=self.at - timedelta(hours=1), until=self.at)
            case "meter":
                self.add(MeterInterval, meter="main", start=self.at, end=self.at, mean_w=1.0, samples=1)


miners = st.lists(st.sampled_from(MINERS), min_size=1, max_size=3, unique=True)
MACHINE = (
    "setpoint", "intended", "hold", "unhold", "seen", "moved", "swapped", "board", "replaced", "doubled", "proposed",
    "gone", "adopted", "disowned", "mode", "seal", "unseal", "broke", "quiet",
)  # fmt: skip
SITE = ("cap", "powers", "step", "trust", "start", "absence", "meter")
ORDER = ("begin", "end", "cancel", "refuse", "house")
events = st.one_of(
    st.tuples(st.just("order"), st.sampled_from("ab"), st.sampled_from(ORDER)),
    st.tuples(st.just("machine"), st.sampled_from(MACHINE), miners, st.integers(0, 5)),
    st.tuples(st.just("site"), st.sampled_from(SITE), st.integers(0, 5)),
)


def told(steps):
    story = Story()
    for days, (which, *event) in steps:
        story.at += timedelta(days=days, seconds=1)
        getattr(story, which)(*event)
    return story.facts


def recovered(facts):
    """Return what a start would make of these facts."""
    fleet = Fleet([Miner(id=miner, host="127.0.0.1") for miner in MINERS], FeederTree.of(()), FleetPolicy())
    book = OrderBook(BookPolicy(trust=TrustPolicy(site="s", issuers={})), parse_known)
    holds, seals, house = Holds(), Seals(), HouseLoad()
    recovery, away = (
        Recovery(fleet, book, holds, seals, house),
        Away(Metering(fleet, house, None, memory_s=1.0, now=Moment.trusted(NOW, 0.0)), book),
    )
    recovery.replay(facts)
    proposals = Proposals()
    for fact in facts:
        away.replayed(fact)
        proposals.take(fact)
    lives = {life.order.order_id: life for life in book._lives}
    ids = sorted(lives)
    return {
        "open": {order: lives[order] for order in book.open_ids()},
        "remembered": [(order, lives[order].seq, lives[order].order.document, lives[order].state) for order in ids],
        "cap": book.cap(Moment.trusted(NOW, 0.0)),
        "setpoints": recovery._setpoints,
        "intended": recovery._intended,
        "powers": (recovery._powers, recovery._house_w),
        "identities": recovery.remembered,
        "proposals": ({name: one for name, (one, _) in proposals.open.items()}, proposals.adopted, proposals.disowned),
        "modes": fleet.modes_before,
        "holds": holds.by_miner(),
        "seals": (seals.by_miner(), seals.broken, seals.broken_feeders),
        "doubted": recovery.clock_doubted,
        "away": (away._since, away._cap_w),
    }


async def forgotten(facts, folder):
    """Return what is left of facts, their store, what went, and what a second turn would drop."""
    ledger = Ledger(Store(URL, folder))
    await ledger.append(facts)
    before = list(ledger.replay())
    open_ids = [*recovered(before)["open"]]
    drop = await ledger.aged(UNTIL, open_ids)
    await ledger.forget(drop)
    again = await ledger.aged(UNTIL, open_ids)
    left = list(ledger.replay())
    await ledger.close()
    return before, left, drop, again


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), events), min_size=10, max_size=60))
def test_a_start_finds_the_same_whatever_was_dropped(steps):
    with tempfile.TemporaryDirectory() as folder:
        before, left, drop, again = asyncio.run(forgotten(told(steps), Path(folder)))
        assert recovered(left) == recovered(before)
        assert len(left) == len(before) - drop.facts
        assert again.facts == 0
        assert not again.chains
        assert [fact for fact in before if fact.at >= UNTIL] == [fact for fact in left if fact.at >= UNTIL]
        store = Store(URL, Path(folder), read_only=True)
        for order in "ab":
            lines = store.links(order)
            assert chain.first_broken(order, lines) is None
            assert not (lines and order in drop.heads)
        store.close()


async def test_a_closed_order_goes_as_a_whole_but_for_its_last_words_and_leaves_its_head(tmp_path):
    story = Story()
    for what in ("begin", "house", "refuse", "end"):
        story.order("a", what)
    story.order("b", "begin")
    store = Store(URL, tmp_path)
    ledger = Ledger(store)
    await ledger.append(story.facts)
    head = chain.hash_of(store.links("a")[-1])
    kept = store.links("b")
    drop = await ledger.aged(UNTIL, ["b"])
    assert drop.heads == {"a": head}
    await ledger.forget(drop)
    assert store.links("a") == []
    assert store.links("b") == kept
    left = [type(fact).__name__ for fact in ledger.replay() if fact.order_id == "a"]
    assert left == ["OrderReceived", "OrderMoved"]
    await ledger.close()


async def test_an_order_that_goes_on_meanwhile_is_left_alone(tmp_path):
    story = Story()
    story.order("a", "begin")
    story.order("a", "end")
    ledger = Ledger(Store(URL, tmp_path))
    await ledger.append(story.facts)
    drop = await ledger.aged(UNTIL, [])
    story.at = NOW
    story.order("a", "begin")
    await ledger.append(story.facts[5:])
    await ledger.forget(drop)
    assert list(ledger.replay()) == story.facts
    await ledger.close()


async def test_room_of_what_went_is_used_again(tmp_path):
    ledger = Ledger(Store(URL, tmp_path))
    facts = [
        MeterInterval(at=UNTIL - timedelta(days=1), meter="main", start=NOW, end=NOW, mean_w=1.0, samples=1)
    ] * 5000
    await ledger.append(facts)
    await ledger.forget(await ledger.aged(UNTIL, []))
    assert list(ledger.replay()) == []
    await ledger.append(facts)
    await ledger.close()
    once = (tmp_path / "hashwatt.db").stat().st_size
    assert once < 1.2 * 5000 * 200


async def test_whom_the_agent_ever_heard_is_not_forgotten(tmp_path):
    old = datetime(2019, 1, 1, tzinfo=UTC)
    ledger = Ledger(Store(URL, tmp_path))
    await ledger.append([IssuerHeard(at=old, issuer="grid"), IssuerHeard(at=old, issuer="grid")])
    await ledger.forget(await ledger.aged(UNTIL, []))
    assert [fact.issuer for fact in ledger.replay() if isinstance(fact, IssuerHeard)] == ["grid"]
    await ledger.close()
