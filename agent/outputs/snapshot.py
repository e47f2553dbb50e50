"""One site at one moment, copied on the loop in a few list copies, so that its text is made in a thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agent.fleet.belief import STATES
from agent.fleet.climate import ClimateView
from agent.fleet.fleet import Fleet
from agent.fleet.meter_view import MeterView
from agent.fleet.miner import FeederTree, Miner
from agent.fleet.outlets import OutletView
from agent.fleet.power import MeterState
from agent.fleet.safety import SafetyView
from agent.fleet.view import Codes, Floats
from agent.orders.order_view import OrderView
from agent.outputs.feeders import ordered_caps
from agent.outputs.sight import Sight
from agent.planning.decide import Decision
from agent.values import Moment, Watts
from drivers.interface import Identity, Reading, State


def speaks(reading: Reading | None, code: int, reason: str | None, age_s: float, fresh_s: float) -> bool:
    """Whether a machine's last reading still tells how it is: young, and not followed by silence or garbage."""
    return reading is not None and age_s <= fresh_s and STATES[code] == reading.state and reason == reading.reason


def current(fleet: Fleet, row: int, mono: float) -> Reading | None:
    """Return what a machine says of itself now, None where its last word is too old or was lost since."""
    reading, age_s = fleet.readings[row], mono - float(fleet.heard_at[row])
    if not speaks(reading, int(fleet.state[row]), fleet.reasons[row], age_s, fleet.policy.fresh_s):
        return None
    return reading


def machine_power(reading: Reading | None, believed_w: Watts) -> tuple[Watts, str]:
    """Return the watts to go by of one machine, and who says so; what says nothing counts as it is believed."""
    if reading is not None and reading.power_w is not None:
        return reading.power_w, "miner"
    return believed_w, "model"


def nominal_ths(reading: Reading | None, identity: Identity | None) -> float | None:
    """Return what a machine should hash, as its last word or its identification says."""
    if reading is not None and reading.nominal_ths is not None:
        return reading.nominal_ths
    return identity.nominal_ths if identity is not None else None


def efficiency_j_th(reading: Reading | None, power_w: Watts) -> float | None:
    """Return J/TH while it hashes, else None: firmware's averages outlive the hashing."""
    if reading is None or reading.state is not State.HASHING or not reading.hashrate_ths:
        return None
    return power_w / reading.hashrate_ths


def hottest_c(reading: Reading | None) -> float | None:
    """Return the hottest chip, or where no chip is told of the hottest place on a board."""
    boards = reading.boards or () if reading is not None else ()
    chips = [board.chip_temp_c for board in boards if board.chip_temp_c is not None]
    return max(chips or [board.board_temp_c for board in boards if board.board_temp_c is not None], default=None)


def site_power(meter: MeterState | None, believed_w: Watts, house_w: Watts) -> tuple[Watts, str]:
    """Return the draw at the meter and who says so: a fresh meter, else beliefs and house."""
    if meter is not None and meter.fresh and meter.last_w is not None:
        return meter.last_w, "meter"
    return believed_w + house_w, "beliefs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Columns and values, one row a miner; nothing here changes any more."""

    site: str
    mode: str
    now: Moment
    miners: tuple[Miner, ...]
    tree: FeederTree
    identities: list[Identity | None]
    readings: list[Reading | None]  # the last word of each, however old
    reasons: list[str | None]
    state: Codes
    believed_w: Floats
    drawn_w: Floats  # the beliefs added up right on each feeder
    ordered_w: Mapping[str, Watts]  # by feeder, what orders on just that one allow
    energy_j: Floats
    heard_at: Floats
    fresh_s: float
    decision: Decision | None
    meter: MeterState | None
    meters: tuple[MeterView, ...]
    house_w: Watts
    sealed: int  # machines
    behind_seals_w: Watts
    safety: tuple[SafetyView, ...]
    outlets: tuple[OutletView, ...]
    orders: tuple[OrderView, ...]
    climate: ClimateView

    def current(self) -> list[Reading | None]:
        """Return what each machine says of itself now, None where its last word no longer counts."""
        ages = (self.now.mono - self.heard_at).tolist()
        rows = zip(self.readings, self.state.tolist(), self.reasons, ages, strict=True)
        return [row[0] if speaks(*row, self.fresh_s) else None for row in rows]


def snapshot(sight: Sight) -> Snapshot:
    """Copy what is known now. Call it on the loop."""
    fleet = sight.fleet
    return Snapshot(
        site=sight.site,
        mode=sight.mode,
        now=sight.now(),
        miners=tuple(fleet.miners),
        tree=fleet.tree,
        identities=fleet.identities.copy(),
        readings=fleet.readings.copy(),
        reasons=fleet.reasons.copy(),
        state=fleet.state.copy(),
        believed_w=fleet.believed_w.copy(),
        drawn_w=fleet.drawn_w(),
        ordered_w=ordered_caps(sight.book.cap(sight.now()), fleet.tree.positions),
        energy_j=fleet.energy_j.copy(),
        heard_at=fleet.heard_at.copy(),
        fresh_s=fleet.policy.fresh_s,
        decision=sight.decision(),
        meter=sight.meter(),
        meters=sight.meters(),
        house_w=sight.house_w(),
        sealed=int(fleet.sealed.sum()),
        behind_seals_w=float(fleet.believed_w[fleet.broken].sum()),
        safety=tuple(sight.safety.views(sight.now().mono)),
        outlets=tuple(sight.outlets.views(sight.now().mono)),
        orders=sight.book.views(),
        climate=fleet.climate.seen,
    )
