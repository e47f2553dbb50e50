"""From a reading to a belief: the state, the step it proves, the watts to believe. Unknown counts against us."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from agent.fleet.miner import Ladder
from agent.fleet.own_levels import is_set
from agent.values import SLEEP, Watts
from drivers.interface import Reading, State

IDLE_W = 200.0
"""What an air-cooled machine draws while it waits for work, where it does not say (fans and control board)."""


class Code:
    """A state as the columns hold it: plain numbers; against an enumeration a column is compared five times slower."""

    UNKNOWN: Final = 0
    HASHING: Final = 1
    IDLE: Final = 2
    SLEEPING: Final = 3
    STARTING: Final = 4
    FAULT: Final = 5
    UNREACHABLE: Final = 6


CODES: Mapping[State, int] = {state: getattr(Code, state.name) for state in State}
STATES: Mapping[int, State] = {code: state for state, code in CODES.items()}
"""By the number that columns hold; a code is one."""

HASHING, IDLE, SLEEPING, UNKNOWN = State.HASHING, State.IDLE, State.SLEEPING, State.UNKNOWN
"""Named once: until Python 3.12 an enumeration looks its members up slowly, and each reading asks for some."""

SLOW = ("boards", "fans", "pools", "errors", "accepted", "rejected", "stale", "best_share", "hardware_errors")
"""What a quick read may leave out, and a full one told some polls ago."""

UNSEEN = -1
"""The step of a machine whose level nothing proves."""


def proved_step(reading: Reading, ladder: Ladder, *, ours: str | None = None, wanted: int = 0) -> int:
    """Return the step that the reading proves; an awake machine without a word on its level is at its highest.

    `ours` is the level that it shows as we told it, None where we did not. A limit or profile that is not ours is the
    owner's own and counts as the highest too; as the wanted step, where that asks no less of the machine.
    """
    level = reading.level
    if level is not None and (step := _named_step(level, ladder, ours, wanted)) is not None:
        return step
    if reading.state is SLEEPING:
        return len(ladder.steps) - 1 if ladder.sleeps else UNSEEN
    return UNSEEN if reading.state is UNKNOWN else 0


def _named_step(level: str, ladder: Ladder, ours: str | None, wanted: int) -> int | None:
    if not is_set(level) or level == ladder.owners:
        return ladder.index(level)
    if ours is not None:
        return ladder.nearest(ours)
    shown_w, step = ladder.watts_of(level), ladder.steps[wanted]
    return wanted if shown_w is not None and step.hashrate_ths > 0 and shown_w <= step.power_w else None


def believed_power(reading: Reading, ladder: Ladder, step: int) -> tuple[Watts, bool]:
    """Return the watts to believe of a machine just read, and whether it said them itself."""
    if reading.power_w is not None:
        return reading.power_w, True
    full_w, state = ladder.steps[0].power_w, reading.state
    if state is SLEEPING:
        sleep = ladder.index(SLEEP)
        return (ladder.steps[sleep].power_w if sleep is not None else min(IDLE_W, full_w)), False
    if state is IDLE:
        return min(IDLE_W, full_w), False
    if state is HASHING and reading.hashrate_ths is not None:
        return _from_hashrate(reading.hashrate_ths, ladder, max(step, 0)), False
    return full_w, False


def _from_hashrate(hashrate_ths: float, ladder: Ladder, step: int) -> Watts:
    """Watts by the level's own J/TH; never under an idle machine's, never over the most it can draw."""
    level = ladder.steps[step]
    if level.hashrate_ths <= 0:
        return level.power_w
    watts = level.power_w * hashrate_ths / level.hashrate_ths
    return min(max(watts, min(IDLE_W, level.power_w)), ladder.most_w)


def risen_share(reading: Reading, ladder: Ladder, step: int) -> float:
    """Return which share of its level's power a machine that hashes draws at the least.

    Below its full rate a machine is less efficient, fans and voltage stay: half is drawn before the first hash.
    """
    full_ths = ladder.steps[max(step, 0)].hashrate_ths
    if reading.state is not HASHING or reading.present_ths is None or full_ths <= 0:
        return 0.0
    return (1.0 + min(reading.present_ths / full_ths, 1.0)) / 2


def completed(reading: Reading, before: Reading | None) -> Reading:
    """Return the reading with what it was not asked for as the one before it told."""
    if before is None or before is reading:
        return reading
    kept = {name: getattr(before, name) for name in SLOW if getattr(reading, name) is None}
    missing = {name: told for name, told in kept.items() if told is not None}  # no errors is known, as 0 is
    return msgspec.structs.replace(reading, **missing) if missing else reading
