"""An order's document: bytes to an `Order`, or to the one refusal that says what is wrong with it (contract 3, 4).

The shape is the contract's schema. What is valid but not built yet is declined by name, never accepted and ignored.
"""

from __future__ import annotations

import json
import math
import re
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from agent.orders.order import Limit, MaxImport, Order, Rejection, Stop

MOST_BYTES = 262_144
ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_COMPACT_JWS = re.compile(rb"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")


def _whole(told: object) -> object:
    """Take 1.0 for 1, as JSON Schema does."""
    return int(told) if isinstance(told, float) and told.is_integer() else told


def _instant(told: object) -> object:
    if not isinstance(told, str) or _INSTANT.fullmatch(told) is None:
        raise ValueError("must be an RFC 3339 instant with offset")
    return datetime.fromisoformat(told)


def _date(told: object) -> object:
    if not isinstance(told, str) or re.fullmatch(r"\d{4}-\d\d-\d\d", told) is None:
        raise ValueError("must be a date")
    return date.fromisoformat(told)


Whole = Annotated[int, BeforeValidator(_whole), Field(strict=True)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Kw = Annotated[Number, Field(ge=0)]
Rate = Annotated[Number, Field(gt=0)]
Text = Annotated[str, Field(strict=True)]
Id = Annotated[Text, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
Instant = Annotated[datetime, BeforeValidator(_instant)]
Day = Annotated[date, BeforeValidator(_date)]
NO_DAY = date.min
Names = Annotated[list[Annotated[Text, StringConstraints(min_length=1, max_length=128)]], Field(max_length=10_000)]
Civil = Annotated[Text, StringConstraints(pattern=r"^\d{4}-\d\d-\d\dT(([01]\d|2[0-3]):[0-5]\d|24:00)$")]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Kw(_Shape):
    kw: Kw


Base = Literal["before", "connection", "peak_12m"] | _Kw


class _Stop(_Shape):
    stop: Literal[True]


class _MaxImport(_Shape):
    max_import_kw: Kw


class _Reduce(_Shape):
    reduce_kw: Kw
    baseline: Base = "before"


class _Fraction(_Shape):
    fraction: Annotated[Number, Field(ge=0, le=1)]
    of: Base = "before"


class _Point(_Shape):
    at: Instant
    max_import_kw: Kw | None


class _Trajectory(_Shape):
    trajectory: Annotated[list[_Point], Field(min_length=1, max_length=10_000)]
    interpolate: Literal["step", "linear"] = "step"


_LIMITS: dict[str, type[_Shape]] = {
    "stop": _Stop,
    "max_import_kw": _MaxImport,
    "reduce_kw": _Reduce,
    "fraction": _Fraction,
    "trajectory": _Trajectory,
}


class _Measure(_Shape):
    quantity: Literal["import", "consumption"] = "import"
    at: Text = "site"
    over_s: Annotated[Whole, Field(ge=1)] | None = None
    aligned: bool = False
    tolerance_pct: Annotated[Number, Field(ge=0)] = 1


class _Local(_Shape):
    starts: Civil | None = None
    ends: Civil | None = None

    @field_validator("starts", "ends")
    @classmethod
    def _told(cls, told: str | None) -> str:
        if told is None:
            raise ValueError("must be civil time")
        return told


class _Targets(_Shape):
    feeders: Names = []
    tags: Names = []
    miners: Names = []

    @field_validator("*")
    @classmethod
    def _unique(cls, names: list[str]) -> list[str]:
        if len(set(names)) != len(names):
            raise ValueError("must not repeat a name")
        return names


class _Exempt(_Targets):
    sources: Names = []


class _Silence(_Shape):
    timeout_s: Annotated[Whole, Field(ge=1)]
    failsafe_kw: Kw
    min_s: Annotated[Whole, Field(ge=0)] = 7200
    then: Literal["hold", "release"] = "hold"


class _Price(_Shape):
    amount: Annotated[Text, StringConstraints(pattern=r"^-?[0-9]+(\.[0-9]+)?$")]
    currency: Annotated[Text, StringConstraints(pattern=r"^[A-Z]{3}$")]


class _Source(_Shape):
    number: Text = ""
    date: Day = NO_DAY
    url: Text = ""
    sha256: Annotated[Text, StringConstraints(pattern=r"^[0-9a-f]{64}$")] = ""
    issued_by: Text = ""
    taken_by: Text = ""
    received_via: Text = ""


class _Document(_Shape):
    order_id: Id
    revision: Annotated[Whole, Field(ge=1)]
    issuer: Id
    order_class: Literal["law", "grid_emergency", "contract", "market", "operator"] = Field(alias="class")
    status: Literal["issued", "cancelled"]
    site: Annotated[Text, StringConstraints(min_length=1, max_length=64)] | None = None
    issued_at: Instant | None = None
    program: Text | None = None
    source_ref: _Source | None = None
    priority: Annotated[Whole, Field(ge=0)] = 100
    starts_at: Instant | None = None
    ends_at: Instant | None = None
    tz: Text | None = None
    local: _Local | None = None
    limit: Any = None
    measure: _Measure | None = None
    targets: _Targets = _Targets()
    exempt: _Exempt = _Exempt()
    comply_by_s: Annotated[Whole, Field(ge=0)] = 300
    ramp_kw_per_min: Rate | None = None
    restore_kw_per_min: Rate | None = None
    lead: Literal["allowed", "forbidden"] = "allowed"
    randomize_s: Annotated[Whole, Field(ge=0)] = 0
    mandatory: bool = True
    test: bool = False
    resume: Literal["auto", "operator", "issuer"] | None = None
    on_silence: _Silence | None = None
    excess_price: _Price | None = None
    supersedes: Names = []
    note: Annotated[Text, StringConstraints(max_length=4000)] | None = None
    ext: dict[str, Any] = {}

    @field_validator("limit", mode="before")
    @classmethod
    def _limit(cls, told: Any) -> Any:
        if not isinstance(told, dict):
            raise ValueError("must be an object with one of " + ", ".join(_LIMITS))  # noqa: TRY004 - pydantic's way
        named = [key for key in _LIMITS if key in told]
        if len(named) != 1:
            raise ValueError("must have exactly one of " + ", ".join(_LIMITS))
        return TypeAdapter(_LIMITS[named[0]]).validate_python(told)

    @model_validator(mode="after")
    def _whole_order(self) -> _Document:
        if self.status == "issued" and self.limit is None:
            raise ValueError("limit: an issued order has one")
        if self.starts_at is not None and self.ends_at is not None and self.ends_at <= self.starts_at:
            raise ValueError("ends_at: must be after starts_at")
        return self


_NOT_BUILT: dict[str, Any] = {
    "tz": None, "local": None, "measure": None, "randomize_s": 0, "mandatory": True, "test": False,
    "on_silence": None,
}  # fmt: skip
"""Fields that are declined unless they say what their absence says."""


def parse_order(raw: bytes, *, topic_id: str | None = None) -> Order | Rejection:
    """Return the order that these bytes are, or why they are none; `topic_id` must equal its own id."""
    told = _decode(raw)
    if isinstance(told, str):
        code = "declined" if told.startswith("not supported yet") else "malformed"
        return Rejection(code=code, reason=told, order_id=topic_id)
    where = _Named(told, topic_id)
    if where.own_id is None:
        return where.reject("malformed", "order_id: is missing or of the wrong form")
    if topic_id is not None and where.own_id != topic_id:
        return where.reject("id_mismatch", f"the topic says {topic_id}")
    try:
        document = _Document.model_validate(told)
    except ValidationError as error:
        return where.reject(*_say(error))
    missing = _not_built(document)
    if missing is not None:
        return where.reject("declined", f"not supported yet: {missing}")
    return _order(document, told)


def parse_known(raw: str) -> Order | Rejection:
    """Return the order that a remembered document is."""
    return parse_order(raw.encode())


class _Named:
    """What can be said of a document that is refused."""

    def __init__(self, told: dict[str, Any], topic_id: str | None) -> None:
        own = told.get("order_id")
        self.own_id = own if isinstance(own, str) and ID.fullmatch(own) else None
        revision = _whole(told.get("revision"))
        self.revision = revision if isinstance(revision, int) and not isinstance(revision, bool) else None
        issuer = told.get("issuer")
        self.issuer = issuer if isinstance(issuer, str) and ID.fullmatch(issuer) else None
        order_class = told.get("class")
        self.order_class = order_class if isinstance(order_class, str) else None
        self.order_id = topic_id or self.own_id

    def reject(self, code: str, reason: str) -> Rejection:
        return Rejection(
            code=code,
            reason=reason,
            order_id=self.order_id,
            revision=self.revision if self.own_id is not None else None,
            issuer=self.issuer,
            order_class=self.order_class,
        )


def _decode(raw: bytes) -> dict[str, Any] | str:
    """Parse strictly; returns the reason where it is no JSON object."""
    if len(raw) > MOST_BYTES:
        return f"more than {MOST_BYTES} bytes"
    if _COMPACT_JWS.fullmatch(raw.strip()):
        return "not supported yet: signature"
    try:
        told = json.loads(
            raw.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant, parse_float=_finite
        )
    except (ValueError, RecursionError) as error:
        return f"no JSON: {error}"[:200]
    return told if isinstance(told, dict) else "no JSON object"


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} overflows")
    return value


def _say(error: ValidationError) -> tuple[str, str]:
    """Return the code and sentence of the first mistake; an unknown field is named before a bad value."""
    problems = error.errors(include_url=False, include_input=False)
    unknown = [problem for problem in problems if problem["type"] == "extra_forbidden"]
    problem = (unknown or problems)[0]
    field = ".".join(str(part) for part in problem["loc"])
    if unknown:
        return "unknown_field", field
    message = str(problem["msg"]).removeprefix("Value error, ")
    return "bad_value", f"{field}: {message}" if field else message


def _not_built(document: _Document) -> str | None:
    if isinstance(document.limit, _Reduce | _Fraction | _Trajectory):
        return next(name for name, shape in _LIMITS.items() if isinstance(document.limit, shape))
    for field, silent in _NOT_BUILT.items():
        if getattr(document, field) != silent:
            return field
    for field in ("targets", "exempt"):
        if any(getattr(document, field).model_dump().values()):
            return field
    return "supersedes" if document.supersedes else None


def _order(document: _Document, told: dict[str, Any]) -> Order:
    resume = document.resume or ("issuer" if document.order_class == "law" else "auto")
    return Order(
        order_id=document.order_id,
        revision=document.revision,
        issuer=document.issuer,
        order_class=document.order_class,
        status=document.status,
        limit=_limit_of(document.limit),
        site=document.site,
        issued_at=document.issued_at,
        priority=document.priority,
        starts_at=document.starts_at,
        ends_at=document.ends_at,
        comply_by_s=document.comply_by_s,
        ramp_kw_per_min=document.ramp_kw_per_min,
        restore_kw_per_min=document.restore_kw_per_min,
        resume=resume,
        document=told,
    )


def _limit_of(told: Any) -> Limit | None:
    match told:
        case _Stop():
            return Stop()
        case _MaxImport(max_import_kw=kw):
            return MaxImport(power_w=float(Decimal(str(kw)) * 1000))
        case _:
            return None
