"""What a figure of one machine can be at all. A figure beyond says nothing: it is None, never another figure.

The bounds are several times what the largest machines do (1.2 PH/s, 14 kW) and what electronics live through.
"""

from __future__ import annotations

from typing import Any

MOST_THS = 10_000.0
MOST_W = 100_000.0
MOST_UPTIME_S = 3_155_760_000  # a hundred years
LEAST_C, MOST_AIR_C, MOST_CHIP_C = -60.0, 150.0, 250.0
ABSOLUTE_ZERO_C, MOST_LISTED_C = -273.15, 1000.0
MOST_MHZ = 20_000.0
MOST_V = 1000.0
MOST_CHIPS = 10_000
MOST_RPM = 100_000
MOST_SLOT = 255
MOST_COUNT = 2**63 - 1

Bounds = tuple[tuple[str, float, float], ...]
"""Fields with the least and the most that each can be."""

READING: Bounds = (
    ("hashrate_ths", 0.0, MOST_THS),
    ("present_ths", 0.0, MOST_THS),
    ("nominal_ths", 0.0, MOST_THS),
    ("power_w", 0.0, MOST_W),
    ("power_limit_w", 0.0, MOST_W),
    ("uptime_s", 0, MOST_UPTIME_S),
    ("inlet_c", LEAST_C, MOST_AIR_C),
    ("outlet_c", LEAST_C, MOST_AIR_C),
    ("accepted", 0, MOST_COUNT),
    ("rejected", 0, MOST_COUNT),
    ("stale", 0, MOST_COUNT),
    ("best_share", 0, MOST_COUNT),
    ("hardware_errors", 0, MOST_COUNT),
)
BOARD: Bounds = (
    ("hashrate_ths", 0.0, MOST_THS),
    ("chip_temp_c", LEAST_C, MOST_CHIP_C),
    ("board_temp_c", LEAST_C, MOST_CHIP_C),
    ("chips", 0, MOST_CHIPS),
    ("chips_expected", 0, MOST_CHIPS),
    ("frequency_mhz", 0.0, MOST_MHZ),
    ("voltage_v", 0.0, MOST_V),
)
POOL: Bounds = (
    ("priority", 0, MOST_COUNT),
    ("accepted", 0, MOST_COUNT),
    ("rejected", 0, MOST_COUNT),
    ("stale", 0, MOST_COUNT),
)


def is_board(one: Any) -> bool:
    """Whether all fields of a board can be so; unrolled, since each poll makes boards."""
    ths, chip_c, board_c, mhz, volts = (
        one.hashrate_ths, one.chip_temp_c, one.board_temp_c, one.frequency_mhz, one.voltage_v,
    )  # fmt: skip
    chips, expected = one.chips, one.chips_expected
    return (
        (ths is None or 0.0 <= ths <= MOST_THS)
        and (chip_c is None or LEAST_C <= chip_c <= MOST_CHIP_C)
        and (board_c is None or LEAST_C <= board_c <= MOST_CHIP_C)
        and (chips is None or 0 <= chips <= MOST_CHIPS)
        and (expected is None or 0 <= expected <= MOST_CHIPS)
        and (mhz is None or 0.0 <= mhz <= MOST_MHZ)
        and (volts is None or 0.0 <= volts <= MOST_V)
    )


def is_pool(one: Any) -> bool:
    """Whether all counts of a pool can be so; unrolled, as of a board."""
    priority, accepted, rejected, stale = one.priority, one.accepted, one.rejected, one.stale
    return (
        (priority is None or 0 <= priority <= MOST_COUNT)
        and (accepted is None or 0 <= accepted <= MOST_COUNT)
        and (rejected is None or 0 <= rejected <= MOST_COUNT)
        and (stale is None or 0 <= stale <= MOST_COUNT)
    )


def impossible(one: object, bounds: Bounds) -> list[str]:
    """Return the names of the fields that cannot be so."""
    wrong = []
    for name, least, most in bounds:
        value = getattr(one, name)
        if value is not None and not least <= value <= most:
            wrong.append(name)
    return wrong


def power_w(told_w: float | None) -> float | None:
    """Return a power that one machine can draw, else None."""
    return told_w if told_w is not None and 0.0 <= told_w <= MOST_W else None


def rate_ths(told_ths: float | None) -> float | None:
    """Return a rate that one machine can hash at, else None."""
    return told_ths if told_ths is not None and 0.0 <= told_ths <= MOST_THS else None


def is_slot(slot: int) -> bool:
    """Whether one machine can have a part at this slot."""
    return 0 <= slot <= MOST_SLOT


def level(told: str | None) -> str | None:
    """Return a level, None for a limit that no machine can be held to."""
    if told is None or not told.startswith("limit:"):
        return told
    watts = told.removeprefix("limit:")
    return told if watts.isdecimal() and power_w(float(watts)) is not None else None
