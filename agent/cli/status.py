"""`status`: one site at a glance."""

from __future__ import annotations

from typing import Any

from agent.cli.client import Agent
from agent.cli.failure import UNREACHABLE, Failure
from agent.cli.offline import Remembered, remembered
from agent.cli.options import Json, Reach, spread
from agent.cli.order_words import demand, in_force, next_change
from agent.cli.safety import tripped
from agent.cli.show import as_json, figure, kw, loud, plain

LEAST_W = 1.0
"""What is less is a rounding of figures, and worth no alarm."""
NO_AGENT = " NO AGENT RUNS: nobody holds the site to anything; this is what its store knew last "


@spread
def status(reach: Reach, as_json_: Json = False) -> None:
    """Show what the site draws, what binds it, and what its machines do."""
    try:
        agent = reach.agent()
        site = agent.get("/api/v1/site")
    except Failure as failure:
        store = None if reach.url is not None or failure.code != UNREACHABLE else remembered(reach, None)
        if store is None or not store.is_there:
            raise
        told_by(store, as_json_=as_json_)
        return
    if as_json_:
        as_json(site)
        return
    glance(agent, site)


def glance(agent: Agent, site: dict[str, Any]) -> None:
    """Print a running agent's site: draw and cap, orders in force, whatever is wrong."""
    orders = agent.items("/api/v1/orders", {})
    _site(site)
    for order in filter(in_force, orders):
        _order(order)
    _tripped(site.get("safety", []))
    _cut(site.get("outlets", []))
    _silent(site.get("meters", []))
    for reason in agent.not_ready():
        print(f"not ready: {plain(reason)}")


def told_by(store: Remembered, *, as_json_: bool) -> None:
    """Say what a store knew last. Raises Failure."""
    from agent.cli.status_store import last_known  # noqa: PLC0415 - quick help needs it not

    site, orders = last_known(store)
    if as_json_:
        as_json({**site, "orders": orders})
        return
    loud(NO_AGENT)
    print(f"{plain(site['site'])} at {plain(site['at'])}, {plain(site['mode'])}")
    binding = f" by order {plain(site['binding_order'])}" if site["binding_order"] else ""
    print(f"cap       {kw(site['cap_w'])}{binding}")
    for order in filter(in_force, orders):
        _order(order)


def _site(site: dict[str, Any]) -> None:
    print(f"{plain(site['site'])} at {plain(site['at'])}")
    if site["mode"] != "enforce":
        loud(f" {plain(site['mode']).upper()}: nothing is sent to any machine ")
    print(f"power     {kw(site['power_w'])} by {plain(site['power_source'])}, house {kw(site['house_w'])}")
    binding = f" by order {plain(site['binding_order'])}" if site["binding_order"] else ""
    print(f"cap       {kw(site['cap_w'])}{binding}, headroom {kw(site['headroom_w'])}")
    if (site["excess_w"] or 0) >= LEAST_W:
        loud(f" over the cap by {kw(site['excess_w'])} ")
    if (site["shortfall_w"] or 0) >= LEAST_W:
        loud(f" shortfall {kw(site['shortfall_w'])}: this much cannot be shed ")
    states = ", ".join(f"{count} {plain(state)}" for state, count in site["miners"].items() if count)
    print(f"miners    {states or 'none'}; {figure(site['hashrate_ths'], 'TH/s', 1)}")
    if (price := site.get("price")) is not None:
        _price(price)
    if (seals := site.get("seals")) and seals["miners"]:
        _seals(seals)
    if (climate := site.get("climate")) is not None:
        _climate(climate)


def _price(price: dict[str, Any]) -> None:
    """Say what price does, or would have done and earned."""
    counts = f"{price['stopped']} machines stopped, {price['lowered']} at a level between"
    verb, earned = ("acts", "earned") if price["act"] else ("would act", "would have earned")
    currency = plain(price["currency"])
    if price["per_kwh"] is None:
        print("price     not known, or what hashing earns is not: nothing is weighed")
        return
    since = f" since {plain(price['since'])}" if price["since"] else ""
    gained = f"{earned} {float(price['gained']):,.2f} {currency}{since}"
    print(f"price     {float(price['per_kwh']):.4f} {currency} a kWh {verb}: {counts}; {gained}")
    if float(price.get("expected_per_kwh") or 0):
        print(f"          of it {float(price['expected_per_kwh']):.4f} for the chance that now is the system's peak")
    if (guard := price.get("guard")) is not None:
        _guard(guard, price["act"], currency)


def _guard(guard: dict[str, Any], acts: bool, currency: str) -> None:
    """Say which peaks the guard keeps to, or would, and what charges were avoided."""
    peaks = ", ".join(f"{plain(peak['charge'])} at {figure(peak['keeps_to_kw'], 'kW', 1)}" for peak in guard["peaks"])
    if peaks:
        print(f"peaks     {'kept' if acts else 'would be kept'}: {peaks}; {guard['lowered']} machines lowered for it")
    if guard["unknown"]:
        names = ", ".join(plain(name) for name in guard["unknown"])
        print(
            f"peaks     not known: {names}; the ledger begins within the month, and nothing is guarded until it is over"
        )
    for one in guard.get("unguarded", ()):
        print(f"peaks     not guarded: {plain(one['charge'])}: {plain(one['why'])}")
    if float(guard["avoided"]):
        verb = "avoided" if acts else "that would have been avoided"
        print(f"          charges on peaks {verb}: {float(guard['avoided']):,.2f} {currency}")


def _climate(climate: dict[str, Any]) -> None:
    """Say who is too hot, and whether loops must stay pumped; nothing where all is well."""
    air = "nobody says how warm it is" if climate["ambient_c"] is None else f"{climate['ambient_c']:.1f} °C at the most"
    if climate["hot"]:
        print(f"heat      {climate['hot']} machines are too hot: they give up power first, and are not raised; {air}")
    if climate["frost"]:
        print(f"frost     {climate['loops']} machines' loops must stay pumped, and are not cut; {air}")


def _seals(seals: dict[str, Any]) -> None:
    print(f"seals     {seals['miners']} machines behind {plain(', '.join(seals['numbers']))}")
    for broken in seals["broken"]:
        loud(f" {plain(broken['miner'])} draws {kw(broken['power_w'])} behind seal {plain(broken['number'])} ")
    for feeder in seals["broken_feeders"]:
        loud(f" feeder {plain(feeder)} draws though all its machines are sealed ")


def _tripped(inputs: list[dict[str, Any]]) -> None:
    for item in inputs:
        if (why := tripped(item)) is not None:
            loud(f" SAFETY: {plain(item['id'])} sheds {plain(item['feeder'])}: {plain(why)}; hashwatt safety clear ")


def _cut(outlets: list[dict[str, Any]]) -> None:
    for item in outlets:
        if item["cut"]:
            waits = "" if item["waits"] is None else f"; not given back yet: {plain(item['waits'])}"
            print(f"outlet    {plain(item['id'])} is cut from {plain(', '.join(item['feeders']))}{waits}")


def _silent(meters: list[dict[str, Any]]) -> None:
    """Name the silent meters that readiness does not name."""
    for meter in meters:
        if not meter["fresh"] and meter["role"] not in {"billing", "connection"}:
            since = "" if meter["age_s"] is None else f" for {figure(meter['age_s'], 's')}"
            which = f"{plain(meter['id'])} ({plain(meter['role'])} at {plain(meter['feeder'])})"
            print(f"meter     {which} is silent{since}")


def _order(order: dict[str, Any]) -> None:
    document = order["document"]
    print(
        f"order     {plain(document['order_id'])} ({plain(order['class'])}, {plain(order['issuer'])}) "
        f"{plain(order['state'])}: {demand(document)}; {next_change(order)}"
    )
