"""What energy costs and hashing earns, as the configuration says it: the tariff's file or a jurisdiction's pack."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from agent.config import Config, ConfigError
from agent.config import schema as config_schema
from agent.config.money import dated, feed_of
from agent.config.schema import Schema
from agent.inputs.hashprice import BadQuote, Shape, of_network, payout_of
from agent.inputs.packs import pack_beneath, read_auction, read_dues, read_stops
from agent.inputs.tariff_file import read_pack, read_tariff
from agent.outputs.terms import Terms
from agent.planning.hashprice import Quotes, Revenue
from agent.tariffs.figures import Dated, Figure
from agent.tariffs.metering import Metering
from agent.tariffs.periods import ReadTime
from agent.tariffs.tariff import Tariff
from agent.tariffs.vat import Vat


def terms_of(config: Config) -> Terms:
    """Return what energy costs and hashing earns. Raises ConfigError for a tariff's file that is not sound."""
    site, told = config.schema.site, config.schema.tariff
    tariff, doubts = _tariff(config)
    if tariff is not None and told.vat_recoverable:
        parts = (replace(part, recoverable=True) if isinstance(part, Vat) else part for part in tariff.components)
        tariff = replace(tariff, components=tuple(parts))
    currency = site.currency if tariff is None else tariff.currency
    if currency != site.currency:
        doubts.append(f"the tariff is in {currency}, the site's money is {site.currency}: money is told in {currency}")
    doubts += _twice_multiplied(config.schema)
    zone = site.timezone if tariff is None or tariff.zone is None else tariff.zone
    revenue = revenue_of(config.schema)
    if revenue is not None and currency != revenue.currency and not _is_exchanged(revenue, currency):
        doubts.append(f"revenue.fx has no {revenue.currency}/{currency}: there is no break-even")
    pack = _pack(config)
    return Terms(
        currency=currency,
        zone=ZoneInfo(zone),
        tariff=tariff,
        revenue=revenue,
        metering=_metering(told.metering),
        doubts=tuple(doubts),
        stops=() if pack is None else read_stops(*pack),
        auction=None if pack is None else read_auction(*pack),
        dues={} if pack is None else {due.component: due for due in read_dues(*pack)},
    )


def _metering(told: config_schema.Metering) -> Metering:
    return Metering(
        multiplier=_decimal(told.multiplier),
        loss_pct=_decimal(told.loss_pct),
        no_load_kwh_per_month=_decimal(told.no_load_kwh_per_month),
        read=ReadTime(told.billing_day, told.billing_hour),
    )


def _twice_multiplied(schema: Schema) -> Iterator[str]:
    """Yield a doubt where the meter that is billed by is multiplied by its own ratio, and by the tariff's again."""
    again = schema.tariff.metering.multiplier
    for meter in schema.meter:
        if meter.role == "billing" and meter.multiplier != 1 and again != 1:
            yield (
                f"the meter {meter.id} is multiplied by {meter.multiplier:g} of its own, and what is billed by "
                f"tariff.metering.multiplier = {again:g} again"
            )


def _pack(config: Config) -> tuple[str, str | None] | None:
    """Return the pack and class beneath the tariff's file, else of the site's jurisdiction."""
    told, jurisdiction = config.schema.tariff, config.schema.site.jurisdiction
    beneath = None if told.file is None else pack_beneath(config.folder / told.file)
    if beneath is not None:
        return beneath
    return None if jurisdiction is None else (jurisdiction, told.class_)


def _tariff(config: Config) -> tuple[Tariff | None, list[str]]:
    """Return the tariff of the file, else of the pack, and what could not be honoured."""
    site, told = config.schema.site, config.schema.tariff
    if told.file is not None:
        tariff = read_tariff(config.folder / told.file, currency=site.currency, zone_else=site.timezone)
        return tariff, ["tariff.class goes unread: the file says its own"] if told.class_ is not None else []
    if site.jurisdiction is None:
        return None, ["there is no tariff"] if told.class_ is None else [
            "tariff.class is of a pack: name site.jurisdiction"
        ]
    try:
        return read_pack(site.jurisdiction, told.class_), []
    except ConfigError as error:
        reasons = "; ".join(f"{problem.key} {problem.reason}" for problem in error.problems)
        return None, [
            f"the pack {site.jurisdiction} is no tariff by itself: {reasons}; [tariff] file may begin with it"
        ]


def revenue_of(schema: Schema) -> Revenue | None:
    """Return how hashing earns; None where no price of hashrate is told or comes."""
    told, feed = schema.revenue, feed_of(schema)
    by_hand = told.hashprice_per_ph_day or _payout_by_hand(told)
    if feed is None and by_hand is None and told.source != "network":
        return None
    stale = None if told.source == "fixed" else timedelta(seconds=told.stale_s)
    if told.source == "network" and feed is None:
        by_hand, stale = _network_by_hand(told) or by_hand, None
    return Revenue(
        quotes=Quotes(by_hand=by_hand, stale=stale, source=told.source),
        currency=told.currency,
        pool_fee_pct=_decimal(told.pool_fee_pct),
        revenue_tax_pct=_decimal(told.revenue_tax_pct),
        pue=_decimal(told.pue),
        uptime_pct=_decimal(told.uptime_pct),
        fx=_rates(told),
    )


def shape_of(revenue: config_schema.Revenue) -> Shape:
    """Return how what comes is to be read."""
    figures = {
        "difficulty": revenue.difficulty,
        "height": None if revenue.height is None else Decimal(revenue.height),
        "fees_btc": revenue.fees_btc,
        "price": revenue.btc_price,
    }
    by_hand = {name: figure for name, figure in figures.items() if figure is not None}
    is_network, currency = revenue.source == "network", revenue.currency
    return Shape(said=revenue.source, network=is_network, currency=currency, by_hand=by_hand)


def _payout_by_hand(revenue: config_schema.Revenue) -> Decimal | None:
    """Return what a pool's payout that is told by hand earns a PH/s and day."""
    if revenue.payout_btc_per_th_day is None:
        return None
    try:
        return payout_of({"btc_per_th_day": revenue.payout_btc_per_th_day}, shape_of(revenue)) or None
    except BadQuote:
        return None


def _network_by_hand(revenue: config_schema.Revenue) -> Decimal | None:
    try:
        return of_network({}, shape_of(revenue).by_hand).per_ph_day
    except BadQuote:
        return None


def _rates(revenue: config_schema.Revenue) -> dict[str, Dated]:
    """Return rates by pair: dated ones, else the one for all time."""
    found = {pair: Dated(figures=(Figure(value=value),)) for pair, value in revenue.fx.items()}
    for pair in {rate.pair for rate in revenue.fx_rate}:
        found[pair] = dated([rate for rate in revenue.fx_rate if rate.pair == pair])
    return found


def _is_exchanged(revenue: Revenue, currency: str) -> bool:
    return bool({f"{revenue.currency}/{currency}", f"{currency}/{revenue.currency}"} & revenue.fx.keys())


def _decimal(told: float) -> Decimal:
    """Return a figure as it was written, not as a binary fraction."""
    return Decimal(repr(told))
