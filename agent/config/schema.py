"""Every key of the configuration with its type, bounds and default: frozen dataclasses, one a table.

Names and meanings are fixed by the contract. What two keys together are wrong in is said in `rules`.
"""

from __future__ import annotations

from dataclasses import field
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from agent.config.schema_devices import Outlet, SafetyInput
from agent.config.values import (
    AboveZero,
    Address,
    Bind,
    Bound,
    BrokerUrl,
    Count,
    Currency,
    CurrencyPair,
    Day,
    FeedUrl,
    Flag,
    Level,
    Money,
    Name,
    Network,
    NotNegative,
    Number,
    OrderClass,
    Percent,
    Port,
    Positive,
    Rate,
    SecretRef,
    Share,
    Sign,
    SourceAddress,
    StoreUrl,
    Text,
    TopicPrefix,
    Transport,
    Whole,
    Zone,
    table,
)


@table
class Site:
    """The farm itself and its connection."""

    id: Name
    timezone: Zone
    currency: Currency
    connection_kw: AboveZero
    jurisdiction: Literal["KG", "KZ", "RU", "IR", "UZ", "QC", "PY", "TX"] | None = None
    house_w: NotNegative = 0.0
    house_max_w: Bound | None = None
    freeze_c: Number = 5.0


@table
class Connection:
    """One of several connection points."""

    id: Name
    kw: AboveZero
    meter: Name | None = None


@table
class Feeder:
    """A transformer, container or PDU group with its own limits."""

    id: Name
    parent: Name = "site"
    max_kw: Bound | None = None
    max_kva: Bound | None = None
    phase: Literal["L1", "L2", "L3"] | None = None
    essential: Flag = False
    ramp_kw_per_min: Bound | None = None
    outlet: Name | None = None


@table
class Miners:
    """A group of machines and what they have in common."""

    hosts: list[Text] = field(default_factory=list)
    csv: Text | None = None
    feeder: Name = "site"
    tags: list[Text] = field(default_factory=list)
    driver: Name = "auto"
    ports: dict[Literal["cgminer", "http"], Port] = field(default_factory=dict)
    credentials: Name | None = None
    intended: Level = "full"
    priority: Whole = 0
    model: Text | None = None


@table
class Login:
    """A name and the reference of its password."""

    user: Text
    password: SecretRef


@table
class Credentials:
    """Logins that a group of machines is tried with, in order."""

    logins: Annotated[list[Login], Field(min_length=1)]
    lockout_after: Positive = 3


@table
class Polling:
    """How often machines are asked, and how long an answer may take."""

    interval_s: AboveZero = 10.0
    timeout_s: AboveZero = 3.0
    full_every: Positive = 6
    source_address: SourceAddress | None = None


@table
class Discovery:
    """Where machines are looked for; nothing outside is ever touched."""

    networks: list[Network] = field(default_factory=list)
    every_s: Bound | None = None
    adopt: Flag = False


@table
class Meter:
    """A meter: where it is, what it measures, how far it is to be believed."""

    id: Name
    role: Literal["billing", "check", "generation", "export", "house", "feeder"] = "billing"
    feeder: Name = "site"
    kind: Literal["modbus", "sunspec", "mqtt", "http", "shelly", "tasmota"]
    address: Address | None = None
    topic: Text | None = None
    unit: Count = 1
    map: Text | None = None
    credentials: Name | None = None
    sign: Sign = 1
    multiplier: AboveZero = 1.0
    rolls_over_kwh: AboveZero | None = None
    period_s: AboveZero = 2.0
    delay_s: NotNegative = 0.0
    window_s: AboveZero = 15.0
    stale_s: AboveZero = 30.0
    error_pct: Percent = 1.0


@table
class Metering:
    """How the billing meter counts."""

    interval_min: Literal[5, 10, 15, 20, 30, 60] = 15
    multiplier: AboveZero = 1.0
    no_load_kwh_per_month: NotNegative = 0.0
    loss_pct: Percent = 0.0
    billing_day: Annotated[Whole, Field(ge=1, le=28)] = 1
    billing_hour: Annotated[Whole, Field(ge=0, le=23)] = 0


@table
class Tariff:
    """What energy costs."""

    file: Text | None = None
    class_: Annotated[Text | None, Field(alias="class")] = None
    vat_recoverable: Flag = False
    metering: Metering = field(default_factory=Metering)


@table
class FxRate:
    """What one unit of a currency is in another, from a local day until the day on which it is no more."""

    pair: CurrencyPair
    value: Rate
    from_: Annotated[Day | None, Field(alias="from")] = None
    until: Day | None = None


@table
class Revenue:
    """What hashrate earns, and where the price of it comes from."""

    source: Literal["fixed", "csv", "http", "mqtt", "network"] = "fixed"
    hashprice_per_ph_day: Money = Decimal(0)
    currency: Currency = "USD"
    pool_fee_pct: Percent = 1.0
    revenue_tax_pct: Percent = 0.0
    pue: Annotated[Number, Field(ge=1)] = 1.0
    uptime_pct: Annotated[AboveZero, Field(le=100)] = 100.0
    fx: dict[CurrencyPair, Rate] = field(default_factory=dict)
    fx_rate: list[FxRate] = field(default_factory=list)
    file: Text | None = None
    url: FeedUrl | None = None
    topic: Text | None = None
    every_s: AboveZero = 300.0
    stale_s: AboveZero = 86_400.0
    difficulty: Rate | None = None
    btc_price: Money | None = None
    payout_btc_per_th_day: Money | None = None
    fees_btc: Money | None = None
    height: Count | None = None


@table
class Price:
    """Whether and how price moves machines."""

    act: Flag = False
    min_on_s: NotNegative = 1800.0
    min_off_s: NotNegative = 1800.0
    hysteresis_pct: Percent = 5.0
    restart_cost: Money = Decimal(0)


@table
class Mqtt:
    """The broker and who we are to it."""

    url: BrokerUrl | None = None
    username: Text | None = None
    password: SecretRef | None = None
    ca: Text | None = None
    certificate: Text | None = None
    key: Text | None = None
    prefix: TopicPrefix = "hashwatt"
    client_id: Text | None = None


@table
class Issuer:
    """Who may order: what, where, over which transport, with which proof."""

    classes: list[OrderClass] = field(default_factory=list)
    keys: list[Text] = field(default_factory=list)
    unsigned: Flag = False
    transports: list[Transport] = field(default_factory=lambda: ["mqtt"])
    feeders: list[Name] | None = None
    max_shed_kw: Bound | None = None
    offers: Literal["accept", "decline", "ask"] = "ask"
    heartbeat_timeout_s: Bound | None = None
    failsafe_kw: NotNegative | None = None
    failsafe_min_s: NotNegative = 7200.0
    failsafe_then: Literal["hold", "release"] = "hold"
    on_reject: Literal["alarm", "failsafe"] = "alarm"


@table
class Signal:
    """A simple feed that becomes an order."""

    topic: Text
    issuer: Name
    format: Literal["target", "kw", "boolean"] = "target"
    silence_s: AboveZero = 240.0


@table
class Orders:
    """Who may order, and what becomes an order."""

    max_age_s: AboveZero = 86_400.0
    schedule: Text | None = None
    issuers: dict[Name, Issuer] = field(default_factory=dict)
    signals: dict[Name, Signal] = field(default_factory=dict)


@table
class Control:
    """How the farm is held: ramps, margins, least times."""

    mode: Literal["observe", "enforce"] = "observe"
    restore_kw_per_min: AboveZero = 500.0
    shed_kw_per_min: Bound | None = None
    max_step_kw: Bound | None = None
    respond_s: AboveZero = 300.0
    margin_pct: Percent = 1.0
    reserve_unreachable: Share = 1.0
    blind_s: AboveZero = 120.0
    min_on_s: NotNegative = 300.0
    min_off_s: NotNegative = 300.0
    switches_per_hour: Positive = 4
    allow_hard_cut: Flag = False
    wake_settle_s: AboveZero = 600.0


@table
class Remedies:
    """What may be done to stuck machines, and how often."""

    restart: Flag = False
    reboot: Flag = False
    outlet_cycle: Flag = False
    per_machine_per_day: Positive = 3
    farm_per_hour: Positive = 20


@table
class Store:
    """Where the ledger is and for how long it keeps what."""

    url: StoreUrl = "sqlite:///hashwatt.db"
    miner_history_days: Positive = 30
    site_history_days: Positive = 400
    evidence_years: Positive = 6


@table
class Evidence:
    """What signs the heads of the chains."""

    key: SecretRef | None = None


@table
class Http:
    """Where the page and the interface are, and who may read."""

    bind: Bind = "127.0.0.1:8700"
    public_read: Flag = True
    tokens: SecretRef | None = None


@table
class Notify:
    """Who is told of alarms."""

    webhooks: list[Text] = field(default_factory=list)


@table
class Logging:
    """How the log looks."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "console", "json"] = "auto"


@table
class Schema:
    """The whole file."""

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
