"""What the machines do: power, rate, heat and time of the whole farm, as columns.

Deterministic: the same machines, seed, commands and steps give the same figures. It knows no clock and no socket;
`step` is told how much time has passed.
"""

from collections.abc import Sequence
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from simulators.machines import Machine

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int8]

MAX_BOARDS = 4
IDLE_W = 200.0
#: the averages that firmware reports, by their length in seconds
AVERAGES_S = (5, 60, 300, 900, 1800)
#: terahashes behind one share at difficulty 524,288
TERAHASHES_A_SHARE = 524_288 * 2**32 / 1e12
CHIP_LIMIT_C = 118.0
CHIP_COOL_C = 70.0
#: supply, capacitors and current loops settle with this time constant
POWER_LAG_S = 2.0
TUNING_OVERSHOOT = 1.05
#: the rate falls as this power of the watts that a limit leaves: slower chips make more of each
LIMITED_RATE = 0.85


class Phase(IntEnum):
    """Where a machine is in its life."""

    OFF = 0
    BOOTING = 1
    WARMING = 2
    TUNING = 3
    HASHING = 4
    IDLE = 5
    SLEEPING = 6
    FAULT = 7


class Level(IntEnum):
    """The level that a machine has been told to keep."""

    FULL = 0
    LOW = 1
    SLEEP = 2


#: the word that the farm's owner sees for each phase
STATES = {
    Phase.OFF: "dead",
    Phase.BOOTING: "starting",
    Phase.WARMING: "starting",
    Phase.TUNING: "starting",
    Phase.HASHING: "hashing",
    Phase.IDLE: "idle",
    Phase.SLEEPING: "sleeping",
    Phase.FAULT: "fault",
}


class Physics:
    """All machines' state as arrays; commands change it at once, `step` lets time pass."""

    def __init__(
        self, machines: Sequence[Machine], seed: int, *, delay_scale: float = 1.0, ambient_c: float = 25.0
    ) -> None:
        count = len(machines)
        self._rng = np.random.default_rng(seed)
        self.count = count
        self.ambient_c = ambient_c
        self.delay_scale = delay_scale
        self._read_nameplates(machines)
        self._draw_spread(count)
        self.phase: Ints = np.full(count, Phase.BOOTING, np.int8)
        self.left_s = self.boot_s.copy()
        self.span_s = self.boot_s.copy()
        self.level: Ints = np.zeros(count, np.int8)
        self.next_level: Ints = np.full(count, -1, np.int8)
        self.next_in_s = np.zeros(count)
        #: what it is set to when it runs, where firmware keeps that over a stop and a new start
        self.awake_level: Ints = np.zeros(count, np.int8)
        self.limit_w = np.full(count, np.inf)
        self.pool_alive: Flags = np.ones(count, np.bool_)
        self.pool_set: Flags = np.ones(count, np.bool_)
        self.board_on: Flags = self.board_there.copy()
        self.board_well: Flags = self.board_there.copy()
        self.power_w = np.zeros(count)
        self.hashrate_ths = np.zeros(count)
        self.averages_ths = np.zeros((len(AVERAGES_S), count))
        self.elapsed_s = np.zeros(count)
        self.terahashes = np.zeros(count)
        self.hardware_errors = np.zeros(count)
        self.board_c = np.full(count, ambient_c)
        self.chip_c = np.full(count, ambient_c)
        self.fan_rpm = np.zeros(count)
        self.energy_wh = np.zeros(count)
        self._wobble = np.zeros(count)

    def _read_nameplates(self, machines: Sequence[Machine]) -> None:
        def column(values: list[float]) -> Floats:
            return np.array(values, np.float64)

        rows = [machine.row for machine in machines]
        scale = self.delay_scale
        self.standby_w = column([row.standby_w for row in rows])
        self.boot_s = column([row.boot_s for row in rows]) * scale
        self.warmup_s = column([row.warmup_s for row in rows]) * scale
        self.tuning_s = column([row.tuning_s for row in rows]) * scale
        self.low_power = column([row.low_power or 1.0 for row in rows])
        self.low_rate = column([row.low_rate or 1.0 for row in rows])
        self.nameplate_w = column([row.power_w for row in rows])
        self.nameplate_ths = column([row.hashrate_ths for row in rows])
        self.boards = column([row.boards for row in rows])
        self.board_there = np.arange(MAX_BOARDS)[None, :] < self.boards[:, None]
        #: stock Antminers keep their work mode in a file; cgminer forgets which devices were disabled
        self.remembers: Flags = np.array([machine.sleeps_on for machine in machines], np.bool_)

    def _draw_spread(self, count: int) -> None:
        self.full_w = self.nameplate_w * self._rng.uniform(0.97, 1.03, count)
        self.full_ths = self.nameplate_ths * self._rng.uniform(0.97, 1.03, count)
        self.pool_back_s = self._rng.uniform(10, 30, count) * self.delay_scale
        self.jitter = self._rng.uniform(0.85, 1.15, count)

    # --- commands -----------------------------------------------------------------------------------------------

    def start_warm(self) -> None:
        """Put every machine where it would be after days of hashing."""
        self.enter(np.ones(self.count, np.bool_), Phase.HASHING)
        self.elapsed_s[:] = self._rng.uniform(86_400, 20 * 86_400, self.count).round()
        self.power_w[:] = self._target_w()
        self.hashrate_ths[:] = self._rate_ths()
        self.averages_ths[:] = self.hashrate_ths
        self.terahashes[:] = self.hashrate_ths * self.elapsed_s
        self.hardware_errors[:] = self.terahashes * 1e-4
        self._relax_heat(1e9)

    def order_level(self, at: int, level: Level, after_s: float) -> None:
        """Restart the miner of one machine in `level`, once `after_s` has passed; until then it goes on."""
        self.next_level[at] = level
        self.next_in_s[at] = after_s

    def enable_board(self, at: int, board: int, *, on: bool) -> None:
        """Enable or disable one board, at once."""
        self.board_on[at, board] = on

    def wake_alone(self, chosen: Flags) -> None:
        """Let sleeping machines wake as if by a hand on their own page."""
        self.level[chosen] = self.awake_level[chosen]
        self.next_level[chosen] = -1
        self.board_on[chosen] = self.board_there[chosen]

    def reboot(self, chosen: Flags) -> None:
        """Restart the control board of machines that have power."""
        self._boot(chosen & (self.phase != Phase.OFF))

    def cut_power(self, chosen: Flags) -> None:
        """Take the feed away, at once."""
        self.enter(chosen, Phase.OFF)
        self._forget(chosen)

    def return_power(self, chosen: Flags) -> None:
        """Give the feed back: what was off boots from cold."""
        self._boot(chosen & (self.phase == Phase.OFF))

    def lose_pool(self, chosen: Flags) -> None:
        """Let no pool of these machines answer."""
        self.pool_alive[chosen] = False

    def find_pool(self, chosen: Flags) -> None:
        """Let the pools answer again."""
        self.pool_alive[chosen] = True

    def lose_board(self, chosen: Flags) -> None:
        """Break the last board of each machine."""
        last = self.boards[chosen].astype(np.int64) - 1
        self.board_well[np.flatnonzero(chosen), last] = False

    def mend_boards(self, chosen: Flags) -> None:
        """Make all boards well again."""
        self.board_well[chosen] = self.board_there[chosen]

    # --- time ---------------------------------------------------------------------------------------------------

    def step(self, dt_s: float) -> None:
        """Let `dt_s` seconds pass."""
        self.left_s -= dt_s
        self._fall_due(dt_s)
        self._move()
        self._wobble += -0.02 * self._wobble + self._rng.normal(0, 0.0006, self.count)
        self._relax_power(dt_s)
        self._count(dt_s)
        self._relax_heat(dt_s)

    def _fall_due(self, dt_s: float) -> None:
        waiting = self.next_level >= 0
        self.next_in_s[waiting] -= dt_s
        due = waiting & (self.next_in_s <= 0)
        if due.any():
            self.level[due] = self.next_level[due]
            self.next_level[due] = -1
            running = due & (self.phase != Phase.OFF) & (self.phase != Phase.BOOTING)
            self.enter(running & (self.level == Level.SLEEP), Phase.SLEEPING)
            self.enter(running & (self.level != Level.SLEEP), Phase.WARMING)
            self._forget(running)

    def _move(self) -> None:
        phase, due = self.phase, self.left_s <= 0
        asleep = (self.level == Level.SLEEP) | ~self.board_on.any(axis=1)
        fed = self.pool_alive & self.pool_set
        broken = ~(self.board_on & self.board_well).any(axis=1) & ~asleep
        awake = (phase >= Phase.WARMING) & (phase != Phase.SLEEPING)
        working = (phase >= Phase.WARMING) & (phase <= Phase.HASHING)
        hot = working & (self.chip_c > CHIP_LIMIT_C)
        cool = (phase == Phase.FAULT) & ~broken & (self.chip_c < CHIP_COOL_C)
        moves = (
            ((phase == Phase.WARMING) & due, Phase.TUNING),
            ((phase == Phase.TUNING) & due, Phase.HASHING),
            (((phase == Phase.BOOTING) & due) | ((phase == Phase.SLEEPING) & ~asleep) | cool, Phase.WARMING),
            (working & ~fed, Phase.IDLE),
            ((phase == Phase.IDLE) & fed & due, Phase.HASHING),
            (hot | ((phase != Phase.OFF) & awake & broken & (phase != Phase.FAULT)), Phase.FAULT),
            (awake & asleep, Phase.SLEEPING),
        )
        self.left_s[(phase == Phase.IDLE) & ~fed] = self.pool_back_s[(phase == Phase.IDLE) & ~fed]
        for mask, to in moves:
            self.enter(mask, to)

    def enter(self, chosen: Flags, to: Phase) -> None:
        """Put machines into a phase, with its time to run."""
        if not chosen.any():
            return
        spans = {
            Phase.BOOTING: self.boot_s,
            Phase.WARMING: self.warmup_s,
            Phase.TUNING: self.tuning_s,
            Phase.IDLE: self.pool_back_s,
        }
        span = spans[to][chosen] * self.jitter[chosen] if to in spans else np.inf
        self.phase[chosen] = to
        self.left_s[chosen] = span
        self.span_s[chosen] = span

    def _boot(self, chosen: Flags) -> None:
        self.enter(chosen, Phase.BOOTING)
        self._forget(chosen)
        lost = chosen & ~self.remembers
        self.level[lost] = self.awake_level[lost]
        self.board_on[lost] = self.board_there[lost]

    def _forget(self, chosen: Flags) -> None:
        """Start the miner's own counters again, as a new process does."""
        self.averages_ths[:, chosen] = 0
        for column in (self.elapsed_s, self.terahashes, self.hardware_errors):
            column[chosen] = 0

    # --- figures ------------------------------------------------------------------------------------------------

    def active_share(self) -> Floats:
        """Say which share of its boards each machine uses."""
        shares: Floats = (self.board_on & self.board_well).sum(axis=1) / self.boards
        return shares

    def _progress(self) -> Floats:
        with np.errstate(invalid="ignore"):
            progress: Floats = np.where(np.isfinite(self.span_s), 1 - self.left_s / self.span_s, 1.0)
        return np.clip(progress, 0, 1)

    def _target_w(self) -> Floats:
        low = self.level == Level.LOW
        warm = 1 + 0.003 * (self.ambient_c - 25)
        full = np.minimum(self.full_w * np.where(low, self.low_power, 1.0) * warm, self.limit_w)
        progress = self._progress()
        shares = np.select(
            [self.phase == Phase.WARMING, self.phase == Phase.TUNING, self.phase == Phase.HASHING],
            [
                0.85 * progress,
                np.interp(progress, [0, 0.4, 0.7, 1], [0.85, 1, TUNING_OVERSHOOT, 1]),
                1 + np.clip(self._wobble, -0.01, 0.01),
            ],
            0.0,
        )
        target = self.standby_w + (full - self.standby_w) * shares * self.active_share()
        target = np.where(self.phase == Phase.IDLE, np.minimum(IDLE_W, full), target)
        return np.where(self.phase == Phase.OFF, 0.0, target)

    def _rate_ths(self) -> Floats:
        low = self.level == Level.LOW
        full_w = self.full_w * np.where(low, self.low_power, 1.0)
        full = self.full_ths * np.where(low, self.low_rate, 1.0)
        full = full * np.minimum(1.0, self.limit_w / full_w) ** LIMITED_RATE
        shares = np.select(
            [self.phase == Phase.TUNING, self.phase == Phase.HASHING],
            [0.3 + 0.7 * self._progress(), 1 + self._wobble],
            0.0,
        )
        rate: Floats = full * shares * self.active_share()
        return rate

    def _relax_power(self, dt_s: float) -> None:
        keep = np.exp(-dt_s / (POWER_LAG_S * max(self.delay_scale, 0.05)))
        target = self._target_w()
        self.power_w = np.where(self.phase == Phase.OFF, 0.0, target + (self.power_w - target) * keep)
        self.hashrate_ths = self._rate_ths()

    def _count(self, dt_s: float) -> None:
        up = self.phase >= Phase.WARMING
        self.energy_wh += self.power_w * dt_s / 3600
        self.elapsed_s[up] += dt_s
        self.terahashes += self.hashrate_ths * dt_s
        self.hardware_errors += self.hashrate_ths * dt_s * 1e-4
        for row, length_s in enumerate(AVERAGES_S):
            keep = np.exp(-dt_s / length_s)
            self.averages_ths[row] = self.hashrate_ths + (self.averages_ths[row] - self.hashrate_ths) * keep

    def _relax_heat(self, dt_s: float) -> None:
        load = self.power_w / self.nameplate_w
        board_c = self.ambient_c + 34 * load
        self.board_c = board_c + (self.board_c - board_c) * np.exp(-dt_s / 60)
        chip_c = self.board_c + 16 * load
        self.chip_c = chip_c + (self.chip_c - chip_c) * np.exp(-dt_s / 8)
        wanted_rpm = np.where(load > 0.1, np.clip(1800 + 75 * (self.chip_c - 30), 2400, 6200), 960.0)
        wanted_rpm = np.where(self.phase == Phase.OFF, 0.0, wanted_rpm)
        self.fan_rpm = wanted_rpm + (self.fan_rpm - wanted_rpm) * np.exp(-dt_s / 4)
