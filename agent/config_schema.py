"""Every key of the configuration with its type, bounds and default: frozen dataclasses, one a table.

Names and meanings are fixed by the contract. What one key alone can be wrong in is said here; what two are, in `config`.
"""

from __future__ import annotations

import re
from dataclasses import field
from decimal import Decimal
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic.dataclasses import dataclass

from agent.values import level_is_valid

_SETTINGS: Any = {"extra": "forbid"}
_table: Any = dataclass(frozen=True, slots=True, kw_only=True, config=_SETTINGS)


def _number(told: object) -> object:
    if isinstance(told, bool) or not isinstance(told, int | float | Decimal):
        raise ValueError("must be a number")  # noqa: TRY004 - pydantic turns ValueError into a mistake
    return float(told)


def _above_zero(told: float) -> float:
    if told <= 0:
        raise ValueError("must be above 0; leave the key out for no bound")
    return told


def _matches(pattern: str, said: str) -> Any:
    def check(told: str) -> str:
        if re.fullmatch(pattern, told) is None:
            raise ValueError(said)
        return told

    return AfterValidator(check)


def _zone(told: str) -> str:
    if told not in available_timezones():
        raise ValueError("must be an IANA time zone such as Asia/Bishkek")
    return told


def _level(told: str) -> str:
    if not level_is_valid(told):
        raise ValueError("must be full, low, sleep, limit:<W> or profile:<name>")
    return told


def _price(told: object) -> object:
    if not isinstance(told, str) or re.fullmatch(r"-?\d+(\.\d+)?", told) is None:
        raise ValueError('must be a decimal number in quotes, such as "0.05"')
    return Decimal(told)


Number = Annotated[float, BeforeValidator(_number), Field(allow_inf_nan=False)]
NotNegative = Annotated[Number, Field(ge=0)]
Bound = Annotated[Number, AfterValidator(_above_zero)]
Percent = Annotated[Number, Field(ge=0, le=100)]
Share = Annotated[Number, Field(ge=0, le=1)]
Whole = Annotated[int, Field(strict=True)]
Count = Annotated[Whole, Field(ge=0)]
Positive = Annotated[Whole, Field(ge=1)]
Flag = Annotated[bool, Field(strict=True)]
Text = Annotated[str, Field(strict=True)]
Name = Annotated[Text, _matches(r"[A-Za-z0-9._-]{1,64}", "must be 1 to 64 of A-Z a-z 0-9 . _ -")]
Money = Annotated[Decimal, BeforeValidator(_price)]
Currency = Annotated[Text, _matches(r"[A-Z]{3}", "must be an ISO 4217 code such as KGS")]
Level = Annotated[Text, AfterValidator(_level)]
SecretRef = Annotated[
    Text, _matches(r"(env|file|credential):.+", 'must be a reference: "env:NAME", "file:PATH" or "credential:NAME"')
]
Address = Annotated[Text, _matches(r"[^\s/]+?(:\d{1,5})?(/\S*)?", "must be ADDR or ADDR:PORT")]
OrderClass = Literal["law", "grid_emergency", "contract", "market", "operator"]


@_table
class Site:
    id: Name
    timezone: Annotated[Text, AfterValidator(_zone)]
    currency: Currency
    connection_kw: Bound
    jurisdiction: Literal["KG", "KZ", "RU", "IR", "UZ", "QC", "PY", "TX"] | None = None
    house_w: NotNegative = 0.0
    house_max_w: Bound | None = None
    freeze_c: Number = 5.0


@_table
class Connection:
    id: Name
    kw: Bound
    meter: Name


@_table
class Feeder:
    id: Name
    parent: Name = "site"
    max_kw: Bound | None = None
    max_kva: Bound | None = None
    phase: Literal["L1", "L2", "L3"] | None = None
    essential: Flag = False
    ramp_kw_per_min: Bound | None = None
    outlet: Name | None = None


@_table
class Miners:
    hosts: list[Text] = field(default_factory=list)
    csv: Text | None = None
    feeder: Name = "site"
    tags: list[Text] = field(default_factory=list)
    driver: Name = "auto"
    ports: dict[Literal["cgminer", "http"], Annotated[Whole, Field(ge=1, le=65535)]] = field(default_factory=dict)
    credentials: Name | None = None
    intended: Level = "full"
    priority: Whole = 0
    model: Text | None = None


@_table
class Login:
    user: Text
    password: SecretRef


@_table
class Credentials:
    logins: list[Login]
    lockout_after: Positive = 3


@_table
class Polling:
    interval_s: Bound = 10.0
    timeout_s: Bound = 3.0
    full_every: Positive = 6
    source_address: Text | None = None


@_table
class Discovery:
    networks: list[Text] = field(default_factory=list)
    every_s: Bound | None = None
    adopt: Flag = False


@_table
class Meter:
    id: Name
    role: Literal["billing", "check", "generation", "export", "house", "feeder"] = "billing"
    feeder: Name = "site"
    kind: Literal["modbus", "sunspec", "mqtt", "http", "shelly", "tasmota"]
    address: Address | None = None
    topic: Text | None = None
    unit: Count = 1
    map: Text | None = None
    sign: Literal[1, -1] = 1
    multiplier: Bound = 1.0
    period_s: Bound = 2.0
    delay_s: NotNegative = 0.0
    window_s: Bound = 15.0
    stale_s: Bound = 30.0
    error_pct: Percent = 1.0


@_table
class Outlet:
    id: Name
    kind: Literal["snmp", "http", "modbus", "mqtt", "shelly", "tasmota"]
    address: Address | None = None
    topic: Text | None = None
    profile: Text | None = None
    credentials: Name | None = None


@_table
class SafetyInput:
    id: Name
    feeder: Name
    kind: Literal["mqtt", "modbus"]
    topic: Text | None = None
    address: Address | None = None
    when: Text = "true"
    silence_s: Bound | None = None


@_table
class Metering:
    interval_min: Literal[5, 10, 15, 20, 30, 60] = 15
    multiplier: Bound = 1.0
    no_load_kwh_per_month: NotNegative = 0.0
    loss_pct: Percent = 0.0
    billing_day: Annotated[Whole, Field(ge=1, le=28)] = 1


@_table
class Tariff:
    file: Text | None = None
    class_: Annotated[Text | None, Field(alias="class")] = None
    vat_recoverable: Flag = False
    metering: Metering = field(default_factory=Metering)


@_table
class Revenue:
    source: Literal["fixed", "csv", "http", "mqtt", "network"] = "fixed"
    hashprice_per_ph_day: Money = Decimal(0)
    currency: Currency = "USD"
    pool_fee_pct: Percent = 1.0
    revenue_tax_pct: Percent = 0.0
    pue: Annotated[Number, Field(ge=1)] = 1.0
    fx: dict[Annotated[Text, _matches(r"[A-Z]{3}/[A-Z]{3}", "must be such as USD/KGS")], Money] = field(
        default_factory=dict
    )


@_table
class Price:
    act: Flag = False
    min_on_s: NotNegative = 1800.0
    min_off_s: NotNegative = 1800.0
    hysteresis_pct: Percent = 5.0
    restart_cost: Money = Decimal(0)


@_table
class Mqtt:
    url: (
        Annotated[Text, _matches(r"mqtts?://[^\s/]+(:\d{1,5})?", "must be mqtt://HOST or mqtts://HOST:PORT")] | None
    ) = None
    username: Text | None = None
    password: SecretRef | None = None
    ca: Text | None = None
    certificate: Text | None = None
    key: Text | None = None
    prefix: Annotated[Text, _matches(r"[^#+\s]+", "must be a topic without wildcards")] = "hashwatt"
    client_id: Text | None = None


@_table
class Issuer:
    classes: list[OrderClass] = field(default_factory=list)
    keys: list[Text] = field(default_factory=list)
    unsigned: Flag = False
    transports: list[Literal["mqtt", "http", "shell", "signal"]] = field(default_factory=lambda: ["mqtt"])
    feeders: list[Name] | None = None
    max_shed_kw: Bound | None = None
    offers: Literal["accept", "decline", "ask"] = "ask"
    heartbeat_timeout_s: Bound | None = None
    failsafe_kw: NotNegative | None = None
    failsafe_min_s: NotNegative = 7200.0
    failsafe_then: Literal["hold", "release"] = "hold"
    on_reject: Literal["alarm", "failsafe"] = "alarm"


@_table
class Signal:
    topic: Text
    issuer: Name
    format: Literal["target", "kw", "boolean"] = "target"
    silence_s: Bound = 240.0


@_table
class Orders:
    max_age_s: Bound = 86_400.0
    schedule: Text | None = None
    issuers: dict[Name, Issuer] = field(default_factory=dict)
    signals: dict[Name, Signal] = field(default_factory=dict)


@_table
class Control:
    mode: Literal["observe", "enforce"] = "observe"
    restore_kw_per_min: Bound = 500.0
    shed_kw_per_min: Bound | None = None
    max_step_kw: Bound | None = None
    respond_s: Bound = 300.0
    margin_pct: Percent = 1.0
    reserve_unreachable: Share = 1.0
    blind_s: Bound = 120.0
    min_on_s: NotNegative = 300.0
    min_off_s: NotNegative = 300.0
    switches_per_hour: Positive = 4
    allow_hard_cut: Flag = False
    wake_settle_s: Bound = 600.0


@_table
class Remedies:
    restart: Flag = False
    reboot: Flag = False
    outlet_cycle: Flag = False
    per_machine_per_day: Count = 3
    farm_per_hour: Count = 20


@_table
class Store:
    url: Text = "sqlite:///hashwatt.db"
    miner_history_days: Positive = 30
    site_history_days: Positive = 400
    evidence_years: Positive = 6


@_table
class Evidence:
    key: SecretRef | None = None


@_table
class Http:
    bind: Annotated[Text, _matches(r"\S+:\d{1,5}", "must be ADDR:PORT")] = "127.0.0.1:8700"
    public_read: Flag = True
    tokens: SecretRef | None = None


@_table
class Notify:
    webhooks: list[Text] = field(default_factory=list)


@_table
class Logging:
    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "console", "json"] = "auto"


@_table
class Schema:
    site: Site
    connection: list[Connection] = field(default_factory=list)
    feeder: list[Feeder] = field(default_factory=list)
    miners: list[Miners] = field(default_factory=list)
    credentials: dict[Name, Credentials] = field(default_factory=dict)
    polling: Polling = field(default_factory=Polling)
    discovery: Discovery = field(default_factory=Discovery)
    meter: list[Meter] = field(default_factory=list)
    outlet: list[Outlet] = field(default_factory=list)
    safety_input: list[SafetyInput] = field(default_factory=list)
    tariff: Tariff = field(default_factory=Tariff)
    revenue: Revenue = field(default_factory=Revenue)
    price: Price = field(default_factory=Price)
    mqtt: Mqtt = field(default_factory=Mqtt)
    orders: Orders = field(default_factory=Orders)
    control: Control = field(default_factory=Control)
    remedies: Remedies = field(default_factory=Remedies)
    store: Store = field(default_factory=Store)
    evidence: Evidence = field(default_factory=Evidence)
    http: Http = field(default_factory=Http)
    notify: Notify = field(default_factory=Notify)
    logging: Logging = field(default_factory=Logging)
