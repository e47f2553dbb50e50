"""The farm as it is, whether or not anybody knows: a thousand machines as columns, a meter's register, civil time.

Every machine is an equation of time, so that ten minutes cost what a second does. Commands come in through `told`,
which is where it is judged whether anybody may have been woken.
"""

import asyncio
import heapq
from dataclasses import dataclass, field

import numpy as np

from agent.clock import ManualClock
from agent.fleet.cells import Cells
from agent.fleet.fleet import LAST_RETRY_S
from agent.host_run import HostRun
from drivers.interface import LimitPower, Sleep, Wake
from tests.winter.faces import Faces

STANDBY_W, IDLE_W = 25.0, 200.0
FALL_S, RISE_S, BOOT_S = 8.0, 60.0, 60.0
FIGHTS_BACK_S = 25.0
FULL_W = (3000.0, 3250.0, 3400.0, 3550.0, 5500.0)
WITHOUT = float("inf")


class CoarseClock(ManualClock):
    """A clock whose sleepers wake once a step, however long it is, in the order in which they were due."""

    def __init__(self, start):
        super().__init__(start)
        self._moment = None
        self.on_moved = lambda: None  # what is seen at the end of a step, before anybody wakes
        self.boots = 1
        self.off_s = 0.0

    def now(self):
        """Return the present moment, the same one until it passes."""
        if self._moment is None:
            self._moment = super().now()
        return self._moment

    def run(self):
        """Return this run of the host: a time service has set its clock unless it is off."""
        return HostRun(boot=str(self.boots), up_s=self._mono, is_set=self.off_s == 0.0)

    def step_wall_clock(self, seconds):
        """Jump civil time."""
        self.off_s += seconds
        super().step_wall_clock(seconds)
        self._moment = None

    def _move(self, seconds):
        super()._move(seconds)
        self._moment = None

    async def advance(self, seconds):
        """Let `seconds` pass, then wake who was due meanwhile and wait until nobody has anything left to do."""
        end = self._mono + seconds
        self._move(seconds)
        self.on_moved()
        due = []
        while self._sleepers and self._sleepers[0][0] <= end:
            due.append(heapq.heappop(self._sleepers)[2])
        for woken in due:
            woken.set()
            await settled()


async def settled():
    """Return when the loop has nothing to do but to wait."""
    ready = asyncio.get_running_loop()._ready
    await asyncio.sleep(0)
    while ready:  # noqa: ASYNC110 - what is waited for is that nobody does anything
        await asyncio.sleep(0)


@dataclass
class Wrong:
    """What must never be, by what it was."""

    wakes: list = field(default_factory=list)
    avoidable_s: dict = field(default_factory=dict)
    others: list = field(default_factory=list)


class World:
    """The machines by number, and who answers at which address."""

    def __init__(self, count, began, rng, faces=0):
        self.clock = CoarseClock(began)
        self.began = began
        self.n = count
        self.rng = rng
        self.hosts = [f"10.99.{at // 250}.{at % 250 + 1}" for at in range(count)]
        self.answers_at = list(range(count))  # the machine by the address
        self.t = 0.0
        self.house_w = 40.0 * count
        self.register_wh = 5_000_000.0
        self.nominal_w = rng.choice(FULL_W, count)
        self.spread = rng.uniform(0.97, 1.03, count)
        self.tells_w = rng.random(count) < 0.5
        self.spread[self.tells_w] = 1.0
        self.full_w = self.nominal_w * self.spread
        self.nominal_ths = self.nominal_w / rng.choice([17.5, 21.5, 30.0, 34.0], count)
        self.persists = rng.random(count) < 0.6  # what it was told outlasts a reboot and a power cut
        self.limits = self.tells_w & (rng.random(count) < 0.6)
        self._columns(count)
        self.faces = Faces(self, range(count - faces, count), int(rng.integers(1 << 30)))
        self._seat()
        self.cells = Cells(self)
        self.orders = ()  # what binds by right: set by who watches
        self.wrong = Wrong()
        self.crash_after = None  # commands that still get through before the agent dies among them
        self.commands = 0

    def _columns(self, n):
        self.asleep, self.lying, self.fighting, self.mute = (np.zeros(n, bool) for _ in range(4))
        self.energised = np.ones(n, bool)
        self.limit_w = np.full(n, WITHOUT)
        self.locked = np.zeros(n, bool)  # held, sealed, or off by the owner's wish
        self.start_w = self.full_w.copy()
        self.goal_w = self.full_w.copy()
        self.since = np.full(n, -1e6)
        self.slept_at = np.full(n, np.inf)
        self.awake_since = np.full(n, -1e6)
        self.answers_since = np.full(n, -1e6)  # reachable from then on
        self.obeys_since = np.full(n, -1e6)  # who took no command is told again within a quarter of an hour
        self.booted_at = rng_uptimes(self.rng, n)
        self.version = np.zeros(n, np.int64)
        self.standby_w = np.full(n, STANDBY_W)

    def _seat(self):
        """Let the faces' rows say what their machines are."""
        rows, physics = self.faces.rows, self.faces.physics
        self.plain = self.n - len(rows)  # the rows that are columns: those before the faces
        self.full_w[rows], self.nominal_w[rows] = physics.full_w, physics.nameplate_w
        self.standby_w[rows] = physics.standby_w
        self._settled = np.zeros(len(rows), bool)

    # how it goes on --------------------------------------------------------------------------------------------

    def power_w(self):
        """Return what each machine draws now."""
        rate = self.full_w / np.where(self.goal_w < self.start_w, FALL_S, RISE_S)
        moved = np.clip(self.t - self.since, 0.0, None) * rate
        power_w = self.start_w + np.clip(self.goal_w - self.start_w, -moved, moved)
        power_w[self.plain :] = self.faces.physics.power_w
        return power_w

    def power_of(self, row):
        """Return what one of the columns draws now, as `power_w` has it."""
        cell = self.cells
        start_w, goal_w = cell.start_w[row], cell.goal_w[row]
        moved_w = max(self.t - cell.since[row], 0.0) * (cell.full_w[row] / (FALL_S if goal_w < start_w else RISE_S))
        return start_w + min(max(goal_w - start_w, -moved_w), moved_w)

    def draw_w(self):
        """Return what the meter sees."""
        return float(self.power_w().sum()) + self.house_w

    def pass_by(self, seconds):
        """Let the machines and the register go on, nobody else."""
        before_w = self.draw_w()
        self.t += seconds
        self._faces_pass_by(seconds)
        self.register_wh += (before_w + self.draw_w()) / 2 * seconds / 3600
        self._fight()

    def _faces_pass_by(self, seconds):
        faces, rows = self.faces, self.faces.rows
        was_awake, was_up = faces.is_awake(), faces.is_up()
        faces.pass_by(seconds)
        self.awake_since[rows[faces.is_awake() & ~was_awake]] = self.t
        self.answers_since[rows[faces.is_up() & ~was_up]] = self.t
        self.asleep[rows] = faces.is_told_asleep()

    def _fight(self):
        rows = np.flatnonzero(self.fighting & self.asleep & (self.t - self.slept_at >= FIGHTS_BACK_S))
        if len(rows):
            self.asleep[rows] = False
            self.awake_since[rows] = self.t
            self._go(rows)

    def _go(self, rows, *, after_s=0.0):
        """Let these go to where they belong from now on; `after_s`: they boot first, and draw nothing till then."""
        now_w = self.power_w()[rows] if after_s == 0.0 else 0.0
        self.start_w[rows] = now_w
        awake_w = np.minimum(self.full_w[rows], self.limit_w[rows])
        self.goal_w[rows] = np.where(self.energised[rows], np.where(self.asleep[rows], STANDBY_W, awake_w), 0.0)
        self.since[rows] = self.t + after_s
        self.version[rows] += 1

    def is_settled(self, row):
        """Whether a machine draws what it will go on to draw."""
        return self.t - self.cells.since[row] > RISE_S

    # what befalls it -------------------------------------------------------------------------------------------

    def reboot(self, rows):
        """Let these begin anew; who does not keep what it was told wakes."""
        rows = np.asarray(rows)[self.energised[rows]]
        self.faces.physics.reboot(self.faces.chosen(rows))
        rows = rows[rows < self.plain]
        forgets = rows[~self.persists[rows]]
        self.asleep[forgets], self.limit_w[forgets] = False, WITHOUT
        self.awake_since[forgets] = self.t + BOOT_S
        self._go(rows, after_s=BOOT_S)
        self.booted_at[rows] = self.t
        self.answers_since[rows] = self.t + BOOT_S

    def cut(self, rows):
        """Take the power off these."""
        self.energised[rows] = False
        self.faces.physics.cut_power(self.faces.chosen(rows))
        self.start_w[rows] = self.goal_w[rows] = 0.0
        self.answers_since[rows] = np.inf
        self.version[rows] += 1

    def energise(self, rows):
        """Give it back."""
        self.energised[rows] = True
        self.faces.physics.return_power(self.faces.chosen(rows))
        self.reboot(rows[rows < self.plain])

    def lose(self, rows, *, lost):
        """Take these off the network, or put them back; they go on as they were."""
        self.mute[rows] = lost
        self.answers_since[rows] = np.inf if lost else self.t

    def shuffle(self, places):
        """Let who answers at these addresses answer at each other's, after a reboot of each."""
        who = [self.answers_at[place] for place in places]
        self.reboot(np.array(who))
        for place, machine in zip(places, who[1:] + who[:1], strict=True):
            self.answers_at[place] = machine

    def obey(self, rows):
        """Let these do again what they are told."""
        self.lying[rows] = self.fighting[rows] = False
        self.obeys_since[rows] = self.t + LAST_RETRY_S

    def reaches(self, row):
        """Whether a machine answers."""
        if not self.cells.energised[row] or self.cells.mute[row]:
            return False
        return (
            self.t >= self.cells.answers_since[row] if row < self.plain else bool(self.faces.is_up()[row - self.plain])
        )

    # what it is told -------------------------------------------------------------------------------------------

    def told(self, row, command):
        """Let a machine take a command."""
        self.commands += 1
        if not isinstance(command, Sleep) and (self.asleep[row] or isinstance(command, Wake)):
            self._judge(row, command)
        if self.lying[row]:
            return
        match command:
            case Sleep():
                self.slept_at[row] = self.slept_at[row] if self.asleep[row] else self.t
                self.asleep[row] = True
            case LimitPower(limit_w=limit_w):
                self._wakes(row)
                self.limit_w[row] = limit_w if limit_w < self.full_w[row] else WITHOUT
            case _:
                self._wakes(row)
                self.limit_w[row] = self.limit_w[row] if isinstance(command, Wake) else WITHOUT
        self._go(np.array([row]))

    def acknowledged(self, row, words, *, wakes):
        """Take in that a face was told something, in its firmware's words."""
        self.commands += 1
        if wakes and self.asleep[row]:
            self._judge(row, words)

    def _wakes(self, row):
        if self.asleep[row]:
            self.asleep[row] = False
            self.awake_since[row] = self.t

    def _judge(self, row, command):
        stops = [order.order_id for order in self.orders if order.is_stop]
        if stops or self.locked[row]:
            told = command if isinstance(command, str) else type(command).__name__
            self.wrong.wakes.append((self.clock.now().at, int(row), told, stops))


def rng_uptimes(rng, n):
    """Draw since when each runs, before all began."""
    return -rng.uniform(1e4, 1e6, n)
