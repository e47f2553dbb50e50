"""What energy costs and hashing earns, as the configuration says it: the tariff's file or a jurisdiction's pack."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from zoneinfo import ZoneInfo

from agent.config import Config, ConfigError
from agent.config_schema import Revenue
from agent.inputs.packs import pack_beneath, read_stops
from agent.inputs.tariff_file import read_pack, read_tariff
from agent.outputs.terms import Terms
from agent.planning.economics import Earning
from agent.tariffs.stops import Stop
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
    earning = earning_of(config.schema.revenue, currency)
    if earning is not None and earning.rate is None:
        doubts.append(f"revenue.fx has no {earning.currency}/{currency}: there is no break-even")
    zone = site.timezone if tariff is None or tariff.zone is None else tariff.zone
    return Terms(
        currency=currency,
        zone=ZoneInfo(zone),
        tariff=tariff,
        earning=earning,
        billing_day=told.metering.billing_day,
        doubts=tuple(doubts),
        stops=_stops(config),
    )


def _stops(config: Config) -> tuple[Stop, ...]:
    """Return the stops that are known of the pack beneath the tariff's file, else of the site's jurisdiction."""
    told, jurisdiction = config.schema.tariff, config.schema.site.jurisdiction
    beneath = None if told.file is None else pack_beneath(config.folder / told.file)
    if beneath is not None:
        return read_stops(*beneath)
    return () if jurisdiction is None else read_stops(jurisdiction, told.class_)


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


def earning_of(revenue: Revenue, currency: str) -> Earning | None:
    """Return what hashing earns; None where no price of hashrate is told."""
    if revenue.source != "fixed" or not revenue.hashprice_per_ph_day:
        return None
    return Earning(
        per_ph_day=revenue.hashprice_per_ph_day,
        currency=revenue.currency,
        pool_fee_pct=_decimal(revenue.pool_fee_pct),
        revenue_tax_pct=_decimal(revenue.revenue_tax_pct),
        pue=_decimal(revenue.pue),
        rate=_rate(revenue, currency),
    )


def _rate(revenue: Revenue, currency: str) -> Decimal | None:
    if revenue.currency == currency:
        return Decimal(1)
    direct = revenue.fx.get(f"{revenue.currency}/{currency}")
    inverse = revenue.fx.get(f"{currency}/{revenue.currency}")
    return direct if direct is not None or inverse is None else 1 / inverse


def _decimal(told: float) -> Decimal:
    """Return a figure as it was written, not as a binary fraction."""
    return Decimal(repr(told))
