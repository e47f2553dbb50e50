"""Every kind of component there is. A new one is a file of its own and a name here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import get_args

from agent.tariffs.authorised import AuthorisedEnergy
from agent.tariffs.blocks import Blocks
from agent.tariffs.coincident import CoincidentPeak
from agent.tariffs.demand import Demand
from agent.tariffs.excess_power import ExcessPower
from agent.tariffs.export import ExportCredit
from agent.tariffs.factor_percent import FactorPercent
from agent.tariffs.fixed import Fixed
from agent.tariffs.flat import Flat
from agent.tariffs.full_load_hours import FullLoadHours
from agent.tariffs.levies import LevyPercent, LevyPerKwh
from agent.tariffs.levy_by_price import LevyByPrice
from agent.tariffs.minimum import Minimum
from agent.tariffs.programme import Programme
from agent.tariffs.reactive import Reactive
from agent.tariffs.reserved import ReservedPower
from agent.tariffs.schedule import Schedule
from agent.tariffs.series import Series
from agent.tariffs.take_or_pay import TakeOrPay
from agent.tariffs.time_of_use import TimeOfUse
from agent.tariffs.vat import Vat

Component = (
    Flat
    | TimeOfUse
    | Blocks
    | Series
    | Schedule
    | AuthorisedEnergy
    | TakeOrPay
    | ExportCredit
    | Fixed
    | Demand
    | FullLoadHours
    | ReservedPower
    | ExcessPower
    | CoincidentPeak
    | Reactive
    | FactorPercent
    | Minimum
    | Programme
    | LevyPerKwh
    | LevyByPrice
    | LevyPercent
    | Vat
)
KINDS: Mapping[str, type[Component]] = MappingProxyType(
    {shape.__dataclass_fields__["kind"].default: shape for shape in get_args(Component)}
)
"""By what the configuration calls them."""
