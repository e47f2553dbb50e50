"""Which machines a simulated farm has: the model table, the mix, and one frozen record a machine.

Nothing here changes while the farm runs; what changes is in `physics`.
"""

import random
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FIRMWARES = {"Antminer": ("stock",), "WhatsMiner": ("whatsminer", "cgminer", "bfgminer")}


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


DEFAULT_MIX = (
    MixRow(make="Antminer", model="Antminer S19", share=12, firmware="stock"),
    MixRow(make="Antminer", model="Antminer S19j Pro", share=18, firmware="stock"),
    MixRow(make="Antminer", model="Antminer S19 XP", share=12, firmware="stock"),
    MixRow(make="Antminer", model="Antminer S21", share=12, firmware="stock"),
    MixRow(make="Antminer", model="Antminer T21", share=6, firmware="stock"),
    MixRow(make="WhatsMiner", model="M30S++", share=14, firmware="whatsminer"),
    MixRow(make="WhatsMiner", model="M50", share=12, firmware="whatsminer"),
    MixRow(make="WhatsMiner", model="M60S", share=14, firmware="whatsminer"),
)


@cache
def models() -> dict[str, Model]:
    """Read the model table, by name."""
    text = Path(__file__).with_name("models.toml").read_text(encoding="utf-8")
    return {row["model"]: Model(**row) for row in tomllib.loads(text)["model"]}


def read_mix(text: str) -> tuple[MixRow, ...]:
    """Parse a mix file. Raises BadInput."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"the mix is no TOML: {error}") from error
    rows = document.get("mix")
    if not isinstance(rows, list) or not rows or set(document) != {"mix"}:
        raise BadInput("a mix file has one or more [[mix]] tables and nothing else")
    return tuple(_mix_row(row, number) for number, row in enumerate(rows, 1))


def _mix_row(row: Any, number: int) -> MixRow:
    where = f"mix {number}"
    if not isinstance(row, dict) or set(row) - {"make", "model", "share", "firmware", "access"}:
        raise BadInput(f"{where}: the keys are make, model, share, firmware, access")
    model = _model(str(row.get("model")), row.get("make"))
    if model is None:
        raise BadInput(
            f"{where}: no {row.get('make', 'such')} model {row.get('model')!r}; known: {', '.join(models())}"
        )
    firmware = row.get("firmware", FIRMWARES[model.make][0])
    if firmware not in FIRMWARES[model.make]:
        raise BadInput(f"{where}: {model.make} has firmware {' or '.join(FIRMWARES[model.make])}, not {firmware!r}")
    share = row.get("share", 1)
    if isinstance(share, bool) or not isinstance(share, int | float) or not share > 0:
        raise BadInput(f"{where}: share must be a number above 0")
    access = row.get("access", "W")
    if access not in ("W", "R"):
        raise BadInput(f'{where}: access is "W" or "R"')
    return MixRow(make=model.make, model=model.model, share=share, firmware=firmware, access=access)


def _model(name: str, make: Any) -> Model | None:
    """Find a model; where the make is told, its name may stand before the model's or be left out."""
    alike = (name,) if make is None else (name, f"{make} {name}", name.removeprefix(f"{make} "))
    found = (models().get(one) for one in alike)
    return next((model for model in found if model is not None and make in (None, model.make)), None)


def allot(mix: Sequence[MixRow], count: int) -> Iterator[MixRow]:
    """Give each of `count` machines its row: shares by largest remainder, rows together and in the mix's order."""
    total = sum(row.share for row in mix)
    exact = [count * row.share / total for row in mix]
    counts = [int(share) for share in exact]
    by_remainder = sorted(range(len(mix)), key=lambda at: counts[at] - exact[at])
    for at in by_remainder[: count - sum(counts)]:
        counts[at] += 1
    for row, repeated in zip(mix, counts, strict=True):
        for _ in range(repeated):
            yield row


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where one machine listens; no HTTP port where it has no web page."""

    host: str
    port: int
    http_port: int | None


def machine(index: int, row: MixRow, place: Place, seed: int) -> Machine:
    """Build one machine; its identity depends on seed and index alone."""
    model = models()[row.model]
    chance = random.Random(f"{seed}/{index}/identity")  # noqa: S311 - a made-up MAC is no secret
    octets = [2, 0x1A, *(chance.randrange(256) for _ in range(2)), index >> 8 & 255, index & 255]
    return Machine(
        index=index,
        host=place.host,
        port=place.port,
        http_port=place.http_port,
        make=row.make,
        model=row.model,
        firmware=row.firmware,
        access="R" if row.make == "Antminer" else row.access,
        mac=":".join(f"{octet:02X}" for octet in octets),
        serial=f"HWSIM{seed % 1000:03d}{index:06d}",
        nameplate_w=model.power_w,
        nameplate_ths=model.hashrate_ths,
        row=model,
    )
