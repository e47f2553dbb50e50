"""The winter itself: what befalls the farm and when, drawn from a seed, and how time is let pass around it.

Quiet time passes in steps of ten minutes; for half an hour around every event machines are asked each ten seconds, and
for its first minutes control looks each second.
"""

import asyncio
import heapq
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

import numpy as np

from agent import config as configuration
from tests.winter.broker import Broker, Ordered
from tests.winter.judge import Judge
from tests.winter.life import Life, watched
from tests.winter.reserve import CAP_SHARE, TIMEOUT_S, Reserve
from tests.winter.wire import Crash, Wires, mac_of
from tests.winter.world import World

BEGAN = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
"""In Morocco time is put back for Ramadan, from 2027-02-07 to 2027-03-14: both edges of civil time in one winter."""
DAY, HOUR, MINUTE = 86_400.0, 3600.0, 60.0
QUIET_S, PAIR_S, BEFORE_S = 600.0, 1.0, 30.0
MOST_AGAIN = 5
"""So many seconds more pass one by one at the most while somebody is to be asked again at once."""
FARM = """
[site]
id = "winter"
timezone = "Africa/Casablanca"
currency = "MAD"
connection_kw = {connection_kw}
house_w = {house_w}

[[miners]]
hosts = {hosts}

[[meter]]
id = "main"
kind = "modbus"
address = "127.0.0.1:1502"
map = "eastron-sdm630"

[mqtt]
url = "mqtt://127.0.0.1"

[control]
mode = "enforce"
restore_kw_per_min = {restore_kw_per_min}

[orders]
schedule = "orders.toml"

[orders.issuers.energo]
classes = ["law"]
unsigned = true

{reserve}[orders.issuers.grid]
classes = ["contract", "market"]
unsigned = true
offers = "accept"
"""
RESERVE = """[orders.issuers.reserve]
classes = ["contract"]
unsigned = true
heartbeat_timeout_s = {timeout_s:.0f}
failsafe_kw = {cap_kw}
failsafe_then = "hold"

"""
SCHEDULE = """
[[order]]
id = "evening"
issuer = "grid"
class = "contract"
limit = {{ max_import_kw = {cap_kw} }}
daily = {{ from = "17:30", to = "18:30", days = ["sun"], months = [2, 3] }}
"""


@dataclass(order=True)
class Event:
    """Something that befalls, at so many seconds; what lasts long closes in again when it ends."""

    at_s: float
    number: int
    name: str = field(compare=False)
    act: object = field(compare=False)


class Season:
    """One winter: a world, an agent in it that dies and begins again, an operator, a judge.

    So long it is looked at each ten seconds around every event, and each second of that after it.
    """

    close_s, each_second_s = 1800.0, 110.0

    def __init__(self, folder, *, seed, days=120, machines=1000, faces=0, reserve=False, day=lambda _number: None):
        self.folder, self.days, self.day = folder, days, day
        self.random = random.Random(seed)
        random.seed(seed)
        self.world = World(machines, BEGAN, np.random.default_rng(seed), faces)
        self.broker = Broker()
        self.wires = Wires(self.world)
        self.full_kw = float(self.world.full_w.sum()) / 1000
        self.evening_kw = round(0.7 * self.full_kw)
        (folder / "orders.toml").write_text(SCHEDULE.format(cap_kw=self.evening_kw))
        self.reserve = Reserve(self, {"max_import_kw": round(CAP_SHARE * self.full_kw)}) if reserve else None
        told = {"timeout_s": TIMEOUT_S, "cap_kw": round(CAP_SHARE * self.full_kw)}
        text = FARM.format(
            reserve=RESERVE.format(**told) if reserve else "",
            connection_kw=round(1.3 * (self.full_kw + self.world.house_w / 1000)),
            house_w=self.world.house_w,
            hosts=[f"{a}-{b}" for a, b in _ranges(self.world.hosts)],
            restore_kw_per_min=max(20, round(self.full_kw / 7)),
        )
        (folder / "farm.toml").write_text(text)
        self.config = configuration.load(folder / "farm.toml")
        self.judge = Judge(self)
        watched(self.world.wrong.others)
        self.life = None
        self.ordered = {}
        self.meter_up = True
        self.events, self._numbers = [], count()
        self.closely_until = self.each_second_until = 0.0
        self.tally = {}
        self.edges = []  # when orders begin and end, and are issued
        self.law_s = (0.0, 0.0)
        self.unwanted = []
        self.powered = True

    # time ------------------------------------------------------------------------------------------------------

    @property
    def at(self):
        """True time."""
        return BEGAN + timedelta(seconds=self.world.t)

    def on(self, at_s, name, act):
        """Let something befall at a time."""
        heapq.heappush(self.events, Event(at_s, next(self._numbers), name, act))

    def after(self, seconds, name, act):
        """Let something befall later."""
        self.on(self.world.t + seconds, name, act)

    async def run(self):
        """Let the whole winter pass; by the loop's own clock too, which some firmwares go by."""
        asyncio.get_running_loop().time = lambda: self.world.t
        await self.starts()
        end_s, told_day = self.days * DAY, 0
        while self.world.t < end_s or self.life is None:
            await self._pass(end_s)
            if self.world.t // DAY > told_day:
                told_day = int(self.world.t // DAY)
                self.day(told_day)
            while self.events and self.events[0].at_s <= self.world.t:
                await self._befall(heapq.heappop(self.events))
        self.last = self.life
        await self.life.end()

    async def _befall(self, event):
        self.tally[event.name] = self.tally.get(event.name, 0) + 1
        self.closely_until = max(self.closely_until, self.world.t + self.close_s)
        self.each_second_until = max(self.each_second_until, self.world.t + self.each_second_s)
        done = event.act()
        if done is not None:
            await done

    async def _pass(self, end_s):
        """Let one step pass: short ones where something is near."""
        t = self.world.t
        next_s = min(self.events[0].at_s if self.events else end_s, end_s)
        if t < self.each_second_until:
            await self._step(min(1.0, max(next_s - t, 0.0)))
        elif t < self.closely_until or next_s - t <= BEFORE_S:
            await self._step(min(10.0, max(next_s - t, 0.0)))
        else:
            long_s = min(QUIET_S - t % QUIET_S, next_s - BEFORE_S - t)
            await self._step(max(long_s - PAIR_S, 0.0))
            await self._step(min(PAIR_S, long_s))
            for _ in range(MOST_AGAIN):
                if self.life is None or not self.life.has_more():
                    break
                await self._step(PAIR_S)

    async def _step(self, seconds):
        if seconds <= 0.0:
            return
        if self.life is None:
            self.world.pass_by(seconds)
            await self.world.clock.advance(seconds)
        else:
            try:
                await self.life.step(seconds, meter=self.meter_up)
            except Crash as crash:
                await self.dies(str(crash))
        if self.reserve is not None:
            self.reserve.look()
        self.judge.look(seconds)

    # the agent's lives -----------------------------------------------------------------------------------------

    async def starts(self):
        """Begin a life, on what the last one left."""
        if self.life is not None or not self.powered:
            return
        try:
            life = Life(self.world, self.wires, self.broker, self.config, self.folder)
            life.built.journal.listeners.append(self.judge.heard)
            self.life = await life.begin()
        except Crash as crash:
            await life.kill()
            self.after(20.0, "start", self.starts)
            self.tally[f"crash {crash}"] = self.tally.get(f"crash {crash}", 0) + 1
        self.judge.life_began()
        self.closely()

    async def dies(self, how, *, back_after_s=None):
        """End this life as a power cut does."""
        life, self.life = self.life, None
        if life is None:
            return
        await life.kill()
        self.world.crash_after = None
        self.world.clock.on_moved = lambda: None
        self.broker.link = None
        self.tally[f"crash {how}"] = self.tally.get(f"crash {how}", 0) + 1
        back_s = self.random.choice([3, 20, 60, 300, 900]) if back_after_s is None else back_after_s
        self.after(back_s, "start", self.starts)

    def rows_of(self, machines):
        """Return the agent's rows of these machines: by who they are, not where they answer."""
        known = self.life.built.fleet.identities
        rows = {one.mac: row for row, one in enumerate(known) if one is not None}
        return [rows[mac_of(machine)] for machine in machines]

    def closely(self):
        """Look closely for a while from now on."""
        self.closely_until = max(self.closely_until, self.world.t + self.close_s)
        self.each_second_until = max(self.each_second_until, self.world.t + self.each_second_s)

    # orders ----------------------------------------------------------------------------------------------------

    def order(self, order_id, order_class, limit, *, starts_s, hours, by_issuer=False, issuer=None):
        """Issue an order."""
        starts = BEGAN + timedelta(seconds=starts_s)
        ends = starts + timedelta(hours=hours)
        issuer = issuer or ("energo" if order_class == "law" else "grid")
        told = Ordered(order_id, order_class, limit, starts, ends, by_issuer=by_issuer)
        self.ordered[order_id] = told
        self._publish(told, issuer)

    def scheduled(self, order_id, limit, starts, ends):
        """Note that an order of the agent's own schedule binds now."""
        self.ordered[order_id] = told = Ordered(order_id, "contract", limit, starts, ends)
        self.judge.published(told)

    def revise(self, order_id, *, limit=None, hours_more=0.0):
        """Issue the next revision."""
        told = self.ordered[order_id]
        told.limit = limit or told.limit
        told.ends_at += timedelta(hours=hours_more)
        told.revisions.append(told.revisions[-1] + 1)
        self._publish(told, "energo" if told.order_class == "law" else "grid")

    def release(self, order_id):
        """Let the issuer lift it."""
        told = self.ordered[order_id]
        told.released = True
        told.revisions.append(told.revisions[-1] + 1)
        self._publish(told, "energo" if told.order_class == "law" else "grid", status="cancelled")

    def _publish(self, told, issuer, status="issued"):
        document = {
            "order_id": told.order_id,
            "revision": told.revisions[-1],
            "issuer": issuer,
            "class": told.order_class,
            "status": status,
            "issued_at": self.at.isoformat(),
        }
        if status == "issued":
            document |= {"starts_at": told.starts_at.isoformat(), "ends_at": told.ends_at.isoformat()}
            document |= {"limit": told.limit}
        self.judge.published(told)
        self.broker.publish(told.order_id, document)


def _ranges(hosts):
    for at in range(0, len(hosts), 250):
        yield hosts[at], hosts[min(at + 249, len(hosts) - 1)]
