"""An OpenEI URDB record to a `Tariff`, or every key of it that cannot be honoured, with the reason.

Nothing that charges is passed over or averaged. What a field means where its description leaves it open is what NREL's
System Advisor Model takes it for (PySAM, `UtilityRateTools.URDBv8_to_ElectricityRates`, and ssc): docs/decisions.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal, localcontext
from functools import partial
from typing import Any

from agent.inputs.urdb_demand import flat_demand, reactive, timed_demand
from agent.inputs.urdb_energy import BY_HOUR, STEPWISE, energy, exported, fuel, is_floored, nets, rule_of
from agent.inputs.urdb_reader import PARTY, Reader, lists
from agent.inputs.urdb_record import MONTHS, NotUrdb, read_record
from agent.problems import ConfigError, Problem
from agent.tariffs.figures import Dated, Figure
from agent.tariffs.fixed import Fixed
from agent.tariffs.kinds import Component
from agent.tariffs.meant import Meant
from agent.tariffs.minimum import Minimum
from agent.tariffs.money import EXACT, even
from agent.tariffs.settling import Settling
from agent.tariffs.tariff import Tariff

_CHARGING = {
    "energyratestructure", "energyweekdayschedule", "energyweekendschedule", "fueladjustmentsmonthly",
    "demandratestructure", "demandweekdayschedule", "demandweekendschedule", "demandrateunit", "demandwindow",
    "flatdemandstructure", "flatdemandmonths", "flatdemandunit",
    "demandratchetpercentage", "lookbackpercent", "lookbackmonths", "lookbackrange", "demandreactivepowercharge",
    "coincidentratestructure", "coincidentrateschedule", "coincidentrateunit",
    "fixedchargefirstmeter", "fixedchargeunits", "fixedmonthlycharge",
    "mincharge", "minchargeunits", "minmonthlycharge", "annualmincharge",
    "dgrules", "usenetmetering",
}  # fmt: skip
_TELLING = {
    "label", "utility", "name", "uri", "approved", "is_default", "startdate", "enddate", "supercedes", "sector",
    "servicetype", "description", "source", "sourceparent", "basicinformationcomments", "energycomments",
    "demandcomments", "country", "eiaid", "eia", "revisions", "version", "rateid", "latest_update",
    "peakkwcapacitymin", "peakkwcapacitymax", "peakkwcapacityhistory", "peakkwhusagemin", "peakkwhusagemax",
    "peakkwhusagehistory", "demandunits", "demandmin", "demandmax", "demandhistory", "mindemand", "maxdemand",
    "energymin", "energymax", "energyhistory", "minenergy", "maxenergy", "voltageminimum", "voltagemaximum",
    "voltagecategory", "phasewiring", "energytoulabels", "demandtoulabels", "demandlabels", "coincidenttoulabels",
    "fixedchargeeaaddl", "energyattrs", "demandattrs", "fixedattrs", "energyrateunit", "flatdemandlabels",
}  # fmt: skip
"""What describes a rate and charges nothing; the charge of a second meter too, since one meter is billed."""
_WORDS = ("energyattrs", "demandattrs", "fixedattrs")
_SMELLS = ("rate", "charge", "price", "fee", "cost", "adj", "credit", "tax", "ratchet", "lookback", "tier", "demand")
"""A key that nobody knows and that has one of these in its name may charge something."""
_DAYS_OF_YEAR = 365
"""As SAM has it, every month is a twelfth of so many days."""


def parse_urdb(text: str, *, file: str = "record.json", currency: str | None = None) -> Tariff:
    """Return the tariff that a URDB record is; `currency` is that of a record from outside the USA.

    Raises ConfigError with every key that cannot be honoured.
    """
    try:
        reader = Reader(record=read_record(text), file=file)
    except NotUrdb as error:
        raise ConfigError([Problem(file=file, key="", reason=str(error))]) from None
    components = [
        *energy(reader),
        *exported(reader),
        *fuel(reader),
        *flat_demand(reader),
        *timed_demand(reader),
        *reactive(reader),
        *_fixed(reader),
        *_minimum(reader),
    ]
    _refuse(reader)
    money = currency or _currency(reader)
    if not components and not reader.problems:
        reader.bad("", "charges nothing: it has neither energy, demand, fixed nor minimum charges")
    if reader.problems or money is None:
        raise ConfigError([*dict.fromkeys(reader.problems)])
    made = partial(
        Tariff,
        name=", ".join(str(reader.record[key]) for key in ("utility", "name") if key in reader.record),
        currency=money,
        components=tuple(components),
        keys=reader.keys,
        notes=tuple(_notes(reader.record)),
        first=_day(reader.record.get("startdate")),
        last=_day(reader.record.get("enddate")),
        meant=_meant(reader),
        settlings={"energy": Settling(floor=Decimal(0))} if is_floored(reader) else {},
        export_refused="" if nets(reader) else _export_refused(reader),
        nets_by_hour=rule_of(reader) == BY_HOUR,
    )
    try:
        return made()
    except ValueError as error:
        key = reader.keys.get(str(error).partition(":")[0], "")
        raise ConfigError([Problem(file=file, key=key, reason=str(error))]) from None


def _currency(reader: Reader) -> str | None:
    country = str(reader.record.get("country", "USA")).upper()
    if country in {"USA", "US"}:
        return "USD"
    reader.bad("country", f"is {country}, and a record names no currency: --currency")
    return None


def _refuse(reader: Reader) -> None:
    """Add what a record says and nothing here honours."""
    record = reader.record
    tiers = [tier for period in lists(record.get("coincidentratestructure")) for tier in lists(period)]
    if any(isinstance(tier, dict) and (tier.get("rate") or tier.get("adj")) for tier in tiers):
        reader.bad("coincidentratestructure", "charges the demand at the system's peak, which no record tells")
    for key, value in record.items():
        if (
            key not in _CHARGING | _TELLING
            and not isinstance(value, str | bool)
            and any(word in key for word in _SMELLS)
        ):
            reader.bad(key, "is no known key, and may charge something")


# what goes by the calendar ---------------------------------------------------------------------------------------


def _fixed(reader: Reader) -> Iterator[Component]:
    first, monthly = "fixedchargefirstmeter", "fixedmonthlycharge"
    own = _unit_of(reader, first, "fixedchargeunits")
    is_twice = own == "$/month" and reader.told(first) == reader.told(monthly)  # as records of several versions have it
    if own is not None and reader.told(monthly) and not is_twice:
        reader.bad(monthly, f"is another amount than {first}: which of them is charged is not said")
    for key, unit in ((first, own), (monthly, None if is_twice else "$/month")):
        if unit is not None and reader.told(key):
            month, year = _rates(reader.told(key), unit)
            name = "fixed charge" if key == first else "fixed monthly charge"
            made = partial(Fixed, name=name, party=PARTY, prorate="none", per_month=month, per_year=year)
            yield from reader.part(key, made)


def _minimum(reader: Reader) -> Iterator[Component]:
    units = {
        "mincharge": _unit_of(reader, "mincharge", "minchargeunits"),
        "minmonthlycharge": "$/month",
        "annualmincharge": "$/year",
    }
    for key, unit in units.items():
        if unit is not None and reader.told(key):
            month, year = _rates(reader.told(key), unit)
            name = _MINIMUMS[key]
            made = partial(Minimum, name=name, party=PARTY, prorate="none", per_month=month, per_year=year)
            yield from reader.part(key, made)


_MINIMUMS = {
    "mincharge": "minimum charge",
    "minmonthlycharge": "minimum monthly charge",
    "annualmincharge": "annual minimum charge",
}


def _unit_of(reader: Reader, key: str, unit_key: str) -> str | None:
    """Return the unit of an amount; None, with a problem, where an amount has none that there is."""
    told = str(reader.record.get(unit_key, "")).strip().lower()
    if not reader.record.get(key):
        return None
    if told not in {"$/month", "$/day", "$/year"}:
        reader.bad(unit_key, f"is {told}, and none of $/month, $/day, $/year" if told else f"is required by {key}")
        return None
    return told


def _rates(amount: Decimal, unit: str) -> tuple[Dated | None, Dated | None]:
    """Return an amount as that of a month, or of a year."""
    if unit == "$/day":
        with localcontext(EXACT):
            amount = even(amount * _DAYS_OF_YEAR / MONTHS)
    rate = Dated(figures=(Figure(value=amount),))
    return (None, rate) if unit == "$/year" else (rate, None)


# what is told -----------------------------------------------------------------------------------------------------


def _notes(record: dict[str, Any]) -> Iterator[str]:
    """Yield what a record says in words, and what it is for, that no amount follows from."""
    for key in _WORDS:
        if key in record:
            pairs = [
                f"{name} {value}" for one in lists(record[key]) if isinstance(one, dict) for name, value in one.items()
            ]
            yield f"{key} are words, and nothing is charged for them: {'; '.join(pairs) or record[key]}"
    service = str(record.get("servicetype", "Bundled"))
    if service.lower() != "bundled":
        yield f"the record is of {service} alone: what others charge is not in it"


_SIZES = {
    "kw_least": ("peakkwcapacitymin", "demandmin", "mindemand"),
    "kw_most": ("peakkwcapacitymax", "demandmax", "maxdemand"),
    "kwh_least": ("peakkwhusagemin", "energymin", "minenergy"),
    "kwh_most": ("peakkwhusagemax", "energymax", "maxenergy"),
}
"""Of which size a customer's months are, by each version's own keys."""


def _meant(reader: Reader) -> Meant:
    """Return whom a rate is for; a bound of 0 or of no number says nothing."""
    record = reader.record
    found = {
        name: next((Decimal(record[key]) for key in keys if _is_size(record.get(key))), None)
        for name, keys in _SIZES.items()
        if name.startswith("kwh") or str(record.get("demandunits", "kW")).lower() == "kw"
    }
    return Meant(**found)


def _is_size(told: Any) -> bool:
    return isinstance(told, int | Decimal) and not isinstance(told, bool) and told > 0


def _day(told: Any) -> date | None:
    """Return the day of a time in seconds since 1970."""
    if isinstance(told, bool) or not isinstance(told, int) or not 0 <= told < 2**33:
        return None
    return datetime.fromtimestamp(told, UTC).date()


def _export_refused(reader: Reader) -> str:
    """Return why a load that exports cannot be billed."""
    told = reader.record.get("dgrules")
    if rule_of(reader) in STEPWISE:
        return ""
    return f"{told} is none of the rules that there are: the load exports" if told else "is required: the load exports"
