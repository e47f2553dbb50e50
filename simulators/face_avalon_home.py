"""The simulated Avalon of a home (Q): telemetry as of farms, a clock of its own, soft-off by an instant, work modes.

Written from the option lists and replies that owners published. A mode holds at once and outlasts everything; it is
refused while the machine stands or tunes. A soft-off is over after a power cut.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from simulators.face_avalon import AvalonFace
from simulators.machines import Machine
from simulators.physics import Level, Phase

VERSION = "25052801_14a19a2"
SHARES = (0.517, 0.831, 1.0)
"""What it draws in eco, standard and super, of its nameplate."""
Row = dict[str, Any]


class AvalonHomeFace(AvalonFace):
    """Answers for home machines."""

    soft_off = "4"

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self.modes: dict[int, int] = {}

    def mode(self, machine: Machine) -> str:
        """Return the number of its work mode."""
        return str(self.modes.get(machine.index, len(SHARES) - 1))

    def _said(self, machine: Machine, letter: str, code: int, message: str, **sections: object) -> Row:
        """Return a reply; its clock tells civil time."""
        reply = super()._said(machine, letter, code, message, **sections)
        reply["STATUS"][0]["When"] = int(time.time())
        return reply

    def _version(self, machine: Machine) -> Row:
        row = {
            "CGMiner": "4.11.1", "API": "3.7", "PROD": machine.model, "MODEL": machine.model.removeprefix("Avalon "),
            "HWTYPE": "Q_MM1v1_X1", "SWTYPE": "MM319", "LVERSION": VERSION, "DNA": machine.serial, "MAC": machine.mac,
        }  # fmt: skip
        return self._said(machine, "S", 22, "CGMiner versions", VERSION=[row])

    def _stats(self, machine: Machine) -> Row:
        told, elapsed = self._telemetry(machine), int(self._physics.elapsed_s[machine.index])
        row = {"STATS": 0, "ID": "AVALON0", "Elapsed": elapsed, "Calls": 0, "MM ID0:Summary": f"'STATS':{{{told}}}"}
        return self._said(machine, "S", 70, "CGMiner stats", STATS=[row])

    def _telemetry(self, machine: Machine) -> str:
        own = f"Ver[{machine.model.removeprefix('Avalon ')}-{VERSION}] "
        return own + super()._telemetry(machine).partition("] ")[2]

    def _set(self, machine: Machine, parameters: list[str]) -> Row | None:
        match parameters[1:]:
            case ["softoff" | "softon" as option, flag] if flag.startswith("1:") and flag[2:].isdigit():
                self._wrote(machine.index, option)
                if self._obeys(machine.index):
                    self._order(machine, Level.SLEEP if option == "softoff" else Level.FULL)
                return self._said(machine, "I", 118, f"ASC 0 set info: success {option}:{flag[2:]}")
            case ["workmode", "set", number] if number in {"0", "1", "2"}:
                return self._work(machine, int(number))
            case ["workmode", "get"]:
                return self._said(machine, "I", 118, f"ASC 0 set info: WORKMODE[{self.mode(machine)}]")
            case ["reboot", *_]:
                return super()._set(machine, parameters)
            case [option, *_]:
                return self._said(machine, "E", 120, f"ASC 0 set failed: Unknown option: {option}")
            case _:
                return self._said(machine, "E", 120, "ASC 0 set failed: missing option")

    def _work(self, machine: Machine, mode: int) -> Row:
        if Phase(int(self._physics.phase[machine.index])) is not Phase.HASHING:
            return self._said(machine, "E", 120, f"ASC 0 set failed: current mode {self.mode(machine)} is caling")
        self._wrote(machine.index, f"workmode {mode}")
        if self._obeys(machine.index):
            self.modes[machine.index] = mode
            share = SHARES[mode]
            self._physics.limit_w[machine.index] = np.inf if share == 1.0 else share * machine.nameplate_w
        return self._said(machine, "I", 118, f"ASC 0 set info: WORKMODE[{mode}]")
