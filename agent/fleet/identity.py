"""Whose machine answers at an address: by its MAC, then its serial, then the address. Pure.

A MAC or serial that answers at two addresses at once tells nobody apart. Nothing is concluded from a mark that belongs
to another machine before that machine's own address was asked too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import msgspec
from msgspec.structs import asdict
from msgspec.structs import replace as changed

MAC, SERIAL, ADDRESS = "mac", "serial", "address"
_BETWEEN = str.maketrans("", "", ":-. ")
_NO_MACS = frozenset(("000000000000", "ffffffffffff"))
MAC_DIGITS, LEAST_SERIAL = 12, 6
UPTIME_SLACK_S = 120.0
"""Firmware rounds uptimes to minutes, and polls are told late."""

Mark = tuple[str, str]
"""What binds a machine: which of MAC and serial, and how it reads without separators."""


class Seen(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a machine says of itself, or said when it was bound; None where nothing is said."""

    mac: str | None = None
    serial: str | None = None
    model: str | None = None
    driver: str | None = None
    firmware: str | None = None
    firmware_version: str | None = None

    def marks(self) -> tuple[Mark, ...]:
        """Return what it can be known by, the surer first; what many machines say alike is left out."""
        mac, serial = bare_mac(self.mac), bare_serial(self.serial)
        return tuple((kind, text) for kind, text in ((MAC, mac), (SERIAL, serial)) if text is not None)


NOTHING = Seen()
"""What a silent address shows, and one that answers without saying who it is."""


class Verdict(StrEnum):
    """What a look at an address means."""

    CONFIRMED = "confirmed"  # the machine that was there
    LEARNED = "learned"  # it, and it said a MAC or serial that was not known
    FIRMWARE = "firmware changed"  # it, in another firmware or version
    BOARD = "board exchanged"  # it, with another control board
    MOVED = "moved"  # another row's machine, which is at its own address no more
    SWAPPED = "swapped"  # another row's machine, and this row's is at that one's address
    NEW = "new"  # nobody's: only at an address that no row has
    UNCLEAR = "unclear"


SAME = frozenset((Verdict.CONFIRMED, Verdict.LEARNED, Verdict.FIRMWARE, Verdict.BOARD))
"""The row's own machine is at the row's address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The answer: `row` is whose machine it is (None where that is not known), `by` what says so.

    `ask` is the row whose own address must be asked before there is an answer; `doubled` are the marks that answer at
    two addresses.
    """

    verdict: Verdict
    row: int | None = None
    by: str | None = None
    ask: int | None = None
    reason: str | None = None
    doubled: tuple[Mark, ...] = ()


There = Callable[[int], Seen | None]
"""What a row's own address shows now; NOTHING where nobody answers, None where it was not asked."""


class Bindings:
    """What every row's machine is known by. Rows as in the fleet."""

    def __init__(self, known: Sequence[Seen], stated: Sequence[Seen] = (), doubled: Sequence[Mark] = ()) -> None:
        """Bind each row to what is known of it; what the inventory states belongs to nobody else."""
        self.known = list(known)
        self.doubled = set(doubled)
        self._owner: dict[Mark, int] = {}
        for row, seen in enumerate(stated):
            for mark in seen.marks():
                self._owner.setdefault(mark, row)
        for row, seen in enumerate(known):
            self._claim(row, seen)

    def owner(self, mark: Mark) -> int | None:
        """Return the row that a mark binds, None for nobody's and for one that is doubled."""
        return None if mark in self.doubled else self._owner.get(mark)

    def bind(self, row: int, seen: Seen) -> None:
        """Take in what a row's machine said; what it did not say stays, and what is another's or doubled is no mark."""
        was = self.known[row]
        for mark in was.marks():
            if self._owner.get(mark) == row:
                del self._owner[mark]
        said = {name: value for name, value in asdict(seen).items() if value is not None}
        doubled = {kind for kind, text in seen.marks() if (kind, text) in self.doubled}
        self._claim(row, changed(was, **{kind: value for kind, value in said.items() if kind not in doubled}))

    def rebind(self, row: int, seen: Seen) -> None:
        """Bind a row to another machine: nothing of the one before stays."""
        for mark in self.known[row].marks():
            if self._owner.get(mark) == row:
                del self._owner[mark]
        self.known[row] = Seen()
        self.bind(row, seen)

    def double(self, mark: Mark) -> None:
        """Take in that a mark answers at two addresses: from now on it tells nobody apart."""
        self.doubled.add(mark)

    def _claim(self, row: int, seen: Seen) -> None:
        """Bind a row to these marks, but for those that bind another."""
        others = [mark[0] for mark in seen.marks() if self._owner.setdefault(mark, row) != row]
        self.known[row] = changed(seen, **dict.fromkeys(others)) if others else seen


def judge(bindings: Bindings, row: int | None, seen: Seen, there: There) -> Judgement:
    """Return whose machine showed this at a row's address, or at one that no row has (None)."""
    doubled: list[Mark] = []
    for mark in seen.marks():
        owner = bindings.owner(mark)
        if owner is None:
            continue
        if owner == row:
            return replace(_own(bindings.known[owner], seen, mark[0]), row=owner, doubled=tuple(doubled))
        shown = there(owner)
        if shown is None:
            reason = f"it says the {mark[0]} of another machine, whose address is asked"
            return Judgement(verdict=Verdict.UNCLEAR, ask=owner, reason=reason)
        if mark in shown.marks():
            doubled.append(mark)
            continue
        swapped = row is not None and _is(bindings, row, shown)
        verdict = Verdict.SWAPPED if swapped else Verdict.MOVED
        return Judgement(verdict=verdict, row=owner, by=mark[0], doubled=tuple(doubled))
    if row is None:
        return Judgement(verdict=Verdict.NEW, doubled=tuple(doubled))
    told = _without(seen, {*doubled, *bindings.doubled})
    return replace(_at_its_address(bindings.known[row], told), row=row, doubled=tuple(doubled))


def says_less(known: Seen, seen: Seen, *, partial: bool) -> bool:
    """Whether what answers may be the known machine that does not say all yet: no mark, or a firmware half read.

    `partial`: it failed to answer something that it was asked, and other firmware may have said as much.
    """
    if known.marks() and not seen.marks() and (known.driver, known.model) == (seen.driver, seen.model):
        return True
    if not partial or known.driver is None or set(seen.marks()) - set(known.marks()):
        return False
    return known.driver != seen.driver or _same(known, seen) is Verdict.FIRMWARE


def _is(bindings: Bindings, row: int, shown: Seen) -> bool:
    """Whether the first mark that tells at all says that this is a row's machine."""
    owners = (bindings.owner(mark) for mark in shown.marks())
    return next((owner for owner in owners if owner is not None), None) == row


def _own(known: Seen, seen: Seen, by: str) -> Judgement:
    """Return what became of a machine that its own mark names."""
    board = by == SERIAL and _differ(bare_mac(known.mac), bare_mac(seen.mac))
    return Judgement(verdict=Verdict.BOARD if board else _same(known, seen), by=by)


def _same(known: Seen, seen: Seen) -> Verdict:
    if _differ(known.firmware, seen.firmware) or _differ(known.firmware_version, seen.firmware_version):
        return Verdict.FIRMWARE
    return Verdict.LEARNED if set(seen.marks()) - set(known.marks()) else Verdict.CONFIRMED


def _at_its_address(known: Seen, seen: Seen) -> Judgement:
    """Return whether what answers at a machine's address, with no mark that is anybody's, is that machine.

    Serials are compared within one driver's words: each firmware tells one of its own choosing.
    """
    if not known.marks():
        return Judgement(verdict=_same(known, seen), by=ADDRESS)
    if _differ(known.model, seen.model):
        return _unclear(f"a {seen.model} answers where a {known.model} was")
    if not _differ(known.driver, seen.driver) and _differ(bare_serial(known.serial), bare_serial(seen.serial)):
        return _unclear(f"serial {seen.serial} answers where {known.serial} was")
    if _differ(bare_mac(known.mac), bare_mac(seen.mac)):
        if known.model is None or seen.model is None:
            return _unclear(f"MAC {seen.mac} answers where {known.mac} is expected")
        return Judgement(verdict=Verdict.BOARD, by=ADDRESS)
    return Judgement(verdict=_same(known, seen), by=ADDRESS)


def _unclear(reason: str) -> Judgement:
    return Judgement(verdict=Verdict.UNCLEAR, reason=reason)


def _without(seen: Seen, doubled: set[Mark]) -> Seen:
    names = {kind for kind, text in seen.marks() if (kind, text) in doubled}
    return changed(seen, **dict.fromkeys(names))


def _differ(known: str | None, seen: str | None) -> bool:
    return known is not None and seen is not None and known != seen


def bare_mac(mac: str | None) -> str | None:
    """Return a MAC's digits, however they are separated; None for none, and for one that no machine has of its own."""
    digits = (mac or "").casefold().translate(_BETWEEN)
    good = len(digits) == MAC_DIGITS and digits not in _NO_MACS
    return digits if good else None


def bare_serial(serial: str | None) -> str | None:
    """Return a serial as it is compared; None for one too short, or of one sign, which firmware says for none."""
    text = (serial or "").casefold().translate(_BETWEEN)
    return text if len(text) >= LEAST_SERIAL and len(set(text)) > 1 else None


def uptime_breaks(before_s: float | None, now_s: float | None, elapsed_s: float) -> bool:
    """Whether an uptime does not go on from the one before: a new start, or another machine."""
    if before_s is None or now_s is None:
        return False
    return now_s < before_s or now_s > before_s + elapsed_s + UPTIME_SLACK_S
