"""What is so as the contract's JSON objects: the site, a miner, an order, a fact. Unknown is null, never 0."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import numpy as np

from agent.facts import AnyFact
from agent.fleet.apparent import phases_of
from agent.fleet.belief import CODES
from agent.fleet.fleet import Fleet
from agent.fleet.holds import Hold
from agent.fleet.meter_view import MeterView
from agent.fleet.places import USUAL_PORT
from agent.fleet.seals import Seal, Seals
from agent.fleet.selector import make_of, model_of
from agent.orders.acks import ack_of_move
from agent.orders.order_view import OrderView
from agent.outputs.feeders import feeder_draws, ordered_caps
from agent.outputs.money_price import acting_json
from agent.outputs.shown_devices import climate_json, outlets_json, safety_json
from agent.outputs.sight import Sight
from agent.outputs.snapshot import current, efficiency_j_th, hottest_c, machine_power, nominal_ths, site_power
from agent.planning.decide import Decision
from agent.values import Moment, rfc3339
from drivers.interface import Reading, State

Shown = dict[str, Any]
_SILENT = Reading()


def site_json(sight: Sight) -> Shown:
    """Return the site as it is now."""
    fleet, now, decision, house_w = sight.fleet, sight.now(), sight.decision(), sight.house_w()
    power_w, source = site_power(sight.meter(), float(fleet.believed_w.sum()), house_w)
    meters = sight.meters()
    ordered_w = ordered_caps(sight.book.cap(now), fleet.tree.positions)
    feeders = feeder_draws(fleet.tree, fleet.drawn_w(), meters, (power_w, source), ordered_w)
    return {
        "site": sight.site,
        "at": rfc3339(now.at),
        "timezone": sight.timezone,
        "mode": sight.mode,
        "power_w": power_w,
        "power_source": source,
        "house_w": house_w,
        **_decided(decision),
        "hashrate_ths": _hashrate(fleet, now),
        "miners": {state.value: int((fleet.state == CODES[state]).sum()) for state in State},
        "seals": _seals(sight.seals, fleet),
        "safety": safety_json(sight),
        "outlets": outlets_json(sight),
        "climate": climate_json(sight),
        "meters": [meter_json(meter) for meter in meters],
        "feeders": feeders,
        "phases": phases_of(fleet.tree.feeders, {feeder.id: feeder.power_w for feeder in feeders}),
        "price": acting_json(sight.money),
    }


def _seals(seals: Seals, fleet: Fleet) -> Shown:
    """Return how many machines are sealed, and what is drawn behind the seals all the same."""
    known = seals.by_miner()
    return {
        "miners": len(known),
        "numbers": seals.numbers(known),
        "broken": [
            {"miner": miner, "number": known[miner].number, "power_w": float(fleet.believed_w[fleet.index[miner]])}
            for miner in sorted(seals.broken)
            if miner in fleet.index
        ],
        "broken_feeders": sorted(seals.broken_feeders),
    }


def meter_json(meter: MeterView) -> Shown:
    """Return one meter: what it says, how old that is, and whose silence it fills."""
    return {
        "id": meter.id,
        "role": meter.role,
        "feeder": meter.feeder,
        "kind": meter.kind,
        "map": meter.register_map,
        "power_w": meter.power_w,
        "energy_wh": meter.energy_wh,
        "age_s": None if meter.age_s is None else round(meter.age_s, 1),
        "fresh": meter.state.fresh,
        "standing_in_for": meter.standing_in_for,
    }


def _decided(decision: Decision | None) -> Shown:
    if decision is None:
        names = ("cap_w", "binding_order", "excess_w", "shortfall_w", "reserve_w", "headroom_w")
        return dict.fromkeys(names)
    return {
        "cap_w": decision.cap_w,
        "binding_order": decision.binding_order,
        "excess_w": decision.excess_w,
        "shortfall_w": decision.shortfall_w,
        "reserve_w": decision.power.reserve_w,
        "headroom_w": decision.headroom_w,
    }


def _hashrate(fleet: Fleet, now: Moment) -> float | None:
    """Return what those hash that were read lately and are not lost since; None where nobody says."""
    told = fleet.hashrate_ths[(now.mono - fleet.heard_at <= fleet.policy.fresh_s) & _speaking(fleet)]
    known = told[~np.isnan(told)]
    return float(known.sum()) if len(known) else None


def _speaking(fleet: Fleet) -> np.ndarray[Any, np.dtype[np.bool_]]:
    lost: np.ndarray[Any, np.dtype[np.bool_]] = np.isin(fleet.state, (CODES[State.UNREACHABLE], CODES[State.UNKNOWN]))
    return ~lost


def miner_json(fleet: Fleet, row: int, now: Moment, hold: Hold | None, seal: Seal | None = None) -> Shown:
    """Return one miner: the contract's reading, and what is wanted of it and why it may not be woken."""
    said = current(fleet, row, now.mono)
    reading, identity = said or _SILENT, fleet.identities[row]
    power_w, source = machine_power(said, float(fleet.believed_w[row]))
    return {
        "miner": _who(fleet, row),
        "state": fleet.state_name(row).value,
        "reason": fleet.reasons[row],
        "hashrate_ths": reading.hashrate_ths,
        "nominal_ths": nominal_ths(fleet.readings[row], identity),
        "power_w": power_w,
        "power_source": source,
        "power_limit_w": reading.power_limit_w,
        "efficiency_j_th": efficiency_j_th(said, power_w),
        "uptime_s": reading.uptime_s,
        "inlet_c": reading.inlet_c,
        "outlet_c": reading.outlet_c,
        "hottest_c": hottest_c(said),
        "boards": reading.boards,
        "fans": reading.fans,
        "pools": reading.pools,
        "errors": reading.errors,
        "best_share": reading.best_share,
        "hardware_errors": reading.hardware_errors,
        "capabilities": None if identity is None else identity.abilities.names(),
        "level": fleet.level_of(row, int(fleet.seen[row])),
        "intended": fleet.intended_name(row),
        "setpoint": fleet.level_of(row, int(fleet.setpoint[row])),
        "hold": None if hold is None else hold_json(hold),
        "seal": None if seal is None else seal_json(seal, broken=bool(fleet.broken[row])),
        "read_at": _read_at(float(fleet.heard_at[row]), now),
    }


def _who(fleet: Fleet, row: int) -> Shown:
    miner, identity = fleet.miners[row], fleet.identities[row]
    return {
        "id": miner.id,
        "host": miner.host,
        "port": miner.port or USUAL_PORT,
        "http_port": miner.http_port,
        "mac": identity.mac if identity is not None else None,
        "serial": identity.serial if identity is not None else None,
        "make": make_of(fleet, row),
        "model": model_of(fleet, row),
        "firmware": identity.firmware if identity is not None else None,
        "firmware_version": identity.firmware_version if identity is not None else None,
        "feeder": miner.feeder,
        "tags": miner.tags,
    }


def _read_at(heard_at: float, now: Moment) -> str | None:
    age_s = now.mono - heard_at
    return rfc3339(now.at - timedelta(seconds=age_s)) if np.isfinite(age_s) else None


def hold_json(hold: Hold) -> Shown:
    """Return a lock: of which kind, by whom, from when until when."""
    until = None if hold.until is None else rfc3339(hold.until)
    return {"kind": hold.kind, "by": hold.by, "since": rfc3339(hold.since), "until": until}


def seal_json(seal: Seal, *, broken: bool) -> Shown:
    """Return a seal: its number and act, by whom, since when, and whether draw is seen behind it."""
    return {"number": seal.number, "act": seal.act, "by": seal.by, "since": rfc3339(seal.since), "broken": broken}


def order_json(view: OrderView) -> Shown:
    """Return one order: its document, where it stands, and its last acknowledgement."""
    return {
        "document": view.order.document,
        "issuer": view.order.issuer,
        "class": view.order.order_class,
        "state": view.state.value,
        "revision": view.order.revision,
        "starts_at": rfc3339(view.starts_at),
        "awaiting_release": view.awaiting_release,
        "last_ack": None if view.last_ack is None else ack_of_move(view.last_ack),
    }


def event_json(number: int, fact: AnyFact) -> Shown:
    """Return a fact as it is remembered, with its number."""
    return {"number": number, **msgspec.to_builtins(fact)}
