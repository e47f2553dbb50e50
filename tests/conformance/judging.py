"""Compares what the drivers read with what a capture says must be found."""

from contextlib import contextmanager
from dataclasses import dataclass, field

from drivers.models import find

NEAR = 0.001
RATES = {"hashrate_ths", "board_hashrates_ths"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """One figure that is not what it must be."""

    file: str
    field: str
    expected: object
    got: object

    def __str__(self):
        return f"{self.file}: {self.field}: expected {self.expected!r}, got {self.got!r}"


@dataclass(slots=True)
class Proof:
    """What captures proved of one driver: machines recorded and made up, figures right of those compared."""

    recorded: int = 0
    made_up: int = 0
    right: int = 0
    compared: int = 0


@dataclass(slots=True)
class Tally:
    """How many figures were compared, which were missed, and what no driver speaks."""

    compared: int = 0
    proofs: dict = field(default_factory=dict)
    misses: list = field(default_factory=list)
    not_yet: list = field(default_factory=list)

    def judge(self, file, field, expected, got, *, right):
        """Count one figure."""
        self.compared += 1
        if not right:
            self.misses.append(Miss(file=file, field=field, expected=expected, got=got))

    @contextmanager
    def proving(self, driver, *, recorded):
        """Count what is judged inside as the proof of a driver by one more machine."""
        proof = self.proofs.setdefault(driver, Proof())
        compared, missed = self.compared, len(self.misses)
        yield
        proof.recorded += recorded
        proof.made_up += not recorded
        proof.compared += self.compared - compared
        proof.right += self.compared - compared - (len(self.misses) - missed)

    @property
    def line(self):
        """The last line of a run."""
        return f"{self.compared - len(self.misses)} of {self.compared} figures right"


def figures_of(identity, reading):
    """Return what was read, by the captures' names; what was not told is None."""
    boards, fans = reading.boards, reading.fans
    return {
        "hashrate_ths": reading.hashrate_ths,
        "power_w": reading.power_w,
        "uptime_s": reading.uptime_s,
        "inlet_c": reading.inlet_c,
        "outlet_c": reading.outlet_c,
        "fans_rpm": None if fans is None else [fan.rpm for fan in fans],
        "board_count": None if boards is None else len(boards),
        "chips_total": None if boards is None else sum(board.chips or 0 for board in boards),
        "board_hashrates_ths": None if boards is None else [board.hashrate_ths for board in boards],
        "board_temps_c": None if boards is None else [list(board.board_temps_c) for board in boards],
        "pools_urls": None if reading.pools is None else [pool.url for pool in reading.pools],
        "errors": None if reading.errors is None else [error.code for error in reading.errors],
        "mac": identity.mac,
        "model": identity.model,
    }


def is_right(field, expected, got):
    """Whether a figure is what it must be: rates within a thousandth, models by their row, all else exactly.

    Codes may be written as numbers; the one sensor of a board stands alone.
    """
    if field == "model":
        return got is not None and (expected == got or _row(expected) == _row(got) is not None)
    if field in RATES:
        return _is_near(expected, got)
    if field == "errors" and got is not None:
        return got == [str(code) for code in expected]
    if field == "board_temps_c" and got is not None:
        expected = [[board] if isinstance(board, int | float) else board for board in expected]
    return got == expected and isinstance(got, bool) == isinstance(expected, bool)


def _row(name):
    """Return the name of a model's row, by any of its names or with a version behind it."""
    model = find(name)
    return None if model is None else model.model


def _is_near(expected, got):
    if isinstance(expected, list):
        return (
            isinstance(got, list)
            and len(got) == len(expected)
            and all(_is_near(one, other) for one, other in zip(expected, got, strict=True))
        )
    return isinstance(got, int | float) and abs(got - expected) <= NEAR * abs(expected)
