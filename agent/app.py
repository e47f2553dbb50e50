"""The only place that builds things: configuration to objects, to one task group, to an ordered end."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import structlog

from agent import settings
from agent.clock import SystemClock, TrustedClock
from agent.config import Config
from agent.control.absence import Away
from agent.control.clockwork import Confirming, watch_absence, watch_civil_time, watch_loop
from agent.control.controller import Controller, Parts
from agent.control.desk import Desk
from agent.control.dispatcher import Dispatcher
from agent.control.garbage import keep_garbage_small
from agent.control.journal import Journal
from agent.control.lockout import Lockout
from agent.control.metering import Metering
from agent.control.poller import Drivers, Poller
from agent.control.recovery import Recovery
from agent.descriptors import commands_at_once
from agent.facts import AgentStarted, AgentStopped, AnyFact, OrderMoved
from agent.fleet.fleet import Fleet
from agent.fleet.holds import Holds
from agent.fleet.own_figures import OwnFigures
from agent.fleet.seals import Seals
from agent.inputs.order_document import parse_known, parse_order
from agent.kept_up import kept_up
from agent.ledger.attest import Attest
from agent.ledger.history import History
from agent.ledger.ledger import Ledger
from agent.ledger.lock import StoreLock
from agent.ledger.store import CannotWrite, Store
from agent.links.mqtt import MqttLink
from agent.orders.order_book import OrderBook
from agent.outputs.acks import acks_of
from agent.outputs.http.address import tell_address
from agent.outputs.http.server import Access, HttpServer, Tokens
from agent.outputs.http.tokens import local_token, make_local_token
from agent.outputs.metrics import Metrics
from agent.outputs.sight import Sight
from agent.outputs.standing import meter_silence
from agent.proof.evidence_key import signing_key
from agent.wiring.attesting import Attesting
from agent.wiring.capability_room import CapabilityRoom
from agent.wiring.comings import Comings
from agent.wiring.day_terms import DayTerms
from agent.wiring.device_room import DeviceRoom
from agent.wiring.forgetting import Forgetting
from agent.wiring.http_desk import HttpDesk, Recalled, last_step
from agent.wiring.money import Books, open_books
from agent.wiring.notices import Notices
from agent.wiring.order_room import OrderRoom
from agent.wiring.pulse import Pulse
from agent.wiring.settling import Settling
from agent.wiring.state_topic import publish_state
from drivers import registry
from drivers.identify import identify
from drivers.models import models
from drivers.transports.lanes import Lanes

ROUNDS_OF_PROOF = 2
"""Polls of everybody after which what was heard is enough to raise by (design 3.1, start)."""
LAST_WORDS_S = 1.0
SWITCH_S = 0.0005
"""A thread that writes a scrape keeps the loop from coming back for so long, at each of its thousand system calls."""
log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """Where a running agent is to be found."""

    address: str  # host:port of its HTTP server
    token: str  # the local operator's


@dataclass(frozen=True, slots=True, kw_only=True)
class _Built:
    """The objects of one agent."""

    config: Config
    clock: TrustedClock
    fleet: Fleet
    book: OrderBook
    holds: Holds
    ledger: Ledger
    attest: Attest
    attesting: Attesting
    journal: Journal
    metering: Metering
    books: Books
    away: Away
    lanes: Lanes
    poller: Poller
    controller: Controller
    devices: DeviceRoom
    desk: Desk
    metrics: Metrics
    link: MqttLink | None
    orders: OrderRoom
    capability: CapabilityRoom
    comings: Comings
    notices: Notices


async def serve(
    config: Config,
    state_dir: Path,
    stop: asyncio.Event,
    *,
    delay_scale: float = 1.0,
    ready: Callable[[Running], None] = lambda _running: None,
) -> None:
    """Run an agent until `stop`; it wakes nothing when it ends.

    Sets `stop` itself when it is to begin again, without machines that are out of the inventory. Raises Locked,
    CannotOpen, ConfigError for a secret, OSError for an address that is taken. `delay_scale` shortens what machines
    are given time for, where simulated ones are as much faster.
    """
    sys.setswitchinterval(SWITCH_S)
    with _lock_of(state_dir):
        ledger = Ledger(Store(config.schema.store.url, state_dir))
        try:
            attest = Attest(ledger, signing_key(config, state_dir), config.schema.site.id, version("hashwatt"))
            built = _build(config, ledger, attest, delay_scale)
            try:
                await _live(built, state_dir, stop, ready)
            finally:
                await built.lanes.close()
        finally:
            await ledger.close()


def _lock_of(state_dir: Path) -> StoreLock:
    state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    return StoreLock(state_dir / "hashwatt.lock")


def _build(config: Config, ledger: Ledger, attest: Attest, delay_scale: float) -> _Built:
    config, comings = Comings.of(config, ledger)
    models()  # the table takes a tenth of a second to read: before the loop has work
    clock = TrustedClock(SystemClock())
    feeders = settings.feeders_of(config)
    fleet = Fleet(settings.miners_of(config), feeders, settings.fleet_policy_of(config))
    book = OrderBook(settings.book_policy_of(config), parse_known, random.random)
    prefix, broker = settings.prefix_of(config), settings.broker_of(config)
    journal = Journal(ledger, lambda facts: acks_of(facts, prefix), CannotWrite, clock)
    polling = config.schema.polling
    memory_s = 2 * polling.interval_s + settings.meter_lag_s(config)
    meter_policy = settings.meter_policy_of(config)
    now = clock.now()
    others = settings.other_meter_policies_of(config)
    metering = Metering(fleet, settings.house_of(config), meter_policy, others=others, memory_s=memory_s, now=now)
    own_figures = OwnFigures(settings.ladder_maker(config, delay_scale))
    lanes = Lanes(polling.source_address, polling.timeout_s, commands_at_once())
    ways = Drivers(
        identify=identify,
        create=registry.create,
        ladder=own_figures.ladder,
    )
    poller = Poller(fleet, settings.targets_of(config), lanes, ways, settings.poll_policy_of(config), clock)
    poller.lockout = Lockout(settings.lockouts_of(config))
    holds = Holds()
    parts = Parts(
        fleet=fleet,
        book=book,
        journal=journal,
        dispatcher=Dispatcher(fleet, poller, clock, commands_at_once()),
        metering=metering,
        holds=holds,
        seals=Seals(),
        clock=clock,
        proved=lambda: poller.rounds >= ROUNDS_OF_PROOF or (fleet.everyone_known() and metering.has_spoken),
        safety=settings.safety_of(config, now.mono),
        outlets=settings.outlets_of(config),
        own_figures=own_figures,
    )
    controller = Controller(parts, settings.limits_of(config, feeders))
    desk = Desk(controller, lambda raw, topic_id: parse_order(raw, topic_id=topic_id))
    return _Built(
        config=config,
        clock=clock,
        fleet=fleet,
        book=book,
        holds=holds,
        ledger=ledger,
        attest=attest,
        attesting=Attesting(attest, clock),
        journal=journal,
        metering=metering,
        books=open_books(config, fleet, metering, journal, clock),
        away=Away(metering, book),
        lanes=lanes,
        poller=poller,
        controller=controller,
        devices=DeviceRoom(config, controller, clock),
        desk=desk,
        metrics=Metrics(site=config.schema.site.id, version=version("hashwatt")),
        link=None if broker is None else MqttLink(broker, ledger, random.Random()),  # noqa: S311 - jitter, no secret
        orders=OrderRoom(config, desk, controller, clock),
        capability=CapabilityRoom(config, controller, clock),
        comings=comings,
        notices=Notices(config, journal, clock),
    )


async def _live(built: _Built, state_dir: Path, stop: asyncio.Event, ready: Callable[[Running], None]) -> None:
    pulse = _pulse(built, state_dir)
    recovery = _recovered(built, pulse)
    built.comings.bind(built.controller, built.poller, stop.set)
    _listen(built, pulse)
    mode = built.config.schema.control.mode
    started = AgentStarted(at=built.clock.now().at, version=version("hashwatt"), mode=mode, away_since=recovery.last_at)
    await built.journal.record([started])
    log.info("started", site=built.config.schema.site.id, mode=mode, miners=len(built.fleet))
    if mode == "observe":
        log.warning('observe: nothing is sent to any machine; [control] mode = "enforce" changes that')
    token = make_local_token(state_dir)
    server = _server(built, token, pulse)
    try:
        address = await _open(server, built.config.schema.http.bind)
        tell_address(state_dir, address)
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(kept_up(name, work), name=name)
                for name, work in _works(built, pulse, recovery).items()
            ]
            ready(Running(address=address, token=token))
            await stop.wait()
            for task in tasks:
                if task.get_name() != "mqtt":
                    task.cancel()
            await _say_goodbye(built)
            for task in tasks:
                task.cancel()
    finally:
        await server.stop()
        await pulse.close()
        (state_dir / "address").unlink(missing_ok=True)


def _recovered(built: _Built, pulse: Pulse) -> Recovery:
    """Put back what is remembered, and go on in its time."""
    seals = built.controller.parts.seals
    recovery = Recovery(built.fleet, built.book, built.holds, seals, built.metering.house, built.metering.peaks)
    recovery.replay(_overheard(built, pulse))
    built.clock.begin(recovery.last_at, doubted=recovery.clock_doubted, ran=recovery.ran)
    built.away.began(recovery.last_at, built.clock.now())
    built.poller.recognition.restore(recovery.remembered)
    index = built.fleet.index
    now = built.clock.now()
    left_alone = {index[miner]: at for miner, at in recovery.left_alone.items() if miner in index}
    built.poller.lockout.restore(left_alone, now)
    built.fleet.rising.restore((index[miner] for miner in recovery.rising if miner in index), now.mono)
    return recovery


def _overheard(built: _Built, pulse: Pulse) -> Iterator[AnyFact]:
    """Let the metrics hear of what orders went through in the lives before this one, and the page of the latest."""
    for fact in built.ledger.replay():
        pulse.remember(fact)
        built.books.replayed(fact)
        built.away.replayed(fact)
        built.controller.replayed(fact)
        built.orders.replayed(fact)
        built.notices.replayed(fact)
        if isinstance(fact, OrderMoved):
            built.metrics.comply.heard(fact)
        yield fact


async def _say_goodbye(built: _Built) -> None:
    """Write down where everything stands, and tell the broker that we go."""
    async with built.controller.turn:  # what was broken off by the stop writes what it had gathered first
        now = built.clock.now()
        last = [built.controller.powers(now), *built.books.close(now), *built.away.last_words(now)]
        last += built.controller.minutes.close(now) + built.controller.scoped_minutes.close(now)
        await built.journal.record([*last, AgentStopped(at=now.at)])
    await built.attesting.sign()
    if built.link is not None:
        await built.link.leave(LAST_WORDS_S)
    log.info("stopped")


def _works(built: _Built, pulse: Pulse, recovery: Recovery) -> dict[str, Callable[[], Coroutine[Any, Any, None]]]:
    """Return the long-lived tasks by name."""
    years = built.config.schema.store.evidence_years
    forgetting = Forgetting(built.ledger, built.controller, built.attesting.sign, built.clock, years)
    works: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
        "poller": built.poller.run,
        "controller": built.controller.run,
        "books": built.books.run,
        "attesting": built.attesting.run,
        "pulse": pulse.run,
        "forgetting": lambda: forgetting.run(recovery.last_at),
        "absence": lambda: watch_absence(built.clock, built.away, built.controller),
        "civil-time": lambda: watch_civil_time(built.clock, built.controller),
        "garbage": lambda: keep_garbage_small(built.clock, built.controller.parts.proved),
        "loop-lag": lambda: watch_loop(built.clock, built.metrics.loop_lag),
    }
    works |= built.comings.works() | built.orders.works() | built.notices.works()
    works |= built.devices.works() | built.desk.works() | Settling(built.ledger, built.books).works()
    if built.link is not None:
        link, prefix = built.link, settings.prefix_of(built.config)
        each_s = built.config.schema.polling.interval_s
        works["mqtt"] = link.run
        works["state"] = lambda: publish_state(link, f"{prefix}/state", _sight(built), built.clock, each_s)
        works["capability"] = lambda: built.capability.publish(link)
        works["heads"] = lambda: built.attesting.publish(link, f"{prefix}/evidence/head")
    return works


def _listen(built: _Built, pulse: Pulse) -> None:
    """Connect who tells to who listens."""
    metrics, poller = built.metrics, built.poller
    dispatcher = built.controller.parts.dispatcher
    built.journal.listeners += [metrics.heard, pulse.heard, built.books.heard, built.attesting.heard]
    poller.counts = dispatcher.counts = metrics
    poller.on_facts = dispatcher.on_facts = built.journal.note
    built.books.join(built.controller, built.link)
    if built.link is None:
        return
    built.journal.link = built.link
    built.orders.silence.on_link = metrics.link
    built.link.on_change = lambda up: metrics.link("mqtt", up)
    metrics.link("mqtt", False)
    built.orders.listen(built.link)
    built.devices.listen(built.link)


def _sight(built: _Built) -> Sight:
    return Sight(
        site=built.config.schema.site.id,
        mode=built.config.schema.control.mode,
        fleet=built.fleet,
        book=built.book,
        now=built.clock.now,
        decision=lambda: built.controller.decision,
        meter=lambda: built.metering.state(built.clock.now().mono),
        house_w=lambda: built.metering.house.in_force_w(built.clock.now().mono),
        holds=built.holds.by_miner,
        seals=built.controller.parts.seals,
        safety=built.controller.parts.safety,
        outlets=built.controller.parts.outlets,
        not_ready=lambda: tuple(_not_ready(built)),
        money=built.books.desk,
        meters=lambda: built.metering.views(built.clock.now().mono),
        links=lambda: {} if built.link is None else {"mqtt": built.link.connected.is_set()},
        capability=built.capability.now,
        timezone=built.config.schema.site.timezone,
        day_terms=DayTerms(built.config, built.controller, built.books, built.clock.now).asked,
    )


def _not_ready(built: _Built) -> list[str]:
    silence = meter_silence(built.metering.views(built.clock.now().mono))
    reasons = {
        "the first round of polls is not over": built.poller.rounds < 1 and not built.fleet.everyone_known(),
        "the ledger cannot be written": not built.journal.writable,
        "the broker is not reached": built.link is not None and not built.link.connected.is_set(),
        silence: silence is not None,
    }
    return [reason for reason, holds in reasons.items() if holds and reason is not None]


async def _open(server: HttpServer, bind: str) -> str:
    """Listen, and return where."""
    host, _, port = bind.rpartition(":")
    address = f"{host}:{await server.start(host.strip('[]'), int(port))}"
    log.info("the page is served", url=f"http://{address}/")
    return address


def _pulse(built: _Built, state_dir: Path) -> Pulse:
    ids = [miner.id for miner in built.fleet.miners]
    history = History(state_dir / "history.db", ids, settings.kept_of(built.config))
    return Pulse(_sight(built), history, built.clock)


def _server(built: _Built, token: str, pulse: Pulse) -> HttpServer:
    http = built.config.schema.http
    own, others = local_token(token), settings.tokens_of(built.config)
    access = Access(public_read=http.public_read, tokens=Tokens(tokens=(own, *others)))
    confirming = Confirming(built.clock, built.controller)
    recalled = Recalled(ledger=built.ledger, attest=built.attest, now=built.clock.now)
    desk = HttpDesk(built.desk, recalled, lambda raw: last_step(built.book, raw), confirming, built.comings.newcomers)
    return HttpServer(_sight(built), desk, built.metrics, access, pulse.watch())
