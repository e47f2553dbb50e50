"""Some of the winter's machines are the simulators' own, of one firmware after the other, begun at the seed's.

The real drivers read and tell them, over the real lanes, byte for byte; only the sockets are in memory. The other
machines are columns (`world`), for a face costs fifty times what one of those does.
"""

import asyncio

import numpy as np

from drivers.errors import Unreachable
from drivers.interface import Ends
from simulators.farm import WAKING
from simulators.firmwares import API_PORT, FIRMWARES, WEB_PORT, Footing
from simulators.machines import MixRow, Place, models
from simulators.mix import PLAIN, machine
from simulators.physics import Level, Phase, Physics

SILENT = Unreachable("no complete answer in time")
SHORTEST_STEP_S = 1.0


class Faces:
    """The machines of some rows of a world: their physics, and who answers at which address and port."""

    def __init__(self, world, rows, seed):
        self.world, self.rows = world, np.asarray(rows, np.int64)
        obeying = [firmware for firmware in FIRMWARES if firmware.obeys]
        self.machines = [
            _made(at, obeying[(at + seed) % len(obeying)], world.hosts[row], seed) for at, row in enumerate(self.rows)
        ]
        self.physics = Physics(self.machines, seed)
        self.physics.start_warm()
        self.at = {}
        footing = Footing(
            machines=dict(enumerate(self.machines)), physics=self.physics, obeys=self._obeys, wrote=self._wrote
        )
        built = {firmware.name + firmware.make: firmware.faces(footing) for firmware in obeying}
        for made in self.machines:
            answers = built[made.firmware + made.make]
            for port, face in ((made.port, answers.api), (made.http_port, answers.web), (API_PORT, answers.old)):
                if port is not None and face is not None:
                    self.at.setdefault((made.host, port), (made.index, face))

    def _obeys(self, index):
        return not self.world.lying[self.rows[index]]

    def _wrote(self, index, command):
        self.world.acknowledged(self.rows[index], command, wakes=command.startswith(WAKING))

    def pass_by(self, seconds):
        """Let time pass, in steps that end where something begins."""
        physics = self.physics
        while seconds > 0.0:
            soon = np.concatenate([physics.left_s[physics.left_s > 0], physics.next_in_s[physics.next_level >= 0]])
            step_s = min(seconds, max(SHORTEST_STEP_S, float(soon.min(initial=np.inf))))
            physics.step(step_s)
            seconds -= step_s

    def chosen(self, rows):
        """Return which of the machines are among these rows of the world."""
        return np.isin(self.rows, rows)

    def is_awake(self):
        """Return which of them draw, or are about to, whatever they were told."""
        return (self.physics.phase > Phase.BOOTING) & (self.physics.phase != Phase.SLEEPING)

    def is_up(self):
        """Return which of them have a network."""
        return self.physics.phase > Phase.BOOTING

    def is_told_asleep(self):
        """Return which of them sleep, or are about to."""
        told = np.where(self.physics.next_level >= 0, self.physics.next_level, self.physics.level)
        return (told == Level.SLEEP) | ~self.physics.board_on.any(axis=1)

    def answer(self, address, request):
        """Return what will be what a machine says to a request. Raises Unreachable."""
        index, face = self.at.get(address, (None, None))
        if face is None or not self.world.reaches(self.rows[index]):
            raise SILENT
        return face.answer(index, request)


class MemorySockets:
    """Stands where the socket lane does: a face answers as soon as its firmware does, by the loop's time."""

    def __init__(self, faces):
        self._faces = faces
        self._loop = asyncio.get_running_loop()
        self._closed = False

    def ask(self, address, ask, _timeout_s, answered, whole=None):
        """Hand a request over."""
        try:
            answer = self._faces.answer(address, ask.request)
        except Unreachable as error:
            self.soon(answered, error)
            return
        self._go_on(answer, answered, till_nul=whole is None and ask.ends is Ends.NUL)

    def _go_on(self, answer, answered, *, till_nul):
        """Let a face go on with its answer, as a task would, until it has one."""
        try:
            waits_for = answer.send(None)
        except StopIteration as end:
            told = SILENT if end.value is None else end.value
            self.soon(answered, told.partition(b"\0")[0] if till_nul and told is not SILENT else told)
        else:
            waits_for.add_done_callback(lambda _done: self._go_on(answer, answered, till_nul=till_nul))

    def pause(self, seconds, answered):
        """Answer after so many seconds."""
        self._loop.call_later(seconds, self._answered, answered, None)

    def close(self):
        """Answer nobody any more."""
        self._closed = True

    def soon(self, answered, reply):
        """Answer when whoever asks has returned."""
        self._loop.call_soon(self._answered, answered, reply)

    def _answered(self, answered, reply):
        if not self._closed:
            answered(reply)


def _made(at, firmware, host, seed):
    mine = [model for model in models().values() if model.make == firmware.make]
    fitting = [model for model in mine if model.generation not in firmware.mute_on]
    model = next((model for model in fitting if model.generation == PLAIN), fitting[0])
    row = MixRow(make=firmware.make, model=model.model, share=1, firmware=firmware.name)
    web = (firmware.web_port or WEB_PORT) if firmware.web else None
    place = Place(host=host, port=firmware.api_port or API_PORT, http_port=web)
    return machine(at, row, place, seed)
