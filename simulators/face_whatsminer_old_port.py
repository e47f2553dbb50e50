"""What newer WhatsMiners still say on port 4028, beside their API version 3: it reads, in words of version 2.

The figures stand in the message of the vendor's envelope, some are left out, and boards count in TH/s.
"""

from __future__ import annotations

from simulators.face_whatsminer import WhatsminerFace
from simulators.face_whatsminer_v3 import FIRMWARE, type_of
from simulators.machines import Machine
from simulators.whatsminer_words import Row, said

API = "2.2.2"
LEFT_OUT = {"MHS 5s", "MHS 5m", "Target MHS"}
LEFT_OUT_OF_BOARDS = {"ASC", "MHS 5s", "MHS 5m", "Chip Temp Min", "Chip Temp Max", "Chip Temp Avg"}
MHS_PER_THS = 1e6


class OldPortFace(WhatsminerFace):
    """Answers on 4028 for the machines with the newer firmware."""

    def _read(self, machine: Machine, command: str) -> Row:
        reply = super()._read(machine, command)
        match command:
            case "summary":
                (row,) = reply["SUMMARY"]
                told = {name: value for name, value in row.items() if name not in LEFT_OUT}
                return said(131, told | {"Firmware Version": FIRMWARE})
            case "devs" | "edevs":
                return reply | {"DEVS": [_board(row) for row in reply["DEVS"]]}
            case "get_version":
                return said(131, reply["Msg"] | {"api_ver": API, "fw_ver": FIRMWARE, "miner_type": type_of(machine)})
            case "status":
                return said(131, reply["Msg"] | {"FirmwareVersion": FIRMWARE})
            case _:
                return reply

    def _admitted(self, machine: Machine, told: Row) -> Row | None:
        """Take no writes: they are for version 3."""
        if str(told.get("cmd", told.get("command"))) in self._writers:
            return said(45, "can't access write cmd", "E")
        return super()._admitted(machine, told)


def _board(row: Row) -> Row:
    kept = {name: value for name, value in row.items() if name not in LEFT_OUT_OF_BOARDS}
    return kept | {name: value / MHS_PER_THS for name, value in kept.items() if name.startswith(("MHS", "HS"))}
