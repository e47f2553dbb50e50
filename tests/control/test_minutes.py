"""The minutes of an order's life, rebuilt from its links alone, are what was truly seen: over kills and absences."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.control.minutes import GOOD_FOR_S, KEPT_EACH_S, Look, MinuteBook
from agent.facts import OrderMoved
from agent.facts.energy import Absence, MinutesSoFar
from agent.outputs.minutes import facts_of, rebuild
from agent.search import orders_of
from agent.values import Moment
from tests.control.site import Machines, Site

START = datetime(2026, 11, 12, 5, 55, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@dataclass
class Piece:
    """What was seen from one instant to the next, as it truly was."""

    at: datetime
    until: datetime
    look: Look


class World:
    """A control room that looks; what it writes; and the truth beside it."""

    def __init__(self):
        self.at, self.mono, self.look = START, 100.0, Look(draw_w=9000.0, meter="main", cap_w=None, hashing=3, unread=0)
        self.facts, self.snapshot, self.truth = [], None, []
        self.orders, self.lost, self.spans = set(), [], {}
        self.begin()

    def begin(self):
        self.book = MinuteBook(enforce=True)
        for fact in [*self.facts, *([] if self.snapshot is None else [self.snapshot])]:
            self.book.replayed(fact)
        self.looked = None

    @property
    def now(self):
        return Moment.trusted(self.at, self.mono)

    def write(self, facts):
        for fact in facts:
            if isinstance(fact, MinutesSoFar):
                self.snapshot = fact
            else:
                self.facts.append(fact)
                self.snapshot = None if self.snapshot and type(fact).__name__ == "Minutes" else self.snapshot

    def tick(self, seconds):
        """Let time pass under what was seen last, and look again."""
        self.pass_(seconds)
        if self.looked is not None:
            good = min(seconds, GOOD_FOR_S + 1)  # no longer than it holds, and the slack of the clocks
            self.truth.append(
                Piece(self.looked[0], self.looked[0] + timedelta(seconds=min(good, GOOD_FOR_S)), self.looked[1])
            )
        self.looked = self.at, self.look
        self.write(self.book.seen(self.look, self.orders, self.now))

    def pass_(self, seconds):
        self.at, self.mono = self.at + timedelta(seconds=seconds), self.mono + seconds

    def sees(self, draw_w, cap_w, meter):
        self.look = Look(draw_w=draw_w, meter=meter, cap_w=cap_w, hashing=int(draw_w) // 3000, unread=0)

    def opens(self, order):
        if order not in self.orders:
            self.orders.add(order)
            self.moved(order, "active")
            self.spans.setdefault(order, []).append([self.at, None])

    def closes(self, order):
        if order in self.orders:
            self.tick(1)  # it is still open at this look, and gone at the next
            self.orders.remove(order)
            self.moved(order, "closed")
            self.spans[order][-1][1] = self.at
            self.tick(0)

    def moved(self, order, state):
        self.facts.append(OrderMoved(at=self.at, order_id=order, revision=1, seq=1, event="x", state=state))

    def ends(self, seconds, *, killed):
        if killed:
            self.lost.append((self.at - timedelta(seconds=KEPT_EACH_S + 40), self.at))
        else:
            self.tick(0)
            self.write(self.book.close(self.now))
        since = self.at
        self.pass_(seconds)
        self.begin()
        orders = sorted(self.orders)
        self.facts.append(Absence(at=self.at, since=since, until=self.at, orders=orders))
        self.tick(0)

    def chain(self, order):
        return [fact for fact in self.facts if order in orders_of(fact)]


steps = st.one_of(
    st.tuples(st.just("tick"), st.sampled_from([1, 1, 3, 10, 40, 90])),
    st.tuples(st.just("ticks"), st.integers(20, 200)),
    st.tuples(st.just("sees"), st.sampled_from([0.0, 3000.0, 9000.5]), st.sampled_from([None, 100.0, 5000.0]),
              st.sampled_from(["main", None])),
    st.tuples(st.just("opens"), st.sampled_from("ab")),
    st.tuples(st.just("closes"), st.sampled_from("ab")),
    st.tuples(st.just("ends"), st.integers(1, 500), st.booleans()),
)  # fmt: skip


def lived(story):
    world = World()
    world.tick(0)
    for what, *told in story:
        match what:
            case "ticks":
                for _ in range(told[0]):
                    world.tick(3)
            case "ends":
                world.ends(told[0], killed=told[1])
            case _:
                getattr(world, what)(*told)
    world.ends(1, killed=False)
    return world


@pytest.mark.pure
@settings(max_examples=120, deadline=None)
@given(st.lists(steps, min_size=5, max_size=25))
def test_every_minute_of_an_orders_life_is_rebuilt_as_it_was(story):
    world = lived(story)
    for order, spans in world.spans.items():
        minutes = rebuild(world.chain(order))
        assert [minute.at for minute in minutes] == [minutes[0].at + n * MINUTE for n in range(len(minutes))]
        begin, end = spans[0][0], spans[-1][1] or world.at
        assert minutes[0].at <= begin
        assert minutes[-1].at + MINUTE >= end
        for minute in minutes:
            is_in_life = any(since <= minute.at and minute.at + MINUTE <= (until or world.at) for since, until in spans)
            as_it_was(minute, world, whole=is_in_life)


def as_it_was(minute, world, *, whole):
    """Hold one minute against the truth; `whole`: it lies in the order's life, and nothing of it may be missing."""
    truth = [(overlap(minute.at, piece), piece.look) for piece in world.truth]
    truth = [(seconds, look) for seconds, look in truth if seconds > 0]
    looked_s = sum(seconds for seconds, _ in truth)
    is_hurt = any(since < minute.at + MINUTE and minute.at < until for since, until in world.lost)
    told_s = 0.0 if minute.seen is None else minute.seen.looked_s
    assert told_s <= looked_s + 0.01
    if whole and not is_hurt:
        assert told_s == pytest.approx(looked_s, abs=0.01)
    if minute.seen is None or told_s < looked_s - 0.01:
        return
    assert minute.seen.mean_w == pytest.approx(sum(s * look.draw_w for s, look in truth) / looked_s, abs=0.2)
    assert minute.seen.peak_w == max(look.draw_w for _, look in truth)
    assert minute.seen.cap_w == min((look.cap_w for _, look in truth if look.cap_w is not None), default=None)
    over_s = sum(s for s, look in truth if look.cap_w is not None and look.draw_w > look.cap_w)
    assert minute.seen.over_s == pytest.approx(over_s, abs=0.01)
    assert minute.seen.metered_s == pytest.approx(sum(s for s, look in truth if look.meter), abs=0.01)


def overlap(at, piece):
    return (min(at + MINUTE, piece.until) - max(at, piece.at)).total_seconds()


def told(world, kind="Minutes"):
    return [fact for fact in world.facts if type(fact).__name__ == kind]


def test_minutes_are_told_each_quarter_of_an_hour_and_for_every_order_that_was_open():
    world = lived([("opens", "a"), ("ticks", 100), ("opens", "b"), ("ticks", 700)])
    batches = [fact for fact in told(world) if fact.orders == ["a", "b"]]
    assert [(fact.start + fact.minute[-1] * MINUTE).minute for fact in batches][:2] == [14, 29]
    assert len(batches[1].minute) == 15


def test_an_order_is_told_the_quarter_of_an_hour_before_it():
    world = lived([("ticks", 600), ("opens", "a"), ("ticks", 20)])
    minutes = rebuild(world.chain("a"))
    received = world.spans["a"][0][0]
    assert received - minutes[0].at >= 14 * MINUTE
    assert {minute.state for minute in minutes if minute.at + MINUTE <= received} == {None}


def test_after_a_kill_what_was_kept_is_told_and_the_absence_named():
    world = lived([("opens", "a"), ("ticks", 100), ("ends", 200, True), ("ticks", 100)])
    minutes = rebuild(world.chain("a"))
    assert [minute.away is not None for minute in minutes if minute.seen is None] == [True, True]
    away = [minute for minute in minutes if minute.away is not None]
    assert away[0].away.since - away[0].at < MINUTE
    before = minutes[minutes.index(away[0]) - 1]
    assert before.seen.looked_s == pytest.approx(60)


def test_without_orders_nothing_is_told_or_kept():
    world = lived([("ticks", 900)])
    assert (told(world), world.snapshot) == ([], None)


async def test_a_control_rooms_links_hold_what_its_meter_showed_in_each_minute(tmp_path):
    site, shown = Site(Machines(6), tmp_path), {}

    async def live(seconds):
        for _ in range(seconds):
            await site.live(1)
            now = site.clock.now().at
            shown.setdefault(now.replace(second=0), []).append(site.machines.draw_w())

    await live(90)
    await site.order(limit={"max_import_kw": 15})
    await live(400)
    site.machines.asleep.clear()  # somebody else wakes them, and they obey nobody for half a minute
    site.machines.lying = set(site.machines.hosts)
    await live(30)
    site.machines.lying.clear()
    await live(170)
    await site.order(revision=2, limit={"max_import_kw": 15}, status="cancelled")
    await live(120)
    assert site.states()[-1] == "closed"
    minutes = rebuild(facts_of(site.store.links("o1")))
    await site.close()

    assert [minute.state for minute in minutes] == [
        None, *["complied"] * 7, "violated", *["complied"] * 2, "closed",
    ]  # fmt: skip
    for minute in minutes[1:-1]:
        assert minute.seen.metered_s == minute.seen.looked_s
        watts = shown[minute.at]
        assert minute.seen.mean_w == pytest.approx(sum(watts) / len(watts), rel=0.06)
        assert minute.seen.peak_w == max(watts)
    over = [minute.at for minute in minutes if minute.seen.over_s > 0]
    assert [minute.at for minute in minutes if minute.seen.peak_w > (minute.seen.cap_w or 1e9)] == over
    assert [at.minute for at in over] == [1, 8, 9]  # at its start, and while they obeyed nobody


def test_where_looks_are_far_apart_minutes_are_told_all_the_same():
    """Else each snapshot would hold all that was seen since the order came."""
    book, look, told = MinuteBook(enforce=True), Look(draw_w=1.0, meter="main", cap_w=2.0, hashing=0, unread=0), []
    for turn in range(200):
        seconds = 600.0 * turn
        told += book.seen(look, {"o"}, Moment.trusted(START + timedelta(seconds=seconds), seconds))
    kept = [len(fact.told.minute) for fact in told if isinstance(fact, MinutesSoFar)]
    assert max(kept) <= 16
    assert sum(len(fact.minute) for fact in told if not isinstance(fact, MinutesSoFar)) > 180
