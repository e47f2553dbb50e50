"""How the agent speaks with the machines of the world: a lane in memory, and a driver whose words need no wire."""

from drivers.errors import DeviceError, Unreachable
from drivers.interface import Abilities, Identity, PowerRange, Reading, Receipt, Sleep, SleepAbility, State
from tests.winter.world import RISE_S, STANDBY_W, WITHOUT

COUNTS_TO_S = 7200
"""No machine counts its uptime any further: one that goes on as it was says the same words then, poll after poll."""
UNREACHABLE = Unreachable("no complete answer in time")
SLEEPS = SleepAbility(standby_w=STANDBY_W, settle_s=15.0, wake_s=RISE_S + 20.0)


class Crash(BaseException):
    """The agent's host loses its power here."""


class MemoryLanes:
    """Stands where the lanes do: an exchange takes no time."""

    def __init__(self, *_how):
        pass

    def start(self, _target, conversation, done):
        """Run a conversation that asks for nothing."""
        try:
            conversation.send(None)
        except StopIteration as end:
            done(end.value)
        except DeviceError as error:
            done(error)

    async def close(self):
        """Nothing is open."""


class PlantDriver:
    """Speaks with whoever answers at an address."""

    def __init__(self, world, places, readings, target):
        self.world, self.readings = world, readings
        self.place = places[target.host]

    def _who(self):
        row = self.world.answers_at[self.place]
        if not self.world.reaches(row):
            raise UNREACHABLE
        return row

    def identify(self):
        """Say who is there."""
        yield from ()
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
        """Say how it is; who has not changed says what it said before."""
        yield from ()
        world = self.world
        row = world.answers_at[self.place]
        if not world.reaches(row):
            raise UNREACHABLE
        version, reading = self.readings[row]
        return reading if version == world.version[row] else self._read(row)

    def _read(self, row):
        world = self.world
        watts, version = float(world.power_w()[row]), int(world.version[row])
        reading = self._reading(row, watts)
        if world.is_settled(row) and reading.uptime_s == COUNTS_TO_S:
            self.readings[row] = version, reading
        return reading

    def _reading(self, row, watts):
        world = self.world
        told_w = watts if world.tells_w[row] else None
        uptime_s = min(int(world.t - world.booted_at[row]), COUNTS_TO_S)
        full_w, limit_w = float(world.full_w[row]), float(world.limit_w[row])
        level = "full" if limit_w == WITHOUT else f"limit:{limit_w:.0f}"
        ths = float(world.nominal_ths[row]) * watts / full_w
        if world.asleep[row] and watts <= STANDBY_W + 1:
            return Reading(state=State.SLEEPING, level="sleep", power_w=told_w, hashrate_ths=0.0, uptime_s=uptime_s)
        if watts < 0.9 * min(full_w, limit_w):
            return Reading(state=State.STARTING, level=level, power_w=told_w, hashrate_ths=ths, uptime_s=uptime_s)
        return Reading(state=State.HASHING, level=level, power_w=told_w, hashrate_ths=ths, uptime_s=uptime_s)

    def send(self, command):
        """Tell it."""
        yield from ()
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
    """What `app` builds of: identification and drivers over one world."""

    def __init__(self, world):
        self.world = world
        self.places = {host: place for place, host in enumerate(world.hosts)}
        self.readings = [(-1, None)] * world.n

    def driver(self, target):
        """Return a driver for whoever answers there."""
        return PlantDriver(self.world, self.places, self.readings, target)

    def identify(self, target, _driver="auto"):
        """Ask who is there."""
        return self.driver(target).identify()

    def create(self, _identity, target):
        """Return the driver of one that was identified."""
        return self.driver(target)


def mac_of(row):
    """Return a machine's address for life."""
    return f"02:00:00:00:{row // 256:02x}:{row % 256:02x}"
