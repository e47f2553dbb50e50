"""What one key of the configuration may hold: a type for each kind of value, strict, and its sentence when it is not.

Says nothing of tables and knows no other key. A number is never read from text, a flag never from a number.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from ipaddress import IPv4Address, ip_network
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic.dataclasses import dataclass

from agent.values import OFF, level_is_valid

PORT_MOST = 65535
_SETTINGS: Any = {"extra": "forbid"}
table: Any = dataclass(frozen=True, slots=True, kw_only=True, config=_SETTINGS)
"""What makes a class a table of the configuration: frozen, and without keys that it does not name."""


def _number(told: object) -> object:
    if isinstance(told, bool) or not isinstance(told, int | float | Decimal):
        raise ValueError("must be a number")  # noqa: TRY004 - pydantic turns ValueError into a mistake
    try:
        return float(told)
    except OverflowError:
        raise ValueError("must be a finite number") from None


def _no_flag(told: object) -> object:
    if isinstance(told, bool):
        raise ValueError("must be 1 or -1")  # noqa: TRY004 - likewise
    return told


def _above_zero(told: float) -> float:
    if told <= 0:
        raise ValueError("must be above 0")
    return told


def _bound(told: float) -> float:
    if told <= 0:
        raise ValueError("must be above 0; leave the key out for no bound")
    return told


def _matches(pattern: str, said: str) -> Any:
    def check(told: str) -> str:
        if re.fullmatch(pattern, told) is None:
            raise ValueError(said)
        return told

    return AfterValidator(check)


_zones = cache(available_timezones)  # looking through the host's files for them costs 6 ms each time


def _zone(told: str) -> str:
    if told not in _zones():
        raise ValueError("must be an IANA time zone such as Asia/Bishkek")
    return told


def _level(told: str) -> str:
    if told == OFF or not level_is_valid(told):
        raise ValueError("must be full, low, sleep, limit:<W> or profile:<name>")
    return told


def _exact(told: object) -> object:
    """Take a price as it is written: text or a bare number, never by way of a binary fraction."""
    if isinstance(told, str) and re.fullmatch(r"[0-9]+(\.[0-9]+)?", told) is not None:
        return Decimal(told)
    if isinstance(told, int | Decimal) and not isinstance(told, bool) and Decimal(told).is_finite() and told >= 0:
        return Decimal(told)
    raise ValueError('must be a decimal number from 0, best in quotes, such as "0.05"')


def _rate(told: Decimal) -> Decimal:
    if told <= 0:
        raise ValueError("must be above 0")
    return told


def _address(told: str) -> str:
    found = re.fullmatch(r"[^\s/]+?(?::([0-9]{1,5}))?(?:/\S*)?", told)
    if found is None or not _is_port(found[1]):
        raise ValueError("must be ADDR or ADDR:PORT")
    if told.partition("/")[0].count(":") > 1 and not told.startswith("["):
        raise ValueError("an IPv6 address stands in brackets, as [fd00::1]:502")
    return told


def _source(told: str) -> str:
    try:
        return str(IPv4Address(told))
    except ValueError:
        raise ValueError("must be an IPv4 address of this host") from None


def _network(told: str) -> str:
    try:
        return str(ip_network(told))
    except ValueError:
        raise ValueError("must be a network such as 10.20.0.0/16") from None


def _bind(told: str) -> str:
    found = re.fullmatch(r"\S+:([0-9]{1,5})", told)
    if found is None or int(found[1]) > PORT_MOST:
        raise ValueError("must be ADDR:PORT, such as 127.0.0.1:8700")
    return told


def _broker(told: str) -> str:
    if "@" in told:
        raise ValueError("must not hold a login: username and password are keys of their own")
    found = re.fullmatch(r"mqtts?://(?:[^\s/:]+|\[[0-9A-Fa-f:]+\])(?::([0-9]{1,5}))?/?", told)
    if found is None or not _is_port(found[1]):
        raise ValueError("must be mqtt://HOST, mqtts://HOST or either with :PORT")
    return told


def _feed(told: str) -> str:
    found = re.fullmatch(r"https?://(?:[^\s/:@]+|\[[0-9A-Fa-f:]+\])(?::([0-9]{1,5}))?(?:/\S*)?", told)
    if found is None or not _is_port(found[1]):
        raise ValueError("must be http://HOST/PATH or https://HOST/PATH, without a login")
    return told


def _day(told: object) -> object:
    if not isinstance(told, date) or isinstance(told, datetime):
        raise ValueError("must be a date such as 2026-01-01")  # noqa: TRY004 - as above
    return told


def _is_port(text: str | None) -> bool:
    return text is None or 0 < int(text) <= PORT_MOST


Number = Annotated[float, BeforeValidator(_number), Field(allow_inf_nan=False)]
NotNegative = Annotated[Number, Field(ge=0)]
AboveZero = Annotated[Number, AfterValidator(_above_zero)]
Bound = Annotated[Number, AfterValidator(_bound)]
Percent = Annotated[Number, Field(ge=0, le=100)]
Share = Annotated[Number, Field(ge=0, le=1)]
Whole = Annotated[int, Field(strict=True, ge=-(2**31), lt=2**31)]
Count = Annotated[Whole, Field(ge=0)]
Positive = Annotated[Whole, AfterValidator(_above_zero)]
Port = Annotated[Whole, Field(ge=1, le=PORT_MOST)]
Sign = Annotated[Literal[1, -1], BeforeValidator(_no_flag)]
Flag = Annotated[bool, Field(strict=True)]
Text = Annotated[str, Field(strict=True)]
Name = Annotated[Text, _matches(r"[A-Za-z0-9._-]{1,64}", "must be 1 to 64 of A-Z a-z 0-9 . _ -")]
Money = Annotated[Decimal, BeforeValidator(_exact)]
Rate = Annotated[Money, AfterValidator(_rate)]
Currency = Annotated[Text, _matches(r"[A-Z]{3}", "must be an ISO 4217 code such as KGS")]
CurrencyPair = Annotated[Text, _matches(r"[A-Z]{3}/[A-Z]{3}", "must be two ISO 4217 codes such as USD/KGS")]
Zone = Annotated[Text, AfterValidator(_zone)]
Level = Annotated[Text, AfterValidator(_level)]
Address = Annotated[Text, AfterValidator(_address)]
SourceAddress = Annotated[Text, AfterValidator(_source)]
Network = Annotated[Text, AfterValidator(_network)]
Bind = Annotated[Text, AfterValidator(_bind)]
BrokerUrl = Annotated[Text, AfterValidator(_broker)]
FeedUrl = Annotated[Text, AfterValidator(_feed)]
Day = Annotated[date, BeforeValidator(_day)]
TopicPrefix = Annotated[Text, _matches(r"[^#+\s\x00]+", "must be a topic without blanks and wildcards")]
StoreUrl = Annotated[Text, _matches(r"(?s)(sqlite:///|postgresql).+", "must begin with sqlite:/// or postgresql")]
SecretRef = Annotated[
    Text, _matches(r"(?s)(env|file|credential):.+", 'must be a reference: "env:NAME", "file:PATH" or "credential:NAME"')
]
OrderClass = Literal["law", "grid_emergency", "contract", "market", "operator"]
Transport = Literal["mqtt", "http", "shell", "signal"]
