"""What every simulated firmware answers, recorded: a tape for each conversation that its driver holds with it.

No socket: the lanes' requests go straight to the faces, whose clock is moved by what is said. The same tapes each time.
"""

import asyncio
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from unittest import mock

from drivers import registry
from drivers.errors import DeviceError, NotListening, Unreachable
from drivers.identify import identify
from drivers.interface import (
    Exchange,
    Identity,
    LimitPower,
    Locate,
    Pause,
    Reboot,
    Reply,
    SetMode,
    Sleep,
    Target,
    Wake,
    Want,
    Work,
)
from drivers.transports.http_lane import HttpLane
from drivers.transports.lanes import Lanes
from simulators.firmwares import API_PORT, FIRMWARES, WEB_PORT, Footing, firmware_names
from simulators.machines import MixRow, Place, models
from simulators.mix import machine
from simulators.physics import Physics

HOST = "127.0.0.1"
BEGAN = 1_700_000_000.0
SETTLED_S, STRIDE_S = 60, 5
QUICKER = 0.01
"""Of the machines' own delays."""
NOTHING = b"\0"
DEADLINE_S = 30.0


class Leaping(asyncio.SelectorEventLoop):
    """A loop whose time leaps to what is due next, so that nobody waits."""

    def __init__(self):
        self._leapt_s = 0.0
        super().__init__()

    def time(self):
        """Return the time as it has leapt."""
        return self._leapt_s

    def _run_once(self):
        if not self._ready and self._scheduled:
            self._leapt_s = max(self._leapt_s, self._scheduled[0]._when)
        super()._run_once()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tape:
    """One conversation as it went: what was asked, what came of it."""

    firmware: str
    driver: str
    subject: object  # None: who are you; a Want, or a command
    identity: Identity | None
    target: Target
    said: tuple[tuple[Exchange, Reply | DeviceError], ...]

    @property
    def name(self):
        """What it is of, in short."""
        return f"{self.firmware} {self.subject or 'identify'}"

    def conversation(self):
        """Begin it anew, with a driver that knows nothing yet."""
        if self.subject is None:
            return identify(self.target)
        driver = registry.row(self.driver).create(self.target, self.identity)
        return driver.read(self.subject) if isinstance(self.subject, Want) else driver.send(self.subject)


class FaceSockets:
    """Stands where the socket lane does: hands requests to one machine's faces."""

    def __init__(self, loop, faces, physics):
        self.loop, self.physics = loop, physics
        self.faces = faces
        self.tasks = set()

    def ask(self, address, ask, _timeout_s, answered, whole=None):
        face = self.faces.get(address[1])
        task = self.loop.create_task(self._answer(face, ask, answered))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _answer(self, face, ask, answered):
        self.physics.step(1.0)
        if face is None:
            answered(NotListening("connection refused"))
            return
        try:
            async with asyncio.timeout(DEADLINE_S):
                reply = await face.answer(0, ask.request)
        except TimeoutError:
            reply = None
        answered(Unreachable("no complete answer in time") if not reply else _ended(reply, ask))

    def pause(self, seconds, answered):
        self.physics.step(seconds)
        self.loop.call_later(seconds, answered, None)

    def close(self):
        """Nothing is open."""


def _ended(reply, ask):
    return reply.partition(NOTHING)[0] if ask.ends.value == "nul" and not reply.startswith(b"HTTP/") else reply


class Recorder:
    """One machine of one firmware, and who speaks with it."""

    def __init__(self, firmware, model):
        self.firmware, self.model = firmware, model
        row = MixRow(make=model.make, model=model.model, share=1, firmware=firmware.name)
        api, web = firmware.api_port or API_PORT, firmware.web_port or WEB_PORT
        made = machine(0, row, Place(host=HOST, port=api, http_port=web), seed=1)
        self.physics = Physics([made], 1, delay_scale=QUICKER)
        self.physics.start_warm()
        footing = Footing(machines={0: made}, physics=self.physics, obeys=lambda _: True, wrote=lambda *_: None)
        faces = firmware.faces(footing)
        self.faces = {api: faces.api} | ({web: faces.web} if faces.web is not None else {})
        self.target = Target(host=HOST, port=api, http_port=web)
        self.identity = None
        self.driver = ""

    async def tapes(self):
        """Hold every conversation that there is, asleep and awake."""
        told = [await self._tape(None)]
        if self.identity is None:
            raise AssertionError(f"{self.firmware.name}: {told[0].said}")
        told += [await self._tape(want) for want in Want]
        for command in self._commands():
            told.append(await self._tape(command))
            self._settle()
            told += [await self._tape(want) for want in Want]
        return told

    def _settle(self):
        for _ in range(0, SETTLED_S, STRIDE_S):
            self.physics.step(STRIDE_S)

    def _commands(self):
        abilities = self.identity.abilities
        nominal_w = self.identity.nominal_w or 3000.0
        may = (
            (abilities.sleep, (Sleep(), Sleep(), Wake())),
            (abilities.power_limit, (LimitPower(limit_w=round(0.75 * nominal_w)), SetMode(mode="full"))),
            (abilities.low, (SetMode(mode="low"), SetMode(mode="full"))),
            (abilities.profiles, [SetMode(mode=one.name) for one in abilities.profiles[:1]] + [SetMode(mode="full")]),
            (abilities.locate, (Locate(on=True), Locate(on=False))),
            (abilities.reboot, (Reboot(),)),
        )
        return [command for ability, commands in may if ability for command in commands]

    async def _tape(self, subject):
        lanes, said = Lanes(), []
        lanes._sockets.close()
        lanes._sockets = FaceSockets(lanes._loop, self.faces, self.physics)
        lanes._http = HttpLane(lanes._sockets, lanes._loop)
        blank = Tape(
            firmware=f"{self.model.model} {self.firmware.name}",
            driver=self.driver,
            subject=subject,
            identity=self.identity,
            target=self.target,
            said=(),
        )
        try:
            found = await lanes.run(self.target, listened(blank.conversation(), said))
        except DeviceError:
            found = None
        finally:
            await lanes.close()
        if subject is None and isinstance(found, Identity):
            self.identity, self.driver = found, found.driver
        return Tape(
            firmware=blank.firmware,
            driver=self.driver,
            subject=subject,
            identity=None if subject is None else self.identity,
            target=self.target,
            said=tuple(said),
        )


def listened(conversation, said):
    """Pass a conversation through, and keep what is asked and answered in it; pauses and work are its own."""
    reply = None
    while True:
        try:
            exchange = conversation.throw(reply) if isinstance(reply, DeviceError) else conversation.send(reply)
        except StopIteration as end:
            return end.value
        try:
            reply = yield exchange
        except DeviceError as error:
            reply = error
        if not isinstance(exchange, Pause | Work):
            said.append((exchange, reply))


@contextmanager
def standing_still():
    """Let the host's clock stand and its chance repeat, so that the same is said each time."""
    numbers = count(1)
    with ExitStack() as patches:
        patches.enter_context(mock.patch("time.time", return_value=BEGAN))
        patches.enter_context(mock.patch("secrets.token_hex", lambda size=16: f"{next(numbers):0{2 * size}x}"))
        patches.enter_context(mock.patch("secrets.token_bytes", lambda size=16: bytes(size)))
        yield


def recorded():
    """Return the tapes of every simulated firmware."""
    with standing_still(), asyncio.Runner(loop_factory=Leaping) as runner:
        return [tape for firmware, model in _kinds() for tape in runner.run(Recorder(firmware, model).tapes())]


def _kinds():
    """Return each firmware with a model that it runs on; a maker's own with one of each of its generations."""
    for firmware in FIRMWARES:
        rows = {row.generation: row for row in models().values() if row.make == firmware.make}
        own = firmware.name == firmware_names(firmware.make)[0]
        chosen = rows.values() if own else [rows.get("X19", next(iter(rows.values())))]
        yield from ((firmware, row) for row in chosen)
