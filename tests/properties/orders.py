"""What may befall a book of orders, as drawn steps, and the invariants that must hold through all of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

from hypothesis import strategies as st
from msgspec import structs

from agent.facts import OrderMoved, OrderReceived, OrderRefused
from agent.orders.lifecycle import OrderState
from agent.orders.order import Order
from agent.values import Moment
from tests.orders.site import ASLEEP, FULL_W, RUNNING, T0, Site, at, capped, document

STOPPED = document(order_id="law", revision=3)


@dataclass(frozen=True)
class Step:
    """One thing that befalls: `kind` says what, `told` is a document or bytes, `by` an amount."""

    kind: str  # send | vanish | release | pass | jump | meter | restart
    told: dict[str, object] | bytes = field(default_factory=dict)
    by: float = 0.0
    transport: str = "mqtt"


METERS = [
    RUNNING,
    ASLEEP,
    replace(RUNNING, meter_w=400_000.0, restore_pending=True),
    replace(ASLEEP, house_w=30_000.0, meter_w=40_000.0),
    replace(ASLEEP, meter_w=None, meter="beliefs", unproved=("m1",), unproved_w=3_000.0),
    replace(RUNNING, house_w=90_000.0, meter_w=None, meter="beliefs"),
    replace(ASLEEP, hashing=2, awake_reachable=2, restore_pending=True),
]


def befall(site: Site, step: Step) -> Site:
    """Let a step befall the site; returns the site, a new one after a restart."""
    match step.kind:
        case "send":
            site.send(step.told, transport=step.transport, topic_id=None if isinstance(step.told, dict) else "law")
        case "vanish":
            site.take(site.book.vanish("law", site.now))
        case "release":
            site.release("law")
        case "pass":
            site.tick(step.by)
        case "jump":
            jump = timedelta(seconds=step.by)
            site.now = replace(site.now, at=site.now.at + jump, earliest=site.now.at + jump, latest=site.now.at + jump)
            if step.by < 0:  # nobody has confirmed it yet: there are two clocks
                site.now = replace(site.now, latest=site.now.at - jump)
            site.tick(0)
        case "meter":
            site.observed = METERS[int(step.by) % len(METERS)]
            site.tick(1)
        case "restart":
            site = site.restarted()
            site.now = Moment.trusted(max(site.now.at, T0), site.now.mono)
    return site


def run(steps: list[Step], check: Callable[[Site, Step], None], site: Site | None = None) -> Site:
    site = Site() if site is None else site
    for step in steps:
        before = len(site.facts)
        site = befall(site, step)
        site.fresh = site.facts[before:]
        check(site, step)
    return site


LIMITS = [
    {"stop": True},
    *({"max_import_kw": kw} for kw in (0, 300, 600)),
    {"reduce_kw": 300},
    {"fraction": 0.5, "of": "connection"},
    {"trajectory": [{"at": at(60), "max_import_kw": 200}, {"at": at(4000), "max_import_kw": None}]},
    {"trajectory": [{"at": at(0), "max_import_kw": 900}, {"at": at(600), "max_import_kw": 0}], "interpolate": "linear"},
]
OFFSETS = st.sampled_from([None, -90_000, -60, 0, 60, 600, 90_000])


@st.composite
def documents(draw, ids=("law", "a", "b"), **fixed):
    kind = draw(st.sampled_from(["energo", "grid", "grid", "ops", "signer", "nobody"]))
    classes = {"energo": ["law", "market"], "grid": ["grid_emergency", "contract"], "ops": ["operator"]}
    told = {
        "order_id": draw(st.sampled_from(ids)),
        "issuer": kind,
        "order_class": draw(st.sampled_from(classes.get(kind, ["law"]))),
        "revision": draw(st.integers(1, 6)),
        "status": draw(st.sampled_from(["issued", "issued", "cancelled"])),
        "limit": draw(st.sampled_from(LIMITS)),
        "mandatory": draw(st.sampled_from([None, None, None, False])),
        "test": draw(st.sampled_from([None, None, None, True])),
        "supersedes": draw(st.sampled_from([None, None, None, ["a"], ["b", "law"]])),
        "resume": draw(st.sampled_from([None, "auto", "operator", "issuer"])),
        "comply_by_s": draw(st.sampled_from([0, 300, 10**12])),
        "site": draw(st.sampled_from([None, None, "here", "there"])),
        "randomize_s": draw(st.sampled_from([None, None, 5])),
        **{
            name: None if offset is None else at(offset)
            for name, offset in ((name, draw(OFFSETS)) for name in ("starts_at", "ends_at", "issued_at"))
        },
    }
    return document(**{**told, **fixed})


def sends(drawn) -> st.SearchStrategy[Step]:
    return st.builds(Step, st.just("send"), drawn, st.just(0.0), st.sampled_from(["mqtt", "mqtt", "http", "shell"]))


GARBAGE = st.sampled_from([b"", b"{", b"null", b"a.b.c", b"\xff", b'{"order_id":"law","order_id":"law"}'])
TIME = st.one_of(
    st.builds(Step, st.just("pass"), by=st.sampled_from([0.5, 1.0, 16.0, 301.0, 4000.0, 100_000.0, 3e7])),
    st.builds(Step, st.just("jump"), by=st.sampled_from([-3e7, -4000.0, 4000.0, 3e7])),
    st.builds(Step, st.just("meter"), by=st.integers(0, len(METERS) - 1)),
)
REST = st.one_of(TIME, st.sampled_from([Step("vanish"), Step("release"), Step("restart")]), sends(GARBAGE))


def steps(drawn=None) -> st.SearchStrategy[list[Step]]:
    return st.lists(st.one_of(sends(documents() if drawn is None else drawn), REST), max_size=14)


@st.composite
def powerless(draw):
    """Return a document that may not touch the law stop of revision 3: foreign, forged, lower, stale, or another's."""
    kind = draw(st.sampled_from(["foreign", "lower", "stale", "conflict", "elsewhere", "other"]))
    told = draw(documents(ids=("a", "b") if kind == "other" else ("law",)))
    if told["issuer"] == "energo":
        told.pop("supersedes", None)  # its own issuer's word is no powerless one
    match kind:
        case "foreign":
            told["issuer"] = draw(st.sampled_from(["grid", "signer", "nobody"]))
            told["revision"] = 9
        case "lower":
            told |= {"issuer": "energo", "revision": draw(st.integers(1, 2))}
        case "conflict":
            told |= {"issuer": "energo", "revision": 3}
        case "stale":
            told |= {"issuer": "energo", "class": "law", "revision": 9, "status": "cancelled"}
            told["issued_at"] = "1999-01-01T00:00:00Z"
        case "elsewhere":
            told |= {"issuer": "energo", "revision": 9, "site": "there"}
        case _:
            pass
    return told


def law_holds(befallen: list[Step], stop: dict[str, object] | None = None) -> None:
    """Invariant 3: whatever befalls, but for its issuer's own fresh word, a law stop binds and its cap never rises."""
    site = Site()
    site.send(STOPPED if stop is None else stop)
    most_w = site.book.view("law").last_ack.cap_w

    def check(site: Site, _step: Step) -> None:
        cap = site.book.cap(site.now)
        assert cap.stop
        assert cap.law
        assert cap.cap_w <= most_w
        assert site.state("law") in {"active", "complied", "violated"}

    run(befallen, check, site)


def replay_agrees(befallen: list[Step]) -> None:
    """Invariant 4: the facts alone give the same book, and each order's acks count 1, 2, 3 without a gap."""

    def check(site: Site, _step: Step) -> None:
        again = site.restarted().book
        assert again.views() == site.book.views()
        assert again.cap(site.now) == site.book.cap(site.now)
        assert again.next_change(site.now) == site.book.next_change(site.now)
        assert again.is_open() == site.book.is_open()
        assert again.restore_kw_per_min() == site.book.restore_kw_per_min()

    site = run(befallen, check)
    seqs: dict[str, list[int]] = {}
    for fact in site.facts:
        if isinstance(fact, OrderMoved | OrderRefused) and fact.seq is not None:
            seqs.setdefault(fact.order_id, []).append(fact.seq)
    assert all(told == list(range(1, len(told) + 1)) for told in seqs.values())
    reborn = site.restarted()
    for order_id, told in seqs.items():
        reborn.now = reborn.now.later(2)
        reborn.send(document(order_id=order_id, revision=99, issuer="nobody"))
        assert reborn.last()["seq"] == len(told) + 1


def shortfall_is_stated(befallen: list[Step]) -> None:
    """Invariant 8: every step in force says what is lacking; nothing is complied with that lacks anything."""

    def check(site: Site, _step: Step) -> None:
        for told in (ack for ack in site.acks()[-8:] if ack["state"] in {"active", "violated"}):
            if told["cap_w"] is None:
                assert told["shortfall_w"] is None
                continue
            assert told["shortfall_w"] >= max(0.0, told["observed_w"] - told["cap_w"]) - 0.11
        for fact in site.fresh:
            if isinstance(fact, OrderMoved) and fact.event == "comply" and fact.cap_w is not None:
                assert fact.observed_w <= fact.cap_w + 0.1
                assert fact.shortfall_w == 0.0

    run(befallen, check)


def refused_changes_nothing(befallen: list[Step]) -> None:
    """Invariant 11: what is not followed leaves one fact at most; the book stays what it was."""
    site = Site()
    for step in befallen:
        before = site.book.views(), site.book.cap(site.now), site.book.next_change(site.now)
        known = len(site.facts)
        site = befall(site, step)
        fresh = site.facts[known:]
        if step.kind in {"send", "vanish"} and not any(isinstance(fact, OrderMoved) for fact in fresh):
            assert (site.book.views(), site.book.cap(site.now), site.book.next_change(site.now)) == before
            assert len(fresh) <= 1


def only_the_entitled_are_followed(befallen: list[Step]) -> None:
    """Invariant 11: nobody moves an order but a configured issuer, for this site, of its class, by its transport."""
    entitled = {
        ("energo", "law"): {"mqtt"},
        ("grid", "grid_emergency"): {"mqtt"},
        ("grid", "contract"): {"mqtt"},
        ("ops", "operator"): {"http", "shell"},
    }
    owners: dict[str, str] = {}

    def check(site: Site, _step: Step) -> None:
        for fact in site.received():
            assert fact.transport in entitled.get((fact.issuer, fact.order_class), set())
            assert owners.setdefault(fact.order_id, fact.issuer) == fact.issuer
            assert '"there"' not in fact.document
        for view in site.book.views():
            assert view.order.revision == max(f.revision for f in site.received() if f.order_id == view.order.order_id)

    run(befallen, check)


def tightening_is_followed(befallen: list[Step], issued_at: str | None) -> None:
    """Invariant 11: however old it says it is, and whatever our clock says, what tightens is followed."""
    site = Site()
    site.send(capped(500, order_id="grid-1"))
    site = run(befallen, lambda _site, _step: None, site)
    told = site.send(capped(100, order_id="grid-1", revision=99, issued_at=issued_at))
    assert " active" in told[-1]
    assert site.book.cap(site.now).cap_w <= 100_000


def stays_known(befallen: list[Step]) -> None:
    """Whatever befalls, nothing raises and each order is in a state of the contract, as is what it acks."""

    def check(site: Site, _step: Step) -> None:
        for view in site.book.views():
            assert view.state is not OrderState.ACCEPTED
            assert view.state is not OrderState.RECEIVED or not view.order.mandatory
            assert view.state is not OrderState.SUPERSEDED or _is_named(site, view.order)
            assert view.last_ack.state == view.state
            assert view.last_ack.revision == view.order.revision

    run(befallen, check)


def _is_named(site: Site, order: Order) -> bool:
    """Whether another order said that it takes the place of this one."""
    return any(order.order_id in json.loads(fact.document).get("supersedes", ()) for fact in site.received())


WHOLE = st.sampled_from([0, 1, 10**6, 10**11, 10**14, 2**63 - 1])
KW = st.sampled_from([0, 5e-324, 1e-300, 500.0, 1e300])
CALENDAR = st.sampled_from(
    ["0001-01-01T00:00:00Z", "0001-01-02T00:00:00+14:00", at(-60), at(5), "9999-12-31T23:59:59.999999Z"]
)
BASES = st.one_of(st.sampled_from(["before", "connection", "peak_12m"]), st.builds(lambda kw: {"kw": kw}, KW))
SLOPES = st.builds(
    lambda times, kws, way: {
        "trajectory": [
            {"at": told, "max_import_kw": kw} for told, kw in zip(sorted(times), kws * len(times), strict=False)
        ],
        "interpolate": way,
    },
    st.sets(CALENDAR.filter(lambda told: "+14" not in told), min_size=1),
    st.lists(st.none() | KW, min_size=1, max_size=3),
    st.sampled_from(["step", "linear"]),
)


@st.composite
def extremes(draw) -> dict[str, object]:
    """Return a document whose numbers and instants lie at the ends of what they may be."""
    told = {
        "limit": draw(
            st.one_of(
                st.just({"stop": True}),
                st.builds(lambda kw: {"max_import_kw": kw}, KW),
                st.builds(lambda kw, base: {"reduce_kw": kw, "baseline": base}, KW, BASES),
                st.builds(lambda share, base: {"fraction": share, "of": base}, st.sampled_from([5e-324, 1]), BASES),
                SLOPES,
            )
        ),
        "measure": draw(
            st.fixed_dictionaries(
                {"over_s": st.sampled_from([1, 900, 2_678_400, 10**11, 2**63 - 1]), "aligned": st.booleans()},
                optional={"tolerance_pct": st.sampled_from([0, 5e-324, 1e308])},
            )
        ),
        **draw(st.fixed_dictionaries({}, optional=dict.fromkeys(("starts_at", "ends_at", "issued_at"), CALENDAR))),
        **draw(st.fixed_dictionaries({}, optional=dict.fromkeys(("comply_by_s", "randomize_s", "priority"), WHOLE))),
        **draw(st.fixed_dictionaries({}, optional=dict.fromkeys(("ramp_kw_per_min", "restore_kw_per_min"), KW))),
        "resume": draw(st.sampled_from(["auto", "issuer"])),
        "order_class": draw(st.sampled_from(["contract", "grid_emergency"])),
    }
    return document(issuer="grid", **told)


def extremes_are_survived(told: dict[str, object], *, known: bool) -> None:
    """Whatever a document says at the ends of numbers and calendar: time passes on, and so it does after a restart.

    `known`: it was taken in before such was refused, and is only remembered.
    """
    site = Site()
    site.observed = replace(RUNNING, connection_w=2 * FULL_W, means=lambda _long_s, _short_s: FULL_W)
    site.send(told)
    if known and not site.received():
        measure = told["measure"]
        site.send({**told, "measure": {**measure, "over_s": 900}})
        site.facts = [
            structs.replace(fact, document=json.dumps(told)) if isinstance(fact, OrderReceived) else fact
            for fact in site.facts
        ]
        site = site.restarted()
    for _ in range(2):
        for seconds in (0, 10, 400):
            site.tick(seconds)
            way = {"shed_kw_per_min": 100.0, "most_w": FULL_W}
            assert json.dumps([site.book.coming(site.now, **way).cap_w, site.acks()], allow_nan=False)
            site.book.next_change(site.now)
        site.observed = replace(site.observed, meter_w=54_000.0, restore_pending=True)
        site = site.restarted()
    site.send(document(revision=2, issuer="grid", order_class="contract", status="cancelled"))
    site.tick(10)
