"""ePIC's pages as typed structs, and what several of them told together.

Keys are words with blanks and capitals. A board's rate is [MH/s, per cent of ideal, per cent]. Source: the maker's
OpenAPI document (powerplay.json).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import msgspec

from drivers.cgminer_wire import Figure
from drivers.figures import number, words
from drivers.models import Model

IDLES, STOPS, MINES = "Idling", "Stopping", "Mining"
WHOLE = 0.98
"""A target of so much of what a machine was sold as is full."""


def _key(name: str) -> Any:
    return msgspec.field(default=None, name=name)


class Standing(msgspec.Struct, gc=False):
    """What it does, and what it was told last."""

    state: str | None = _key("Operating State")
    command: Any = _key("Last Command")
    error: str | dict[str, Any] | None = _key("Last Error")


class Session(msgspec.Struct, gc=False):
    """The mining since its last start."""

    uptime_s: Figure = _key("Uptime")
    average_mhs: Figure = _key("Average MHs")
    accepted: Figure = _key("Accepted")
    rejected: Figure = _key("Rejected")


class Hashboard(msgspec.Struct, gc=False):
    """A board that mines."""

    index: Figure = _key("Index")
    rate: list[Figure] | None = _key("Hashrate")
    clock_mhz: Figure = _key("Core Clock Avg")
    clocks_mhz: list[Figure] | Figure = _key("Core Clock")
    input_v: Figure = _key("Input Voltage")
    input_w: Figure = _key("Input Power")
    celsius: Figure = _key("Temperature")


class Slot(msgspec.Struct, gc=False):
    """A place for a board."""

    index: Figure = _key("Index")
    detected: bool | None = _key("Detected")
    enabled: bool | None = _key("Enabled")


class Stratum(msgspec.Struct, gc=False):
    """The pool in use."""

    pool: str | None = _key("Current Pool")
    user: str | None = _key("Current User")
    is_connected: bool | None = _key("IsPoolConnected")
    config: Figure = _key("Config Id")


class PoolRow(msgspec.Struct, gc=False):
    """A pool that it is set to; its password is told too, and not read."""

    url: str | None = _key("pool")
    user: str | None = _key("login")


class Algorithm(msgspec.Struct, gc=False):
    """What a tuner holds."""

    target: Figure = _key("Target")
    throttled: Figure = _key("Throttle Target")
    least: Figure = _key("Min Throttle Target")
    step: Figure = _key("Throttle Step")
    is_tuned: bool | None = _key("Optimized")
    unit: str | None = _key("Unit")


class Tune(msgspec.Struct, gc=False):
    """The tuner that runs for ever."""

    running: bool | None = _key("Running")
    algorithms: dict[str, Algorithm] | None = _key("Algorithm")


class Supply(msgspec.Struct, gc=False):
    """The power supply."""

    input_w: Figure = _key("Input Power")


class Misc(msgspec.Struct, gc=False):
    """The rest."""

    light: bool | None = _key("Locate Miner State")


class Summary(msgspec.Struct, gc=False):
    """The page `summary`."""

    decoder: ClassVar[msgspec.json.Decoder[Summary]]
    standing: Standing | None = _key("Status")
    software: str | None = _key("Software")
    session: Session | None = _key("Session")
    boards: list[Hashboard] | None = _key("HBs")
    slots: list[Slot] | None = _key("HBStatus")
    fans_rpm: dict[str, Figure] | None = _key("Fans Rpm")
    stratum: Stratum | None = _key("Stratum")
    pools: list[PoolRow] | None = _key("StratumConfigs")
    tune: Tune | None = _key("PerpetualTune")
    supply: Supply | None = _key("Power Supply Stats")
    idles_unfed: bool | None = _key("IdleOnConnectionLost")
    misc: Misc | None = _key("Misc")


class Preset(msgspec.Struct, gc=False):
    """What it draws and hashes at one setting."""

    rate_ths: Figure = _key("hashrate")
    power_w: Figure = _key("power")


class Span(msgspec.Struct, gc=False):
    """Between which targets a tuner may be set."""

    algorithm: str | None = None
    least: Figure = _key("min")
    most: Figure = _key("max")


class Estimator(msgspec.Struct, gc=False):
    """What a board should carry."""

    chips: Figure = _key("Chip Count")


class Capabilities(msgspec.Struct, gc=False):
    """The page `capabilities`."""

    decoder: ClassVar[msgspec.json.Decoder[Capabilities]]
    model: str | None = _key("Model")
    serial: str | None = _key("Miner Serial Number")
    sold_ths: Figure = _key("Default Hashrate")
    estimator: Estimator | None = _key("Performance Estimator")
    presets: list[Preset] | None = _key("Tune Presets")
    spans: list[Span] | None = _key("PerpetualTune")


class Rows(msgspec.Struct, gc=False):
    """A row of the pages that list something by board."""

    decoder: ClassVar[msgspec.json.Decoder[list[Rows]]]
    index: Figure = _key("Index")
    data: list[Any] | None = _key("Data")


Summary.decoder = msgspec.json.Decoder(Summary)
Capabilities.decoder = msgspec.json.Decoder(Capabilities)
Rows.decoder = msgspec.json.Decoder(list[Rows])


@dataclass(slots=True)
class Told:
    """What several pages told together; what a board lists is by its index."""

    summary: Summary
    able: Capabilities | None = None
    model: Model | None = None
    board_c: Mapping[int, list[Any]] = field(default_factory=dict)
    chip_c: Mapping[int, list[Any]] = field(default_factory=dict)
    chips: Mapping[int, list[Any]] = field(default_factory=dict)

    @property
    def state(self) -> str | None:
        """What it says that it does; old firmware does not."""
        return None if self.summary.standing is None else self.summary.standing.state

    @property
    def sold_ths(self) -> float | None:
        """What it was sold with, TH/s."""
        told = None if self.able is None else number(self.able.sold_ths)
        return told or (None if self.model is None else self.model.hashrate_ths)

    @property
    def sold_w(self) -> float | None:
        """What it was sold with, W: by its model, else by the preset whose rate comes nearest."""
        if self.model is not None:
            return self.model.power_w
        rated = {ths: w for ths, w in presets(self.able) if w}
        sold_ths = self.sold_ths
        return None if sold_ths is None or not rated else rated[min(rated, key=lambda ths: abs(ths - sold_ths))]

    @property
    def tuner(self) -> tuple[str, Algorithm] | None:
        """Return the tuner in force by its name; None where none runs."""
        tune = self.summary.tune
        if tune is None or not tune.running or not tune.algorithms:
            return None
        return next(iter(tune.algorithms.items()))

    @property
    def is_asleep(self) -> bool:
        """Whether it idles because it was told to stop."""
        standing = self.summary.standing
        if standing is None or standing.state != IDLES or standing.error:
            return False
        return "stop" in (words(standing.command) or "").lower()


def presets(able: Capabilities | None) -> list[tuple[float, float]]:
    """Return what each preset hashes and draws: TH/s, W."""
    rows = (able.presets if able is not None else None) or []
    told = ((number(row.rate_ths), number(row.power_w)) for row in rows)
    return [(ths, w) for ths, w in told if ths is not None and w is not None]


def is_of_power(name: str) -> bool:
    """Whether a tuner holds watts; the others hold TH/s."""
    return name.lower().startswith("power")


def level_of(name: str, target: float) -> str:
    """Name what a tuner holds as a level."""
    return f"limit:{target:.0f}" if is_of_power(name) else f"profile:{name}-{target:g}"
