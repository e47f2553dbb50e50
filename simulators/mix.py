"""From a mix to machines: its text to rows, rows to shares of a farm, a row to one machine."""

import random
import tomllib
from collections.abc import Iterator, Sequence
from typing import Any

from simulators.firmwares import FIRMWARES, Firmware, firmware_names, firmware_of
from simulators.machines import BadInput, Machine, MixRow, Model, Place, models

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

MAKERS = {"Bitmain": "Antminer", "MicroBT": "WhatsMiner", "Canaan": "Avalon"}
EVERY, PLAIN = "all", "X19"
REST = 0.1
"""The share of each model of a firmware but its first."""


def every_mix() -> tuple[MixRow, ...]:
    """Return a mix of every firmware: a maker's own on each of its models, others' on plain ones.

    As few machines as there are firmwares are one of each.
    """
    return tuple(row for firmware in FIRMWARES for row in _shared(firmware))


def _shared(firmware: Firmware) -> Iterator[MixRow]:
    own = firmware.name == firmware_names(firmware.make)[0]
    made = [model for model in models().values() if model.make == firmware.make]
    chosen = made if own else [model for model in made if model.generation == PLAIN] or made
    for number, model in enumerate(chosen):
        yield MixRow(make=firmware.make, model=model.model, share=REST if number else 1.0, firmware=firmware.name)


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
    known = firmware_names(model.make)
    firmware = row.get("firmware", known[0])
    if firmware not in known:
        raise BadInput(f"{where}: {model.make} has firmware {' or '.join(known)}, not {firmware!r}")
    share = row.get("share", 1)
    if isinstance(share, bool) or not isinstance(share, int | float) or not share > 0:
        raise BadInput(f"{where}: share must be a number above 0")
    access = row.get("access", "W")
    if access not in ("W", "R"):
        raise BadInput(f'{where}: access is "W" or "R"')
    return MixRow(make=model.make, model=model.model, share=share, firmware=firmware, access=access)


def _model(name: str, make: Any) -> Model | None:
    """Find a model; a make may be told by its maker's name, and stand before the model's or be left out."""
    first, _, rest = name.partition(" ")
    make = MAKERS.get(make, make) if isinstance(make, str) else make
    if make is None and rest and name not in models():
        make, name = MAKERS.get(first, first), rest
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


def machine(index: int, row: MixRow, place: Place, seed: int) -> Machine:
    """Build one machine; its identity depends on seed and index alone."""
    model, firmware = models()[row.model], firmware_of(row.make, row.firmware)
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
        access=row.access if firmware.may_write else "R",
        mac=":".join(f"{octet:02X}" for octet in octets),
        serial=f"HWSIM{seed % 1000:03d}{index:06d}",
        nameplate_w=model.power_w,
        nameplate_ths=model.hashrate_ths,
        row=model,
        sleeps_on=firmware.sleeps_on,
    )
