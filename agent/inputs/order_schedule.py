"""The schedule of orders: TOML to the orders that it makes over a stretch of time.

    [[order]]
    id = "winter"                    # its orders are schedule.winter.20261101
    issuer = "energo"                # by whose authority; its class must be one that the issuer may issue
    class = "law"
    limit = { stop = true }          # or max_import_kw, reduce_kw, fraction, as in an order's document
    season = { from = "11-01", to = "03-31", first_year = 2026, last_year = 2036 }    # both days belong to it
    # or: daily = { from = "18:00", to = "22:00", days = ["mon"], months = [11], first = 2026-11-01, last = 2027-03-31 }
    # or: announced = { hours_per_year = 100, events = [{ starts = "2026-12-05T17:00", hours = 4 }] }
    # beside it: comply_by_s, ramp_kw_per_min, restore_kw_per_min, targets, exempt, measure, source_ref, note

Civil times are the site's. Of an hour that comes twice both copies belong to a window, and what is announced in one
begins with the first and has its hours from the second; of one that never comes there is nothing.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from agent.inputs.order_shape import DocumentShape, Id
from agent.problems import ConfigError, Problem
from agent.values import rfc3339

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d|24:00")
_DAY = re.compile(r"\d\d-\d\d")
BESIDE = (
    "comply_by_s", "ramp_kw_per_min", "restore_kw_per_min", "targets", "exempt", "measure", "source_ref", "note",
    "priority", "resume",
)  # fmt: skip
"""What a scheduled order may say beside what is its own here, as its document has it."""


def _time(told: str) -> str:
    if _TIME.fullmatch(told) is None:
        raise ValueError("must be a time such as 18:00")
    return told


def _month_day(told: str) -> str:
    if _DAY.fullmatch(told) is None:
        raise ValueError("must be a day such as 11-01")
    date.fromisoformat(f"2024-{told}")
    return told


def _civil(told: str) -> str:
    if datetime.fromisoformat(told).tzinfo is not None:
        raise ValueError("must be a civil time such as 2026-12-05T17:00")
    return told


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


def _in_order(first: Any, last: Any) -> None:
    if first is not None and last is not None and last < first:
        raise ValueError(f"{last} comes before {first}: it would never order anything")


class Season(_Part):
    """The same days of each year; one that ends before it begins goes over the turn of the year."""

    from_: Annotated[str, AfterValidator(_month_day)] = Field(alias="from")
    to: Annotated[str, AfterValidator(_month_day)]
    first_year: int = Field(ge=1970, le=9000)
    last_year: int = Field(ge=1970, le=9000)

    @model_validator(mode="after")
    def _comes(self) -> Season:
        _in_order(self.first_year, self.last_year)
        return self


class Daily(_Part):
    """A window of the day; one that ends before it begins goes over midnight."""

    from_: Annotated[str, AfterValidator(_time)] = Field(alias="from")
    to: Annotated[str, AfterValidator(_time)]
    days: list[Weekday] = Field(default_factory=lambda: list(DAYS), min_length=1)
    months: list[Annotated[int, Field(ge=1, le=12)]] = Field(default_factory=lambda: list(range(1, 13)), min_length=1)
    first: date | None = None
    last: date | None = None

    @model_validator(mode="after")
    def _comes(self) -> Daily:
        _in_order(self.first, self.last)
        return self


class Event(_Part):
    """One announcement."""

    starts: Annotated[str, AfterValidator(_civil)]
    hours: float = Field(gt=0, le=744)


def _minute(event: Event) -> str:
    return f"{datetime.fromisoformat(event.starts):%Y-%m-%dT%H:%M}"


class Announced(_Part):
    """So many hours a year that are announced one by one."""

    hours_per_year: float = Field(gt=0, le=8784)
    events: list[Event] = []

    @model_validator(mode="after")
    def _within(self) -> Announced:
        begun = [_minute(event) for event in self.events]
        twice = next((minute for minute in begun if begun.count(minute) > 1), None)
        if twice is not None:
            raise ValueError(f"two of its events start at {twice}")
        years: dict[str, float] = {}
        for event in self.events:
            years[_minute(event)[:4]] = years.get(_minute(event)[:4], 0.0) + event.hours
        for year, hours in years.items():
            if hours > self.hours_per_year:
                raise ValueError(f"{hours:g} h are announced in {year}, {self.hours_per_year:g} are agreed")
        return self


class _Row(_Part):
    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
    issuer: Id
    order_class: Literal["law", "grid_emergency", "contract", "market", "operator"] = Field(alias="class")
    limit: dict[str, Any]
    season: Season | None = None
    daily: Daily | None = None
    announced: Announced | None = None
    comply_by_s: int = 300
    ramp_kw_per_min: float | None = None
    restore_kw_per_min: float | None = None
    targets: dict[str, Any] = {}
    exempt: dict[str, Any] = {}
    measure: dict[str, Any] | None = None
    source_ref: dict[str, Any] | None = None
    note: str | None = None
    priority: int = 100
    resume: Literal["auto", "operator", "issuer"] = "auto"

    @model_validator(mode="after")
    def _one_kind(self) -> _Row:
        if sum(kind is not None for kind in (self.season, self.daily, self.announced)) != 1:
            raise ValueError("say one of season, daily and announced")
        return self


class _File(_Part):
    order: list[_Row] = []

    @model_validator(mode="after")
    def _named_once(self) -> _File:
        ids = [row.id for row in self.order]
        double = next((name for name in ids if ids.count(name) > 1), None)
        if double is not None:
            raise ValueError(f"two orders are called {double}")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One stretch that a row of the schedule makes an order of."""

    order_id: str
    starts_at: datetime
    ends_at: datetime
    told: Mapping[str, Any]  # its document but for id, revision, status and date


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Every row, by the site's clock."""

    rows: tuple[_Row, ...] = ()
    zone: ZoneInfo

    @property
    def issuers(self) -> frozenset[tuple[str, str]]:
        """Return by whose authority it orders, each with a class."""
        return frozenset((row.issuer, row.order_class) for row in self.rows)

    def windows(self, first: datetime, last: datetime) -> Iterator[Window]:
        """Yield what lies in a stretch, even in part."""
        for row in self.rows:
            for day, starts_at, ends_at in _stretches(row, first, last, self.zone):
                if starts_at < last and ends_at > first and starts_at < ends_at:
                    told = _document(row, starts_at, ends_at)
                    order_id = f"schedule.{row.id}.{day}"
                    yield Window(order_id=order_id, starts_at=starts_at, ends_at=ends_at, told=told)


def parse_schedule(text: str, file: str, zone: ZoneInfo) -> Schedule:
    """Return the schedule that a file is. Raises ConfigError with every mistake."""
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError((Problem(file=file, key="", reason=f"is no TOML: {error}"),)) from None
    try:
        rows = _File.model_validate(told).order
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
        raise ConfigError(
            tuple(
                Problem(
                    file=file,
                    key=".".join(str(part) for part in problem["loc"]),
                    reason=str(problem["msg"]).removeprefix("Value error, "),
                )
                for problem in problems
            )
        ) from None
    unfit = [problem for place, row in enumerate(rows) for problem in _unfit(row, file, place)]
    if unfit:
        raise ConfigError(unfit)
    return Schedule(rows=tuple(rows), zone=zone)


def _unfit(row: _Row, file: str, place: int) -> Iterator[Problem]:
    """Yield what would make an order's document of this row refused."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    told = {**_document(row, now, now + timedelta(hours=1)), "order_id": "a", "revision": 1, "status": "issued"}
    try:
        DocumentShape.model_validate(told)
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_input=False):
            key = ".".join(str(part) for part in ("order", place, *problem["loc"]))
            yield Problem(file=file, key=key, reason=str(problem["msg"]).removeprefix("Value error, "))


def _document(row: _Row, starts_at: datetime, ends_at: datetime) -> dict[str, Any]:
    beside = {name: getattr(row, name) for name in BESIDE}
    return {
        **{name: value for name, value in beside.items() if value not in (None, {})},
        "issuer": row.issuer,
        "class": row.order_class,
        "limit": row.limit,
        "starts_at": rfc3339(starts_at),
        "ends_at": rfc3339(ends_at),
    }


def _stretches(row: _Row, first: datetime, last: datetime, zone: ZoneInfo) -> Iterator[tuple[str, datetime, datetime]]:
    if row.season is not None:
        yield from _seasons(row.season, first, last, zone)
    elif row.daily is not None:
        yield from _days(row.daily, first, last, zone)
    elif row.announced is not None:
        for event in row.announced.events:
            wall = datetime.fromisoformat(event.starts)
            ends_at = _latest(wall, zone) + timedelta(hours=event.hours)
            yield f"{wall:%Y%m%dT%H%M}", _earliest(wall, zone), ends_at


def _seasons(
    season: Season, first: datetime, last: datetime, zone: ZoneInfo
) -> Iterator[tuple[str, datetime, datetime]]:
    turns = season.to < season.from_
    years = range(max(season.first_year, first.year - 1), min(season.last_year, last.year + 1) + 1)
    for year in years:
        begins, ends = _date(year, season.from_), _date(year + turns, season.to) + timedelta(days=1)
        yield f"{begins:%Y%m%d}", _earliest(_midnight(begins), zone), _latest(_midnight(ends), zone)


def _days(daily: Daily, first: datetime, last: datetime, zone: ZoneInfo) -> Iterator[tuple[str, datetime, datetime]]:
    day = first.astimezone(zone).date() - timedelta(days=1)
    while day <= last.astimezone(zone).date():
        inside = (daily.first is None or daily.first <= day) and (daily.last is None or day <= daily.last)
        if inside and day.month in daily.months and DAYS[day.weekday()] in daily.days:
            begins, ends = _midnight(day) + _of_day(daily.from_), _midnight(day) + _of_day(daily.to)
            if ends <= begins:
                ends += timedelta(days=1)
            yield f"{day:%Y%m%d}", _earliest(begins, zone), _latest(ends, zone)
        day += timedelta(days=1)


def _date(year: int, month_day: str) -> date:
    """Return a day of a year; 29 February is the 28th where there is none."""
    try:
        return date.fromisoformat(f"{year}-{month_day}")
    except ValueError:
        return date(year, 2, 28)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 - civil time


def _of_day(told: str) -> timedelta:
    hours, minutes = told.split(":")
    return timedelta(hours=int(hours), minutes=int(minutes))


def _earliest(wall: datetime, zone: ZoneInfo) -> datetime:
    return min(_copies(wall, zone))


def _latest(wall: datetime, zone: ZoneInfo) -> datetime:
    return max(_copies(wall, zone))


def _copies(wall: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return when a civil time comes, both copies of one that comes twice; of one that never does, the leap over it."""
    first, second = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first <= second:
        return first, second
    before, after = second, first
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        leapt = middle.astimezone(zone).replace(tzinfo=None) > wall
        before, after = (before, middle) if leapt else (middle, after)
    leap = after.replace(microsecond=0)
    return leap, leap
