"""The machines as columns: what each was told, what it last said, what it is believed to draw.

One object on one event loop. Its methods are handed `now` (monotonic seconds) and do no I/O.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from agent.fleet.belief import CODES, STATES, UNSEEN, Code, believed_power, completed, proved_step, risen_share
from agent.fleet.cells import Cells
from agent.fleet.climate import Climate
from agent.fleet.miner import FeederTree, Ladder, Miner, unknown_ladder
from agent.fleet.own_levels import OwnLevels
from agent.fleet.rising import Rising
from agent.fleet.seals import is_broken_by
from agent.fleet.steady import Steady
from agent.fleet.switching import Switching
from agent.fleet.view import Flags, FleetView, Floats, Indices
from agent.values import Watts
from drivers.interface import Identity, Reading, State

STEPS = 8
LOST_AFTER = 2
"""Failed polls in a row after which a machine is unreachable: one lost packet is not a lost machine."""
FIRST_RETRY_S, LAST_RETRY_S = 5.0, 900.0
MODE_SETTLES = 3
"""A mode is taken within so many times what a machine takes to fall asleep, however long it takes to hash in it."""
AVERAGES_SETTLE_S = 5400.0
"""Rates are told as fading averages of up to half an hour: three of these after a start they are right within 5 %."""
MOVED = 0.05
"""A change of draw by this share of full power is waited for at the meter; less is drift."""

HASHING, AT_REST, NEVER, NOTHING = CODES[State.HASHING], {Code.SLEEPING, Code.IDLE}, float("-inf"), float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetPolicy:
    """How long readings are good for, how slow the meter is, how often a machine may be switched."""

    poll_s: float = 10.0
    fresh_s: float = 35.0
    meter_lag_s: float = 20.0  # a change of draw is surely in the meter after this
    meter_rise_s: float = 5.0  # a rise is in the meter's latest figure after this
    min_on_s: float = 300.0
    min_off_s: float = 300.0
    switches_per_hour: int = 4


class Fleet:
    """What we know now of every miner. Rows are given by the order of adoption and never reused."""

    def __init__(self, miners: Sequence[Miner], tree: FeederTree, policy: FleetPolicy) -> None:
        self.policy = policy
        self.tree = tree
        self.miners = list(miners)  # rows stay; where a machine answers may change
        self.index = {miner.id: row for row, miner in enumerate(self.miners)}
        n = len(self.miners)
        self.identities: list[Identity | None] = [None] * n
        self.readings: list[Reading | None] = [None] * n
        self.reasons: list[str | None] = [None] * n
        self.ladders: list[Ladder] = [unknown_ladder() for _ in range(n)]
        self.modes_before: dict[str, str] = {}
        self.own_levels, self.rising, self._steady = OwnLevels(), Rising(n), Steady(policy.fresh_s)
        self.woken, self.proved = list[int](), list[int]()
        order = sorted(range(n), key=lambda row: self.miners[row].id)
        self._rank = np.empty(n, np.int64)
        self._rank[order] = np.arange(n)
        self.feeder = np.array([tree.positions[m.feeder] for m in self.miners], np.int64)
        self._priority = np.array([m.priority for m in self.miners], np.int64)
        self._ladders_in_view = False  # the wide columns: a view shares them until one changes
        self.energy_j = np.zeros(n)  # drawn since the start by what is believed; time without a reading is left out
        self._columns(n)

    def _columns(self, n: int) -> None:
        self.state = np.full(n, Code.UNKNOWN, np.int8)
        self.setpoint, self.intended = np.zeros((2, n), np.int8)
        self.seen = np.full(n, UNSEEN, np.int8)
        # broken: draws behind its seal; unclear: somebody else may answer at its address; cut: its outlet is seen off
        # owed: was lowered before this start, and has not said yet who it is
        self.held, self.sealed, self.broken, self.unclear, self.cut, self.keeps, self.owed = np.zeros((7, n), np.bool_)
        self.believed_w, self._model_w = np.zeros((2, n))
        # between the first two lies what a lagging meter includes of the belief
        self._least_shown_w, self._most_shown_w, self.most_w = np.zeros((3, n))
        self.hashrate_ths = np.full(n, np.nan)
        self._setpoint_names, self._intended_names = dict[int, str](), dict[int, str]()  # replayed or decided, by row
        self._known = np.zeros(n, np.bool_)  # heard, or proved lost, since the start
        self._step_w, self._step_ths = np.full((2, n, STEPS), np.nan)
        self._last_step = np.zeros(n, np.int8)
        self._moved_at, self._next_try, self._trust_until, self._told_at = np.full((4, n), NEVER)
        self._failures, self._tries = np.zeros((2, n), np.int64)
        self.heard_at, self._hashing_since, self._rises_until = np.full((3, n), NEVER)
        self._risen = np.zeros((n, 2))  # the share of its level's rate that it showed a poll ago, and now
        self._switching = Switching(n, self.policy)
        self.climate, self.cells = Climate(n), Cells(self)
        for row in range(n):  # nobody has identified it, and it was told nothing
            self._climb(row, self.ladders[row])
            self._start(row, self.ladders[row].steps[0].power_w)

    def __len__(self) -> int:
        """Return the number of miners."""
        return len(self.miners)

    def identified(self, row: int, identity: Identity, ladder: Ladder) -> None:
        """Take in who a miner is and what it can be told; setpoint and intended keep their names across ladders."""
        was, is_new = self.ladders[row].steps, self.identities[row] is None
        self.identities[row], self.owed[row] = identity, False
        self.climate.unasked.add(row)
        self._climb(row, ladder.holding(self.intended_name(row)))
        self.intended[row] = self.step_of(row, self.intended_name(row))
        shown = self.ladders[row].index(was[self.seen[row]].level) if self.seen[row] != UNSEEN else None
        self.seen[row] = UNSEEN if shown is None else shown
        unset = self.intended_name(row) if is_new else was[self.setpoint[row]].level
        self.setpoint[row] = self.step_of(row, self._setpoint_names.get(row, unset))
        if not self._known[row] and self.believed_w[row] == was[0].power_w:
            self._start(row, ladder.steps[0].power_w)

    def _climb(self, row: int, ladder: Ladder) -> None:
        self.ladders[row] = ladder
        if self._ladders_in_view:
            self._step_w, self._step_ths = self._step_w.copy(), self._step_ths.copy()
            self._ladders_in_view = False
        self._step_w[row] = self._step_ths[row] = np.nan
        for position, step in enumerate(ladder.steps):
            self._step_w[row, position] = step.power_w
            self._step_ths[row, position] = step.hashrate_ths
        self._last_step[row], self.keeps[row] = len(ladder.steps) - 1, ladder.keeps
        self.most_w[row], self.rising.wake_s[row] = ladder.most_w, ladder.wake_s

    def step_of(self, row: int, level: str) -> int:
        """Return the step of a level on this miner's ladder, or the nearest that draws no more than it asks."""
        return self.ladders[row].nearest(level)

    def intended_name(self, row: int) -> str:
        """Return the level that the owner wants of a machine, whether or not it has such a level."""
        return self._intended_names.get(row, self.miners[row].intended)

    def level_of(self, row: int, step: int) -> str | None:
        """Return the name of a step, None for one that nothing proves."""
        return None if step < 0 else self.ladders[row].steps[step].level

    # what a machine said -------------------------------------------------------------------------------------

    def heard(self, row: int, reading: Reading, now: float) -> None:
        """Take in one reading."""
        cell, ladder = self.cells, self.ladders[row]
        if self._steady.goes_on(row, reading, ladder, cell, now):
            return
        ours = self.own_levels.of(row, reading.level, self.modes_before.get(self.miners[row].id))
        step = proved_step(reading, ladder, ours=ours, wanted=cell.setpoint[row])
        watts, told = believed_power(reading, ladder, step)
        code, reason = self._standing(row, reading, now)
        if begins := code == HASHING and not told and self._has_just_begun(row, reading, now):
            watts = max(watts, ladder.steps[max(step, 0)].power_w)
        cell.rises_until[row] = NEVER if told else self._risen_at(row, code)
        cell.risen[row, 0], cell.risen[row, 1] = cell.risen[row, 1], risen_share(reading, ladder, step)
        if not cell.known[row]:
            self._first_heard(row, step, watts)
        if cell.seen[row] == cell.setpoint[row] == cell.last_step[row] > 0 and step >= 0:
            self._check_asleep(row, step, now)
        self._prove(row, step)
        if cell.tries[row] and reading.level is not None:
            self._hasten(row, step)
        cell.energy_j[row] += self._drawn_j(row, watts, now)
        self._believe(row, watts, now)
        cell.broken[row] = cell.sealed[row] and is_broken_by(code, watts, ladder)
        self._switching.seen(row, step, cell.seen[row], asleep=cell.last_step[row], now=now)
        self.readings[row], self.reasons[row] = completed(reading, self.readings[row]), reason
        cell.state[row], cell.seen[row] = code, step
        cell.hashrate_ths[row] = NOTHING if reading.hashrate_ths is None else reading.hashrate_ths
        cell.model_w[row] = 0.0 if told else watts
        cell.heard_at[row], cell.failures[row], cell.known[row] = now, 0, True
        self.climate.heard(row, reading, reason)
        self._steady.heard(row, reading, ladder, cell, begins=begins)

    def _standing(self, row: int, reading: Reading, now: float) -> tuple[int, str | None]:
        """Return state and reason; one that we woke and that does not hash yet is starting, whatever it looks like."""
        waking = reading.reason == "fault:hashrate" and self.setpoint[row] < self._last_step[row]
        if waking and reading.state is State.FAULT and now < self._trust_until[row]:
            return Code.STARTING, "starting:waking"
        return CODES[reading.state], reading.reason

    def _has_just_begun(self, row: int, reading: Reading, now: float) -> bool:
        """Whether it hashes for too short a time for its averages to tell how much it draws."""
        cell = self.cells
        if cell.state[row] != HASHING:
            past_s = 0.0 if cell.known[row] else np.inf if reading.uptime_s is None else reading.uptime_s
            cell.hashing_since[row] = now - past_s
        return bool(now - cell.hashing_since[row] < AVERAGES_SETTLE_S)

    def _risen_at(self, row: int, code: int) -> float:
        """Return when it surely draws, and the meter shows, what it is believed to: until then it may be nothing."""
        if code == HASHING:
            return float(self.cells.hashing_since[row] + self.ladders[row].wake_s + self.policy.meter_lag_s)
        return NEVER if code in AT_REST else np.inf

    def _first_heard(self, row: int, step: int, watts: Watts) -> None:
        """Start a machine at the level it is found at, so that raising it goes through headroom and ramp."""
        self._start(row, watts)
        if row not in self._setpoint_names:
            self.setpoint[row] = max(step, self.setpoint[row])

    def _check_asleep(self, row: int, step: int, now: float) -> None:
        if step < self.cells.setpoint[row] and not self._switching.may_be_rising(row, self.ladders[row].wake_s, now):
            self.woken.append(row)
            self._next_try[row] = self._switching.fought(row, now)

    def _drawn_j(self, row: int, watts: Watts, now: float) -> float:
        """Return what it drew since its last reading, where that still counted."""
        since_s = now - self.cells.heard_at[row]
        return (self.cells.believed_w[row] + watts) / 2 * since_s if since_s <= self.policy.fresh_s else 0.0

    def _prove(self, row: int, step: int) -> None:
        is_set = step == self.cells.setpoint[row]
        if is_set and step == 0:
            self.own_levels.clear(row)
        if is_set and self.cells.tries[row]:
            self.proved.append(row)
            self._tries[row], self._next_try[row] = 0, NEVER

    def _hasten(self, row: int, step: int) -> None:
        """Let a machine that runs in another mode than it was told be told soon: that is no state on its way."""
        tries, setpoint, last = self.cells.tries[row], self.cells.setpoint[row], self.cells.last_step[row]
        if step != setpoint and UNSEEN < step < last > setpoint:
            ladder = self.ladders[row]
            patience_s = MODE_SETTLES * ladder.settle_s * (1 << min(tries - 1, 8))
            soon = self._told_at[row] + min(patience_s, ladder.wake_s) + 2 * self.policy.poll_s
            self._next_try[row] = min(self._next_try[row], soon)

    def _start(self, row: int, watts: Watts) -> None:
        self.believed_w[row] = self._least_shown_w[row] = self._most_shown_w[row] = watts
        self._steady.forget(row)

    def _believe(self, row: int, watts: Watts, now: float) -> None:
        cell, before_w = self.cells, self.cells.believed_w[row]
        if now - cell.moved_at[row] >= self.policy.meter_lag_s:
            cell.least_shown_w[row] = cell.most_shown_w[row] = before_w
        if abs(watts - before_w) > MOVED * self.ladders[row].steps[0].power_w:
            cell.moved_at[row] = now
        cell.believed_w[row] = watts
        cell.least_shown_w[row] = min(cell.least_shown_w[row], watts)
        cell.most_shown_w[row] = max(cell.most_shown_w[row], watts)

    def garbled(self, row: int, reason: str = "unknown:garbled") -> None:
        """Take in an answer that tells nothing: the machine answers, and its state is unknown."""
        self._lost(row, Code.UNKNOWN, reason)

    def silent(self, row: int) -> None:
        """Take in a poll without an answer; after two in a row the machine is unreachable."""
        self._failures[row] += 1
        if self._failures[row] >= LOST_AFTER:
            self._lost(row, Code.UNREACHABLE, None)

    def _lost(self, row: int, code: int, reason: str | None) -> None:
        self.state[row], self.reasons[row] = code, reason
        self.seen[row], self._known[row] = UNSEEN, True
        self._steady.forget(row)
        if code == Code.UNREACHABLE and (self.sealed[row] or self.cut[row]):
            self.broken[row] = False
            self._start(row, 0.0)

    # what a machine is told ----------------------------------------------------------------------------------

    def set_steps(self, rows: Indices, steps: Indices, now: float) -> None:
        """Move setpoints; each machine is given the time that its ladder says to get there."""
        for row, step in zip(rows.tolist(), steps.tolist(), strict=True):
            raised, woken = step < self.setpoint[row], step < self.setpoint[row] == self._last_step[row]
            ladder = self.ladders[row]
            self.setpoint[row], self._setpoint_names[row] = step, ladder.steps[step].level
            self._tries[row], self._next_try[row] = 0, NEVER
            self.rising.ended(row)
            self._trust_until[row] = now + (ladder.wake_s if raised else 1.5 * ladder.settle_s + self.policy.fresh_s)
            if raised:
                self._switching.raised(row, now, woken=bool(woken))

    def attempted(self, row: int, now: float) -> None:
        """Note that a command left: the next one waits for its effect, or for the back-off."""
        tries = int(self._tries[row])
        ladder = self.ladders[row]
        effect_s = ladder.settle_s if self.setpoint[row] == self._last_step[row] else ladder.wake_s
        patience_s = effect_s + 2 * self.policy.poll_s
        backoff_s = min(FIRST_RETRY_S * (1 << min(tries, 8)), LAST_RETRY_S)
        self._next_try[row] = now + max(patience_s, backoff_s)
        self._tries[row], self._told_at[row] = tries + 1, now
        self.rising.attempted(row, now)
        self._steady.forget(row)
        self.own_levels.tell(row, ladder.steps[self.setpoint[row]].level)

    def failed(self, row: int, now: float, *, give_up: bool) -> None:
        """Note that a command did not arrive, or was refused: try again after a back-off."""
        tries = max(int(self._tries[row]), 1)
        backoff_s = LAST_RETRY_S if give_up else min(FIRST_RETRY_S * (1 << min(tries - 1, 8)), LAST_RETRY_S)
        self._next_try[row], self._trust_until[row] = now + backoff_s, NEVER
        self.rising.ended(row)

    def relocated(self, row: int) -> None:
        """Let a machine that answers elsewhere be told anew at once: what left went to its old address."""
        self._next_try[row] = NEVER

    def tries(self, row: int) -> int:
        """Return how many commands towards the present setpoint have left without proof."""
        return int(self._tries[row])

    def restore_names(self, *, setpoints: Mapping[str, str], intended: Mapping[str, str]) -> None:
        """Replay levels by miner id; they take effect when each machine is identified."""
        self._setpoint_names |= {self.index[miner]: level for miner, level in setpoints.items() if miner in self.index}
        self._intended_names |= {self.index[miner]: level for miner, level in intended.items() if miner in self.index}
        for row, level in self._setpoint_names.items():
            self.owed[row] = self.identities[row] is None and level != self.intended_name(row)

    def restore_powers(self, powers_w: Mapping[str, Watts]) -> None:
        """Replay each machine's last power: what it counts for until it is heard."""
        for miner, watts in powers_w.items():
            if (row := self.index.get(miner)) is not None:
                self._start(row, watts)

    def hold(self, held: Container[str]) -> None:
        """Take in who is held now: those are never raised."""
        self.held[:] = [miner.id in held for miner in self.miners]

    def seal(self, sealed: Container[str], broken: Container[str]) -> None:
        """Take in who is sealed, and who was seen to draw all the same; of the others who says nothing draws nothing.

        Whose seal was taken off counts in full until it is heard.
        """
        were_off = self.sealed & ~self.broken
        self.sealed[:] = [miner.id in sealed for miner in self.miners]
        self.broken[:] = [miner.id in broken for miner in self.miners]
        are_off = self.sealed & ~self.broken
        for row in np.flatnonzero((are_off != were_off) & (self.seen == UNSEEN)).tolist():
            self._start(row, 0.0 if are_off[row] else self.ladders[row].steps[0].power_w)

    def intend(self, row: int, level: str) -> None:
        """Take in what the owner wants of a machine when nothing binds."""
        was = self.ladders[row].steps
        self._intended_names[row] = level
        self._climb(row, self.ladders[row].holding(level))
        self.intended[row] = self.step_of(row, level)
        for column in (self.setpoint, self.seen):
            column[row] = UNSEEN if column[row] == UNSEEN else self.step_of(row, was[column[row]].level)

    # what planning and outputs see ---------------------------------------------------------------------------

    def fresh(self, now: float) -> Flags:
        """Return which machines were read within the time that a reading is good for, and are not lost since."""
        fresh: Flags = (now - self.heard_at <= self.policy.fresh_s) & (self.seen != UNSEEN)
        return fresh

    def everyone_known(self) -> bool:
        """Whether each machine answered or was found lost since the start."""
        return bool(self._known.all())

    def drawn_w(self) -> Floats:
        """Add up what is believed of the machines right on each feeder, by the feeders' places in the tree."""
        drawn = np.bincount(self.feeder, weights=self.believed_w, minlength=len(self.tree.feeders))
        return drawn.astype(np.float64)

    def view(self, now: float) -> FleetView:
        """Copy what planning needs; nothing that happens later shows in it."""
        in_meter = now - self._moved_at >= self.policy.meter_lag_s
        least_w = np.where(in_meter, self.believed_w, self._least_shown_w)
        shown = now - self._hashing_since >= self.policy.meter_rise_s
        risen_w = np.where(shown, self._risen[:, 0] * self.believed_w, 0.0)  # of a poll ago: the meter shows it
        fresh, rising = self.fresh(now), self.rising.among(self.setpoint, self.seen, self.state, now)
        self._ladders_in_view = True
        return FleetView(
            rank=self._rank,
            feeder=self.feeder,
            priority=self._priority,
            state=self.state.copy(),
            fresh=fresh,
            heard=self._known.copy(),
            believed_w=self.believed_w.copy(),
            metered_least_w=np.where(fresh, np.where(now >= self._rises_until, least_w, risen_w), 0.0),
            metered_most_w=np.where(in_meter, self.believed_w, self._most_shown_w),
            model_w=self._model_w.copy(),
            most_w=self.most_w.copy(),
            step_w=self._step_w,
            step_ths=self._step_ths,
            last_step=self._last_step.copy(),
            setpoint=self.setpoint.copy(),
            intended=self.intended.copy(),
            seen=self.seen.copy(),
            held=self.held | self.sealed | self.unclear,
            sealed=(self.sealed & ~self.broken) | (self.cut & ~fresh),  # who answers has power
            trusted=((now < self._trust_until) | rising) & (self.state != Code.UNREACHABLE),
            rested=self._switching.rested(now),
            young=self._switching.young(now),
            hot=self.climate.hot & fresh,
            keeps=self.keeps.copy(),
            due=now >= self._next_try,
        )

    def state_name(self, row: int) -> State:
        """Return the contract's name of a machine's state."""
        return STATES[int(self.state[row])]
