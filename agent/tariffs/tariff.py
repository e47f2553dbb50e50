"""A tariff: components in the order in which they are charged, and the calendar that they go by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from agent.tariffs.authorised import AuthorisedEnergy
from agent.tariffs.blocks import Blocks
from agent.tariffs.demand import Demand
from agent.tariffs.excess_power import ExcessPower
from agent.tariffs.export import ExportCredit
from agent.tariffs.factor_percent import FactorPercent
from agent.tariffs.figures import Dated, Figure, swapped
from agent.tariffs.flat import Flat
from agent.tariffs.full_load_hours import FullLoadHours
from agent.tariffs.kinds import Component
from agent.tariffs.levies import LevyPercent, LevyPerKwh
from agent.tariffs.meant import Meant
from agent.tariffs.minimum import Minimum
from agent.tariffs.money import minor_digits
from agent.tariffs.owners import OwnerRule
from agent.tariffs.reactive import Reactive
from agent.tariffs.reserved import ReservedPower
from agent.tariffs.schedule import Schedule
from agent.tariffs.series import Series
from agent.tariffs.settling import Settling
from agent.tariffs.take_or_pay import TakeOrPay
from agent.tariffs.time_of_use import TimeOfUse
from agent.tariffs.vat import Vat
from agent.tariffs.when import know_holidays

_YEAR = 12
_OF_EACH_KWH = (Flat, TimeOfUse, Blocks, Series, Schedule, AuthorisedEnergy)
"""Of these the quantities of a month are the kWh that it took, or what netting left of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """How energy is charged. What stands later may be charged on what stands before."""

    currency: str
    components: tuple[Component, ...]
    name: str = ""
    zone: str | None = None  # None: whoever bills must say whose clock it is
    days: Mapping[date, str] = field(default_factory=dict)  # days that are not what their weekday says
    digits: int | None = None  # decimals of a total; None: those of the currency's minor unit
    settlings: Mapping[str, Settling] = field(default_factory=dict)  # by component
    fx: Mapping[str, Dated] = field(default_factory=dict)  # by currency, what one unit of it costs in the tariff's
    keys: Mapping[str, str] = field(default_factory=dict)  # by component, where its file says it
    notes: tuple[str, ...] = ()  # what its file says and nothing is charged for, in words
    first: date | None = None  # from when it holds, where its file says it of the whole
    last: date | None = None
    meant: Meant = field(default_factory=Meant)  # for months of what size, where its file says it
    owners: tuple[OwnerRule, ...] = ()  # what price may do to whose machines
    export_refused: str = ""  # why a load that exports cannot be billed
    nets_by_hour: bool = False  # what is exported counts against what is taken within each hour

    def __post_init__(self) -> None:
        before: dict[str, Component] = {}
        for component in self.components:
            if component.name in before:
                raise ValueError(f"{component.name}: two components have this name")
            _check_on(component, before)
            before[component.name] = component
        owners = [rule.name for rule in self.owners]
        if len(set(owners)) < len(owners):
            raise ValueError("two rules are for the same owner")
        for name, settling in self.settlings.items():
            if settling.currency not in {None, self.currency, *self.fx}:
                raise ValueError(f"{name}: fx has no rate of {settling.currency} in {self.currency}")

    def running(self) -> Tariff:
        """Return what of it a kWh bears when it is taken: without what is charged by the month as a whole."""
        kept: list[Component] = []
        for component in self.components:
            if component.by_month:
                continue
            if isinstance(component, LevyPerKwh | LevyPercent | Vat) and component.on:
                names = {one.name for one in kept}
                on = tuple(name for name in component.on if name in names)
                if not on:
                    continue
                kept.append(replace(component, on=on))
            else:
                kept.append(component)
        exchanged = {
            name: Settling(currency=settling.currency, coefficient=settling.coefficient, only=settling.only)
            for name, settling in self.settlings.items()
            if settling.currency or settling.coefficient or settling.only
        }
        if len(kept) == len(self.components) and exchanged == self.settlings:
            return self
        return replace(self, components=tuple(kept), settlings=exchanged)

    def with_energy_at(self, price: Decimal) -> Tariff:
        """Return it with this price of a kWh wherever its energy has a figure that is not known."""
        components = [*self.components]
        for at, component in enumerate(components):
            if component.name == "energy":
                components[at] = priced(component, price)
        return replace(self, components=tuple(components))

    @property
    def settles_years(self) -> bool:
        """Whether a month may be charged for what earlier ones were."""
        return any(isinstance(one, Minimum) and one.per_year is not None for one in self.components)

    @property
    def months_back(self) -> int:
        """How many earlier months a month's bill looks back on."""
        ratchets = (one.ratchet for one in self.components if isinstance(one, Demand | Blocks))
        back = max((ratchet.months for held in ratchets for ratchet in held), default=0)
        is_yearly = self.settles_years or any(
            (isinstance(one, TakeOrPay) and one.kwh_per_year is not None)
            or (isinstance(one, Blocks) and one.over == "year")
            or isinstance(one, FullLoadHours)
            or (isinstance(one, Demand) and one.every == "mean_of_months")
            for one in self.components
        )
        return max(back, _YEAR if is_yearly else 0)

    @property
    def is_settled_by_month(self) -> bool:
        """Whether a month's bill is more than the sum of its intervals."""
        return self.is_netted or self.running() is not self

    @property
    def is_netted(self) -> bool:
        """Whether a month nets what intervals cannot: shared blocks, imbalances by the hour, prices by its own size."""
        return any(settling.only is not None for settling in self.settlings.values()) or any(
            isinstance(one, Schedule) or (isinstance(one, Blocks) and len(one.period) > 1 and one.fill == "together")
            for one in self.components
        )

    def unborne(self) -> list[str]:
        """Return in words what no kWh bears when it is taken."""
        names = ", ".join(component.name for component in self.components if component.by_month)
        return [f"charged by the month as a whole, and borne by no interval, price or saving: {names}"] if names else []

    @property
    def total_digits(self) -> int:
        """How many decimals a total has."""
        return minor_digits(self.currency) if self.digits is None else self.digits

    def doubts(self, first: date, last: date) -> Iterator[str]:
        """Yield a sentence for each figure or calendar in use from `first` to `last` that is not known or confirmed.

        What its file says in words alone comes first.
        """
        yield from self.notes
        if self.first is not None and first < self.first:
            yield f"the tariff begins on {self.first}, and is used for days before that"
        if self.last is not None and self.last < last:
            yield f"the tariff ends on {self.last}, and is used for days after that"
        for currency, rate in self.fx.items():
            yield from (f"fx {currency}: {doubt}" for one in rate.within(first, last) if (doubt := _doubt(one)))
        for name, settling in self.settlings.items():
            held = () if settling.coefficient is None else settling.coefficient.within(first, last)
            yield from (f"{name} coefficient: {doubt}" for one in held if (doubt := _doubt(one)))
        for component in self.components:
            for label, rate in component.rates():
                where = f"{component.name} {label}".rstrip()
                yield from (f"{where}: {doubt}" for figure in rate.within(first, last) if (doubt := _doubt(figure)))
            yield from (f"{component.name}: {said}" for said in getattr(component, "ends", tuple)())
            if knows_holidays(component):
                yield from (
                    f"{component.name}: a period names holidays, and the tariff dates none in {year}"
                    for year in range(first.year, last.year + 1)
                    if not any(day.year == year and kind == "holiday" for day, kind in self.days.items())
                )


def priced(component: Component, price: Decimal) -> Component:
    """Return a component with this in place of every figure that is not known; itself where all are."""
    found = component
    for _, rate in component.rates():
        if any(one.value is None for one in rate.figures):
            known = [replace(one, value=price, source="") if one.value is None else one for one in rate.figures]
            found = swapped(found, rate, Dated(figures=tuple(known)))
    return found


def _check_on(component: Component, before: Mapping[str, Component]) -> None:
    """Raise ValueError where a component is on another that does not stand before it, or has no kWh for it."""
    for name in getattr(component, "on", ()):
        of = before.get(name)
        if of is None:
            raise ValueError(f"{component.name}: on names {name}, and no component before it is called so")
        if isinstance(component, LevyPerKwh) and of.unit != "kWh":
            raise ValueError(f"{component.name}: on names {name}, which is charged by {of.unit} and not by kWh")
        is_of_each = isinstance(of, _OF_EACH_KWH)
        if isinstance(component, LevyPerKwh) and not is_of_each:
            raise ValueError(f"{component.name}: on names {name}, a {of.kind} that does not charge each kWh taken")


def knows_holidays(component: Component) -> bool:
    """Whether a period of it names holidays."""
    if isinstance(component, TimeOfUse | Blocks | Demand | ExportCredit | ExcessPower):
        return know_holidays(component.period)
    return isinstance(component, ReservedPower | Reactive | FactorPercent) and know_holidays([component.when])


def _doubt(figure: Figure) -> str | None:
    since = f"from {figure.from_}" if figure.from_ else "of all times"
    by = f" ({figure.source})" if figure.source else ""
    if figure.value is None:
        return f"the figure {since} is not known, so that nothing is charged for it{by}"
    return f"{figure.value} {since} is not confirmed{by}" if figure.unconfirmed else None
