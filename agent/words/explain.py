"""What a configuration would enforce and charge, in words, line by line. It reads no file and follows no secret."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import get_args

from agent.config import Config
from agent.config.money import price_in_words
from agent.config.schema import Feeder, Issuer, Miners, Schema, Store
from agent.config.values import OrderClass, Transport
from agent.fleet.apparent import ASSUMED_FACTOR
from agent.words.devices import explain_outlets, explain_safety, remedies_in_words
from agent.words.meters import explain_meters


def explain(config: Config, charges: Iterable[str] = ()) -> Iterator[str]:
    """Yield what the configuration means, `charges` told by the tariff's reader; then what is not yet, and warnings."""
    schema = config.schema
    yield from _site(schema)
    yield from _feeders(config)
    yield from _machines(config)
    yield from _discovery(schema)
    yield from explain_meters(schema)
    yield from explain_safety(schema)
    yield from explain_outlets(schema)
    yield from _broker(schema)
    yield from _issuers(schema)
    yield from _control(schema)
    yield from _places(schema)
    yield from _money(schema)
    yield from charges
    yield from price_in_words(schema)
    yield from _left_out(config)


def _figure(value: float) -> str:
    return f"{value:,.3f}".rstrip("0").rstrip(".")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _site(schema: Schema) -> Iterator[str]:
    site = schema.site
    yield f"site {site.id} in {site.timezone}, money in {site.currency}"
    if schema.control.mode == "observe":
        yield 'OBSERVE: NOTHING IS SENT to any machine, it is only said what would be; mode = "enforce" changes that'
    else:
        yield "ENFORCE: machines are commanded"
    yield f"connection: never above {_figure(site.connection_kw)} kW, whoever orders what"
    most = "" if site.house_max_w is None else f", and never believed above {_figure(site.house_max_w)} W"
    yield f"house load: {_figure(site.house_w)} W until it is learned{most}"


def _feeders(config: Config) -> Iterator[str]:
    count = Counter(entry.feeder for entry in config.miners)
    for feeder in config.schema.feeder:
        yield f"feeder {feeder.id} below {feeder.parent}: {_count(count[feeder.id], 'machine')}{_limits(feeder)}"


def _limits(feeder: Feeder) -> str:
    said = "" if feeder.phase is None else f", on phase {feeder.phase} alone"
    said += "" if feeder.max_kw is None else f", never above {_figure(feeder.max_kw)} kW"
    if feeder.max_kva is not None:
        said += f", never above {_figure(feeder.max_kva)} kVA (power factor {ASSUMED_FACTOR} where no meter tells it)"
    if feeder.ramp_kw_per_min is not None:
        said += f", up by at most {_figure(feeder.ramp_kw_per_min)} kW a minute"
    return said + (", essential: never cut" if feeder.essential else "")


def _machines(config: Config) -> Iterator[str]:
    schema = config.schema
    on_site = sum(1 for entry in config.miners if entry.feeder == "site")
    yield f"machines: {len(config.miners):,} in {_count(len(schema.miners), 'group')}, {on_site:,} of them on the site"
    for at, group in enumerate(schema.miners):
        yield f"  miners.{at}: {_group(group)}"
    polling = schema.polling
    yield f"polling: each {_figure(polling.interval_s)} s, an answer within {_figure(polling.timeout_s)} s"


def _discovery(schema: Schema) -> Iterator[str]:
    told = schema.discovery
    if told.networks:
        often = "once after the start" if told.every_s is None else f"each {_figure(told.every_s)} s"
        then = "ADOPTED, on the site and wanted at full" if told.adopt else "proposed, and nobody's until adopted"
        yield f"discovery: {', '.join(map(str, told.networks))} and nothing outside, {often}; who is found is {then}"


def _group(group: Miners) -> str:
    named = [*group.hosts[:3], *(["..."] if len(group.hosts) > 3 else [])]
    if group.csv is not None:
        named.append(f"file {group.csv}")
    said = f"{', '.join(named)} on {group.feeder}, intended {group.intended}"
    return said + (f", priority {group.priority}" if group.priority else "")


def _broker(schema: Schema) -> Iterator[str]:
    if schema.mqtt.url is not None:
        yield f"broker: {schema.mqtt.url}, topics below {schema.mqtt.prefix}/{schema.site.id}"
    else:
        yield "broker: none; nothing comes or goes over MQTT"


def _issuers(schema: Schema) -> Iterator[str]:
    if not schema.orders.issuers:
        yield "orders: nobody may order; the connection and the feeders still bind"
    for name, issuer in schema.orders.issuers.items():
        yield f"issuer {name}: {_may(issuer)}"
        yield from _may_not(issuer)
        if issuer.failsafe_kw is not None and issuer.heartbeat_timeout_s is not None:
            yield (
                f"  silent for {_figure(issuer.heartbeat_timeout_s)} s: at most {_figure(issuer.failsafe_kw)} kW "
                f"for at least {_figure(issuer.failsafe_min_s)} s, then {issuer.failsafe_then}"
            )


def _may(issuer: Issuer) -> str:
    if not issuer.classes or not issuer.transports or not (issuer.keys or issuer.unsigned):
        return "can never order"
    where = "the whole site" if issuer.feeders is None else " and ".join(issuer.feeders)
    proof = "unsigned" if issuer.unsigned else f"signed with {_count(len(issuer.keys), 'key')}"
    most = "" if issuer.max_shed_kw is None else f", to shed at most {_figure(issuer.max_shed_kw)} kW"
    return f"may order {' or '.join(issuer.classes)} over {' or '.join(issuer.transports)}, {proof}, for {where}{most}"


def _may_not(issuer: Issuer) -> Iterator[str]:
    classes = [one for one in get_args(OrderClass) if one not in issuer.classes]
    usable = {*issuer.transports, *(["shell"] if "http" in issuer.transports else [])}
    transports = [one for one in get_args(Transport) if one not in usable]
    never = ([" or ".join(classes)] if classes else []) + ([f"over {' or '.join(transports)}"] if transports else [])
    if never:
        yield f"  never {', never '.join(never)}"


def _control(schema: Schema) -> Iterator[str]:
    control = schema.control
    yield f"going up: by at most {_figure(control.restore_kw_per_min)} kW a minute, most hashrate for a watt first"
    yield f"going down: at once for law, grid emergency and the connection; from doubt or price {_shed_bounds(schema)}"
    yield (
        f"margins: {_figure(control.margin_pct)} % of a cap stay free; of a lost machine's power "
        f"{_figure(100 * control.reserve_unreachable)} % stays reserved, under a law all of it"
    )
    yield f"blind, with no meter and over 10 % unread, for {_figure(control.blind_s)} s: shed as for unknown"
    yield (
        f"switching: on for at least {_figure(control.min_on_s)} s where another can sleep in its place, "
        f"off for at least {_figure(control.min_off_s)} s, "
        f"woken at most {_count(control.switches_per_hour, 'time')} an hour"
    )
    yield f"waking: counted as rising for {_figure(control.wake_settle_s)} s where its firmware's own time is not known"
    yield remedies_in_words(schema)
    yield "holds: a held machine may be shed, and is never woken, rebooted or energised"


def _shed_bounds(schema: Schema) -> str:
    control, bounds = schema.control, []
    if control.shed_kw_per_min is not None:
        bounds.append(f"by at most {_figure(control.shed_kw_per_min)} kW a minute")
    if control.max_step_kw is not None:
        bounds.append(f"in steps of at most {_figure(control.max_step_kw)} kW")
    return ", ".join(bounds) or "as quickly"


def _places(schema: Schema) -> Iterator[str]:
    where = "in PostgreSQL" if schema.store.url.startswith("postgresql") else f"in {schema.store.url}"
    store = schema.store
    yield f"store: {where}; evidence is kept for {_count(store.evidence_years, 'year')} after an order has closed"
    signer = "a key of its own in the state directory" if schema.evidence.key is None else schema.evidence.key
    yield f"evidence: the ends of its chains are signed each hour by {signer}"
    yield f"history: the site by the minute for {_count(store.site_history_days, 'day')}, {_machines_kept(store)}"
    readers = "anybody on this host may read" if schema.http.public_read else "reading needs a token"
    yield f"page, API and metrics: http://{schema.http.bind}, {readers}; whatever changes needs a token"


def _machines_kept(store: Store) -> str:
    return f"machines by 5 minutes for {_count(store.miner_history_days, 'day')}"


def _money(schema: Schema) -> Iterator[str]:
    tariff = schema.tariff
    every = f"by intervals of {tariff.metering.interval_min} min"
    if tariff.file is not None:
        yield f"money: energy is charged {every}, by the tariff in {tariff.file}"
    elif schema.site.jurisdiction is not None:
        yield f"money: energy is charged {every}, by the pack {schema.site.jurisdiction}"
    else:
        yield f"money: nothing is charged, since there is no tariff; energy is counted {every}"


def _left_out(config: Config) -> Iterator[str]:
    left = config.not_yet()
    for one in left:
        yield f"not yet: {one.key}"
    loosening = [one.key for one in left if one.loosens]
    if loosening:
        yield f"run refuses to start, since control would be looser without what is not built: {', '.join(loosening)}"
    for warning in config.warnings():
        yield f"warning: {warning.key}: {warning.reason}"
