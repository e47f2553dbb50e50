"""What a simulated machine is: the model table, and one frozen record a machine.

Nothing here changes while the farm runs; what changes is in `physics`.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path


class BadInput(ValueError):
    """What the user gave cannot be used; the message is one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A row of the model table: nameplate figures and times of one model."""

    make: str
    model: str
    generation: str
    hashrate_ths: float
    power_w: float
    boards: int
    chips: int
    fans: int
    standby_w: float
    boot_s: float
    warmup_s: float
    tuning_s: float
    #: share of full power and rate in low mode; None: the model has no such mode
    low_power: float | None = None
    low_rate: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MixRow:
    """A share of the farm: which model with which firmware; access "W" may write over the socket, "R" may not."""

    make: str
    model: str
    share: float
    firmware: str
    access: str = "W"


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One simulated machine as the network and its owner know it."""

    index: int
    host: str
    port: int
    http_port: int | None
    make: str
    model: str
    firmware: str
    access: str
    mac: str
    serial: str
    nameplate_w: float
    nameplate_ths: float
    row: Model
    #: its firmware sleeps on after a new start
    sleeps_on: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where one machine listens; no HTTP port where it has no web page."""

    host: str
    port: int
    http_port: int | None


@cache
def models() -> dict[str, Model]:
    """Read the model table, by name."""
    text = Path(__file__).with_name("models.toml").read_text(encoding="utf-8")
    return {row["model"]: Model(**row) for row in tomllib.loads(text)["model"]}
