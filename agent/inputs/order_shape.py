"""The shape of an order's document, field by field as the contract's schema has it. It knows nothing of meaning."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    model_validator,
)
from pydantic_core import PydanticCustomError

MOST_KW = 1e300
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT([01]\d|2[0-3]):\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def _instant(told: object) -> object:
    if not isinstance(told, str) or _INSTANT.fullmatch(told) is None:
        raise ValueError("must be an RFC 3339 instant with offset")
    try:
        return datetime.fromisoformat(told).astimezone(UTC)
    except OverflowError as error:
        raise ValueError("lies beyond the calendar") from error


def _date(told: object) -> object:
    if not isinstance(told, str) or _DATE.fullmatch(told) is None:
        raise ValueError("must be a date")
    return date.fromisoformat(told)


def _told(told: object) -> object:
    """Refuse null where only absence says nothing."""
    if told is None:
        raise ValueError("must not be null")
    return told


def _true(told: object) -> object:
    """Refuse 1, which Python takes for true."""
    if told is not True:
        raise ValueError("must be true")
    return told


def _in_w(number: float) -> float:
    """Refuse kW that overflow as W."""
    if number > MOST_KW:
        raise PydanticCustomError("overflow", "overflows")
    return number


def _unique(names: list[str]) -> list[str]:
    if len(set(names)) != len(names):
        raise ValueError("must not repeat a name")
    return names


Whole = Annotated[int, Field(strict=True)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Kw = Annotated[Number, Field(ge=0), AfterValidator(_in_w)]
Rate = Annotated[Number, Field(gt=0), AfterValidator(_in_w)]
Text = Annotated[str, Field(strict=True)]
Id = Annotated[Text, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
Instant = Annotated[datetime, BeforeValidator(_instant)]
Day = Annotated[date, BeforeValidator(_date)]
NO_DAY = date.min
Names = Annotated[
    list[Annotated[Text, StringConstraints(min_length=1, max_length=128)]],
    Field(max_length=10_000),
    AfterValidator(_unique),
]
Civil = Annotated[
    Text, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")
]


class Shape(BaseModel):
    """An object without unknown fields."""

    model_config = ConfigDict(extra="forbid", strict=True)


class KwShape(Shape):
    """A base that is told in kW."""

    kw: Kw


BaseShape = Literal["before", "connection", "peak_12m"] | KwShape
"""What a reduction is reckoned from."""


class StopShape(Shape):
    """No target hashes."""

    stop: Annotated[Literal[True], BeforeValidator(_true)]


class MaxImportShape(Shape):
    """The most at the meter."""

    max_import_kw: Kw


class ReduceShape(Shape):
    """Less by so much than a base."""

    reduce_kw: Kw
    baseline: BaseShape = "before"


class FractionShape(Shape):
    """The share of a base that may remain."""

    fraction: Annotated[Number, Field(ge=0, le=1)]
    of: BaseShape = "before"


class PointShape(Shape):
    """A step of a trajectory; null is no limit."""

    at: Instant
    max_import_kw: Kw | None


def _rising(points: list[PointShape]) -> list[PointShape]:
    for place, (before, after) in enumerate(pairwise(points), 1):
        if after.at <= before.at:
            raise ValueError(f"its point {place} is not after the one before it")
    return points


class TrajectoryShape(Shape):
    """A limit that changes with time."""

    trajectory: Annotated[list[PointShape], Field(min_length=1, max_length=10_000), AfterValidator(_rising)]
    interpolate: Literal["step", "linear"] = "step"


LIMITS: dict[str, type[Shape]] = {
    "stop": StopShape,
    "max_import_kw": MaxImportShape,
    "reduce_kw": ReduceShape,
    "fraction": FractionShape,
    "trajectory": TrajectoryShape,
}


def _kind(told: object) -> str | None:
    """Return which limit this is, None where it is none or several."""
    named = [key for key in LIMITS if key in told] if isinstance(told, dict) else []
    return named[0] if len(named) == 1 else None


AnyLimit = Annotated[
    Annotated[StopShape, Tag("stop")]
    | Annotated[MaxImportShape, Tag("max_import_kw")]
    | Annotated[ReduceShape, Tag("reduce_kw")]
    | Annotated[FractionShape, Tag("fraction")]
    | Annotated[TrajectoryShape, Tag("trajectory")],
    Discriminator(
        _kind,
        custom_error_type="limit",
        custom_error_message="must be an object with exactly one of " + ", ".join(LIMITS),
    ),
]


class MeasureShape(Shape):
    """How a limit is measured."""

    quantity: Literal["import", "consumption"] = "import"
    at: Text = "site"
    over_s: Annotated[Whole, Field(ge=1)] | None = None
    aligned: bool = False
    tolerance_pct: Annotated[Number, Field(ge=0)] = 1


class LocalShape(Shape):
    """Start and end in civil time."""

    starts: Annotated[Civil | None, BeforeValidator(_told)] = None
    ends: Annotated[Civil | None, BeforeValidator(_told)] = None


class TargetsShape(Shape):
    """Whom an order is for; nobody named is the site."""

    feeders: Names = []
    tags: Names = []
    miners: Names = []


class ExemptShape(TargetsShape):
    """Whom it leaves out."""

    sources: Names = []


class SilenceShape(Shape):
    """What holds when the issuer falls silent."""

    timeout_s: Annotated[Whole, Field(ge=1)]
    failsafe_kw: Kw
    min_s: Annotated[Whole, Field(ge=0)] = 7200
    then: Literal["hold", "release"] = "hold"


class PriceShape(Shape):
    """What excess costs, a kWh."""

    amount: Annotated[Text, StringConstraints(pattern=r"^-?[0-9]+(\.[0-9]+)?$")]
    currency: Annotated[Text, StringConstraints(pattern=r"^[A-Z]{3}$")]


class SourceShape(Shape):
    """The paper behind an order."""

    number: Text = ""
    date: Day = NO_DAY
    url: Text = ""
    sha256: Annotated[Text, StringConstraints(pattern=r"^[0-9a-f]{64}$")] = ""
    issued_by: Text = ""
    taken_by: Text = ""
    received_via: Text = ""


class DocumentShape(Shape):
    """The whole document."""

    order_id: Id
    revision: Annotated[Whole, Field(ge=1)]
    issuer: Id
    order_class: Literal["law", "grid_emergency", "contract", "market", "operator"] = Field(alias="class")
    status: Literal["issued", "cancelled"]
    site: Annotated[Text, StringConstraints(min_length=1, max_length=64)] | None = None
    issued_at: Instant | None = None
    program: Text | None = None
    source_ref: SourceShape | None = None
    priority: Annotated[Whole, Field(ge=0)] = 100
    starts_at: Instant | None = None
    ends_at: Instant | None = None
    tz: Text | None = None
    local: LocalShape | None = None
    limit: Annotated[AnyLimit | None, BeforeValidator(_told)] = None
    measure: MeasureShape | None = None
    targets: TargetsShape = TargetsShape()
    exempt: ExemptShape = ExemptShape()
    comply_by_s: Annotated[Whole, Field(ge=0)] = 300
    ramp_kw_per_min: Rate | None = None
    restore_kw_per_min: Rate | None = None
    lead: Literal["allowed", "forbidden"] = "allowed"
    randomize_s: Annotated[Whole, Field(ge=0)] = 0
    mandatory: bool = True
    test: bool = False
    resume: Literal["auto", "operator", "issuer"] | None = None
    on_silence: SilenceShape | None = None
    excess_price: PriceShape | None = None
    supersedes: Names = []
    note: Annotated[Text, StringConstraints(max_length=4000)] | None = None
    ext: dict[str, Any] = {}

    @model_validator(mode="after")
    def _whole_order(self) -> DocumentShape:
        if self.status == "issued" and self.limit is None:
            raise ValueError("limit: an issued order has one")
        if self.starts_at is not None and self.ends_at is not None and self.ends_at <= self.starts_at:
            raise ValueError("ends_at: must be after starts_at")
        return self
