"""What two keys together are wrong in, and what is allowed and probably not meant. Functions of the schema alone."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Sequence

from agent.config import money as config_money
from agent.config.rules_devices import outlet_mistakes, outlet_warnings, safety_mistakes
from agent.config.schema import Feeder, Issuer, Meter, Schema

Finding = tuple[str, str]
"""A key and what is to be said of it."""
LOOPBACK = ("127.", "localhost:", "[::1]:")
MOST_UNIT = 255


def contradictions(schema: Schema) -> Iterator[Finding]:
    """Yield every mistake that takes more than one key to see."""
    yield from _site_mistakes(schema)
    yield from _feeder_mistakes(schema)
    yield from _place_mistakes(schema)
    yield from _meter_mistakes(schema)
    yield from _connection_mistakes(schema)
    yield from safety_mistakes(schema)
    yield from outlet_mistakes(schema)
    yield from _group_mistakes(schema)
    yield from config_money.contradictions(schema)
    for name, issuer in schema.orders.issuers.items():
        yield from _issuer_mistakes(f"orders.issuers.{name}", issuer, known_feeders(schema))
    for place, url in enumerate(schema.notify.webhooks):
        if not url.startswith(("http://", "https://", "env:", "file:", "credential:")):
            yield f"notify.webhooks.{place}", "must begin with http:// or https://, or be a secret's reference"
    for name, signal in schema.orders.signals.items():
        if signal.issuer not in schema.orders.issuers:
            yield f"orders.signals.{name}.issuer", f"{signal.issuer} is no issuer"


def known_feeders(schema: Schema) -> set[str]:
    """Return the names of the feeders, the site among them."""
    return {"site", *(feeder.id for feeder in schema.feeder)}


def _site_mistakes(schema: Schema) -> Iterator[Finding]:
    site, mqtt = schema.site, schema.mqtt
    if site.house_max_w is not None and site.house_w > site.house_max_w:
        yield "site.house_w", "is above house_max_w"
    if (mqtt.certificate is None) != (mqtt.key is None):
        yield "mqtt.certificate", "certificate and key go together"
    if mqtt.password is not None and mqtt.username is None:
        yield "mqtt.password", "needs a username"


def _twice(names: Sequence[str], table: str) -> Iterator[Finding]:
    first: dict[str, int] = {}
    for at, name in enumerate(names):
        if name in first:
            yield f"{table}.{at}.id", f"{name} is already the id of {table}.{first[name]}"
        first.setdefault(name, at)


def _feeder_mistakes(schema: Schema) -> Iterator[Finding]:
    parents = {feeder.id: feeder.parent for feeder in schema.feeder}
    outlets = {outlet.id for outlet in schema.outlet}
    yield from _twice([feeder.id for feeder in schema.feeder], "feeder")
    yield from _twice([outlet.id for outlet in schema.outlet], "outlet")
    for at, feeder in enumerate(schema.feeder):
        if feeder.id == "site":
            yield f"feeder.{at}.id", "site is always the root and stands in no [[feeder]]"
        if feeder.parent != "site" and feeder.parent not in parents:
            yield f"feeder.{at}.parent", f"{feeder.parent} is no feeder"
        elif _circles(feeder.id, parents):
            yield f"feeder.{at}.parent", f"{feeder.id} would hang below itself"
        yield from _cut_mistakes(f"feeder.{at}.outlet", feeder, outlets)


def _cut_mistakes(key: str, feeder: Feeder, outlets: set[str]) -> Iterator[Finding]:
    if feeder.outlet is None:
        return
    if feeder.outlet not in outlets:
        yield key, f"{feeder.outlet} is no outlet"
    if feeder.essential:
        yield key, "an essential feeder must not be cut"


def _circles(feeder: str, parents: dict[str, str]) -> bool:
    seen: set[str] = set()
    while feeder in parents and feeder != "site":
        if feeder in seen:
            return True
        seen.add(feeder)
        feeder = parents[feeder]
    return False


def _place_mistakes(schema: Schema) -> Iterator[Finding]:
    places = [(f"miners.{at}", group.feeder) for at, group in enumerate(schema.miners)]
    places += [(f"meter.{at}", meter.feeder) for at, meter in enumerate(schema.meter)]
    places += [(f"safety_input.{at}", safety.feeder) for at, safety in enumerate(schema.safety_input)]
    yield from _twice([safety.id for safety in schema.safety_input], "safety_input")
    known = known_feeders(schema)
    for key, feeder in places:
        if feeder not in known:
            yield f"{key}.feeder", f"{feeder} is no feeder"


def _meter_mistakes(schema: Schema) -> Iterator[Finding]:
    yield from _twice([meter.id for meter in schema.meter], "meter")
    for at, meter in enumerate(schema.meter):
        yield from _reach_mistakes(f"meter.{at}", meter)
        if meter.credentials is not None and meter.credentials not in schema.credentials:
            yield f"meter.{at}.credentials", f"{meter.credentials} is not in [credentials]"
        if meter.stale_s < meter.period_s:
            yield f"meter.{at}.stale_s", "must not be shorter than period_s"
        if meter.role == "feeder" and meter.feeder == "site":
            yield f"meter.{at}.feeder", "a feeder's meter names the feeder that it measures"


def _reach_mistakes(key: str, meter: Meter) -> Iterator[Finding]:
    if meter.kind != "mqtt" and meter.address is None:
        yield f"{key}.address", f"a meter of kind {meter.kind} needs one"
    if meter.kind != "http" and "/" in (meter.address or ""):
        yield f"{key}.address", f"a meter of kind {meter.kind} is at no path"
    if meter.kind == "modbus" and meter.map is None:
        yield f"{key}.map", "a meter of kind modbus needs a register map"
    if meter.kind == "shelly" and meter.unit == 0:
        yield f"{key}.unit", "a Shelly's meters are counted from 1"
    if meter.unit > MOST_UNIT:
        yield f"{key}.unit", f"must be 0 to {MOST_UNIT}"


def _connection_mistakes(schema: Schema) -> Iterator[Finding]:
    yield from _twice([connection.id for connection in schema.connection], "connection")
    meters = {meter.id for meter in schema.meter}
    named: set[str] = set()
    for at, connection in enumerate(schema.connection):
        if connection.meter is None:
            continue
        if connection.meter not in meters:
            yield f"connection.{at}.meter", f"{connection.meter} is no meter"
        if connection.meter in named:
            yield f"connection.{at}.meter", f"{connection.meter} measures another connection already"
        named.add(connection.meter)
    billing = [(at, meter.id) for at, meter in enumerate(schema.meter) if meter.role == "billing"]
    for at, name in billing[max(1, len(schema.connection)) :]:
        yield f"meter.{at}.role", f"{name} and {billing[0][1]} are both billing meters of one connection"
    if 1 < len(billing) < len(schema.connection):
        yield "connection", f"{len(billing)} billing meters for {len(schema.connection)}: one for all, or one for each"
    total_kw = sum(connection.kw for connection in schema.connection)
    if schema.connection and abs(total_kw - schema.site.connection_kw) > 0.5:
        yield "site.connection_kw", f"the connections add up to {total_kw:g} kW"


def _issuer_mistakes(key: str, issuer: Issuer, feeders: set[str]) -> Iterator[Finding]:
    for at, told in enumerate(issuer.keys):
        reason = _key_mistake(told)
        if reason is not None:
            yield f"{key}.keys.{at}", reason
        if told.partition(":")[0] in {earlier.partition(":")[0] for earlier in issuer.keys[:at]}:
            yield f"{key}.keys.{at}", "the id of an earlier key"
    for at, feeder in enumerate(issuer.feeders or ()):
        if feeder not in feeders:
            yield f"{key}.feeders.{at}", f"{feeder} is no feeder"
    yield from _failsafe_mistakes(key, issuer)


def _failsafe_mistakes(key: str, issuer: Issuer) -> Iterator[Finding]:
    if issuer.heartbeat_timeout_s is not None and issuer.failsafe_kw is None:
        yield f"{key}.failsafe_kw", "heartbeat_timeout_s needs it"
    if issuer.on_reject == "failsafe" and issuer.failsafe_kw is None:
        yield f"{key}.failsafe_kw", "on_reject = failsafe needs it"
    if issuer.failsafe_then == "release" and "law" in issuer.classes:
        yield f"{key}.failsafe_then", "an issuer of law can't be released by silence; say hold"


def _key_mistake(told: str) -> str | None:
    kid, colon, text = told.partition(":")
    if not kid or not colon:
        return "must be KID:BASE64"
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return "is no base64"
    return None if len(raw) == 32 else f"must be the 32 raw bytes of an Ed25519 key, has {len(raw)}"


def _group_mistakes(schema: Schema) -> Iterator[Finding]:
    for at, group in enumerate(schema.miners):
        if group.credentials is not None and group.credentials not in schema.credentials:
            yield f"miners.{at}.credentials", f"{group.credentials} is not in [credentials]"
        if not group.hosts and group.csv is None:
            yield f"miners.{at}.hosts", "a group names hosts or a csv file"


def warnings(schema: Schema) -> Iterator[Finding]:
    """Yield what is allowed and probably not meant."""
    yield from outlet_warnings(schema)
    if schema.control.mode == "observe":
        yield "control.mode", "observe: nothing is sent to any machine"
    if not any(meter.role == "billing" for meter in schema.meter):
        yield "meter", "there is no billing meter: the draw is what machines say, with a margin"
    if schema.http.public_read and not schema.http.bind.startswith(LOOPBACK):
        yield "http.public_read", "counts on loopback only: reading over the network needs a token"
    if not schema.miners:
        yield "miners", "there are no machines"
    yield from _connection_warnings(schema)
    yield from config_money.warnings(schema)
    yield from _order_warnings(schema)


def site_meters(schema: Schema) -> list[Meter]:
    """Return the meters whose sum is the site's import; none where a connection's is missing."""
    billing = [meter for meter in schema.meter if meter.role == "billing"]
    named = {connection.meter for connection in schema.connection} & {meter.id for meter in billing}
    return [] if 0 < len(named) < len(schema.connection) else billing


def _connection_warnings(schema: Schema) -> Iterator[Finding]:
    billing = {meter.id: meter.feeder for meter in schema.meter if meter.role == "billing"}
    in_sum = site_meters(schema)
    for at, connection in enumerate(schema.connection):
        feeder = billing.get(connection.meter or "")
        if feeder is None and billing and not in_sum:
            yield f"connection.{at}", f"{connection.id} has no billing meter: the draw is what machines say"
        if feeder is None or feeder == "site":
            yield (
                f"connection.{at}",
                f"{connection.id} binds in the sum alone: no billing meter at a feeder measures it",
            )


def _order_warnings(schema: Schema) -> Iterator[Finding]:
    needs = list(_needs_broker(schema))
    if schema.mqtt.url is None and needs:
        verb = "need" if len(needs) > 1 else "needs"
        yield "mqtt.url", f"there is no broker, and {', '.join(needs)} {verb} one"
    for name, issuer in schema.orders.issuers.items():
        yield from _issuer_warnings(f"orders.issuers.{name}", issuer)
    for name, signal in schema.orders.signals.items():
        if "signal" not in schema.orders.issuers[signal.issuer].transports:
            yield f"orders.signals.{name}.issuer", f"can never order: {signal.issuer} may not order over signal"


def _needs_broker(schema: Schema) -> Iterator[str]:
    yield from (f"meter {meter.id}" for meter in schema.meter if meter.kind == "mqtt")
    yield from (f"issuer {name}" for name, issuer in schema.orders.issuers.items() if "mqtt" in issuer.transports)
    yield from ("revenue",) if config_money.feed_of(schema) == "mqtt" else ()
    yield from (f"signal {name}" for name in schema.orders.signals)
    yield from (f"outlet {outlet.id}" for outlet in schema.outlet if outlet.kind == "mqtt")
    yield from (f"safety input {safety.id}" for safety in schema.safety_input if safety.kind == "mqtt")


def _issuer_warnings(key: str, issuer: Issuer) -> Iterator[Finding]:
    if not issuer.keys and not issuer.unsigned:
        yield key, "can never order: it has no key and is not unsigned"
    if not issuer.classes:
        yield f"{key}.classes", "can never order: it may issue no class"
    if not issuer.transports:
        yield f"{key}.transports", "can never order: it has no transport"
    if issuer.failsafe_kw is not None and issuer.heartbeat_timeout_s is None and issuer.on_reject == "alarm":
        yield f"{key}.failsafe_kw", "does nothing without heartbeat_timeout_s or on_reject = failsafe"
