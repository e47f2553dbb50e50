"""The configuration: TOML in, frozen settings out, or every mistake at once with file, key and reason."""

from __future__ import annotations

import base64
import binascii
import difflib
import os
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from decimal import Decimal
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from agent.config_schema import Issuer, Miners, Schema
from agent.hosts import CGMINER_PORT, Place, expand, read_inventory
from agent.values import level_is_valid

_ADAPTER: TypeAdapter[Schema] = TypeAdapter(Schema)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One mistake, or one warning: where it stands and what it is."""

    file: str
    key: str
    reason: str

    def __str__(self) -> str:
        """Return the line that the user reads."""
        return f"{self.file}: {self.key}: {self.reason}" if self.key else f"{self.file}: {self.reason}"


class ConfigError(Exception):
    """The configuration cannot be used; `problems` are all its mistakes."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class Secret:
    """What a secret's reference leads to; it shows as asterisks."""

    __slots__ = ("_told",)

    def __init__(self, told: str) -> None:
        self._told = told

    def reveal(self) -> str:
        """Return the secret itself."""
        return self._told

    def __repr__(self) -> str:
        """Return asterisks."""
        return "***"


@dataclass(frozen=True, slots=True, kw_only=True)
class MinerEntry:
    """One machine of the inventory."""

    id: str
    host: str
    port: int | None
    http_port: int | None
    feeder: str
    tags: tuple[str, ...]
    driver: str
    credentials: str | None
    intended: str
    priority: int
    model: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotYet:
    """A key that parses and does nothing yet; `loosens` where ignoring it would loosen control."""

    key: str
    loosens: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A whole configuration, found sound."""

    file: str
    folder: Path
    schema: Schema
    miners: tuple[MinerEntry, ...]

    def not_yet(self) -> tuple[NotYet, ...]:
        """Return the keys in use whose feature is not built yet."""
        return tuple(_not_yet(self.schema))

    def warnings(self) -> tuple[Problem, ...]:
        """Return what is allowed and probably not meant."""
        return tuple(Problem(file=self.file, key=key, reason=reason) for key, reason in _warnings(self.schema))

    def secret(self, reference: str, key: str) -> Secret:
        """Follow a secret's reference. Raises ConfigError naming the key, never the value."""
        kind, _, where = reference.partition(":")
        try:
            match kind:
                case "env":
                    return Secret(os.environ[where])
                case "credential":
                    folder = Path(os.environ["CREDENTIALS_DIRECTORY"])
                    return Secret((folder / where).read_text(encoding="utf-8").strip())
                case _:
                    return Secret((self.folder / where).read_text(encoding="utf-8").strip())
        except (KeyError, OSError, UnicodeDecodeError) as error:
            reason = f"{reference} cannot be read: {type(error).__name__}"
            raise ConfigError((Problem(file=self.file, key=key, reason=reason),)) from None


def load(path: Path) -> Config:
    """Read and check a configuration file. Raises ConfigError."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = f"cannot be read: {getattr(error, 'strerror', None) or error}"
        raise ConfigError((Problem(file=path.name, key="", reason=reason),)) from None
    return parse(text, file=path.name, folder=path.resolve().parent)


def parse(text: str, *, file: str = "farm.toml", folder: Path | None = None) -> Config:
    """Check a configuration's text. Raises ConfigError with every mistake."""
    folder = folder or Path()
    try:
        told = tomllib.loads(text, parse_float=Decimal)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError((Problem(file=file, key="", reason=f"is no TOML: {error}"),)) from None
    try:
        schema = _ADAPTER.validate_python(_without_empty(told))
    except ValidationError as error:
        raise ConfigError(tuple(_problems(error, file))) from None
    problems = [Problem(file=file, key=key, reason=reason) for key, reason in _contradictions(schema)]
    miners, mistakes = _inventory(schema, folder, file)
    problems += mistakes
    if problems:
        raise ConfigError(tuple(problems))
    return Config(file=file, folder=folder, schema=schema, miners=miners)


def _without_empty(told: Any) -> Any:
    """Leave out keys whose text is empty: it says none."""
    if isinstance(told, dict):
        return {key: _without_empty(value) for key, value in told.items() if value != ""}
    return [_without_empty(value) for value in told] if isinstance(told, list) else told


def _problems(error: ValidationError, file: str) -> Iterator[Problem]:
    for problem in error.errors(include_url=False, include_input=False):
        key = ".".join(str(part) for part in problem["loc"] if part not in {"[key]"})
        if problem["type"] in {"unexpected_keyword_argument", "extra_forbidden"}:
            yield Problem(file=file, key=key, reason=f"is no known key{_hint(problem['loc'])}")
        elif problem["type"] in {"missing", "missing_argument", "missing_keyword_only_argument"}:
            yield Problem(file=file, key=key, reason="is required")
        else:
            yield Problem(file=file, key=key, reason=str(problem["msg"]).removeprefix("Value error, "))


def _hint(loc: tuple[int | str, ...]) -> str:
    near = difflib.get_close_matches(str(loc[-1]), sorted(_every_key(Schema)), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _every_key(table: Any) -> set[str]:
    keys = set()
    for part in fields(table):
        keys.add("class" if part.name == "class_" else part.name)
        default = part.default_factory() if callable(part.default_factory) else None
        if is_dataclass(default):
            keys |= _every_key(type(default))
    return keys


def _contradictions(schema: Schema) -> Iterator[tuple[str, str]]:
    yield from _feeder_mistakes(schema)
    yield from _meter_mistakes(schema)
    yield from _issuer_mistakes(schema)
    yield from _plant_mistakes(schema)
    for at, network in enumerate(schema.discovery.networks):
        try:
            ip_network(network)
        except ValueError:
            yield f"discovery.networks.{at}", f"{network!r} is no network such as 10.20.0.0/16"
    port = int(schema.http.bind.rpartition(":")[2])
    if port > 65535:
        yield "http.bind", "must end in a port up to 65535"


def _repeated(names: list[str], table: str) -> Iterator[tuple[str, str]]:
    for name, count in Counter(names).items():
        if count > 1:
            yield f"{table}.id", f"{name} stands {count} times"


def _feeder_mistakes(schema: Schema) -> Iterator[tuple[str, str]]:
    parents = {feeder.id: feeder.parent for feeder in schema.feeder}
    yield from _repeated([feeder.id for feeder in schema.feeder], "feeder")
    for at, feeder in enumerate(schema.feeder):
        if feeder.id == "site":
            yield f"feeder.{at}.id", "site is always the root and stands in no [[feeder]]"
        if feeder.parent != "site" and feeder.parent not in parents:
            yield f"feeder.{at}.parent", f"{feeder.parent} is no feeder"
        elif _circles(feeder.id, parents):
            yield f"feeder.{at}.parent", f"{feeder.id} would hang below itself"
        if feeder.essential and feeder.outlet is not None:
            yield f"feeder.{at}.outlet", "an essential feeder must not be cut"
    known = {"site", *parents}
    places = [(f"miners.{at}", group.feeder) for at, group in enumerate(schema.miners)]
    places += [(f"meter.{at}", meter.feeder) for at, meter in enumerate(schema.meter)]
    places += [(f"safety_input.{at}", safety.feeder) for at, safety in enumerate(schema.safety_input)]
    for key, feeder_id in places:
        if feeder_id not in known:
            yield f"{key}.feeder", f"{feeder_id} is no feeder"


def _circles(feeder: str, parents: dict[str, str]) -> bool:
    seen: set[str] = set()
    while feeder in parents:
        if feeder in seen:
            return True
        seen.add(feeder)
        feeder = parents[feeder]
    return False


def _meter_mistakes(schema: Schema) -> Iterator[tuple[str, str]]:
    yield from _repeated([meter.id for meter in schema.meter], "meter")
    for at, meter in enumerate(schema.meter):
        if meter.kind != "mqtt" and meter.address is None:
            yield f"meter.{at}.address", f"a meter of kind {meter.kind} needs one"
        if meter.kind == "modbus" and meter.map is None:
            yield f"meter.{at}.map", "a meter of kind modbus needs a register map"
        if meter.stale_s < meter.period_s:
            yield f"meter.{at}.stale_s", "must not be shorter than period_s"
    billing = [meter.id for meter in schema.meter if meter.role == "billing"]
    if len(billing) > max(1, len(schema.connection)):
        yield "meter.role", f"{' and '.join(billing)} are both billing meters of one connection"
    meters = {meter.id for meter in schema.meter}
    for at, connection in enumerate(schema.connection):
        if connection.meter not in meters:
            yield f"connection.{at}.meter", f"{connection.meter} is no meter"
    total_kw = sum(connection.kw for connection in schema.connection)
    if schema.connection and abs(total_kw - schema.site.connection_kw) > 0.5:
        yield "site.connection_kw", f"the connections add up to {total_kw:g} kW"


def _issuer_mistakes(schema: Schema) -> Iterator[tuple[str, str]]:
    feeders = {"site", *(feeder.id for feeder in schema.feeder)}
    for name, issuer in schema.orders.issuers.items():
        key = f"orders.issuers.{name}"
        for at, told in enumerate(issuer.keys):
            reason = _key_mistake(told)
            if reason is not None:
                yield f"{key}.keys.{at}", reason
        for feeder in issuer.feeders or ():
            if feeder not in feeders:
                yield f"{key}.feeders", f"{feeder} is no feeder"
        if (issuer.heartbeat_timeout_s is None) != (issuer.failsafe_kw is None):
            yield f"{key}.failsafe_kw", "heartbeat_timeout_s and failsafe_kw go together"
    for name, signal in schema.orders.signals.items():
        if signal.issuer not in schema.orders.issuers:
            yield f"orders.signals.{name}.issuer", f"{signal.issuer} is no issuer"


def _key_mistake(told: str) -> str | None:
    kid, colon, text = told.partition(":")
    if not kid or not colon:
        return "must be KID:BASE64"
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return "is no base64"
    return None if len(raw) == 32 else f"must be the 32 raw bytes of an Ed25519 key, has {len(raw)}"


def _plant_mistakes(schema: Schema) -> Iterator[tuple[str, str]]:
    yield from _repeated([outlet.id for outlet in schema.outlet], "outlet")
    outlets = {outlet.id for outlet in schema.outlet}
    for at, feeder in enumerate(schema.feeder):
        if feeder.outlet is not None and feeder.outlet not in outlets:
            yield f"feeder.{at}.outlet", f"{feeder.outlet} is no outlet"
    for at, group in enumerate(schema.miners):
        if group.credentials is not None and group.credentials not in schema.credentials:
            yield f"miners.{at}.credentials", f"{group.credentials} is not in [credentials]"
        if not group.hosts and group.csv is None:
            yield f"miners.{at}.hosts", "a group names hosts or a csv file"
    if not schema.store.url.startswith(("sqlite:///", "postgresql")):
        yield "store.url", "must begin with sqlite:/// or postgresql"


def _inventory(schema: Schema, folder: Path, file: str) -> tuple[tuple[MinerEntry, ...], list[Problem]]:
    entries: list[MinerEntry] = []
    problems: list[Problem] = []
    for at, group in enumerate(schema.miners):
        for number, text in enumerate(group.hosts):
            try:
                entries += [_entry(group, place) for place in expand(text)]
            except ValueError as error:
                problems.append(Problem(file=file, key=f"miners.{at}.hosts.{number}", reason=str(error)))
        if group.csv is not None:
            found, mistakes = _from_csv(schema, group, folder)
            entries += found
            problems += mistakes
    for key in ("id", "place"):
        counts = Counter(entry.id if key == "id" else f"{entry.host}:{entry.port or CGMINER_PORT}" for entry in entries)
        twice = [name for name, count in counts.items() if count > 1]
        if twice:
            more = f" and {len(twice) - 1} more" if len(twice) > 1 else ""
            problems.append(Problem(file=file, key="miners", reason=f"{twice[0]} stands twice{more}"))
            break
    return tuple(entries), problems


def _entry(group: Miners, place: Place, row: dict[str, str] | None = None) -> MinerEntry:
    row = row or {}
    port = place.port if place.port is not None else group.ports.get("cgminer")
    default_id = place.host if port is None or port == CGMINER_PORT else f"{place.host}:{port}"
    return MinerEntry(
        id=row.get("id", default_id),
        host=place.host,
        port=port,
        http_port=place.http_port if place.http_port is not None else group.ports.get("http"),
        feeder=row.get("feeder", group.feeder),
        tags=tuple(row["tags"].split()) if "tags" in row else tuple(group.tags),
        driver=row.get("driver", group.driver),
        credentials=row.get("credentials", group.credentials),
        intended=row.get("intended", group.intended),
        priority=int(row.get("priority", group.priority)),
        model=row.get("model", group.model),
    )


def _from_csv(schema: Schema, group: Miners, folder: Path) -> tuple[list[MinerEntry], list[Problem]]:
    name = group.csv or ""
    try:
        rows, mistakes = read_inventory((folder / name).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = f"cannot be read: {getattr(error, 'strerror', None) or error}"
        return [], [Problem(file=name, key="", reason=reason)]
    known = {"site", *(feeder.id for feeder in schema.feeder)}
    entries = []
    for row in rows:
        place = Place(host=row["host"], port=_port(row, "port"), http_port=_port(row, "http_port"))
        entry = _entry(group, place, row)
        entries.append(entry)
        if entry.feeder not in known:
            mistakes.append(f"{entry.id}: feeder {entry.feeder} is no feeder")
        if not level_is_valid(entry.intended):
            mistakes.append(f"{entry.id}: intended {entry.intended} is no level")
        if entry.credentials is not None and entry.credentials not in schema.credentials:
            mistakes.append(f"{entry.id}: credentials {entry.credentials} is not in [credentials]")
    return entries, [Problem(file=name, key="", reason=mistake) for mistake in mistakes]


def _port(row: dict[str, str], name: str) -> int | None:
    return int(row[name]) if name in row else None


def _not_yet(schema: Schema) -> Iterator[NotYet]:
    """Name what is configured and not built: the one table that later work shortens."""
    table: list[tuple[str, bool, bool]] = [
        ("site.jurisdiction", schema.site.jurisdiction is not None, False),
        ("connection", bool(schema.connection), True),
        ("outlet", bool(schema.outlet), True),
        ("safety_input", bool(schema.safety_input), True),
        ("discovery.networks", bool(schema.discovery.networks), False),
        ("discovery.adopt", schema.discovery.adopt, False),
        ("tariff.file", schema.tariff.file is not None, False),
        ("revenue.hashprice_per_ph_day", schema.revenue.hashprice_per_ph_day > 0, False),
        ("price.act", schema.price.act, False),
        ("orders.schedule", schema.orders.schedule is not None, True),
        ("remedies.restart", schema.remedies.restart, False),
        ("remedies.reboot", schema.remedies.reboot, False),
        ("remedies.outlet_cycle", schema.remedies.outlet_cycle, False),
        ("control.allow_hard_cut", schema.control.allow_hard_cut, False),
        ("notify.webhooks", bool(schema.notify.webhooks), False),
        ("store.url", schema.store.url.startswith("postgresql"), True),
        *((f"orders.signals.{name}", True, True) for name in schema.orders.signals),
        *(
            (f"meter.{at}.kind", meter.kind != "mqtt" or meter.role != "billing", True)
            for at, meter in enumerate(schema.meter)
        ),
        *((f"feeder.{at}.max_kva", feeder.max_kva is not None, True) for at, feeder in enumerate(schema.feeder)),
        *(row for name, issuer in schema.orders.issuers.items() for row in _issuer_not_yet(name, issuer)),
    ]
    return (NotYet(key=key, loosens=loosens) for key, used, loosens in table if used)


def _issuer_not_yet(name: str, issuer: Issuer) -> Iterator[tuple[str, bool, bool]]:
    key = f"orders.issuers.{name}"
    yield f"{key}.keys", bool(issuer.keys), False
    yield f"{key}.heartbeat_timeout_s", issuer.heartbeat_timeout_s is not None, True
    yield f"{key}.feeders", issuer.feeders is not None and issuer.feeders != ["site"], False
    yield f"{key}.max_shed_kw", issuer.max_shed_kw is not None, False


def _warnings(schema: Schema) -> Iterator[tuple[str, str]]:
    if schema.control.mode == "observe":
        yield "control.mode", "observe: nothing is sent to any machine"
    if not any(meter.role == "billing" for meter in schema.meter):
        yield "meter", "there is no billing meter: the draw is what machines say, with a margin"
    needs = [meter.id for meter in schema.meter if meter.kind == "mqtt"]
    needs += [name for name, issuer in schema.orders.issuers.items() if "mqtt" in issuer.transports]
    if schema.mqtt.url is None and needs:
        yield "mqtt.url", f"there is no broker, and {', '.join(needs)} needs one"
    for name, issuer in schema.orders.issuers.items():
        if not issuer.keys and not issuer.unsigned:
            yield f"orders.issuers.{name}", "can never order: it has no key and is not unsigned"
        if not issuer.classes:
            yield f"orders.issuers.{name}.classes", "can never order: it may issue no class"
    if schema.http.public_read and not schema.http.bind.startswith(("127.", "localhost", "[::1]")):
        yield "http.public_read", "counts on loopback only: reading over the network needs a token"
    if not schema.miners:
        yield "miners", "there are no machines"
