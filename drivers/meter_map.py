"""A meter's register map: data, one TOML file a family, checked to the last key when it is read.

Addresses are those that go on the wire, counted from 0, whatever a vendor's paper prints.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files

import msgspec

from drivers.meter_words import FORMS, width

UNITS = {
    "power": {"W": 1.0, "kW": 1e3, "MW": 1e6},
    "energy_import": {"Wh": 1.0, "kWh": 1e3, "MWh": 1e6},
    "energy_export": {"Wh": 1.0, "kWh": 1e3, "MWh": 1e6},
    "reactive_power": {"var": 1.0, "kvar": 1e3, "Mvar": 1e6},
    "voltage": {"V": 1.0, "kV": 1e3},
    "frequency": {"Hz": 1.0},
}
"""What a map may name, in which units, and what each is in W, Wh, var, V, Hz."""
MOST_ADDRESS = 0xFFFF
MOST_AT_ONCE = 125
LONGEST = 4  # registers that one value fills
_FIELD = re.compile(r"Object (missing required|contains unknown) field `(\w+)`")


class MapError(Exception):
    """A register map that cannot be used: `key` where the mistake stands, and why it is one."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"{key}: {reason}" if key else reason)
        self.key = key
        self.reason = reason


class Register(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One quantity: where it stands and how it is read. What the map says of all, a register may say of itself."""

    quantity: str
    address: int
    type: str
    unit: str
    scale: float = 1.0
    function: int | None = None
    words: str | None = None
    absent: tuple[int, ...] = ()  # raw values that mean that there is none, beside the type's own
    add: bool = False  # the quantity is the sum of this and those before it

    @property
    def count(self) -> int:
        """How many registers it fills."""
        return width(self.type)

    @property
    def factor(self) -> float:
        """What the raw number is multiplied by."""
        return self.scale * UNITS[self.quantity][self.unit]


class RegisterMap(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One family of meters. `most_registers` and `most_gap` bound what is asked for at once."""

    name: str
    vendor: str
    models: tuple[str, ...]
    source: str
    register: tuple[Register, ...]
    function: int = 3
    words: str = "big"  # big: the high word first
    most_registers: int = 60
    most_gap: int = 0

    def function_of(self, register: Register) -> int:
        """Return the function code that a register is read by."""
        return self.function if register.function is None else register.function

    def low_first(self, register: Register) -> bool:
        """Whether its low word comes first."""
        return (self.words if register.words is None else register.words) == "little"


@cache
def known_maps() -> tuple[str, ...]:
    """Return the names of the maps that come with the library."""
    folder = files("drivers").joinpath("registers")
    return tuple(sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml")))


def known_map(name: str) -> RegisterMap:
    """Return a map that comes with the library. Raises KeyError."""
    if name not in known_maps():
        raise KeyError(name)
    return parse_map(files("drivers").joinpath("registers").joinpath(f"{name}.toml").read_text(encoding="utf-8"))


def parse_map(text: str) -> RegisterMap:
    """Read a map. Raises MapError with the first mistake."""
    try:
        made = msgspec.convert(tomllib.loads(text), RegisterMap)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise MapError("", f"is no TOML: {error}") from None
    except msgspec.ValidationError as error:
        raise _mistake(str(error)) from None
    _check_bounds(made)
    for at, register in enumerate(made.register):
        _check_register(f"register.{at}", register)
    _check_quantities(made)
    return made


def _mistake(told: str) -> MapError:
    """Return a mistake of form: where it stands, in our words where they are clearer."""
    reason, _, place = told.partition(" - at `$")
    key = place.strip("`.").replace("[", ".").replace("]", "").removeprefix(".")
    if (found := _FIELD.fullmatch(reason)) is not None:
        key = f"{key}.{found[2]}".removeprefix(".")
        reason = "is required" if found[1] == "missing required" else "is no known key"
    return MapError(key, reason[:1].lower() + reason[1:])


def _check_bounds(made: RegisterMap) -> None:
    _check_form("", made.function, made.words)
    if not LONGEST <= made.most_registers <= MOST_AT_ONCE:
        raise MapError("most_registers", f"must be {LONGEST} to {MOST_AT_ONCE}")
    if not 0 <= made.most_gap <= made.most_registers:
        raise MapError("most_gap", "must be 0 to most_registers")


def _check_form(place: str, function: int | None, words: str | None) -> None:
    if function not in {None, 3, 4}:
        raise MapError(f"{place}function", "must be 3 (holding registers) or 4 (input registers)")
    if words not in {None, "big", "little"}:
        raise MapError(f"{place}words", "must be big (high word first) or little (low word first)")


def _check_register(place: str, register: Register) -> None:
    _check_form(f"{place}.", register.function, register.words)
    if register.quantity not in UNITS:
        raise MapError(f"{place}.quantity", f"must be one of {', '.join(UNITS)}")
    if register.type not in FORMS:
        raise MapError(f"{place}.type", f"must be one of {', '.join(FORMS)}")
    if register.unit not in UNITS[register.quantity]:
        raise MapError(f"{place}.unit", f"of {register.quantity} must be one of {', '.join(UNITS[register.quantity])}")
    if not 0 <= register.address <= MOST_ADDRESS + 1 - register.count:
        raise MapError(f"{place}.address", f"must be 0 to {MOST_ADDRESS}: the address on the wire")
    if not 0 < abs(register.scale) < float("inf"):
        raise MapError(f"{place}.scale", "must be a number other than 0")


def _check_quantities(made: RegisterMap) -> None:
    named: set[str] = set()
    for at, register in enumerate(made.register):
        if register.quantity in named and not register.add:
            raise MapError(f"register.{at}.quantity", f"{register.quantity} stands here again; to sum them: add = true")
        named.add(register.quantity)
    if "power" not in named:
        raise MapError("register", "no register is the power")
