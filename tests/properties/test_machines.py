"""The order book and control as machines of states: rules in any order, every invariant looked at after each."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from agent.facts import OrderMoved, OrderRefused
from agent.orders.lifecycle import OrderState
from tests.orders.site import Site
from tests.planning.plant import Plant
from tests.properties import control, orders
from tests.properties.control import KINDS, Event, Scenario, befall, potential_w

pytestmark = pytest.mark.pure
IN_FORCE = {"active", "complied", "violated"}


class Book(RuleBasedStateMachine):
    """A book under a law's stop, and whatever others send, time does, a restart leaves."""

    def __init__(self) -> None:
        super().__init__()
        self.site = Site()

    @initialize()
    def stop(self) -> None:
        self.site.send(orders.STOPPED)
        self.most_w = self.site.book.view("law").last_ack.cap_w

    @rule(step=orders.sends(orders.powerless()))
    def another_sends(self, step: orders.Step) -> None:
        self.site = orders.befall(self.site, step)

    @rule(step=orders.sends(orders.GARBAGE))
    def garbage_comes(self, step: orders.Step) -> None:
        self.site = orders.befall(self.site, step)

    @rule(step=orders.TIME)
    def time_goes(self, step: orders.Step) -> None:
        self.site = orders.befall(self.site, step)

    @rule(kind=st.sampled_from(["vanish", "release"]))
    def somebody_tries(self, kind: str) -> None:
        self.site = orders.befall(self.site, orders.Step(kind))

    @rule()
    def it_begins_anew(self) -> None:
        known = self.site.book.views(), self.site.book.cap(self.site.now)
        self.site = self.site.restarted()
        assert (self.site.book.views(), self.site.book.cap(self.site.now)) == known

    @invariant()
    def the_stop_holds(self) -> None:
        """Invariant 3."""
        cap = self.site.book.cap(self.site.now)
        assert cap.stop
        assert cap.law
        assert cap.cap_w <= self.most_w
        assert self.site.state("law") in IN_FORCE

    @invariant()
    def each_ack_has_its_number(self) -> None:
        """Invariants 4 and 12."""
        seqs: dict[str, list[int]] = {}
        for fact in self.site.facts:
            if isinstance(fact, OrderMoved | OrderRefused) and fact.seq is not None:
                seqs.setdefault(fact.order_id, []).append(fact.seq)
        assert all(told == list(range(1, len(told) + 1)) for told in seqs.values())

    @invariant()
    def each_is_in_a_known_state(self) -> None:
        for view in self.site.book.views():
            assert view.state is not OrderState.ACCEPTED
            assert (view.last_ack.state, view.last_ack.revision) == (view.state, view.order.revision)

    @invariant()
    def what_is_short_is_said(self) -> None:
        """Invariant 8."""
        for told in self.site.acks()[-4:]:
            if told["state"] in {"active", "violated"} and told["cap_w"] is not None:
                assert told["shortfall_w"] >= max(0.0, told["observed_w"] - told["cap_w"]) - 0.11


class Control(RuleBasedStateMachine):
    """A farm second by second, and whatever befalls it."""

    plant: Plant

    @initialize(
        kinds=st.lists(st.sampled_from([(1400.0, 95.0), (3000.0, 30.0), (3400.0, 21.5)]), min_size=2, max_size=6),
        limits=st.booleans(),
        intended=st.sampled_from(["full", "full", "sleep"]),
    )
    def begin(self, kinds: list[tuple[float, float]], limits: bool, intended: str) -> None:  # noqa: FBT001
        full_w, joules = zip(*kinds, strict=True)
        self.plant = Scenario(full_w=full_w, joules=joules, events=(), limits=limits).plant()
        self.plant.fleet.intend(0, intended)
        self.plant.run(25)
        self.held_at = np.full(self.plant.n, np.inf)
        self.over_s = 0

    @rule(kind=st.sampled_from([*KINDS, "disk_full", "disk_free"]), share=st.sampled_from([0.2, 0.5, 0.9]))
    def something_befalls(self, kind: str, share: float) -> None:
        befall(self.plant, Event(at=0, kind=kind, share=share))
        self.held_at[self.plant.fleet.held & np.isinf(self.held_at)] = self.plant.now

    @rule(seconds=st.integers(1, 45))
    def time_goes(self, seconds: int) -> None:
        for _ in range(seconds):
            self._second()

    @rule()
    @precondition(lambda self: self.plant.demand.cap_w is not None)
    def it_begins_anew(self) -> None:
        """A tick without memory, as after a restart, sends nothing up."""
        self.plant.memory = type(self.plant.memory)()
        self._second()

    def _second(self) -> None:
        plant, before = self.plant, len(self.plant.sent)
        plant.tick()
        raised = [sent for sent in plant.sent[before:] if sent.up]
        cap_w = plant.demand.cap_w
        if raised:
            assert plant.may_raise, "invariant 14: raised, and nothing of it on disk"
            assert not plant.demand.stop, "invariant 3: raised under a stop"
            assert cap_w is None or potential_w(plant) <= cap_w, "invariant 1: raised beyond what fits"
            assert not any(sent.at >= self.held_at[sent.row] for sent in raised), "invariant 13: the held were woken"
        self.over_s = self.over_s + 1 if cap_w is not None and self._over_w(cap_w) > 0 else 0
        assert self.over_s <= control.MOST_OVER_S, f"over the cap for {self.over_s} s though somebody could go"

    def _over_w(self, cap_w: float) -> float:
        """Return what is over the cap and could be freed: by who obeys, is reached, is read and draws."""
        plant, world = self.plant, self.plant.world
        able = world.obeys & world.reachable & world.energised & ~plant.garbled
        if not (able & (world.power_w > world.full_w / 10)).any():
            return 0.0
        return world.draw_w() - cap_w * 1.001

    @invariant()
    def nobody_is_above_what_was_intended(self) -> None:
        """Invariant 5."""
        if hasattr(self, "plant"):
            assert (self.plant.fleet.setpoint >= self.plant.fleet.intended).all()

    @invariant()
    def what_is_lacking_is_said(self) -> None:
        """Invariant 8: where something is short, everybody who is read is at the deepest."""
        if hasattr(self, "plant") and self.plant.decisions[-1].shortfall_w > 0:
            view = self.plant.fleet.view(self.plant.now)
            assert (view.setpoint == view.last_step)[view.fresh & ~view.sealed].all()


@pytest.mark.parametrize(("machine", "examples", "steps"), [(Book, 25, 14), (Control, 20, 12)])
def test_no_sequence_of_rules_breaks_an_invariant(
    machine: type[RuleBasedStateMachine], examples: int, steps: int
) -> None:
    told = settings(max_examples=examples, stateful_step_count=steps, deadline=None)
    run_state_machine_as_test(machine, settings=told)
