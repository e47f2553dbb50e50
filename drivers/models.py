"""What is known of each model before it is read: nameplate, boards, fans, standby. One row of models.toml a model.

Facts alone, loaded once when first asked for. A name that no row has is None: nothing is guessed.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files

import msgspec

NEAR = 0.08
"""A bin is taken for a machine's own when its rate is this near to what the machine says."""

_MAKES = re.compile(r"^(antminer|whatsminer|avalonminer|avalon|innosilicon)")
_NOISE = re.compile(r"\s*\(.*$|[\s._]+")
_WHATSMINER_VERSION = re.compile(r"^(m\d\d(?:s\+{0,2})?)(v[a-z]?[0-9a-z]{2,4})$")


class Model(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One model's nameplate; `hashrate_ths` and `power_w` are those of one bin."""

    make: str
    model: str
    hashrate_ths: float
    power_w: float
    cooling: str
    source: str
    aliases: tuple[str, ...] = ()
    bins_ths: tuple[float, ...] = ()
    bins_w: tuple[float, ...] = ()
    boards: int | None = None
    chips_per_board: int | None = None
    fans: int | None = None
    sleep_w: float | None = None
    low_power: float | None = None
    low_hashrate: float | None = None
    inlet_max_c: float | None = None
    chip_max_c: float | None = None
    chips_by_version: dict[str, int] = {}
    confidence: str = "good"

    def binned(self, hashrate_ths: float | None) -> Model:
        """Return this model with the bin that a rate of `hashrate_ths` belongs to; itself where none is near."""
        if hashrate_ths is None or not self.bins_ths:
            return self
        nearest = min((self.hashrate_ths, *self.bins_ths), key=lambda ths: abs(ths - hashrate_ths))
        if abs(nearest - hashrate_ths) > NEAR * hashrate_ths or nearest == self.hashrate_ths:
            return self
        watts = dict(zip(self.bins_ths, self.bins_w, strict=False))
        power_w = watts.get(nearest, self.power_w * nearest / self.hashrate_ths)
        return msgspec.structs.replace(self, hashrate_ths=nearest, power_w=power_w)


class ModelClimate(msgspec.Struct, frozen=True, kw_only=True):
    """How a model is cooled (air, hydro, immersion), and the most its inlet and chips bear, °C; None: as others."""

    cooling: str
    inlet_max_c: float | None = None
    chip_max_c: float | None = None


class _Table(msgspec.Struct, forbid_unknown_fields=True):
    model: list[Model]


@cache
def models() -> tuple[Model, ...]:
    """Return every row of the table."""
    text = files("drivers").joinpath("models.toml").read_text(encoding="utf-8")
    return tuple(msgspec.convert(tomllib.loads(text), _Table).model)


@cache
def _by_name() -> dict[str, Model]:
    names: dict[str, Model] = {}
    for model in models():
        for name in (model.model, *model.aliases):
            names.setdefault(_plain(name), model)
    return names


def find(name: str | None, hashrate_hint: float | None = None) -> Model | None:
    """Return the row of a model by any of its names, with the bin nearest to `hashrate_hint` (TH/s), or None."""
    if not name:
        return None
    plain = _plain(name)
    known = _by_name()
    if (model := known.get(plain)) is not None:
        return model.binned(hashrate_hint)
    if (versioned := _WHATSMINER_VERSION.match(plain)) is not None:
        return _versioned(known.get(versioned[1]), versioned[2], hashrate_hint)
    return _rated(known, plain)


def climate_of(name: str) -> ModelClimate | None:
    """Return how a model is cooled and what it bears, None for one that no row has."""
    found = find(name)
    if found is None:
        return None
    return ModelClimate(cooling=found.cooling, inlet_max_c=found.inlet_max_c, chip_max_c=found.chip_max_c)


def _plain(name: str) -> str:
    """Cut a name to what tells models apart: no make, no blanks, dots or brackets, lower case."""
    plain = _NOISE.sub("", name.strip().lower())
    return _MAKES.sub("", plain) or plain


def _versioned(model: Model | None, version: str, hashrate_hint: float | None) -> Model | None:
    if model is None:
        return None
    chips = model.chips_by_version.get(version.upper(), model.chips_per_board)
    return msgspec.structs.replace(model.binned(hashrate_hint), chips_per_board=chips)


def _rated(known: dict[str, Model], plain: str) -> Model | None:
    """Find a name that ends in its bin, such as 1346-110."""
    name, _, rate = plain.rpartition("-")
    model = known.get(name)
    return model.binned(float(rate)) if model is not None and rate.isdecimal() else None
