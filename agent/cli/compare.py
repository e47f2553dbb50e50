"""`compare`: the same machines and load under one jurisdiction after another."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.failure import USAGE, Failure
from agent.cli.options import Json, present, spread
from agent.cli.show import UNKNOWN, as_json, plain, table

if TYPE_CHECKING:
    from datetime import tzinfo
    from decimal import Decimal

    from agent.planning.compare import Compared, Place, Rig
    from agent.planning.hashprice import Revenue
    from agent.tariffs.load import Load

EXAMPLES = ("17.5", "21.5", "30")
"""J/TH of a PH/s each, where no fleet is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Of:
    """Which machines, which load."""

    fleet: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Machines, as plan --fleet takes them; each may say its model.")
    ] = None
    load: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="Rows start,kwh; else the fleet at full all year.")
    ] = None
    year: Annotated[
        int | None, typer.Option(min=2000, max=2100, help="Which year, where no load is told; else this one.")
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Earns:
    """What hashing earns."""

    hashprice: Annotated[str | None, typer.Option(metavar="P", help="What a PH/s earns a day.")] = None
    in_: Annotated[str, typer.Option("--in", metavar="C", help="The currency of the hashprice.")] = "USD"
    fx: Annotated[
        list[str] | None, typer.Option(metavar="PAIR=RATE", help="Such as USD/KGS=87.4; one for each currency.")
    ] = None
    pool_fee: Annotated[str, typer.Option(metavar="%", help="Of the pool.")] = "1"
    revenue_tax: Annotated[str, typer.Option(metavar="%", help="On what is earned.")] = "0"
    pue: Annotated[str, typer.Option(help="Energy at the meter for each at a machine.")] = "1"
    uptime: Annotated[
        str, typer.Option(metavar="%", help="Of the hours in which machines draw, those in which they are paid.")
    ] = "100"
    energy: Annotated[
        list[str] | None,
        typer.Option(metavar="PACK=PRICE", help="A kWh where the pack names none, in its currency: KZ=22.5; for each."),
    ] = None
    vat_recoverable: Annotated[bool, typer.Option("--vat-recoverable", help="VAT comes back, and is no cost.")] = False


@spread
def compare(
    packs: Annotated[
        list[str], typer.Argument(metavar="PACK…", help="KG, RU (all its classes), RU:banned, or a tariff's file.")
    ],
    of: Of,
    earns: Earns,
    doubtful: Annotated[
        bool, typer.Option("--doubtful", help="Count stops that are not confirmed as stopped too.")
    ] = False,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page with a chart.")] = None,
    as_json_: Json = False,
) -> None:
    """Say what the same machines and load cost, earn and lose to known stops in one place after another.

    Exit 2 with every mistake.
    """
    from agent.planning.compare import compare as compared  # noqa: PLC0415 - quick help needs it not
    from agent.problems import ConfigError  # noqa: PLC0415 - likewise

    try:
        named = [one for told in packs for one in _classes(told)]
        places = _places(named, earns)
        rigs = _rigs(of.fleet)
        revenue = _revenue(earns)
        loads = [_load(of, one.zone, rigs, earns) for one in places]
        found = [compared(one, load, rigs, revenue, doubtful=doubtful) for one, load in zip(places, loads, strict=True)]
        _warn_of_size(loads[0], rigs, earns)
    except ConfigError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        raise typer.Exit(USAGE) from None
    _tell(found, earns.in_ if revenue is not None else None, rigs, earns, html, as_json_=as_json_)


def _warn_of_size(load: Load, rigs: list[Rig], earns: Earns) -> None:
    from agent.planning.compare import fed_by  # noqa: PLC0415 - quick help needs it not

    times = float(fed_by(load, rigs, _decimal(earns.pue, "--pue")))
    if times > 1.05:
        said = "figures are of as many such machines as it feeds"
        print(f"the load is {times:.1f} times what the fleet draws at full: {said}", file=sys.stderr)


def _tell(
    found: list[Compared], currency: str | None, rigs: list[Rig], earns: Earns, html: Path | None, *, as_json_: bool
) -> None:
    from agent.outputs.compare_json import compared_json  # noqa: PLC0415 - quick help needs it not
    from agent.outputs.compare_page import page  # noqa: PLC0415 - likewise

    if html is not None:
        machines = ", ".join(f"{rig.count} x {rig.model}" for rig in rigs)
        said = f"{machines}; " + (f"{earns.hashprice} {earns.in_} a PH/s and day" if currency else "no hashprice")
        try:
            html.write_text(page(found, currency, said), encoding="utf-8")
        except OSError as error:
            raise Failure(USAGE, f"{html}: cannot be written: {error.strerror}") from None
    if as_json_:
        as_json(compared_json(found, currency))
    else:
        _show(found, currency)


def _classes(told: str) -> list[str]:
    """Return a pack's classes where it is named without one and has several, else what was told."""
    from agent.inputs.packs import classes, jurisdictions  # noqa: PLC0415 - quick help needs it not

    if told not in jurisdictions() or len(found := classes(told)) < 2:
        return [told]
    return [f"{told}:{one}" for one in found]


def _energy(told: list[str] | None, packs: list[str]) -> dict[str, Decimal]:
    """Return the prices of a kWh by pack, or by pack and class. Raises Failure."""
    from agent.inputs.packs import jurisdictions  # noqa: PLC0415 - quick help needs it not

    packs = [pack for pack in packs if pack.partition(":")[0] in jurisdictions()]
    found = {}
    for one in told or ():
        name, _, price = one.partition("=")
        if not price:
            raise Failure(USAGE, f"--energy: {one} is no price such as KZ=22.5")
        if all(name not in {pack, pack.partition(":")[0]} for pack in packs):
            said = f"none of {', '.join(packs)}" if packs else "no pack, and a tariff's file has its own prices"
            raise Failure(USAGE, f"--energy: {name} is {said}")
        found[name] = _decimal(price, "--energy")
    return found


def _places(named: list[str], earns: Earns) -> list[Place]:
    """Return the places that words name, each once. Raises ConfigError, Failure: for prices that fill nothing too."""
    energy = _energy(earns.energy, named)
    filled: set[str] = set()
    places = [_place(told, energy, filled, earns) for told in dict.fromkeys(named)]
    if idle := [name for name in energy if name not in filled]:
        said = "names its" if len(idle) == 1 else "name their"
        reason = f"{', '.join(idle)} {said} own price of a kWh; a tariff's file overrides it"
        raise Failure(USAGE, f"--energy: {reason}")
    return places


def _place(told: str, energy: dict[str, Decimal], filled: set[str], earns: Earns) -> Place:
    """Return the place that a word names: PACK, PACK:CLASS, or a tariff's file; note which price it took.

    Raises ConfigError.
    """
    from dataclasses import replace  # noqa: PLC0415 - quick help needs it not
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - likewise

    from agent.inputs.packs import jurisdictions, pack_beneath, read_stops  # noqa: PLC0415 - likewise
    from agent.inputs.tariff_file import read_pack, read_tariff  # noqa: PLC0415 - likewise
    from agent.planning.compare import Place  # noqa: PLC0415 - likewise
    from agent.tariffs.vat import Vat  # noqa: PLC0415 - likewise

    name, _, of_class = told.partition(":")
    if name in jurisdictions():
        key = told if told in energy else name
        needed = {"source": f"--energy {told}=PRICE, or a tariff's file"}
        tariff, stops = read_pack(name, of_class or None, needed=needed), read_stops(name, of_class or None)
        if key in energy and (known := tariff.with_energy_at(energy[key])) != tariff:
            tariff = known
            filled.add(key)
    else:
        path = Path(told)
        tariff = read_tariff(path, zone_else="UTC")
        beneath = pack_beneath(path)
        stops, told = (() if beneath is None else read_stops(*beneath)), path.stem
    if earns.vat_recoverable:
        parts = (replace(one, recoverable=True) if isinstance(one, Vat) else one for one in tariff.components)
        tariff = replace(tariff, components=tuple(parts))
    return Place(name=told, tariff=tariff, zone=ZoneInfo(tariff.zone or "UTC"), stops=stops)


def _rigs(path: Path | None) -> list[Rig]:
    from decimal import Decimal  # noqa: PLC0415 - quick help needs it not

    from agent.inputs.fleet_file import read_rigs  # noqa: PLC0415 - likewise
    from agent.planning.compare import Rig  # noqa: PLC0415 - likewise

    if path is not None:
        return read_rigs(path)
    return [
        Rig(model=f"{joules} J/TH", count=1, power_w=Decimal(joules) * 1000, hashrate_ths=Decimal(1000))
        for joules in EXAMPLES
    ]


def _load(of: Of, zone: tzinfo, rigs: list[Rig], earns: Earns) -> Load:
    """Return the load of the file; else of the fleet at full, all the place's year. Raises ConfigError."""
    from datetime import date  # noqa: PLC0415 - quick help needs it not
    from decimal import Decimal  # noqa: PLC0415 - likewise

    from agent.inputs.load_file import read_load  # noqa: PLC0415 - likewise
    from agent.planning.compare import even_load  # noqa: PLC0415 - likewise
    from agent.tariffs.periods import Span, midnight  # noqa: PLC0415 - likewise

    if of.load is not None:
        return read_load(of.load, zone=zone).load
    year = of.year or present().astimezone(zone).year
    span = Span(start=midnight(date(year, 1, 1), zone), end=midnight(date(year + 1, 1, 1), zone))
    return even_load(span, sum((rig.power_w for rig in rigs), Decimal(0)) * _decimal(earns.pue, "--pue"))


def _revenue(earns: Earns) -> Revenue | None:
    from agent.planning.hashprice import Quotes, Revenue  # noqa: PLC0415 - quick help needs it not
    from agent.tariffs.figures import Dated, Figure  # noqa: PLC0415 - likewise

    if earns.hashprice is None:
        return None
    fx = {}
    for told in earns.fx or ():
        pair, _, rate = told.partition("=")
        if len(pair) != 7 or pair[3] != "/":
            raise Failure(USAGE, f"--fx: {told} is no rate such as USD/KGS=87.4")
        fx[pair] = Dated(figures=(Figure(value=_decimal(rate, "--fx")),))
    uptime = _decimal(earns.uptime, "--uptime")
    if not 0 < uptime <= 100:
        raise Failure(USAGE, "--uptime: must be above 0 and at most 100")
    return Revenue(
        quotes=Quotes(by_hand=_decimal(earns.hashprice, "--hashprice")),
        currency=earns.in_,
        pool_fee_pct=_decimal(earns.pool_fee, "--pool-fee"),
        revenue_tax_pct=_decimal(earns.revenue_tax, "--revenue-tax"),
        pue=_decimal(earns.pue, "--pue"),
        uptime_pct=uptime,
        fx=fx,
    )


def _decimal(told: str, option: str) -> Decimal:
    import re  # noqa: PLC0415 - quick help needs it not
    from decimal import Decimal  # noqa: PLC0415 - likewise

    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,12})?", told) is None:
        raise Failure(USAGE, f"{option}: {told} is no decimal number from 0")
    return Decimal(told)


def _show(found: list[Compared], currency: str | None) -> None:
    from agent.outputs.compare_json import into  # noqa: PLC0415 - quick help needs it not

    rows = [
        (
            one.place.name,
            _amount(one.per_kwh, 4, one.place.tariff.currency, is_least=one.is_least),
            _amount(into(one.per_kwh, one.rate), 4, currency or "", is_least=one.is_least),
            f"{one.stopped_h:,.0f}",
            f"{one.doubtful_h:,.0f}",
            _amount(one.margin_per_ph_year, 2, one.place.tariff.currency, is_most=one.is_least),
            _amount(into(one.margin_per_ph_year, one.rate), 2, currency or "", is_most=one.is_least),
        )
        for one in found
    ]
    other = f"in {currency} " if currency else "exchanged "
    heads = ("place", "kWh all in ", other, "h stopped ", "not confirmed ", "margin per PH/s and year ", other)
    table(heads, rows)
    models = [of.model for of in found[0].models]
    table(
        ("break-even, per kWh", *(f"{plain(model)} " for model in models)),
        [
            (one.place.name, *(_amount(of.break_even, 4, one.place.tariff.currency) for of in one.models))
            for one in found
        ],
    )
    for one in found:
        for line in one.unknown_stops:
            print(f"{plain(one.place.name)}: {plain(line)}", file=sys.stderr)
        for doubt in one.doubts:
            print(f"{plain(one.place.name)}: in doubt: {plain(doubt)}", file=sys.stderr)
        if currency is not None and one.rate is None:
            pair = f"{currency}/{one.place.tariff.currency}"
            print(f"{plain(one.place.name)}: no margin: --fx {pair}=RATE is not told", file=sys.stderr)


def _amount(
    amount: Decimal | None, digits: int, currency: str, *, is_least: bool = False, is_most: bool = False
) -> str:
    from agent.tariffs.money import rounded  # noqa: PLC0415 - quick help needs it not

    bound = ">= " if is_least else "<= " if is_most else ""
    return UNKNOWN if amount is None else f"{bound}{rounded(amount, digits):,f} {currency}".rstrip()
