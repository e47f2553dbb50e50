"""What is so of site, feeders, orders and miners, as Prometheus reads it. A metric is a row of a table here.

A function of a snapshot: it runs in a thread. Unknown gives no line, never a zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

from agent.fleet.belief import STATES
from agent.fleet.climate import ClimateView
from agent.orders.lifecycle import FINAL, OrderState
from agent.orders.order_view import OrderView
from agent.outputs.exposition import Sample, Text, labels
from agent.outputs.meter_gauges import write_meters
from agent.outputs.snapshot import Snapshot, efficiency_j_th, machine_power, nominal_ths, site_power
from agent.planning.decide import Decision
from agent.values import Watts
from drivers.interface import Board, Reading, State

KEPT_LABELS = 131_072
"""Of so many machines the labels stay made."""
KEPT_AFTER_CLOSING = timedelta(days=1)
HASHES = 1e12  # in a terahash


@dataclass(slots=True, kw_only=True)
class Machine:
    """One miner as its row of every table sees it."""

    labels: str
    state: State
    up: int | None
    reading: Reading | None  # what it says now
    power_w: Watts
    power_source: str
    energy_j: float | None  # None before its first reading
    nominal_ths: float | None
    boards: Sequence[Board]  # each slot once: a series twice would spoil the whole scrape


def write(shot: Snapshot, text: Text, comply_s: Mapping[str, float]) -> None:
    """Write everything of one moment; `comply_s` tells how long orders took to be complied with."""
    machines = _machines(shot)
    _site(shot, machines, text)
    write_meters(shot, text)
    _orders(shot, text, comply_s)
    for name, says, of in _GAUGES:
        text.gauge(f"hashwatt_miner_{name}", says, ((m.labels, of(m)) for m in machines))
    states = ((m.labels, _STATE_ENDS[m.state]) for m in machines)
    text.ready("hashwatt_miner_state", "1 for the state that it is in, 0 for all others.", states)
    for name, says, spread in _SPREAD_GAUGES:
        text.gauge(f"hashwatt_miner_{name}", says, _spread(machines, spread))
    for name, says, spread in _COUNTERS:
        text.counter(f"hashwatt_miner_{name}", says, _spread(machines, spread))


# miners ---------------------------------------------------------------------------------------------------------


def _machines(shot: Snapshot) -> list[Machine]:
    states = [STATES[code] for code in shot.state.tolist()]
    believed, energy_j = shot.believed_w.tolist(), shot.energy_j.tolist()
    made = []
    for row, (miner, reading) in enumerate(zip(shot.miners, shot.current(), strict=True)):
        identity = shot.identities[row]
        power_w, source = machine_power(reading, believed[row])
        model = miner.model or (identity.model if identity is not None else None)
        made.append(
            Machine(
                labels=_labels(shot.site, miner.id, model, miner.feeder),
                state=states[row],
                up=_up(states[row], shot.readings[row], shot.reasons[row]),
                reading=reading,
                power_w=power_w,
                power_source=source,
                energy_j=None if shot.readings[row] is None else energy_j[row],
                nominal_ths=nominal_ths(shot.readings[row], identity),
                boards=_boards(reading),
            )
        )
    return made


@lru_cache(maxsize=KEPT_LABELS)
def _labels(site: str, miner: str, model: str | None, feeder: str) -> str:
    return labels(site=site, miner=miner, model=model, feeder=feeder)


def _boards(reading: Reading | None) -> Sequence[Board]:
    boards = reading.boards if reading is not None else None
    if not boards or len({board.slot for board in boards}) == len(boards):
        return boards or ()
    return tuple({board.slot: board for board in boards}.values())


def _up(state: State, reading: Reading | None, reason: str | None) -> int | None:
    """Return whether it answers, None before the first answer or the first finding that there is none."""
    if state is State.UNREACHABLE:
        return 0
    return None if state is State.UNKNOWN and reading is None and reason is None else 1


def _spread(machines: Iterable[Machine], of: Callable[[Machine], Iterable[Sample]]) -> Iterator[Sample]:
    for machine in machines:
        for more, value in of(machine):
            yield (machine.labels + more, value)


def _hashes(ths: float | None) -> float | None:
    return None if ths is None else ths * HASHES


def _told(of: Callable[[Reading], float | None]) -> Callable[[Machine], float | None]:
    """Take a figure from what the machine says now."""

    def told(machine: Machine) -> float | None:
        return None if machine.reading is None else of(machine.reading)

    return told


_STATE_ENDS = {state: [f',state="{other}"}} {int(other is state)}\n' for other in State] for state in State}


def _power(machine: Machine) -> Iterable[Sample]:
    return ((f',source="{machine.power_source}"', machine.power_w),)


def _board_hashrates(machine: Machine) -> Iterable[Sample]:
    return [(f',board="{board.slot}"', _hashes(board.hashrate_ths)) for board in machine.boards]


def _board_temperatures(machine: Machine) -> Iterator[Sample]:
    for board in machine.boards:
        yield (f',board="{board.slot}",sensor="chip"', board.chip_temp_c)
        yield (f',board="{board.slot}",sensor="board"', board.board_temp_c)


def _fans(machine: Machine) -> Iterable[Sample]:
    told = machine.reading.fans if machine.reading is not None else None
    return [(f',fan="{slot}"', rpm) for slot, rpm in {fan.slot: fan.rpm for fan in told or ()}.items()]


def _hardware_errors(machine: Machine) -> Iterable[Sample]:
    return (("", machine.reading.hardware_errors),) if machine.reading is not None else ()


def _energy(machine: Machine) -> Iterable[Sample]:
    return (("", machine.energy_j),)


def _shares(machine: Machine) -> Iterable[Sample]:
    reading = machine.reading
    if reading is None:
        return ()
    results = ("accepted", reading.accepted), ("rejected", reading.rejected), ("stale", reading.stale)
    return [(f',result="{result}"', count) for result, count in results]


_GAUGES: tuple[tuple[str, str, Callable[[Machine], float | None]], ...] = (
    ("up", "Whether the miner answers.", lambda m: m.up),
    ("hashrate_hashes_per_second", "What it hashes now.", _told(lambda r: _hashes(r.hashrate_ths))),
    ("nominal_hashrate_hashes_per_second", "What it should hash.", lambda m: _hashes(m.nominal_ths)),
    (
        "efficiency_joules_per_terahash",
        "Energy for each terahash, at the wall.",
        lambda m: efficiency_j_th(m.reading, m.power_w),
    ),
    ("inlet_temperature_celsius", "Air that enters it.", _told(lambda r: r.inlet_c)),
    ("uptime_seconds", "Since it last started.", _told(lambda r: r.uptime_s)),
)
_SPREAD_GAUGES: tuple[tuple[str, str, Callable[[Machine], Iterable[Sample]]], ...] = (
    ("power_watts", "What it draws at the wall, and who says so; model: nobody does, and it counts at this.", _power),
    ("board_hashrate_hashes_per_second", "What each board hashes now.", _board_hashrates),
    ("board_temperature_celsius", "The hottest chip, and the hottest place, of each board.", _board_temperatures),
    ("fan_speed_rpm", "Revolutions each minute.", _fans),
)
_COUNTERS: tuple[tuple[str, str, Callable[[Machine], Iterable[Sample]]], ...] = (
    ("hardware_errors_total", "Hardware errors since it started, by its own count.", _hardware_errors),
    ("shares_total", "Shares since it started, by its own count.", _shares),
    ("energy_joules_total", "Energy since the agent started, by its power while it was read.", _energy),
)


# site, orders ---------------------------------------------------------------------------------------------------


def _site(shot: Snapshot, machines: list[Machine], text: Text) -> None:
    here = labels(site=shot.site)
    power_w, source = site_power(shot.meter, float(shot.believed_w.sum()), shot.house_w)
    told = [m.reading.hashrate_ths for m in machines if m.reading is not None and m.reading.hashrate_ths is not None]
    states = [m.state for m in machines]
    in_state = [(f'{here},state="{state}"', states.count(state)) for state in State]
    text.gauge(
        "hashwatt_site_power_watts", "Draw at the meter, by who says so.", [(f'{here},source="{source}"', power_w)]
    )
    text.gauge("hashwatt_site_miners", "Miners in each state.", in_state)
    figures: tuple[tuple[str, str, float | None], ...] = (
        ("site_hashrate_hashes_per_second", "What miners hash now.", _hashes(sum(told)) if told else None),
        ("site_house_watts", "All at the meter that is no miner.", shot.house_w),
        ("site_sealed_miners", "Miners behind a seal.", shot.sealed),
        ("site_behind_seals_watts", "What is seen to be drawn behind seals.", shot.behind_seals_w),
        ("site_hot_miners", "Miners that are too hot.", shot.climate.hot),
        (
            "site_ambient_celsius",
            "No warmer than this, by the coolest air of a miner.",
            shot.climate.ambient_c,
        ),
        ("site_frost", "1: loops must stay pumped, and are not cut.", _frost(shot.climate)),
        ("clock_trusted", "Whether civil time is beyond doubt.", int(shot.now.is_trusted)),
        ("enforcing", "Whether commands are sent.", int(shot.mode == "enforce")),
    )
    for name, says, value in figures:
        text.gauge(f"hashwatt_{name}", says, [(here, value)])
    tripped = [(labels(site=shot.site, input=one.id), int(one.trip is not None)) for one in shot.safety]
    said = [(labels(site=shot.site, outlet=one.id), None if one.on is None else int(one.on)) for one in shot.outlets]
    text.gauge("hashwatt_outlet_on", "Whether it is seen on; absent: it says nothing.", said)
    text.gauge("hashwatt_safety_tripped", "1: it sheds its feeder until a hand clears it.", tripped)
    for name, says, of in _DECIDED:
        text.gauge(f"hashwatt_site_{name}", says, [(here, of(shot.decision))] if shot.decision is not None else ())


def _frost(climate: ClimateView) -> int | None:
    return int(climate.frost) if climate.liquid else None


_DECIDED: tuple[tuple[str, str, Callable[[Decision], float | None]], ...] = (
    ("cap_watts", "The cap in force over orders and connection.", lambda d: d.cap_w),
    ("excess_watts", "Draw above the cap.", lambda d: d.excess_w),
    ("shortfall_watts", "What cannot be shed.", lambda d: d.shortfall_w),
    ("restore_pending_watts", "What waits to be given back.", lambda d: d.restore_pending_w),
)


def _orders(shot: Snapshot, text: Text, comply_s: Mapping[str, float]) -> None:
    shown = [view for view in shot.orders if not _is_gone(view, shot)]
    text.gauge(
        "hashwatt_order_state",
        "1 for the state that the order is in, 0 for all others.",
        [
            (f'{_order_labels(shot, view)},state="{state}"', int(state is view.state))
            for view in shown
            for state in OrderState
        ],
    )
    text.gauge(
        "hashwatt_order_comply_seconds",
        "From the order's start to its first compliance.",
        [(labels(site=shot.site, order=view.order.order_id), comply_s.get(view.order.order_id)) for view in shown],
    )


def _order_labels(shot: Snapshot, view: OrderView) -> str:
    return labels(**{"site": shot.site, "order": view.order.order_id, "class": view.order.order_class})


def _is_gone(view: OrderView, shot: Snapshot) -> bool:
    ack = view.last_ack
    return view.state in FINAL and ack is not None and shot.now.at - ack.at > KEPT_AFTER_CLOSING
