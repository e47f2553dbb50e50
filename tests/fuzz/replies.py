"""Conversations of every driver, fed mutated replies: a result that a machine can have, or a DeviceError, and an end.

Each case is drawn from a seed of its own, `seed:number`, that alone makes it happen again.
"""

import math
import random
import signal
from collections import Counter
from dataclasses import dataclass, field

import msgspec

from drivers.errors import DeviceError, DriverBug
from drivers.interface import Ask, Board, Http, HttpReply, Identity, Pause, Reading, Receipt, Work
from tests.fuzz.mutations import mutated

MOST_EXCHANGES = 120
MOST_SAID = 1000
MANY = 0.25
"""How often every reply of a conversation is mutated, and not one alone."""
BOUNDS = {
    "hashrate_ths": (0, 10_000),
    "present_ths": (0, 10_000),
    "nominal_ths": (0, 10_000),
    "power_w": (0, 100_000),
    "power_limit_w": (0, 100_000),
    "nominal_w": (0, 100_000),
    "standby_w": (0, 100_000),
    "least_w": (0, 100_000),
    "most_w": (0, 100_000),
    "uptime_s": (0, 3.2e9),
    "inlet_c": (-60, 150),
    "outlet_c": (-60, 150),
    "chip_temp_c": (-60, 250),
    "board_temp_c": (-60, 250),
    "board_temps_c": (-274, 1000),
    "frequency_mhz": (0, 100_000),
    "voltage_v": (0, 1000),
    "chips": (0, 100_000),
    "chips_expected": (0, 100_000),
    "rpm": (0, 1_000_000),
    "slot": (0, 1000),
}
"""What is physically possible for one machine, generously."""
WHOLE = 2**63
MOST_CPU_S = 5.0
"""Of this process, for one conversation of milliseconds."""


class Wrong(AssertionError):
    """A case that did not end as it must."""


@dataclass(slots=True)
class Fed:
    """What came of it so far."""

    replies: int = 0
    cases: int = 0
    ends: Counter = field(default_factory=Counter)
    wrong: list = field(default_factory=list)


class Case:
    """One conversation with one tape, some replies mutated."""

    def __init__(self, tape, tapes, chance):
        self.tape, self.tapes, self.chance = tape, tapes, chance
        self.mutations = 0
        self.left = list(tape.said)
        self.all = chance.random() < MANY
        self.only = chance.randrange(len(tape.said)) if tape.said else 0
        self.asked = 0
        self.fed = []

    def hold(self):
        """Hold the conversation to its end; returns how it ended. Raises Wrong, also where it takes too long."""
        signal.signal(signal.SIGPROF, _too_long)
        signal.setitimer(signal.ITIMER_PROF, MOST_CPU_S)
        try:
            return self._held()
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)

    def _held(self):
        conversation, reply = self.tape.conversation(), None
        for _ in range(MOST_EXCHANGES):
            try:
                exchange = conversation.throw(reply) if isinstance(reply, DeviceError) else conversation.send(reply)
            except StopIteration as end:
                return self._result(end.value)
            except DriverBug as bug:
                raise Wrong(f"a driver's own mistake: {bug}") from bug
            except Wrong:
                raise
            except DeviceError as error:
                return self._error(error)
            except Exception as error:
                raise Wrong(f"{type(error).__name__}: {error}") from error
            reply = self._reply(exchange)
            self.fed.append(reply)
        raise Wrong(f"no end after {MOST_EXCHANGES} exchanges, the last {exchange}")

    def _reply(self, exchange):
        match exchange:
            case Pause():
                return None
            case Work():
                try:
                    return exchange.run()
                except Exception as error:  # noqa: BLE001 - a lane throws what the work raises into the conversation
                    return error if isinstance(error, DeviceError) else _raised(error)
            case Ask() | Http():
                return self._answer(exchange)
        raise Wrong(f"no exchange: {exchange!r}")

    def _answer(self, exchange):
        at = next((at for at, (asked, _) in enumerate(self.left) if _alike(asked, exchange)), None)
        others = self.tape.said or self.chance.choice(self.tapes).said
        told = self.left.pop(at)[1] if at is not None else self.chance.choice(others)[1]
        turn, self.asked = self.asked, self.asked + 1
        if self.all or turn == self.only or at is None:
            tape = self.tape if self.chance.random() < 0.7 else self.chance.choice(self.tapes)
            pool = [reply for _, reply in tape.said] or [told]
            self.mutations += 1
            told = mutated(told, pool, self.chance)
        if isinstance(told, DeviceError):
            told = type(told)(str(told))  # one that is raised again and again keeps every traceback
        return _as_answer(exchange, told)

    def _result(self, found):
        if not isinstance(found, Identity | Reading | Receipt):
            raise Wrong(f"no result: {found!r}")
        try:
            told = msgspec.json.encode(found)
        except Exception as error:
            raise Wrong(f"cannot be told: {type(error).__name__}: {error}: {found!r}") from error
        check_bounds(msgspec.json.decode(told))
        check_finite(found)
        return type(found).__name__

    def _error(self, error):
        try:
            said = str(error).encode()
        except UnicodeEncodeError as wrong:
            raise Wrong(f"an error that cannot be written: {error!r}") from wrong
        if len(said) > MOST_SAID:
            raise Wrong(f"an error of {len(said)} bytes: {said[:200]!r}")
        return type(error).__name__


def _too_long(_number, _frame):
    raise Wrong(f"no end in {MOST_CPU_S:g} s of computing")


def _raised(error):
    raise Wrong(f"the work raised {type(error).__name__}: {error}") from error


def _alike(asked, exchange):
    if type(asked) is not type(exchange):
        return False
    if isinstance(asked, Http):
        return (asked.method, asked.path) == (exchange.method, exchange.path)
    return asked.request[:24] == exchange.request[:24]


def _as_answer(exchange, told):
    """Return what was told in the form that this kind of exchange is answered in."""
    if isinstance(exchange, Http) and isinstance(told, bytes):
        return HttpReply(status=200, headers={}, body=told)
    if isinstance(exchange, Ask) and isinstance(told, HttpReply):
        return told.body
    return told


def check_bounds(told, name="", where=""):
    """Raise Wrong where a figure of a document is not physically possible."""
    match told:
        case dict():
            for key, value in told.items():
                check_bounds(value, key, f"{where}.{key}")
        case list():
            for at, value in enumerate(told):
                check_bounds(value, name, f"{where}.{at}")
        case bool() | None | str():
            return
        case int() | float():
            least, most = BOUNDS.get(name, (-WHOLE, WHOLE - 1))
            if not least <= told <= most:
                raise Wrong(f"{where.removeprefix('.')} is {told!r}")


def check_finite(found):
    """Raise Wrong for a reading with a figure that is no number: JSON hides them."""
    if not isinstance(found, Reading):
        return
    figures = [getattr(found, name) for name in found.__struct_fields__]
    for board in found.boards or ():
        figures += [getattr(board, name) for name in Board.__struct_fields__]
        figures += board.board_temps_c
    if any(isinstance(figure, float) and not math.isfinite(figure) for figure in figures):
        raise Wrong(f"not a number: {found!r}")


def feed(tapes, seed, numbers, fed, most_wrong=20):
    """Hold the cases of these numbers; what went wrong stays in `fed`, each with the seed that makes it again."""
    for number in numbers:
        case, tape = case_of(tapes, seed, number)
        try:
            end = case.hold()
        except Wrong as wrong:
            end = "wrong"
            fed.wrong.append(f"{seed}:{number} {tape.name} ({tape.driver}): {wrong}")
            if len(fed.wrong) >= most_wrong:
                return
        fed.ends[end] += 1
        fed.cases += 1
        fed.replies += case.mutations


def case_of(tapes, seed, number):
    """Return the case of a number, and the tape that it plays."""
    chance = random.Random(f"{seed}:{number}")
    tape = tapes[number % len(tapes)]
    return Case(tape, tapes, chance), tape
