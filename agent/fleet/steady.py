"""Machines that say again just what they said: their columns stand as they are, but for the time and the energy.

Half a farm that sleeps for months under an order says the same words, poll after poll.
"""

from __future__ import annotations

from agent.fleet.cells import Cells
from agent.fleet.miner import Ladder
from drivers.interface import Reading, State

FAULT = State.FAULT
"""Named once, as in `belief`."""


class Steady:
    """By row, the words that changed nothing when they were said last, and what else that hung on."""

    def __init__(self, fresh_s: float) -> None:
        self._fresh_s = fresh_s
        self._said: dict[int, tuple[Reading, Ladder, int, int, int]] = {}

    def forget(self, row: int) -> None:
        """Weigh a machine's next words, whatever they are: it is told something, or believed anew, or lost."""
        self._said.pop(row, None)

    def goes_on(self, row: int, reading: Reading, ladder: Ladder, cell: Cells, now: float) -> bool:
        """Whether a reading tells nothing but that all is as it was; then it is taken in."""
        said = self._said.get(row)
        if said is None or not (said[0] is reading or said[0] == reading):
            return False
        as_it_was = (ladder is said[1], cell.setpoint[row], cell.seen[row], cell.state[row]) == (True, *said[2:])
        if not as_it_was or cell.tries[row] or cell.sealed[row]:
            return False
        since_s = now - cell.heard_at[row]
        cell.energy_j[row] += cell.believed_w[row] * since_s if since_s <= self._fresh_s else 0.0
        cell.heard_at[row], cell.failures[row] = now, 0
        return True

    def heard(self, row: int, reading: Reading, ladder: Ladder, cell: Cells, *, begins: bool) -> None:
        """Take in a reading that was weighed; `begins`: its watts are another's when it has hashed for longer.

        A fault is weighed each time: what it counts as hangs on the time.
        """
        self._said.pop(row, None)
        stands = cell.least_shown_w[row] == cell.most_shown_w[row] == cell.believed_w[row]
        if not stands or begins or cell.tries[row] or cell.sealed[row] or reading.state is FAULT:
            return
        if cell.risen[row, 0] == cell.risen[row, 1]:
            self._said[row] = reading, ladder, cell.setpoint[row], cell.seen[row], cell.state[row]
