"""The agent's configuration that fits a farm, as text: where its machines are, its meter, who may order."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from simulators.firmwares import can_be_told
from simulators.machines import Machine
from simulators.meter import MeterOptions
from simulators.meter_points import FEEDER_UNIT, HOUSE_UNIT, feeders_of
from simulators.places import hosts_of

CONNECTION_SHARE = 1.3
MAP = "eastron-sdm630"
TOLD = "told"
"""The tag of machines that can be told to sleep, where there are others: what those draw no order ends."""
CLASSES = ("law", "grid_emergency", "contract", "market", "operator")


@dataclass(frozen=True, slots=True, kw_only=True)
class MetersAt:
    """The farm's meters: how good they are, at which Modbus port, and how many feeders have one."""

    options: MeterOptions
    port: int
    feeders: int = 0


def config_toml(
    machines: Sequence[Machine],
    *,
    site: str,
    house_w: float,
    meters: MetersAt,
    mqtt_url: str | None,
) -> str:
    """Return a farm.toml; without a broker its meter is on Modbus. An issuer for each class, and one for all."""
    connection_kw = CONNECTION_SHARE * sum(machine.nameplate_w for machine in machines) / 1000
    parts = [
        _site(site, connection_kw, house_w),
        *([] if mqtt_url is None else [_table("[mqtt]", url=mqtt_url)]),
        _table("[[meter]]", id="main", role="billing", **(_at(meters, 1) if mqtt_url is None else _spoken(meters))),
        *_feeders(machines, meters),
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


def _feeders(machines: Sequence[Machine], meters: MetersAt) -> Iterator[str]:
    """Yield the machines, on their feeders where there are any, with the feeders' meters and the house's."""
    if meters.feeders == 0:
        obey = [made for made in machines if can_be_told(made)]
        mute = [made for made in machines if not can_be_told(made)]
        if obey:
            yield _table("[[miners]]", hosts=hosts_of(obey), **({"tags": [TOLD]} if mute else {}))
        if mute:
            yield _table("[[miners]]", hosts=hosts_of(mute))
        return
    yield _table("[[meter]]", id="house", role="house", **_at(meters, HOUSE_UNIT))
    on = feeders_of(len(machines), meters.feeders).tolist()
    for number in range(1, meters.feeders + 1):
        name, mine = f"T{number}", [made for made, at in zip(machines, on, strict=True) if at == number - 1]
        yield _table("[[feeder]]", id=name)
        yield _table("[[meter]]", id=name.lower(), role="feeder", feeder=name, **_at(meters, FEEDER_UNIT + number))
        yield _table("[[miners]]", feeder=name, hosts=hosts_of(mine))


def _spoken(meters: MetersAt) -> dict[str, object]:
    options = meters.options
    said = {"period_s": options.period_s, "delay_s": options.delay_s, "error_pct": options.error_pct}
    return {"kind": "mqtt", **said}


def _at(meters: MetersAt, unit: int) -> dict[str, object]:
    return {**_spoken(meters), "kind": "modbus", "address": f"127.0.0.1:{meters.port}", "unit": unit, "map": MAP}


def _table(head: str, **keys: object) -> str:
    return "\n".join([head, *(f"{key} = {json.dumps(value)}" for key, value in keys.items())]) + "\n"
