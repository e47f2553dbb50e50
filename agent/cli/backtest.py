"""`backtest`: what acting on price would have made of a year of prices, against three other ways of running."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.failure import UNREACHABLE, USAGE, Failure
from agent.cli.options import Json, spread
from agent.cli.show import as_json, table

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from agent.planning.backtest import Level, Made
    from agent.planning.backtest_peaks import Peaks, Solve
    from agent.tariffs.series import Prices

LONGEST_S = 5.0
"""The longest that one day is planned."""
EXAMPLES = ((3500.0, 200.0), (3000.0, 140.0), (3250.0, 108.0))
"""W and TH/s of three machines of 17.5, 21.4 and 30.1 J/TH, where no fleet is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Which prices, which machines, what they earn."""

    prices: Annotated[Path | None, typer.Option(metavar="FILE.csv", help="Rows start,price; else a made year.")] = None
    per: Annotated[str, typer.Option(metavar="kWh|MWh", help="What a price is of.")] = "MWh"
    adder: Annotated[float, typer.Option(help="Levies and network beside it, per kWh.")] = 0.02
    zone: Annotated[str, typer.Option(metavar="ZONE", help="Whose clock.")] = "Europe/Berlin"
    year: Annotated[int, typer.Option(min=2000, max=2100, help="Of made prices.")] = 2026
    seed: Annotated[int, typer.Option(min=0, help="Of made prices.")] = 1
    fleet: Annotated[Path | None, typer.Option(metavar="FILE", help="Machines, as plan --fleet takes them.")] = None
    hashprice: Annotated[float, typer.Option(min=0, help="What a PH/s keeps a day, in the prices' currency.")] = 45.0
    demand: Annotated[float, typer.Option(min=0, help="Charged for a kW of each month's highest interval.")] = 0.0
    days: Annotated[bool, typer.Option("--plan-days", help="Plan each day by its own prices too; wants HiGHS.")] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Acts:
    """How price acts: the keys of [price]."""

    hysteresis_pct: Annotated[float, typer.Option(min=0, max=100, help="Band around break-even.")] = 5.0
    min_on_s: Annotated[float, typer.Option(min=0, help="Least time on.")] = 1800.0
    min_off_s: Annotated[float, typer.Option(min=0, help="Least time off.")] = 1800.0
    restart_cost: Annotated[float, typer.Option(min=0, help="Wear of a start, in the prices' currency.")] = 0.05
    wake_s: Annotated[float, typer.Option(min=0, help="What a start takes until it hashes.")] = 600.0
    pue: Annotated[float, typer.Option(min=1, help="Energy at the meter for each at a machine.")] = 1.0


@spread
def backtest(told: Told, acts: Acts, as_json_: Json = False) -> None:
    """Say what acting on price would have made of prices that are known now: an estimate, and no promise."""
    import numpy as np  # noqa: PLC0415 - quick help needs it not

    from agent.planning.backtest import Year  # noqa: PLC0415 - likewise
    from agent.planning.backtest import backtest as made_of  # noqa: PLC0415 - likewise
    from agent.planning.price import PricePolicy  # noqa: PLC0415 - likewise
    from agent.problems import ConfigError  # noqa: PLC0415 - likewise

    try:
        prices, machines = _prices(told), _machines(told.fleet)
    except ConfigError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        raise typer.Exit(USAGE) from None
    if told.per not in {"kWh", "MWh"}:
        raise Failure(USAGE, "--per: kWh or MWh")
    scale = 1.0 if told.per == "kWh" else 1e-3
    year = Year(
        prices=np.array([float(price) * scale + told.adder for price in prices.values]),
        step_s=prices.step.total_seconds(),
        per_ths_h=told.hashprice / 24_000,
        pue=acts.pue,
        wake_s=acts.wake_s,
        peaks=_peaks(told, prices) if told.demand or told.days else None,
    )
    policy = PricePolicy(
        min_on_s=acts.min_on_s,
        min_off_s=acts.min_off_s,
        hysteresis=acts.hysteresis_pct / 100,
        restart_cost=acts.restart_cost,
    )
    with _quiet(told.days):
        found = made_of(machines, year, policy, _solver() if told.days else None)
    if as_json_:
        as_json({"intervals": len(year.prices), "step_s": year.step_s, "ways": [asdict(one) for one in found]})
    else:
        _show(found, len(year.prices), int((year.prices < 0).sum()))


def _prices(told: Told) -> Prices:
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - quick help needs it not

    from agent.inputs.made_prices import made_prices  # noqa: PLC0415 - likewise
    from agent.inputs.price_file import read_prices  # noqa: PLC0415 - likewise

    try:
        zone = ZoneInfo(told.zone)
    except (ValueError, OSError, LookupError):
        raise Failure(USAGE, f"--zone: {told.zone} is no IANA time zone such as Asia/Bishkek") from None
    return made_prices(told.year, zone, told.seed) if told.prices is None else read_prices(told.prices, zone)


def _peaks(told: Told, prices: Prices) -> Peaks:
    """Return the charge on months' peaks, with the local month and day of each interval."""
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - quick help needs it not

    import numpy as np  # noqa: PLC0415 - likewise

    from agent.planning.backtest_peaks import Peaks  # noqa: PLC0415 - likewise

    zone = ZoneInfo(told.zone)
    local = [(prices.start + at * prices.step).astimezone(zone) for at in range(len(prices.values))]
    return Peaks(
        per_kw=told.demand,
        month=np.array([at.year * 12 + at.month for at in local], np.int64),
        day=np.array([at.toordinal() for at in local], np.int64),
    )


def _quiet(solves: bool) -> AbstractContextManager[None]:
    from contextlib import nullcontext  # noqa: PLC0415 - quick help needs it not

    if not solves:
        return nullcontext()
    from agent.cli.solve import quietly  # noqa: PLC0415 - likewise

    return quietly()


def _solver() -> Solve:
    from dataclasses import asdict  # noqa: PLC0415 - quick help needs it not
    from importlib.util import find_spec  # noqa: PLC0415 - likewise

    from agent.cli.solve import answer  # noqa: PLC0415 - likewise
    from agent.planning.day_programme import counts_of, programme  # noqa: PLC0415 - likewise

    if find_spec("highspy") is None:
        raise Failure(UNREACHABLE, "--plan-days needs HiGHS: pip install 'hashwatt[plan]'")
    return lambda day: counts_of(day, answer(asdict(programme(day)), LONGEST_S)[1])


def _machines(path: Path | None) -> list[list[Level]]:
    """Return each machine's levels; without a file three, each with four limits between full and sleep."""
    from agent.fleet.miner import Step, descending, limited  # noqa: PLC0415 - quick help needs it not
    from agent.inputs.fleet_file import read_levels  # noqa: PLC0415 - likewise
    from agent.planning.backtest import Level  # noqa: PLC0415 - likewise
    from agent.planning.ladder import SHARES  # noqa: PLC0415 - likewise

    if path is not None:
        return read_levels(path)
    machines = []
    for power_w, hashrate_ths in EXAMPLES:
        full = Step(level="full", power_w=power_w, hashrate_ths=hashrate_ths)
        between = [limited(full, share * power_w) for share in SHARES]
        steps = descending([full, *between, Step(level="sleep", power_w=30.0, hashrate_ths=0.0)])
        machines.append([Level(power_w=step.power_w, hashrate_ths=step.hashrate_ths) for step in steps])
    return machines


def _show(found: list[Made], count: int, below_zero: int) -> None:
    rows = [
        (
            one.name,
            f"{one.money:,.2f}",
            f"{one.revenue:,.2f}",
            f"{one.energy_cost:,.2f}",
            f"{one.start_cost:,.2f}",
            f"{one.peak_cost:,.2f}",
            f"{one.kwh:,.0f}",
            f"{one.on_h:,.0f}",
            f"{one.starts:,.0f}",
        )
        for one in found
    ]
    table(("way", "made ", "revenue ", "energy ", "starts cost ", "peaks ", "kWh ", "h on ", "starts "), rows)
    print(f"{count:,} intervals, {below_zero:,} of them below zero; h on and starts are of a machine, as a mean")
