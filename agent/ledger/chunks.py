"""Machines' columns as bytes: a part of 256 machines at one moment, and an hour of such a part, deflated.

Half-precision floats: a thousandth of a figure is more than a machine knows of itself, and NaN stays unknown.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from agent.fleet.belief import STATES
from agent.past import MINER_STEP_S, MinerColumns, MinerPoint

PART = 256
HOUR_S = 3600
_MOMENTS = HOUR_S // MINER_STEP_S
_ABSENT = 255
"""The state of a place that no machine of that moment has."""
_MOST = float(np.finfo(np.float16).max)
_LEVEL = 6
_FIGURES = 3
_SIZE = PART * (1 + 2 * _FIGURES)


@dataclass(frozen=True, slots=True)
class Numbers:
    """The lasting number of each machine, in the order of the inventory."""

    by_id: Mapping[str, int]
    rows: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, np.intp))

    @staticmethod
    def of(miners: Sequence[str], by_id: Mapping[str, int]) -> Numbers:
        """Return the numbers of these machines."""
        return Numbers(by_id, np.array([by_id[miner] for miner in miners], np.intp))

    @property
    def parts(self) -> int:
        """How many parts they fill."""
        return 0 if not len(self.rows) else int(self.rows.max()) // PART + 1


def place(number: int) -> tuple[int, int]:
    """Return the part of a machine, and its place in it."""
    return divmod(number, PART)


def split(columns: MinerColumns, numbers: Numbers) -> Iterator[bytes]:
    """Yield each part's bytes: the states, then each figure."""
    size = numbers.parts * PART
    state = np.full(size, _ABSENT, np.uint8)
    state[numbers.rows] = columns.state
    figures = np.full((_FIGURES, size), np.nan, np.float16)
    for at, column in enumerate((columns.power_w, columns.hashrate_ths, columns.hottest_c)):
        figures[at, numbers.rows] = np.clip(column, -_MOST, _MOST)
    for start in range(0, size, PART):
        here = slice(start, start + PART)
        yield state[here].tobytes() + figures[:, here].tobytes()


def pack(start: int, moments: Sequence[tuple[int, bytes]]) -> bytes:
    """Return an hour: each byte of a moment beside the same byte of the next, as far as they are alike."""
    hour = np.zeros((_MOMENTS, _SIZE), np.uint8)
    hour[:, :PART] = _ABSENT
    for at, body in moments:
        hour[(at - start) // MINER_STEP_S] = np.frombuffer(body, np.uint8)
    return zlib.compress(np.ascontiguousarray(hour.T).tobytes(), _LEVEL)


def of_hour(start: int, body: bytes, slot: int) -> Iterator[MinerPoint]:
    """Yield one machine's points of an hour."""
    hour = np.frombuffer(zlib.decompress(body), np.uint8).reshape(_SIZE, _MOMENTS)
    for at in range(_MOMENTS):
        yield from _point(start + at * MINER_STEP_S, hour[:, at], slot)


def of_moment(at: int, body: bytes, slot: int) -> Iterator[MinerPoint]:
    """Yield one machine's point of a moment, nothing where it was not there."""
    yield from _point(at, np.frombuffer(body, np.uint8), slot)


def _point(at: int, moment: NDArray[np.uint8], slot: int) -> Iterator[MinerPoint]:
    state = int(moment[slot])
    if state == _ABSENT:
        return
    starts = [PART + figure * 2 * PART + 2 * slot for figure in range(_FIGURES)]
    figures = [float(np.frombuffer(moment[first : first + 2].tobytes(), np.float16)[0]) for first in starts]
    power_w, hashrate_ths, hottest_c = (None if np.isnan(figure) else figure for figure in figures)
    yield MinerPoint(
        at=datetime.fromtimestamp(at, UTC),
        state=STATES[state].value,
        power_w=power_w,
        hashrate_ths=hashrate_ths,
        hottest_c=hottest_c,
    )
