"""What a Braiins OS machine told, whichever of its three surfaces told it, and the Reading that it means. Pure.

REST wraps each figure in its unit and writes enums as numbers; GraphQL and the socket tell MH/s. Only REST says whether
mining is paused: on the others that is a rate of zero with boards that are there and pools that answer, long after the
start or after a pause of ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from drivers.figures import hottest, number, watts, whole, words
from drivers.interface import Board, DeviceFault, Fan, Pool, Reading, State

STANDS, FALLS, WHOLE = 0.01, 0.9, 0.98
STARTUP_S = 600
PAUSED, SUSPENDED, NOT_STARTED, TUNING = 3, 4, 1, 3
POWER_MODE = 1
_FED = frozenset({"alive", "disabled"})


@dataclass(slots=True)
class Told:
    """The figures together; None is what nobody said. Rates TH/s."""

    status: int | None = None
    present_ths: float | None = None
    averaged_ths: float | None = None
    nominal_ths: float | None = None
    power_w: float | None = None
    uptime_s: int | None = None
    mining_s: int | None = None
    target_w: float | None = None
    tuner: int | None = None
    accepted: int | None = None
    rejected: int | None = None
    stale: int | None = None
    best_share: float | None = None
    boards: tuple[Board, ...] | None = None
    fans: tuple[Fan, ...] | None = None
    pools: tuple[Pool, ...] | None = None
    errors: tuple[DeviceFault, ...] | None = None
    inlet_c: float | None = None
    outlet_c: float | None = None
    says_paused: bool = False  # its status tells a pause
    was_paused: bool = False  # we paused it, and nobody is known to have resumed it


def at(told: object, path: str) -> Any:
    """Return what stands below keys parted by dots; None where something is missing."""
    for key in path.split("."):
        told = told.get(key) if isinstance(told, dict) else None
    return told


def listed(told: object, path: str) -> list[Any]:
    """Return the list below a path, an empty one for none."""
    found = at(told, path) if path else told
    return found if isinstance(found, list) else []


def reading_of(told: Told, full_w: float | None) -> Reading:
    """Return what it means; a power target of at least `full_w` is full."""
    state, reason = _state(told)
    level = None
    if told.target_w is not None:
        level = "full" if full_w is not None and told.target_w >= WHOLE * full_w else f"limit:{told.target_w:.0f}"
    return Reading(
        state=state,
        reason=reason,
        level="sleep" if state is State.SLEEPING else level,
        hashrate_ths=told.averaged_ths
        if state is State.HASHING and told.averaged_ths is not None
        else told.present_ths,
        present_ths=told.present_ths,
        nominal_ths=told.nominal_ths,
        power_w=told.power_w,
        power_limit_w=told.target_w,
        uptime_s=told.uptime_s,
        inlet_c=told.inlet_c,
        outlet_c=told.outlet_c,
        boards=told.boards,
        fans=told.fans,
        pools=told.pools,
        errors=told.errors,
        accepted=told.accepted,
        rejected=told.rejected,
        stale=told.stale,
        best_share=told.best_share,
    )


def stands(told: Told) -> bool:
    """Whether it hashes less than it should, so that its state hangs on more than its rate."""
    return told.present_ths is None or told.present_ths < FALLS * (told.nominal_ths or 0.0)


def _state(told: Told) -> tuple[State, str | None]:
    if told.status == PAUSED:
        return State.SLEEPING, None
    if told.status == SUSPENDED:
        return State.IDLE, "idle:suspended"
    starting = (told.mining_s if told.mining_s is not None else told.uptime_s or 0) < STARTUP_S
    if told.status == NOT_STARTED:
        return (
            (State.STARTING, "starting:boot") if (told.uptime_s or 0) < STARTUP_S else (State.FAULT, "fault:firmware")
        )
    if told.present_ths is None:
        return State.UNKNOWN, None
    fed = told.pools is None or any(pool.alive for pool in told.pools)
    usual = told.nominal_ths or 0.0
    if told.present_ths > (STANDS if fed else FALLS) * usual:
        ramps = told.tuner == TUNING and told.present_ths < FALLS * usual
        return (State.STARTING, "starting:tuning") if ramps else (State.HASHING, None)
    return _standing(told, fed=fed, starting=starting)


def _standing(told: Told, *, fed: bool, starting: bool) -> tuple[State, str | None]:
    """Return why it does not hash."""
    if not fed:
        return State.IDLE, "idle:pool"
    if not told.says_paused and told.present_ths == 0 and told.boards != () and (told.was_paused or not starting):
        return State.SLEEPING, None
    if starting:
        return State.STARTING, "starting:boot"
    return (State.FAULT, "fault:boards") if told.boards == () else (State.FAULT, "fault:hashrate")


# --- REST ---------------------------------------------------------------------------------------------------------


def add_details(told: Told, page: object) -> None:
    """Take in `miner/details`."""
    told.status, told.says_paused = whole(at(page, "status")), True
    told.uptime_s = whole(at(page, "system_uptime_s")) or whole(at(page, "system_uptime"))
    told.mining_s = whole(at(page, "bosminer_uptime_s"))


def add_stats(told: Told, page: object) -> None:
    """Take in `miner/stats`."""
    rates = at(page, "miner_stats.real_hashrate")
    told.present_ths, told.averaged_ths = _ghs(rates, "last_5s"), _ghs(rates, "last_1m")
    told.nominal_ths = _ghs(at(page, "miner_stats"), "nominal_hashrate")
    told.power_w = watts(at(page, "power_stats.approximated_consumption.watt"))
    told.accepted = whole(at(page, "pool_stats.accepted_shares"))
    told.rejected = whole(at(page, "pool_stats.rejected_shares"))
    told.stale = whole(at(page, "pool_stats.stale_shares"))
    told.best_share = number(at(page, "pool_stats.best_share"))


def add_configuration(told: Told, page: object) -> None:
    """Take in `configuration/miner`: the target as it is set, whatever scales it now."""
    if at(page, "tuner.enabled") and whole(at(page, "tuner.tuner_mode")) == POWER_MODE:
        told.target_w = watts(at(page, "tuner.power_target.watt"))


def add_tuner(told: Told, page: object) -> None:
    """Take in `performance/tuner-state`."""
    told.tuner = whole(at(page, "overall_tuner_state"))


def add_boards(told: Told, page: object) -> None:
    """Take in `miner/hw/hashboards`; ids count from 1."""
    rows = listed(page, "hashboards")
    told.boards = tuple(_rest_board(row) for row in rows)
    told.inlet_c = hottest(tuple(c for row in rows if (c := number(at(row, "lowest_inlet_temp.degree_c"))) is not None))
    outlets = (number(at(row, "highest_outlet_temp.degree_c")) for row in rows)
    told.outlet_c = hottest(tuple(c for c in outlets if c is not None))


def _rest_board(row: object) -> Board:
    board_c = number(at(row, "board_temp.degree_c"))
    hertz = number(at(row, "current_frequency.hertz"))
    return Board(
        slot=(whole(at(row, "id")) or 1) - 1,
        hashrate_ths=_ghs(at(row, "stats.real_hashrate"), "last_1m"),
        chip_temp_c=number(at(row, "highest_chip_temp.temperature.degree_c")),
        board_temp_c=board_c,
        board_temps_c=() if board_c is None else (board_c,),
        chips=whole(at(row, "chips_count")),
        frequency_mhz=None if not hertz else hertz / 1e6,
        voltage_v=number(at(row, "current_voltage.volt")) or None,
        state="disabled" if at(row, "enabled") is False else None,
    )


def _ghs(told: object, key: str) -> float | None:
    rate = number(at(told, f"{key}.gigahash_per_second"))
    return None if rate is None else rate / 1e3


def add_cooling(told: Told, page: object) -> None:
    """Take in `cooling/state`."""
    rows = ((whole(at(row, "position")), whole(at(row, "rpm"))) for row in listed(page, "fans"))
    told.fans = tuple(Fan(slot=slot or 0, rpm=rpm) for slot, rpm in rows if rpm)


def add_groups(told: Told, page: object) -> None:
    """Take in `pools`: groups of them; who is not enabled is left out."""
    rows = [row for group in listed(page, "") for row in listed(group, "pools")]
    told.pools = tuple(
        Pool(
            url=at(row, "url") or "",
            user=words(at(row, "user")),
            priority=number_of,
            active=at(row, "active") is True,
            alive=at(row, "alive") is True,
            accepted=whole(at(row, "stats.accepted_shares")),
            rejected=whole(at(row, "stats.rejected_shares")),
            stale=whole(at(row, "stats.stale_shares")),
        )
        for number_of, row in enumerate(row for row in rows if at(row, "enabled") is not False)
    )


def add_errors(told: Told, page: object) -> None:
    """Take in `miner/errors`, a log: each code once, as it first appeared."""
    found: dict[str, DeviceFault] = {}
    for row in listed(page, "errors"):
        for code in listed(row, "error_codes"):
            if (name := words(at(code, "code"))) is not None:
                found.setdefault(name, DeviceFault(code=name, message=words(at(code, "reason"))))
    told.errors = tuple(found.values())


# --- GraphQL ------------------------------------------------------------------------------------------------------


def add_system(told: Told, data: object) -> None:
    """Take in the answer about the whole machine."""
    told.uptime_s = whole(at(data, "bos.uptime.durationS"))
    info = at(data, "bosminer.info")
    told.present_ths = _mhs(at(info, "workSolver.realHashrate.mhs5S"))
    told.nominal_ths = _mhs(at(info, "workSolver.nominalMhs"))
    told.power_w = watts(at(info, "summary.power.approxConsumptionW"))
    told.target_w = watts(at(info, "summary.power.limitW"))
    told.tuner = TUNING if at(info, "summary.tunerStatus") == "RUNNING" else None
    if at(info, "fans") is not None:
        rows = ((whole(at(row, "name")), whole(at(row, "rpm"))) for row in listed(info, "fans"))
        told.fans = tuple(Fan(slot=slot or 0, rpm=rpm) for slot, rpm in rows if rpm)


def add_solvers(told: Told, data: object) -> None:
    """Take in the answer about the boards, named by their number."""
    rows = listed(data, "bosminer.info.workSolver.childSolvers")
    first = min((whole(at(row, "name")) or 0 for row in rows), default=0)
    told.boards = tuple(_solver(row, first) for row in rows)


def _solver(row: object, first: int) -> Board:
    shown = {(words(at(one, "name")) or "").upper(): number(at(one, "degreesC")) for one in listed(row, "temperatures")}
    board_c = next((c for name, c in shown.items() if "BOARD" in name), None)
    return Board(
        slot=(whole(at(row, "name")) or first) - first,
        hashrate_ths=_mhs(at(row, "realHashrate.mhs5S")),
        chip_temp_c=next((c for name, c in shown.items() if "CHIP" in name), None),
        board_temp_c=board_c,
        board_temps_c=() if board_c is None else (board_c,),
        chips=whole(at(row, "hwDetails.chips")),
        frequency_mhz=number(at(row, "hwDetails.frequencyMhz")) or None,
        voltage_v=number(at(row, "hwDetails.voltageV")) or None,
    )


def _mhs(told: object) -> float | None:
    rate = number(told)
    return None if rate is None else rate / 1e6


def add_pool_groups(told: Told, data: object) -> None:
    """Take in the answer about the pools."""
    rows = [row for group in listed(data, "bosminer.info.poolGroups") for row in listed(group, "pools")]
    told.pools = tuple(
        Pool(
            url=at(row, "url") or "",
            user=words(at(row, "user")),
            priority=place,
            active=at(row, "active") is True,
            alive=at(row, "status") == "ALIVE",
            accepted=whole(at(row, "shares.acceptedSolutions")),
            rejected=whole(at(row, "shares.rejectedSolutions")),
        )
        for place, row in enumerate(rows)
    )
    told.accepted, told.rejected = _sum(told.pools, "accepted"), _sum(told.pools, "rejected")


def _sum(pools: Iterable[Pool], name: str) -> int:
    return sum(getattr(pool, name) or 0 for pool in pools)


def add_appeals(told: Told, data: object) -> None:
    """Take in what its page would show as errors."""
    rows = [row for row in listed(data, "events.appeals") if "ERROR" in str(at(row, "kind")).upper()]
    told.errors = tuple(DeviceFault(code=str(at(row, "kind")), message=words(at(row, "message"))) for row in rows)
