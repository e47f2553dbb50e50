"""The agent's configuration that fits a farm, as text: where its machines are, its meter, who may order."""

from __future__ import annotations

import json
from collections.abc import Sequence

from simulators.machines import Machine
from simulators.meter import MeterOptions
from simulators.places import hosts_of

CONNECTION_SHARE = 1.3
CLASSES = ("law", "grid_emergency", "contract", "market", "operator")


def config_toml(
    machines: Sequence[Machine],
    *,
    site: str,
    house_w: float,
    meter: MeterOptions,
    meter_port: int,
    mqtt_url: str | None,
) -> str:
    """Return a farm.toml; without a broker its meter is on Modbus. An issuer for each class, and one for all."""
    connection_kw = CONNECTION_SHARE * sum(machine.nameplate_w for machine in machines) / 1000
    parts = [
        _site(site, connection_kw, house_w),
        *([] if mqtt_url is None else [_table("[mqtt]", url=mqtt_url)]),
        _meter(meter, None if mqtt_url is not None else meter_port),
        _table("[[miners]]", hosts=hosts_of(machines)),
        _table("[orders.issuers.dispatcher]", classes=CLASSES, unsigned=True),
        *(_table(f"[orders.issuers.{name}]", classes=[name], unsigned=True) for name in CLASSES),
    ]
    return "\n".join(parts)


def _site(site: str, connection_kw: float, house_w: float) -> str:
    return _table(
        "[site]",
        id=site,
        timezone="Asia/Bishkek",
        currency="KGS",
        jurisdiction="KG",
        connection_kw=max(round(connection_kw, 1), 0.1),
        house_w=house_w,
    )


def _meter(meter: MeterOptions, port: int | None) -> str:
    said = {"period_s": meter.period_s, "delay_s": meter.delay_s, "error_pct": meter.error_pct}
    if port is None:
        return _table("[[meter]]", id="main", role="billing", kind="mqtt", **said)
    where = {"kind": "modbus", "address": f"127.0.0.1:{port}", "unit": 1, "map": "eastron-sdm630"}
    return _table("[[meter]]", id="main", role="billing", **where, **said)


def _table(head: str, **keys: object) -> str:
    return "\n".join([head, *(f"{key} = {json.dumps(value)}" for key, value in keys.items())]) + "\n"
