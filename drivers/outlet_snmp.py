"""An outlet of a PDU over SNMP: a row of OIDs for each family, by the vendors' own MIBs.

Codes of reading and of writing differ, even in one family (an APC rPDU2 reads 1 as off and is told on by 1): no row
shares them. What is told is read back two seconds later; a PDU takes so long (PowerNet-MIB).
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from drivers.errors import Garbled, NotPermitted, Refused
from drivers.outlet import OutletReading
from drivers.snmp import Get, Set, SnmpConversation, Values, Wait

ENTERPRISES = "1.3.6.1.4.1"
SWITCHES_S = 2.0
DECIMALS = range(10)
"""How many a PDU may say that a figure has; more is garbage, and ten to the power of that is long in coming."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Where one family's outlet `{n}` of unit `{u}` says what it is, and is told; numbers below `ENTERPRISES`.

    `on_to` and `off_to` are set to a value each; `power` is in W, divided by ten to the power of what `digits` says.
    """

    state: str
    on: int
    off: int
    on_to: tuple[str, int]
    off_to: tuple[str, int]
    power: str | None = None
    digits: str | None = None
    first_unit: int = 1


def _one(control: str, on: int, off: int) -> tuple[tuple[str, int], tuple[str, int]]:
    """Return the two commands of a family that is told both by one object."""
    return (control, on), (control, off)


def _family(state: str, seen: tuple[int, int], told: tuple[tuple[str, int], tuple[str, int]], **more: object) -> Family:
    return Family(state=state, on=seen[0], off=seen[1], on_to=told[0], off_to=told[1], **more)  # type: ignore[arg-type]


PROFILES = {
    # PowerNet-MIB: sPDUOutletCtl, rPDUOutletStatusOutletState, rPDU2OutletSwitchedStatusState (1 off, 2 on)
    "apc-masterswitch": _family("318.1.1.4.4.2.1.3.{n}", (1, 2), _one("318.1.1.4.4.2.1.3.{n}", 1, 2)),
    "apc-rpdu": _family("318.1.1.12.3.5.1.1.4.{n}", (1, 2), _one("318.1.1.12.3.3.1.1.4.{n}", 1, 2)),
    "apc-rpdu2": _family(
        "318.1.1.26.9.2.3.1.5.{n}", (2, 1), _one("318.1.1.26.9.2.4.1.5.{n}", 1, 2), power="318.1.1.26.9.4.3.1.7.{n}"
    ),
    # PDU2-MIB: outletSwitchingState by the sensors' states (7 on, 8 off); power is sensor type 5, with its digits
    "raritan-pdu2": _family(
        "13742.6.4.1.2.1.3.{u}.{n}",
        (7, 8),
        _one("13742.6.4.1.2.1.2.{u}.{n}", 1, 0),
        power="13742.6.5.4.3.1.4.{u}.{n}.5",
        digits="13742.6.3.5.4.1.7.{u}.{n}.5",
    ),
    # Sentry3-MIB, Sentry4-MIB: tower or unit, then the first infeed or cord
    "sentry3": _family(
        "1718.3.2.3.1.5.{u}.1.{n}", (1, 0), _one("1718.3.2.3.1.11.{u}.1.{n}", 1, 2), power="1718.3.2.3.1.14.{u}.1.{n}"
    ),
    "sentry4": _family(
        "1718.4.1.8.3.1.1.{u}.1.{n}",
        (1, 2),
        _one("1718.4.1.8.5.1.2.{u}.1.{n}", 1, 2),
        power="1718.4.1.8.3.1.7.{u}.1.{n}",
    ),
    # VERTIV-V5-MIB; an outlet that is not in manual mode refuses
    "vertiv-v5": _family(
        "21239.5.2.3.5.1.4.{n}", (1, 2), _one("21239.5.2.3.5.1.6.{n}", 2, 4), power="21239.5.2.3.6.1.12.{n}"
    ),
    # EATON-EPDU-MIB: an object for each command, set to its delay in seconds; a single unit is number 0
    "eaton-epdu": _family(
        "534.6.6.7.6.6.1.2.{u}.{n}",
        (1, 0),
        (("534.6.6.7.6.6.1.4.{u}.{n}", 0), ("534.6.6.7.6.6.1.3.{u}.{n}", 0)),
        power="534.6.6.7.6.5.1.3.{u}.{n}",
        first_unit=0,
    ),
    # CPS-MIB
    "cyberpower": _family(
        "3808.1.1.3.3.5.1.1.4.{n}", (1, 2), _one("3808.1.1.3.3.3.1.1.4.{n}", 1, 2), power="3808.1.1.3.3.5.1.1.8.{n}"
    ),
    "cyberpower-epdu2": _family(
        "3808.1.1.6.6.1.4.1.5.{n}", (1, 2), _one("3808.1.1.6.6.1.5.1.5.{n}", 1, 2), power="3808.1.1.6.6.2.4.1.7.{n}"
    ),
    "tripplite": _family("850.1.1.3.2.3.3.1.1.4.1.{n}", (2, 1), _one("850.1.1.3.2.3.3.1.1.6.1.{n}", 2, 1)),
}


class SnmpOutlet:
    """One outlet, counted from 1, of a unit of a chain, counted from 1."""

    def __init__(self, profile: str, output: int = 1, unit: int = 1) -> None:
        self._family = PROFILES[profile]
        self._where = {"n": output, "u": unit - 1 + self._family.first_unit}
        self._measures = True

    def read(self) -> SnmpConversation[OutletReading]:
        """Learn whether it is on; a PDU that does not measure is asked for its power once. Raises DeviceError."""
        family = self._family
        state, power, digits = (self._oid(told) for told in (family.state, family.power, family.digits))
        assert state is not None
        more = tuple(oid for oid in (power, digits) if oid is not None) if self._measures else ()
        try:
            told = yield from _values(Get(oids=(state, *more)))
        except NotPermitted:
            raise  # says nothing of what it measures
        except Refused:
            if not more:
                raise
            told = yield from _values(Get(oids=(state,)))
            self._measures = False
        return OutletReading(on=self._is_on(state, told), power_w=self._watts(power, digits, told))

    def switch(self, *, on: bool) -> SnmpConversation[OutletReading]:
        """Switch it, and read it back once it has had time. Raises DeviceError, NotPermitted of who may not tell it."""
        told, value = self._family.on_to if on else self._family.off_to
        oid = self._oid(told)
        assert oid is not None
        try:
            yield from _values(Set(oid=oid, value=value))
        except Refused as error:
            raise NotPermitted(f"{error}; is the login one that may write, and the outlet not locked?") from error
        yield Wait(seconds=SWITCHES_S)
        return (yield from self.read())

    def _is_on(self, oid: str, told: Values) -> bool | None:
        """Return what its state means; None while it is on its way."""
        value = told.get(oid)
        if value is None:
            raise Garbled(f"{oid}: this PDU has no such outlet; is the profile its own?")
        return {self._family.on: True, self._family.off: False}.get(value)

    def _watts(self, power: str | None, digits: str | None, told: Values) -> float | None:
        value = None if power is None else told.get(power)
        if value is None or value < 0:
            return None
        exponent = 0 if digits is None else told.get(digits)
        return None if exponent is None or exponent not in DECIMALS else value / 10**exponent

    def _oid(self, told: str | None) -> str | None:
        return None if told is None else f"{ENTERPRISES}.{told.format(**self._where)}"


def _values(asked: Get | Set) -> Generator[Get | Set, Values | Refused, Values]:
    told = yield asked
    if isinstance(told, Refused):
        raise told
    return told
