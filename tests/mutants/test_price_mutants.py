"""One broken rule for each thing that price must never do, and the test that catches it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from agent.planning import price
from agent.planning.ramp import Ramp
from tests.planning import test_price

pytestmark = pytest.mark.pure


def caught(check: Callable[[], None]) -> None:
    check()
    with pytest.MonkeyPatch.context() as patch:
        MUTANTS[check](patch)
        with pytest.raises(AssertionError):
            check()


def lifts_above_the_owners_wish() -> None:
    view = test_price.view_of(["two", "three"], [1, 1], [1, 2])
    test_price.test_nothing_is_lifted_above_its_owners_wish_nor_moved_before_its_time.hypothesis.inner_test(
        view, [(0.01, 5), (0.01, 1300), (0.2, 700)]
    )


def _lift(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(test_price, "over", lambda view, memory: replace(view, intended=memory.steps * 0))


def _move_the_held(patch: pytest.MonkeyPatch) -> None:
    right = price._may_move
    patch.setattr(price, "_may_move", lambda view, *told: right(replace(view, held=np.zeros(len(view), bool)), *told))


def _forget_the_ramp(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(price, "_ramped", lambda _view, wanted, *_told: (wanted, Ramp()))


def _begin_awake(patch: pytest.MonkeyPatch) -> None:
    right = price._begun

    def begun(view, *told):
        return right(replace(view, setpoint=view.intended), *told)

    patch.setattr(price, "_begun", begun)


def _forget_least_times(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(price, "_may_move", lambda view, _policy, memory, _now: memory.begun & ~view.held)


def _forget_the_band(patch: pytest.MonkeyPatch) -> None:
    right = price._best
    patch.setattr(price, "_best", lambda view, told, policy, memory: right(
        view, told, replace(policy, hysteresis=0.0), memory
    ))  # fmt: skip


MUTANTS = {
    lifts_above_the_owners_wish: _lift,
    test_price.test_what_nobody_can_weigh_is_left_alone_and_who_is_held_too: _move_the_held,
    test_price.test_lowering_keeps_to_the_ramp_least_efficient_first_and_raising_is_let_at_once: _forget_the_ramp,
    test_price.test_a_start_over_sleepers_wakes_nobody_before_a_price_is_known: _begin_awake,
    test_price.test_least_times_on_and_off_are_kept: _forget_least_times,
    test_price.test_hysteresis_is_a_band_around_break_even: _forget_the_band,
}


@pytest.mark.parametrize("check", MUTANTS, ids=lambda check: check.__name__)
def test_a_broken_rule_of_price_is_caught(check: Callable[[], None]) -> None:
    caught(check)
