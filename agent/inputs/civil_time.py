"""An order's civil times as instants; where a document tells one twice, the stricter holds (contract 4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An instant by offset and a civil time, either of which may be left out."""

    name: str  # starts | ends
    instant: datetime | None
    local: str | None


def zone_of(name: str) -> ZoneInfo:
    """Return a time zone. Raises ValueError."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"tz: {name[:64]!r} is no time zone") from None


def resolved(told: Told, zone: ZoneInfo | None) -> tuple[datetime | None, str | None]:
    """Return the instant that holds, and what there is to say where the two ways of telling it disagree.

    A start is the earliest, an end the latest of what is said: an hour that comes twice, or never, is read so too.
    Raises ValueError.
    """
    if told.local is None:
        return told.instant, None
    if zone is None:
        raise ValueError(f"tz: local.{told.name} needs it")
    strictest = min if told.name == "starts" else max
    civil = strictest(_instants(told.local, zone, told.name))
    if told.instant is None:
        return civil, None
    apart_s = abs((told.instant - civil).total_seconds())
    held = strictest(told.instant, civil)
    if apart_s < 60:  # civil time is told to the minute
        return held, None
    return held, f"conflict: {told.name}_at and local.{told.name} are {apart_s:.0f} s apart; the stricter holds"


def _instants(local: str, zone: ZoneInfo, name: str) -> list[datetime]:
    day, _, hour = local.partition("T")
    try:
        midnight = datetime.fromisoformat(day)
        wall = midnight + (timedelta(days=1) if hour == "24:00" else _of_day(hour))
        return [wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
    except (ValueError, OverflowError):
        raise ValueError(f"local.{name}: {local} is no date of the calendar") from None


def _of_day(hour: str) -> timedelta:
    hours, minutes = hour.split(":")
    return timedelta(hours=int(hours), minutes=int(minutes))
