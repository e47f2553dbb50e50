"""An order's document: bytes to an `Order`, or to the one refusal that says what is wrong with it (contract 3, 4).

The shape is the contract's schema; what it cannot say of two fields together is said here.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from agent.inputs.civil_time import Told, resolved, zone_of
from agent.inputs.order_shape import (
    BaseShape,
    DocumentShape,
    FractionShape,
    KwShape,
    LocalShape,
    MaxImportShape,
    MeasureShape,
    ReduceShape,
    StopShape,
    TargetsShape,
    TrajectoryShape,
)
from agent.inputs.strict_json import decode
from agent.orders.averaging import LONGEST_S
from agent.orders.limit import Base, Fraction, Limit, MaxImport, Reduce, Stop, Trajectory
from agent.orders.order import Chosen, Measure, Order, Rejection
from agent.orders.silence import Failsafe
from agent.orders.trust import because
from agent.proof.jws import Jws, is_compact, opened

ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
MOST_SAID = 300
_PYDANTICS = re.compile(r"[A-Za-z]+Shape|literal\[.*\]")
"""Parts of a place that name a choice of shapes, not a field; so does the second one below `limit`."""


def parse_order(raw: bytes, *, topic_id: str | None = None) -> Order | Rejection:
    """Return the order that these bytes are, or why they are none; `topic_id` must equal its own id.

    A refusal under a topic whose id is of no usable form has no id: there is nowhere to answer.
    """
    found = _parsed(raw, topic_id)
    if isinstance(found, Rejection) or found.is_cancel or (found.measure.over_s or 0) <= LONGEST_S:
        return found
    return because(found, "bad_value", f"measure.over_s: must be at most {LONGEST_S:.0f}, which is 31 days")


def _parsed(raw: bytes, topic_id: str | None) -> Order | Rejection:
    if topic_id is not None and ID.fullmatch(topic_id) is None:
        return Rejection(code="malformed", reason="the topic's id is of no usable form")
    try:
        signed = opened(raw) if is_compact(raw) else None
    except ValueError as error:
        return Rejection(code="bad_signature", reason=_line(str(error)), order_id=topic_id)
    try:
        told = decode(raw if signed is None else signed.payload)
    except ValueError as error:
        return Rejection(code="malformed", reason=_line(str(error)), order_id=topic_id)
    return _read(told, _Named(told, topic_id), topic_id, signed)


def _read(told: dict[str, Any], where: _Named, topic_id: str | None, signed: Jws | None) -> Order | Rejection:
    if where.own_id is None or where.own_id != (topic_id or where.own_id):
        return where.misnamed(topic_id)
    try:
        document = DocumentShape.model_validate(told)
    except ValidationError as error:
        return where.reject(*_say(error))
    unsaid = signed and next((field for field in ("site", "issued_at") if getattr(document, field) is None), None)
    if unsaid:
        return where.reject("bad_value", f"{unsaid}: a signed document says it")
    try:
        return replace(_order(document, told), signed=signed)
    except ValueError as error:
        return where.reject("bad_value", str(error))


def parse_known(raw: str) -> Order | Rejection:
    """Return the order that a remembered document is: what was once taken in is never refused for its numbers."""
    return _parsed(raw.encode(), None)


class _Named:
    """What can be said of a document that is refused."""

    def __init__(self, told: dict[str, Any], topic_id: str | None) -> None:
        own = told.get("order_id")
        self.own_id = own if isinstance(own, str) and ID.fullmatch(own) else None
        revision = told.get("revision")
        self.revision = revision if isinstance(revision, int) and not isinstance(revision, bool) else None
        issuer = told.get("issuer")
        self.issuer = issuer if isinstance(issuer, str) and ID.fullmatch(issuer) else None
        order_class = told.get("class")
        self.order_class = order_class if isinstance(order_class, str) else None
        self.order_id = topic_id or self.own_id

    def misnamed(self, topic_id: str | None) -> Rejection:
        if self.own_id is None:
            return self.reject("malformed", "order_id: is missing or of the wrong form")
        return self.reject("id_mismatch", f"the topic says {topic_id}")

    def reject(self, code: str, reason: str) -> Rejection:
        return Rejection(
            code=code,
            reason=_line(reason),
            order_id=self.order_id,
            revision=None if self.own_id is None else self.revision,
            issuer=self.issuer,
            order_class=self.order_class,
        )


def _line(text: str) -> str:
    """Cut to what a line may hold, and to what can be written as UTF-8."""
    return text[:MOST_SAID].encode("utf-8", "replace").decode("utf-8")


def _say(error: ValidationError) -> tuple[str, str]:
    """Return the code and sentence of the first mistake; an unknown field is named before a bad value."""
    problems = error.errors(include_url=False, include_input=False)
    unknown = [problem for problem in problems if problem["type"] == "extra_forbidden"]
    problem = (unknown or problems)[0]
    where = problem["loc"]
    if where[:1] == ("limit",):
        where = (where[0], *where[2:])
    field = ".".join(str(part) for part in where if not _PYDANTICS.fullmatch(str(part)))
    if unknown:
        return "unknown_field", field
    message = str(problem["msg"]).removeprefix("Value error, ")
    code = "malformed" if problem["type"] == "overflow" else "bad_value"
    return code, f"{field}: {message}" if field else message


def _order(document: DocumentShape, told: dict[str, Any]) -> Order:
    """Return the order that a document of the right shape is. Raises ValueError."""
    starts_at, ends_at, doubts = _times(document)
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
        starts_at=starts_at,
        ends_at=ends_at,
        targets=_chosen(document.targets),
        exempt=_chosen(document.exempt),
        sources=tuple(document.exempt.sources),
        measure=_measure(document.measure or MeasureShape()),
        comply_by_s=document.comply_by_s,
        ramp_kw_per_min=document.ramp_kw_per_min,
        restore_kw_per_min=document.restore_kw_per_min,
        lead=document.lead == "allowed",
        randomize_s=document.randomize_s,
        mandatory=document.mandatory,
        test=document.test,
        resume=resume,
        supersedes=tuple(document.supersedes),
        on_silence=_failsafe(document),
        doubts=doubts,
        document=told,
    )


def _chosen(told: TargetsShape) -> Chosen:
    return Chosen(feeders=tuple(told.feeders), tags=tuple(told.tags), miners=tuple(told.miners))


def _measure(told: MeasureShape) -> Measure:
    return Measure(
        quantity=told.quantity,
        at=told.at,
        over_s=told.over_s,
        aligned=told.aligned,
        tolerance=told.tolerance_pct / 100,
    )


def _failsafe(document: DocumentShape) -> Failsafe | None:
    """Return what holds while its issuer is silent. Raises ValueError."""
    told = document.on_silence
    if told is None:
        return None
    if told.then == "release" and document.order_class == "law":
        raise ValueError("on_silence.then: a law is not released by silence")
    return Failsafe(timeout_s=told.timeout_s, cap_kw=told.failsafe_kw, min_s=told.min_s, then=told.then)


def _times(document: DocumentShape) -> tuple[datetime | None, datetime | None, tuple[str, ...]]:
    """Return start and end, and where civil time and offset disagree. Raises ValueError."""
    zone = None if document.tz is None else zone_of(document.tz)
    local = document.local or LocalShape()
    starts_at, one = resolved(Told(name="starts", instant=document.starts_at, local=local.starts), zone)
    ends_at, other = resolved(Told(name="ends", instant=document.ends_at, local=local.ends), zone)
    if starts_at is not None and ends_at is not None and ends_at <= starts_at:
        raise ValueError("local.ends: must be after the start")
    return starts_at, ends_at, tuple(doubt for doubt in (one, other) if doubt is not None)


def _limit_of(told: Any) -> Limit | None:
    match told:
        case StopShape():
            return Stop()
        case MaxImportShape(max_import_kw=kw):
            return MaxImport(power_w=_w(kw))
        case ReduceShape(reduce_kw=kw, baseline=base):
            return Reduce(by_w=_w(kw), base=_base(base))
        case FractionShape(fraction=share, of=base):
            return Fraction(share=share, base=_base(base))
        case TrajectoryShape(trajectory=points, interpolate=interpolate):
            return Trajectory(
                times=tuple(point.at for point in points),
                powers_w=tuple(None if point.max_import_kw is None else _w(point.max_import_kw) for point in points),
                linear=interpolate == "linear",
            )
        case _:
            return None


def _base(told: BaseShape) -> Base:
    return _w(told.kw) if isinstance(told, KwShape) else told


def _w(kw: float) -> float:
    return float(Decimal(str(kw)) * 1000)
