"""The life of an order: every state with every event."""

import pytest

from agent.orders.lifecycle import BINDING, FINAL, IllegalTransition, OrderEvent, OrderState, after

pytestmark = pytest.mark.pure

CONTRACT = """
received: accept accepted, refuse rejected, cancel cancelled
accepted: schedule scheduled, start active
scheduled: start active, cancel cancelled, revise superseded
active: comply complied, breach violated, end ended, release ended, cancel cancelled, revise superseded, note active
complied: comply complied, breach violated, end ended, release ended, cancel cancelled, revise superseded, note complied
violated: comply complied, breach violated, end ended, release ended, cancel cancelled, revise superseded, note violated
ended: free restoring, close closed, revise superseded
cancelled: free restoring, close closed, revise superseded
restoring: close closed, revise superseded
"""
ALLOWED = {
    (line.split(": ")[0], pair.split()[0]): pair.split()[1]
    for line in CONTRACT.strip().splitlines()
    for pair in line.split(": ")[1].split(", ")
}


@pytest.mark.parametrize("state", OrderState)
@pytest.mark.parametrize("event", OrderEvent)
def test_each_event_in_each_state_does_what_the_contract_says_or_is_refused(state: OrderState, event: OrderEvent):
    if (state.value, event.value) in ALLOWED:
        assert after(state, event).value == ALLOWED[state.value, event.value]
    else:
        with pytest.raises(IllegalTransition, match=f"{event} cannot befall an order that is {state}"):
            after(state, event)


def test_exactly_three_states_bind_and_three_are_final():
    assert {state.value for state in BINDING} == {"active", "complied", "violated"}
    assert {state.value for state in FINAL} == {"rejected", "superseded", "closed"}


def test_every_state_but_received_is_reached_by_some_event():
    assert {OrderState(to) for to in ALLOWED.values()} == set(OrderState) - {OrderState.RECEIVED}
