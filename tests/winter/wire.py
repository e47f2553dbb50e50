"""How the agent speaks with the machines of the world: real lanes in memory, and a driver whose words need no wire."""

from unittest import mock

from drivers import registry
from drivers.errors import DeviceError, Unreachable
from drivers.identify import identify
from drivers.interface import Abilities, Identity, PowerRange, Reading, Receipt, Sleep, SleepAbility, State, Work
from drivers.transports import lanes
from drivers.transports.lanes import Lanes
from tests.winter.faces import MemorySockets
from tests.winter.world import RISE_S, STANDBY_W, WITHOUT

COUNTS_TO_S = 7200
"""No machine counts its uptime any further: one that goes on as it was says the same words then, poll after poll."""
HASHING, SLEEPING, STARTING = State.HASHING, State.SLEEPING, State.STARTING
UNREACHABLE = Unreachable("no complete answer in time")
SLEEPS = SleepAbility(standby_w=STANDBY_W, settle_s=15.0, wake_s=RISE_S + 20.0)


class Crash(BaseException):
    """The agent's host loses its power here."""


class MemoryLanes(Lanes):
    """The real lanes over sockets in memory, for the faces; what asks for nothing is told at once."""

    def __init__(self, faces):
        with mock.patch.object(lanes, "SocketLane", return_value=MemorySockets(faces)):
            super().__init__()

    def start(self, target, conversation, done):
        """Run a conversation."""
        if type(conversation) is not Plant:
            super().start(target, conversation, done)
            return
        try:
            found = conversation.answer()
        except DeviceError as error:
            found = error
        done(found)

    def carry_out(self, exchange, talk):
        """Run one exchange; what is to be computed is computed here, and not by a thread that is then waited for."""
        if isinstance(exchange, Work):
            self._sockets.soon(talk.answered, exchange.run())
        else:
            super().carry_out(exchange, talk)


class Plant:
    """What is asked of a machine without a wire, in place of a conversation: told when it is run."""

    __slots__ = ("answer",)

    def __init__(self, answer):
        self.answer = answer


class PlantDriver:
    """Speaks with whoever answers at an address."""

    def __init__(self, world, places, readings, target):
        self.world, self.readings = world, readings
        self.place = places[target.host]
        self._asked = Plant(self._now)

    def _who(self):
        row = self.world.answers_at[self.place]
        if not self.world.reaches(row):
            raise UNREACHABLE
        return row

    def identify(self):
        """Ask who is there."""
        return Plant(self._identity)

    def _identity(self):
        world, row = self.world, self._who()
        full_w = float(world.nominal_w[row])
        keeps = bool(world.persists[row])
        sleep = SleepAbility(
            standby_w=STANDBY_W,
            settle_s=SLEEPS.settle_s,
            wake_s=SLEEPS.wake_s,
            survives_reboot=keeps,
            survives_power_cut=keeps,
        )
        limit = PowerRange(least_w=0.6 * full_w, most_w=full_w) if world.limits[row] else None
        return Identity(
            driver="plant",
            make="Plant",
            model="teller" if world.tells_w[row] else "mute",
            mac=mac_of(row),
            nominal_w=full_w,
            nominal_ths=float(world.nominal_ths[row]),
            abilities=Abilities(sleep=sleep, power_limit=limit, boot_s=60.0),
        )

    def read(self, _want):
        """Ask how it is."""
        return self._asked

    def _now(self):
        """Say how it is; who has not changed says what it said before."""
        row = self.world.answers_at[self.place]
        if not self.world.reaches(row):
            raise UNREACHABLE
        version, reading = self.readings[row]
        return reading if version == self.world.cells.version[row] else self._read(row)

    def _read(self, row):
        world = self.world
        watts, version = world.power_of(row), world.cells.version[row]
        reading = self._reading(row, watts)
        if world.is_settled(row) and reading.uptime_s == COUNTS_TO_S:
            self.readings[row] = version, reading
        return reading

    def _reading(self, row, watts):
        world = self.world
        cell = world.cells
        told_w = watts if cell.tells_w[row] else None
        uptime_s = min(int(world.t - cell.booted_at[row]), COUNTS_TO_S)
        full_w, limit_w = cell.full_w[row], cell.limit_w[row]
        level = "full" if limit_w == WITHOUT else f"limit:{limit_w:.0f}"
        ths = cell.nominal_ths[row] * watts / full_w
        if cell.asleep[row] and watts <= STANDBY_W + 1:
            return Reading(state=SLEEPING, level="sleep", power_w=told_w, hashrate_ths=0.0, uptime_s=uptime_s)
        if watts < 0.9 * min(full_w, limit_w):
            return Reading(state=STARTING, level=level, power_w=told_w, hashrate_ths=ths, uptime_s=uptime_s)
        return Reading(state=HASHING, level=level, power_w=told_w, hashrate_ths=ths, uptime_s=uptime_s)

    def send(self, command):
        """Tell it."""
        return Plant(lambda: self._told(command))

    def _told(self, command):
        world = self.world
        if world.crash_after is not None:
            if world.crash_after == 0:
                world.crash_after = None
                raise Crash("among commands")
            world.crash_after -= 1
        row = self._who()
        was_asleep = bool(world.asleep[row])
        world.told(row, command)
        return Receipt(already=was_asleep and isinstance(command, Sleep))


class Wires:
    """What `app` builds of: lanes, identification and drivers over one world."""

    def __init__(self, world):
        self.world = world
        self.places = {host: place for place, host in enumerate(world.hosts)}
        self.readings = [(-1, None)] * world.n
        self._real = {made.host for made in world.faces.machines}

    def lanes(self, *_how):
        """Return the lanes of one life."""
        return MemoryLanes(self.world.faces)

    def identify(self, target, driver="auto"):
        """Ask who is there."""
        if target.host in self._real:
            return identify(target, driver)
        return PlantDriver(self.world, self.places, self.readings, target).identify()

    def create(self, identity, target):
        """Return the driver of one that was identified."""
        if target.host in self._real:
            return registry.create(identity, target)
        return PlantDriver(self.world, self.places, self.readings, target)


def mac_of(row):
    """Return a machine's address for life."""
    return f"02:00:00:00:{row // 256:02x}:{row % 256:02x}"
