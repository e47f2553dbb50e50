"""Machines that can be limited: a cap is met by limits, the owner's own limits come back, over a restart too."""

import pytest

from drivers.interface import (
    Abilities,
    Identity,
    LimitPower,
    PowerRange,
    Reading,
    Receipt,
    SetMode,
    Sleep,
    SleepAbility,
    State,
    Wake,
)
from tests.control import site as room
from tests.control.site import FULL_W, HOUSE_W, STANDBY_W, Machines, PlantDriver, Site

COUNT = 4
CAP_KW = (HOUSE_W + 0.85 * COUNT * FULL_W) / 1000


class Limited(Machines):
    """`limits_w` holds what each machine is set to, by host."""

    def __init__(self, count):
        super().__init__(count)
        self.limits_w = {}
        self.commands = []

    def draw_w(self):
        awake = (host for host in self.hosts if host not in self.asleep)
        return HOUSE_W + STANDBY_W * len(self.asleep) + sum(self.limits_w.get(host, FULL_W) for host in awake)


class LimitedDriver(PlantDriver):
    """A machine whose power limit outlasts a sleep; setting its mode to full lifts it."""

    def identify(self):
        yield from self._reach()
        abilities = Abilities(
            sleep=SleepAbility(standby_w=STANDBY_W, settle_s=5.0, wake_s=20.0),
            power_limit=PowerRange(least_w=FULL_W / 2, most_w=FULL_W),
        )
        return Identity(driver="limited", nominal_w=FULL_W, nominal_ths=100.0, abilities=abilities)

    def read(self, want):
        reading = yield from super().read(want)
        limit_w = self.machines.limits_w.get(self.host)
        if reading.state is State.SLEEPING or limit_w is None:
            return reading
        ths = 100.0 * limit_w / FULL_W
        return Reading(state=State.HASHING, level=f"limit:{limit_w:.0f}", power_w=limit_w, hashrate_ths=ths)

    def send(self, command):
        yield from self._reach()
        machines, host = self.machines, self.host
        machines.commands.append((host, command))
        before = f"limit:{machines.limits_w[host]:.0f}" if host in machines.limits_w else None
        match command:
            case Sleep():
                machines.asleep.add(host)
                return Receipt()
            case LimitPower(limit_w=limit_w):
                machines.limits_w[host] = limit_w
            case SetMode():
                machines.limits_w.pop(host, None)
        machines.asleep.discard(host)
        return Receipt(before=before)


def own_limits(machines):
    """What the owner set on the machines' own pages: all but one of them."""
    return dict.fromkeys(machines.hosts[1:], 2900.0)


@pytest.fixture
async def farm(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "PlantDriver", LimitedDriver)
    machines = Limited(COUNT)
    machines.limits_w |= own_limits(machines)
    made = [Site(machines, tmp_path)]
    await made[0].live(40)

    async def again():
        await made[-1].close()
        made.append(Site(machines, tmp_path, clock=made[-1].clock))
        return made[-1]

    yield machines, made[0], again
    await made[-1].close()


async def cap(site, kw=CAP_KW, revision=1):
    await site.order(revision=revision, limit={"max_import_kw": kw})
    await site.live(60)


async def test_a_cap_is_met_by_limits_and_nobody_sleeps(farm):
    machines, site, _ = farm
    await cap(site)
    assert machines.draw_w() <= CAP_KW * 1000
    assert machines.draw_w() > 0.9 * CAP_KW * 1000
    assert not machines.asleep
    assert machines.hosts[0] in machines.limits_w


async def test_after_the_order_the_owners_limit_is_back_and_nobody_elses(farm):
    machines, site, _ = farm
    await cap(site, kw=(HOUSE_W + 0.72 * COUNT * FULL_W) / 1000)
    assert min(machines.limits_w[host] for host in machines.hosts[1:]) < 2900.0
    await site.order(revision=2, status="cancelled")
    await site.live(120)
    assert machines.limits_w == own_limits(machines)
    told = len(machines.commands)
    await site.live(600)
    assert len(machines.commands) == told


async def test_a_tighter_revision_does_not_take_our_limit_for_the_owners(farm):
    machines, site, _ = farm
    await cap(site)
    await cap(site, kw=(HOUSE_W + 0.72 * COUNT * FULL_W) / 1000, revision=2)
    await site.order(revision=3, status="cancelled")
    await site.live(120)
    assert machines.limits_w == own_limits(machines)


async def test_who_was_limited_before_it_slept_comes_back_to_full(farm):
    machines, site, _ = farm
    await cap(site)
    await site.order(order_id="stop")
    await site.live(60)
    assert machines.asleep == set(machines.hosts)
    await site.order(order_id="stop", revision=2, status="cancelled")
    await site.order(revision=2, status="cancelled")
    await site.live(180)
    assert not machines.asleep
    assert machines.limits_w == own_limits(machines)
    assert not [command for _, command in machines.commands if isinstance(command, Wake) and command.mode]


@pytest.mark.parametrize("lifted_first", [False, True])
async def test_a_restart_knows_whose_limits_they_are(farm, lifted_first):
    machines, site, again = farm
    await cap(site, kw=(HOUSE_W + 0.72 * COUNT * FULL_W) / 1000)
    if lifted_first:
        await site.order(revision=2, status="cancelled")
        site.machines.dead = set(machines.hosts)  # told to come back, and not one was reached before the end
        await site.live(15)
    site = await again()
    machines.dead = set()
    told = len(machines.commands)
    await site.live(60)
    if not lifted_first:
        assert len(machines.commands) == told
        await site.order(revision=2, status="cancelled")
    await site.live(180)
    assert machines.limits_w == own_limits(machines)
