"""A stretch of energy while it is added up, and who says at its end what it was at the meter. It has no clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from agent.facts.energy import MeterInterval
from agent.fleet.support import counted_wh
from agent.fleet.view import Floats
from agent.values import Watts

COVERED = 0.98
"""The share of a piece that the meter must have spoken for."""
HOUR_S = 3600.0


@dataclass(slots=True, kw_only=True)
class Piece:
    """What has been added up since `start`."""

    start: datetime
    begun: bool  # at a register that we saw, and not where another piece ended
    register_wh: float | None
    miners_wh: Floats
    hashed_th: Floats
    house_wh: float = 0.0
    meter_wh: float = 0.0
    metered_s: float = 0.0
    added_s: float = 0.0
    end: datetime | None = None
    end_register_wh: float | None = None
    waits_until: float = 0.0

    @property
    def seconds(self) -> float:
        """How long it was; 0 while it is under way."""
        return 0.0 if self.end is None else (self.end - self.start).total_seconds()

    @property
    def drawn_wh(self) -> float:
        """What was drawn so far: by the meter's figures while it spoke, by beliefs while it was silent."""
        silent = 1 - self.metered_s / self.added_s if self.added_s else 0.0
        return self.meter_wh + (float(self.miners_wh.sum()) + self.house_wh) * silent

    def add(self, power: Power, seconds: float) -> None:
        """Take in what was drawn for so long."""
        hours = seconds / HOUR_S
        self.added_s += seconds
        self.miners_wh += power.miners_w * hours
        self.house_wh += power.house_w * hours
        self.hashed_th += power.hashrate_ths * seconds
        if power.meter_w is not None:
            self.meter_wh += power.meter_w * hours
            self.metered_s += seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """What is drawn at one moment; meter None where it does not speak."""

    miners_w: Floats
    house_w: Watts
    meter_w: Watts | None
    hashrate_ths: Floats  # of who was read; 0 for others
    register_wh: float | None = None  # of the billing meter while it speaks

    @property
    def source(self) -> str:
        """Who says the draw."""
        return "beliefs" if self.meter_w is None else "meter"

    @property
    def site_w(self) -> Watts:
        """The draw at the meter, by whoever says it."""
        return self.meter_w if self.meter_w is not None else float(self.miners_w.sum()) + self.house_w

    def mean(self, earlier: Power) -> Power:
        """Return what was drawn between two moments."""
        meter_w = self.meter_w
        if meter_w is not None and earlier.meter_w is not None:
            meter_w = (meter_w + earlier.meter_w) / 2
        return Power(
            miners_w=(self.miners_w + earlier.miners_w) / 2,
            house_w=(self.house_w + earlier.house_w) / 2,
            meter_w=meter_w,
            hashrate_ths=(self.hashrate_ths + earlier.hashrate_ths) / 2,
            register_wh=self.register_wh,
        )


def whole_wh(start_wh: float, end_wh: float, rolls_over_wh: float | None) -> int | None:
    """Return the whole Wh that a register counted, None where it was set back; what follows on one another adds up."""
    if counted_wh(start_wh, end_wh, rolls_over_wh) is None:
        return None
    return round(end_wh) - round(start_wh) + (round(rolls_over_wh or 0.0) if end_wh < start_wh else 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What a piece was at the meter, whole Wh, and who says so."""

    site_wh: int
    source: str  # register | meter | beliefs
    quality: str  # measured | estimated
    register_wh: float | None = None


def word_of(
    piece: Piece,
    told: MeterInterval | None,
    believed_wh: float,
    interval: timedelta,
    rolls_over_wh: float | None = None,
) -> Word:
    """Take the register, else the meter's mean, else its figures at each tick, and beliefs where it was silent.

    Registers are rounded before they are subtracted: what follows on one another adds up to the register's own Wh.
    """
    is_ended = told is not None and piece.end == told.end
    start_wh = piece.register_wh if piece.begun or told is None else told.register_start_wh
    end_wh = told.register_end_wh if is_ended and told is not None else piece.end_register_wh
    if start_wh is not None and end_wh is not None:
        counted = whole_wh(start_wh, end_wh, rolls_over_wh)
        if counted is not None:
            return Word(site_wh=counted, source="register", quality="measured", register_wh=end_wh)
    covered = piece.metered_s / piece.seconds if piece.seconds else 0.0
    is_whole = piece.seconds == interval.total_seconds()
    if is_whole and told is not None and told.mean_w is not None and covered >= COVERED:
        return Word(site_wh=round(told.mean_w * piece.seconds / HOUR_S), source="meter", quality="measured")
    return Word(
        site_wh=round(piece.meter_wh + believed_wh * (1 - covered)),
        source="meter" if covered > 0 else "beliefs",
        quality="measured" if covered >= COVERED else "estimated",
    )
