"""From a sound configuration to the frozen slice that each room is handed. Functions of values, but for secrets.

The one place where the configuration's kW, per cent and minutes become the rooms' W, shares and seconds.
"""

from __future__ import annotations

import base64
import ssl
from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit

from agent.config import Config, ConfigError, Problem
from agent.config.rules import site_meters
from agent.config.schema import Feeder as FeederTable
from agent.config.schema import Issuer as IssuerTable
from agent.config.schema import Meter as MeterTable
from agent.control.climate_watch import ClimatePolicy
from agent.control.instrument import MeterPolicy
from agent.control.lockout import USUAL_AFTER
from agent.control.parts import Limits
from agent.control.poller import PollPolicy
from agent.fleet.fleet import FleetPolicy
from agent.fleet.miner import Feeder, FeederTree, Ladder, Miner
from agent.fleet.outlets import OutletPolicy, Outlets
from agent.fleet.power import HouseLoad
from agent.fleet.remedies import CYCLE, REBOOT, RESTART, RemedyPolicy
from agent.fleet.safety import Safety, SafetyPolicy
from agent.inputs.meters import MOST_W
from agent.inventory.inventory import MinerEntry
from agent.ledger.history import Kept
from agent.links.mqtt import Broker
from agent.orders.order_book import BookPolicy
from agent.orders.silence import Failsafe
from agent.orders.trust import Issuer, TrustPolicy
from agent.outputs.http.access import Token
from agent.outputs.http.tokens import parse_tokens
from agent.planning.ladder import build_ladder
from agent.planning.situation import Policy
from agent.planning.tree import Tree
from agent.proof.signature import PublicKey
from drivers.interface import Identity, Login, Target
from drivers.models import climate_of

READINGS_KEPT = 3
"""A reading is good for so many intervals and half a one: two lost polls in a row are no lost machine yet."""
NO_LIMIT = float("inf")
NO_METER_WINDOW_S = 15.0
OUTLET_STALE_S, PERIODS_GOOD = 60.0, 4
"""What an outlet said is good for so long, or for so many of its periods."""


def miners_of(config: Config) -> tuple[Miner, ...]:
    """Return the inventory as the fleet takes it."""
    return tuple(
        Miner(
            id=entry.id,
            host=entry.host,
            port=entry.port,
            http_port=entry.http_port,
            feeder=entry.feeder,
            tags=entry.tags,
            rack=entry.rack,
            position=entry.position,
            mac=entry.mac,
            serial=entry.serial,
            driver=entry.driver,
            credentials=entry.credentials,
            model=entry.model,
            intended=entry.intended,
            priority=entry.priority,
        )
        for entry in config.miners
    )


def targets_of(config: Config) -> list[Target]:
    """Return where each machine answers, its logins' secrets followed. Raises ConfigError."""
    logins = {name: logins_of(config, name) for name in config.schema.credentials}
    return [_target(entry, logins) for entry in config.miners]


def login_of(config: Config, credentials: str | None) -> Login | None:
    """Return the first login of a [credentials.*], its secret followed; None for none. Raises ConfigError."""
    return None if credentials is None else logins_of(config, credentials)[0]


def logins_of(config: Config, name: str | None) -> tuple[Login, ...]:
    """Return the logins of a [credentials.*], their secrets followed; none for no name. Raises ConfigError."""
    if name is None:
        return ()
    return tuple(
        Login(
            user=login.user,
            password=config.secret(login.password, f"credentials.{name}.logins.{at}.password").reveal(),
        )
        for at, login in enumerate(config.schema.credentials[name].logins)
    )


def lockouts_of(config: Config) -> list[int]:
    """Return for each machine after how many refused logins it is left alone."""
    after = {name: table.lockout_after for name, table in config.schema.credentials.items()}
    return [USUAL_AFTER if entry.credentials is None else after[entry.credentials] for entry in config.miners]


def _target(entry: MinerEntry, logins: dict[str, tuple[Login, ...]]) -> Target:
    return Target(
        host=entry.host,
        port=entry.port,
        http_port=entry.http_port,
        logins=logins[entry.credentials] if entry.credentials is not None else (),
        model=entry.model,
    )


def feeders_of(config: Config) -> FeederTree:
    """Return the feeders below the site's connection."""
    root = Feeder(id="site", parent=None, max_w=config.schema.site.connection_kw * 1000)
    below = tuple(
        Feeder(
            id=feeder.id,
            parent=feeder.parent,
            max_w=_feeder_most_w(config, feeder),
            ramp_w_per_s=None if feeder.ramp_kw_per_min is None else _w_per_s(feeder.ramp_kw_per_min),
            max_va=None if feeder.max_kva is None else feeder.max_kva * 1000,
            phase=feeder.phase,
        )
        for feeder in config.schema.feeder
    )
    return FeederTree.of((root, *below))


def _feeder_most_w(config: Config, feeder: FeederTable) -> float | None:
    """Return the least of a feeder's own limit and of a connection's whose meter measures it, None for none."""
    meters = {meter.id: meter.feeder for meter in config.schema.meter}
    limits_kw = [one.kw for one in config.schema.connection if one.meter and meters.get(one.meter) == feeder.id]
    if feeder.max_kw is not None:
        limits_kw.append(feeder.max_kw)
    return min(limits_kw) * 1000 if limits_kw else None


def meter_policy_of(config: Config) -> MeterPolicy | None:
    """Return the billing meter, None where there is none; of several, one a connection, their sum."""
    meters = site_meters(config.schema)
    if not meters:
        return None
    return MeterPolicy(
        id="+".join(meter.id for meter in meters),
        window_s=max(meter.window_s for meter in meters),
        stale_s=max(meter.stale_s for meter in meters),
        error=max(meter.error_pct for meter in meters) / 100,
        delay_s=max(meter.delay_s for meter in meters),
        interval_s=config.schema.tariff.metering.interval_min * 60,
        most_w=_most_w(config),
        rolls_over_wh=_rolls_over_wh(meters[0]) if len(meters) == 1 else None,
        kind=meters[0].kind if len(meters) == 1 else None,
        register_map=meters[0].map if len(meters) == 1 else None,
    )


def other_meter_policies_of(config: Config) -> list[MeterPolicy]:
    """Return the meters of every other role, and each connection's own where there are several."""
    whole = site_meters(config.schema)
    alone = whole[0].id if len(whole) == 1 else None
    return [
        MeterPolicy(
            id=meter.id,
            role="connection" if meter.role == "billing" else meter.role,
            feeder=meter.feeder,
            window_s=meter.window_s,
            stale_s=meter.stale_s,
            error=meter.error_pct / 100,
            delay_s=meter.delay_s,
            interval_s=config.schema.tariff.metering.interval_min * 60,
            most_w=MOST_W if meter.role in {"generation", "export"} else _most_w(config),
            rolls_over_wh=_rolls_over_wh(meter),
            kind=meter.kind,
            register_map=meter.map,
        )
        for meter in config.schema.meter
        if meter.id != alone
    ]


def _rolls_over_wh(meter: MeterTable) -> float | None:
    """Return at which of the Wh that it tells a meter's registers begin again."""
    return None if meter.rolls_over_kwh is None else meter.rolls_over_kwh * 1000 * meter.multiplier


def _most_w(config: Config) -> float:
    """Return what nothing at the site can draw, W: no register counts faster."""
    return 2 * config.schema.site.connection_kw * 1000


def meter_lag_s(config: Config) -> float:
    """Return after how long a change of draw is surely in the figures of the meters that may bind (design 3.3)."""
    binding = [meter for meter in config.schema.meter if meter.role in {"billing", "feeder", "check"}]
    lags = [meter.window_s + 2 * meter.period_s + meter.delay_s for meter in binding]
    return max(lags, default=0.0)


def meter_rise_s(config: Config) -> float:
    """Return after how long a rise is in the latest figure of the billing meter and its check; no window delays it."""
    whole = [*site_meters(config.schema), *(meter for meter in config.schema.meter if meter.role == "check")]
    return max((2 * meter.period_s + meter.delay_s for meter in whole), default=0.0)


def safety_of(config: Config, mono: float) -> Safety:
    """Return the safety inputs; their silence counts from now on."""
    told = config.schema.safety_input
    return Safety([SafetyPolicy(id=one.id, feeder=one.feeder, silence_s=one.silence_s) for one in told], mono)


def outlets_of(config: Config) -> Outlets:
    """Return the outlets with the feeders that each cuts."""
    feeders = config.schema.feeder
    told = [
        OutletPolicy(
            id=one.id,
            feeders=tuple(feeder.id for feeder in feeders if feeder.outlet == one.id),
            stale_s=max(OUTLET_STALE_S, PERIODS_GOOD * one.period_s),
        )
        for one in config.schema.outlet
    ]
    control = config.schema.control
    return Outlets(told, may_cut=control.allow_hard_cut, respond_s=control.respond_s)


def house_of(config: Config) -> HouseLoad:
    """Return the house load as configured, before any of it is learned."""
    return HouseLoad(given_w=config.schema.site.house_w, most_w=config.schema.site.house_max_w)


def fleet_policy_of(config: Config) -> FleetPolicy:
    """Return how long readings are good for and how often machines may be switched."""
    polling, control = config.schema.polling, config.schema.control
    return FleetPolicy(
        poll_s=polling.interval_s,
        fresh_s=(READINGS_KEPT + 0.5) * polling.interval_s + polling.timeout_s,
        meter_lag_s=meter_lag_s(config),
        meter_rise_s=meter_rise_s(config),
        min_on_s=control.min_on_s,
        min_off_s=control.min_off_s,
        switches_per_hour=control.switches_per_hour,
    )


def ladder_maker(config: Config, delay_scale: float) -> Callable[[Identity], Ladder]:
    """Return how a machine's ladder is made; of delays only machines' own are scaled, never the configured one."""
    return partial(build_ladder, scale_delays=delay_scale, wake_settle_s=config.schema.control.wake_settle_s)


def poll_policy_of(config: Config) -> PollPolicy:
    """Return how often machines are asked."""
    return PollPolicy(interval_s=config.schema.polling.interval_s, full_every=config.schema.polling.full_every)


def limits_of(config: Config, feeders: FeederTree) -> Limits:
    """Return what control keeps to."""
    control = config.schema.control
    tree = Tree(
        parent=tuple(feeders.parents()),
        cap_w=tuple(NO_LIMIT if feeder.max_w is None else feeder.max_w for feeder in feeders.feeders),
        ramp_w_per_s=tuple(
            NO_LIMIT if feeder.ramp_w_per_s is None else feeder.ramp_w_per_s for feeder in feeders.feeders
        ),
    )
    policy = Policy(
        margin=control.margin_pct / 100,
        reserve_unreachable=control.reserve_unreachable,
        blind_s=control.blind_s,
        restore_w_per_s=_w_per_s(control.restore_kw_per_min),
        shed_w_per_s=None if control.shed_kw_per_min is None else _w_per_s(control.shed_kw_per_min),
        max_step_w=None if control.max_step_kw is None else control.max_step_kw * 1000,
    )
    climate = ClimatePolicy(freeze_c=config.schema.site.freeze_c, climate_of=climate_of)
    enforce, remedies = control.mode == "enforce", _remedies(config)
    return Limits(policy=policy, tree=tree, enforce=enforce, climate=climate, remedies=remedies)


def _remedies(config: Config) -> RemedyPolicy:
    told = config.schema.remedies
    allowed = {RESTART: told.restart, REBOOT: told.reboot, CYCLE: told.outlet_cycle}
    return RemedyPolicy(
        remedies=tuple(name for name, may in allowed.items() if may),
        per_machine_per_day=told.per_machine_per_day,
        farm_per_hour=told.farm_per_hour,
    )


def book_policy_of(config: Config) -> BookPolicy:
    """Return what the order book goes by."""
    schema, meter = config.schema, meter_policy_of(config)
    issuers = {
        name: Issuer(
            name=name,
            classes=tuple(issuer.classes),
            transports=tuple(issuer.transports),
            unsigned=issuer.unsigned,
            offers=issuer.offers,
            failsafe=_failsafe(issuer),
            rejects_to_failsafe=issuer.on_reject == "failsafe",
            feeders=None if issuer.feeders is None else tuple(issuer.feeders),
            max_shed_w=None if issuer.max_shed_kw is None else float(issuer.max_shed_kw) * 1000,
            keys=dict(_key(told) for told in issuer.keys),
        )
        for name, issuer in schema.orders.issuers.items()
    }
    return BookPolicy(
        trust=TrustPolicy(site=schema.site.id, issuers=issuers, max_age_s=schema.orders.max_age_s),
        margin=schema.control.margin_pct / 100,
        window_s=NO_METER_WINDOW_S if meter is None else meter.window_s,
        respond_s=schema.control.respond_s,
        observe_only=schema.control.mode == "observe",
        connection_w=schema.site.connection_kw * 1000,
    )


def _failsafe(issuer: IssuerTable) -> Failsafe | None:
    if issuer.failsafe_kw is None:
        return None
    return Failsafe(
        timeout_s=issuer.heartbeat_timeout_s,
        cap_kw=issuer.failsafe_kw,
        min_s=issuer.failsafe_min_s,
        then=issuer.failsafe_then,
    )


def kept_of(config: Config) -> Kept:
    """Return for how long the past is kept."""
    store = config.schema.store
    return Kept(site_days=store.site_history_days, miner_days=store.miner_history_days)


def tokens_of(config: Config) -> tuple[Token, ...]:
    """Return the tokens of the owner's file. Raises ConfigError that shows no secret."""
    reference = config.schema.http.tokens
    if reference is None:
        return ()
    try:
        return parse_tokens(config.secret(reference, "http.tokens").reveal())
    except ValueError as error:
        raise ConfigError((Problem(file=config.file, key="http.tokens", reason=str(error)),)) from None


def prefix_of(config: Config) -> str:
    """Return what every topic of this site begins with."""
    return f"{config.schema.mqtt.prefix}/{config.schema.site.id}"


def broker_of(config: Config) -> Broker | None:
    """Return the broker, None where there is none. Raises ConfigError for a secret or a certificate."""
    mqtt = config.schema.mqtt
    if mqtt.url is None:
        return None
    where = urlsplit(mqtt.url)
    encrypted = where.scheme == "mqtts"
    return Broker(
        host=where.hostname or "localhost",
        port=where.port or (8883 if encrypted else 1883),
        client_id=mqtt.client_id or f"hashwatt-{config.schema.site.id}",
        prefix=prefix_of(config),
        username=mqtt.username,
        password=None if mqtt.password is None else config.secret(mqtt.password, "mqtt.password").reveal(),
        tls=_tls(config) if encrypted else None,
    )


def _tls(config: Config) -> ssl.SSLContext:
    mqtt, key, name = config.schema.mqtt, "mqtt.ca", config.schema.mqtt.ca
    try:
        context = ssl.create_default_context(cafile=None if name is None else config.folder / name)
        if (name := mqtt.certificate) is not None:
            key, own = "mqtt.certificate", None if mqtt.key is None else config.folder / mqtt.key
            context.load_cert_chain(config.folder / name, own)
    except OSError as error:  # an SSLError is one
        reason = f"{name} cannot be used: {getattr(error, 'reason', None) or error.strerror or error}"
        raise ConfigError((Problem(file=config.file, key=key, reason=reason),)) from None
    return context


def _w_per_s(kw_per_min: float) -> float:
    return kw_per_min * 1000 / 60


def _key(told: str) -> tuple[str, PublicKey]:
    """Split KID:BASE64; `config.rules` has seen that it is one."""
    kid, _, text = told.partition(":")
    return kid, PublicKey(base64.b64decode(text))
