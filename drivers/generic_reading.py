"""From what a stranger on the CGMiner API tells to a Reading: the plain figures, and those that many programs add.

Boards stand in `devs`, else in `stats`: one flat row as an Antminer's, or a row each that counts its chips. Pure; what
was not told stays None.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from drivers.antminer_reading import Figures, figures_of_api, merged
from drivers.antminer_web import generation_of
from drivers.cgminer_reading import reading_of as plain_reading_of
from drivers.cgminer_wire import Report
from drivers.figures import hottest, number, watts, whole, words
from drivers.interface import Board, DeviceFault, Fan, Reading, State
from drivers.models import Model

Row = dict[str, Any]
_POWERS = ("Power", "Power Consumption", "Wattage", "power")
_NAMES = ("Model", "MODEL", "PROD", "Prod", "Product", "Type", "Miner Type")
_PROGRAMS = re.compile(r"^(cgminer|bfgminer|sgminer|bmminer|asc|pga)\b", re.IGNORECASE)
_FAN = re.compile(r"Fan ?([0-9]{1,2})", re.IGNORECASE)
_BLOWERS = ("Fan Speed In", "Fan Speed Out")
_ERROR = re.compile(r"Error Code \d+")


@dataclass(slots=True)
class Told:
    """What it told: typed, and the rows of each section as they came."""

    report: Report = field(default_factory=Report)
    rows: dict[str, list[Row]] = field(default_factory=dict)
    described: str | None = None
    model: Model | None = None

    def first(self, section: str) -> Row:
        """Return the first row of a section, an empty one where it has none."""
        return next(iter(self.rows.get(section, ())), {})

    @property
    def stats(self) -> list[Row]:
        """The rows of `stats` that are no pool's."""
        return [row for row in self.rows.get("STATS", ()) if not str(row.get("ID", "")).startswith("POOL")]


def name_of(told: Told) -> str | None:
    """Return how it calls its model, where it names one and no program."""
    rows = (told.first("DEVDETAILS"), told.first("DEVS"), *told.stats, told.first("VERSION"))
    names = (words(row.get(key)) for row in rows for key in _NAMES)
    return next((name for name in names if name is not None and _PROGRAMS.match(name) is None), None)


def reading_of(told: Told) -> Reading:
    """Return what the machine said of itself."""
    plain, summary = plain_reading_of(told.report, told.model), told.first("SUMMARY")
    flat = figures_of_api(told.stats, told.model, generation_of(None)) if _is_flat(told.stats) else Figures()
    reading = msgspec.structs.replace(
        plain,
        power_w=plain.power_w or _watts(summary) or flat.power_w,
        uptime_s=flat.uptime_s if plain.uptime_s is None else plain.uptime_s,
        inlet_c=number(summary.get("Env Temp")),
        boards=plain.boards or flat.boards or _boards(told) or plain.boards,
        fans=flat.fans or _fans((summary, *told.stats)),
        errors=plain.errors if plain.errors is not None else _errors(summary),
    )
    if plain.state is State.UNKNOWN and flat.hashes:
        reading = msgspec.structs.replace(
            reading, state=State.HASHING, reason=None, hashrate_ths=flat.averaged_ths, present_ths=flat.present_ths
        )
    whole_level = reading.state is State.HASHING and told.report.devices is None
    return msgspec.structs.replace(reading, level="full") if whole_level else reading


def _is_flat(rows: Sequence[Row]) -> bool:
    return any(key.startswith("chain_acn") for key in merged(rows))


def _watts(summary: Row) -> float | None:
    return next((w for key in _POWERS if (w := watts(summary.get(key))) is not None), None)


def _boards(told: Told) -> tuple[Board, ...] | None:
    """Read a row for each board that counts its chips."""
    rows = [row for row in told.stats if whole(row.get("chip_num"))]
    return tuple(_board(at, row, told.model) for at, row in enumerate(rows)) or None


def _board(at: int, row: Row, model: Model | None) -> Board:
    slot = whole(row.get("slot"))
    sensors = tuple(c for sensor in range(1, 5) if (c := number(row.get(f"temp_{sensor}"))))
    return Board(
        slot=at if slot is None else slot,
        board_temp_c=hottest(sensors),
        board_temps_c=sensors,
        chips=whole(row.get("chip_num")),
        chips_expected=None if model is None else model.chips_per_board,
        frequency_mhz=number(row.get("freqs_avg")) or None,
    )


def _fans(rows: Sequence[Row]) -> tuple[Fan, ...] | None:
    """Read the fans by number, else the one that blows in and the one that blows out; None where none is told of."""
    numbered = {int(found[1]): row[key] for row in rows for key in row if (found := _FAN.fullmatch(key)) is not None}
    told = [(slot, numbered[slot]) for slot in sorted(numbered)]
    named = [(slot, row[key]) for slot, key in enumerate(_BLOWERS) for row in rows if key in row]
    speeds = [(slot, whole(rpm)) for slot, rpm in told or named]
    return tuple(Fan(slot=slot, rpm=rpm) for slot, rpm in speeds if rpm) if speeds else None


def _errors(summary: Row) -> tuple[DeviceFault, ...] | None:
    """Read the codes that it counts; None where it counts none, so that nobody takes silence for health."""
    if whole(summary.get("Error Code Count")) is None:
        return None
    return tuple(DeviceFault(code=code) for code in _codes(summary))


def _codes(summary: Row) -> Iterable[str]:
    for key, told in summary.items():
        if _ERROR.fullmatch(key) and told is not None:
            yield str(told)
