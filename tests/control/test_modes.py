"""Modes that are not what was told: corrected soon, and an order's own are not taken for the owner's."""

import pytest

from drivers.interface import Abilities, Identity, LowAbility, Reading, Receipt, SetMode, Sleep, SleepAbility, State
from tests.control import site as room
from tests.control.site import FULL_W, STANDBY_W, Machines, PlantDriver, Site

WAKE_S, SETTLE_S = 900.0, 10.0


class ModalDriver(PlantDriver):
    """A machine with a low mode that outlasts a sleep; `low` names those in it, `stubborn` those that stay in it."""

    def identify(self):
        yield from self._reach()
        abilities = Abilities(
            sleep=SleepAbility(standby_w=STANDBY_W, settle_s=SETTLE_S, wake_s=WAKE_S),
            low=LowAbility(power_share=0.7, hashrate_share=0.8),
        )
        return Identity(driver="modal", nominal_w=FULL_W, nominal_ths=100.0, abilities=abilities)

    def read(self, want):
        reading = yield from super().read(want)
        if reading.state is State.SLEEPING or self.host not in self.machines.low:
            return reading
        return Reading(state=State.HASHING, level="low", power_w=0.7 * FULL_W, hashrate_ths=80.0)

    def send(self, command):
        before = "low" if self.host in self.machines.low else "normal"
        self.machines.commands.append((self.host, command))
        if isinstance(command, SetMode) and self.host not in self.machines.stubborn:
            (self.machines.low.add if command.mode == "low" else self.machines.low.discard)(self.host)
        if isinstance(command, SetMode):
            yield from self._reach()
            return Receipt()
        yield from super().send(command)
        return Receipt(before=before if isinstance(command, Sleep) else None)


@pytest.fixture
async def site(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "PlantDriver", ModalDriver)
    machines = Machines(2)
    machines.low, machines.stubborn, machines.commands = set(), set(), []
    made = Site(machines, tmp_path)
    await made.live(30)
    yield made
    await made.close()


def modes_told(site):
    return [command.mode for _, command in site.machines.commands if isinstance(command, SetMode)]


async def lift(site):
    await site.order(revision=2, status="cancelled")
    await site.live(20)


async def test_who_wakes_in_another_mode_is_corrected_long_before_a_wake_takes(site):
    await site.order()
    await site.live(30)
    site.machines.low.add("127.0.0.1")
    await lift(site)
    await site.live(80)
    assert modes_told(site) == ["full"]
    assert not site.machines.low


async def test_who_does_not_take_a_mode_is_told_again_at_growing_intervals(site):
    site.machines.stubborn.add("127.0.0.1")
    site.machines.low.add("127.0.0.1")
    await site.live(120)
    first = len(modes_told(site))
    await site.live(900, step_s=5.0)
    assert first == 2
    assert 5 <= len(modes_told(site)) <= 7


async def test_a_mode_that_was_set_before_an_order_is_the_way_back_and_one_that_was_lowered_is_not(site):
    await site.order()
    await site.live(30)
    assert site.fleet.modes_before == {"m0": "normal", "m1": "normal"}
    await lift(site)
    site.machines.low.add("127.0.0.1")
    site.machines.stubborn.add("127.0.0.1")
    await site.live(30)
    await site.order(order_id="o2")
    await site.live(30)
    assert site.machines.asleep == set(site.machines.hosts)
    assert site.fleet.modes_before == {"m0": "normal", "m1": "normal"}
