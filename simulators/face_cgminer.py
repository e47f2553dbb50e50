"""Plain cgminer 4.11 and bfgminer 5.5 on port 4028: JSON and text, joined commands, their codes.

Written from the wire as the real programs speak it. One request a connection, in one segment; NUL ends a reply.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import partial

from simulators import cgminer_counters
from simulators.cgminer_words import BFGMINER, CGMINER, PROGRAMS, Program, Row, Said, as_json, as_text
from simulators.machines import Machine
from simulators.physics import AVERAGES_S, TERAHASHES_A_SHARE, Level, Physics

WRITES = frozenset({"ascdisable", "ascenable", "pgadisable", "pgaenable", "restart", "quit", "privileged"})
Answerer = Callable[[Machine, str], Said]


class CgminerFace:
    """Answers for the machines whose firmware is cgminer or bfgminer."""

    one_at_a_time = True

    def __init__(
        self,
        machines: dict[int, Machine],
        physics: Physics,
        obeys: Callable[[int], bool],
        wrote: Callable[[int, str], None],
    ) -> None:
        self._machines = machines
        self._physics = physics
        self._obeys = obeys
        self._wrote = wrote
        common: dict[str, Answerer] = {
            "version": self._version,
            "summary": self._summary,
            "devs": self._devs,
            "devdetails": self._devdetails,
            "pools": self._pools,
            "stats": self._stats,
            "notify": self._notify,
            "coin": self._coin,
            "config": self._config,
            "check": self._check,
            "privileged": self._privileged,
            "pgacount": partial(self._count, kind="PGA"),
            "restart": partial(self._restart, word="RESTART"),
            "quit": partial(self._restart, word="BYE"),
        }
        asc: dict[str, Answerer] = {
            "ascdisable": partial(self._switch, on=False),
            "ascenable": partial(self._switch, on=True),
            "asccount": partial(self._count, kind="ASC"),
            "asc": self._device,
            "edevs": self._devs,
            "estats": self._stats,
        }
        pga: dict[str, Answerer] = {
            "pgadisable": partial(self._switch, on=False),
            "pgaenable": partial(self._switch, on=True),
            "pga": self._device,
        }
        self._commands = {"CGMiner": common | asc, "BFGMiner": common | pga}

    def complete(self, request: bytes) -> bool:
        """Take the first segment for the whole request, as the programs' single recv does."""
        return bool(request)

    async def answer(self, index: int, request: bytes) -> bytes:
        """Return the NUL-terminated reply."""
        machine = self._machines[index]
        text = request.removesuffix(b"\n").decode("utf-8", "replace")
        reply = self._json(machine, text) if text.startswith("{") else self._text(machine, text)
        return reply.encode() + b"\0"

    def _json(self, machine: Machine, text: str) -> str:
        try:
            told = json.loads(text)
        except (ValueError, RecursionError):
            return as_json(self._refusal(machine, 23, "Invalid JSON"))
        if "command" not in told:
            return as_json(self._refusal(machine, 24, "Missing JSON 'command'"))
        command = told["command"]
        if not isinstance(command, str):
            return as_json(self._unknown(machine))
        if "+" not in command:
            return as_json(self._one(machine, command, str(told.get("parameter", ""))))
        parts = [part for part in command.split("+") if part]
        joined = ",".join(f'"{part}":[{as_json(self._joined(machine, part))}]' for part in parts)
        return ("{" + joined if joined else "") + ',"id":1}'

    def _text(self, machine: Machine, text: str) -> str:
        command, _, parameter = text.partition("|")
        if "+" not in command:
            return as_text(self._one(machine, command, parameter))
        parts = [part for part in command.split("+") if part]
        return "".join(f"CMD={part}|{as_text(self._joined(machine, part))}" for part in parts)

    def _joined(self, machine: Machine, command: str) -> Said:
        """Answer one of several; none of them may change anything, whoever asks."""
        return self._denied(machine, command) if command in WRITES else self._one(machine, command, "")

    def _one(self, machine: Machine, command: str, parameter: str) -> Said:
        answer = self._commands[_program(machine).name].get(command)
        if answer is None:
            return self._unknown(machine)
        if command in WRITES and machine.access != "W":
            return self._denied(machine, command)
        return answer(machine, parameter)

    def _status(self, machine: Machine, letter: str, code: int, message: str) -> Row:
        described = _program(machine).description
        return {"STATUS": letter, "When": int(time.time()), "Code": code, "Msg": message, "Description": described}

    def _refusal(self, machine: Machine, code: int, message: str) -> Said:
        return Said(status=self._status(machine, "E", code, message))

    def _denied(self, machine: Machine, command: str) -> Said:
        return self._refusal(machine, 45, f"Access denied to '{command}' command")

    def _unknown(self, machine: Machine) -> Said:
        status = self._status(machine, "E", 14, "Invalid command")
        if _program(machine) is CGMINER:
            del status["Description"]
        return Said(status=status)

    # --- reads ------------------------------------------------------------------------------------------------

    def _version(self, machine: Machine, _parameter: str) -> Said:
        program = _program(machine)
        number = program.description.split()[1]
        row: Row = {"CGMiner": number, "API": "3.7" if program is CGMINER else "3.1"}
        if program is BFGMINER:
            row = {"Miner": program.description} | row
        return Said(status=self._status(machine, "S", 22, f"{program.name} versions"), name="VERSION", rows=[row])

    def _rates(self, machine: Machine, share: float = 1.0) -> Row:
        physics, at = self._physics, machine.index
        mean_mhs = physics.terahashes[at].item() * 1e6 / max(physics.elapsed_s[at].item(), 1.0) * share
        mhs = dict(zip(AVERAGES_S, (physics.averages_ths[:, at] * 1e6 * share).tolist(), strict=True))
        if _program(machine) is BFGMINER:
            return {"MHS av": round(mean_mhs, 3), "MHS 20s": round(mhs[5], 3)}
        return {
            "MHS av": round(mean_mhs, 2),
            "MHS 5s": round(mhs[5], 2),
            "MHS 1m": round(mhs[60], 2),
            "MHS 5m": round(mhs[300], 2),
            "MHS 15m": round(mhs[900], 2),
        }

    def _shares(self, machine: Machine) -> int:
        return int(self._physics.terahashes[machine.index].item() / TERAHASHES_A_SHARE)

    def _summary(self, machine: Machine, _parameter: str) -> Said:
        physics, at = self._physics, machine.index
        accepted, elapsed = self._shares(machine), int(physics.elapsed_s[at])
        row = {
            "Elapsed": elapsed,
            **self._rates(machine),
            "Found Blocks": 0,
            "Getworks": elapsed // 30,
            "Accepted": accepted,
            "Rejected": accepted // 400,
            "Hardware Errors": int(physics.hardware_errors[at]),
            "Utility": round(accepted * 60 / max(elapsed, 1), 2),
            "Discarded": elapsed // 15,
            "Stale": accepted // 900,
            "Get Failures": 0,
            "Local Work": elapsed * 2,
            "Remote Failures": 0,
            "Network Blocks": elapsed // 600,
            "Total MH": round(physics.terahashes[at].item() * 1e6, 4),
            "Best Share": 524_288 * (1 + accepted),
            "Device Hardware%": 0.01,
            **cgminer_counters.of_whole(_program(machine), accepted, elapsed),
            "Last getwork": int(time.time()),
        }
        return Said(status=self._status(machine, "S", 11, "Summary"), name="SUMMARY", rows=[row])

    def _devs(self, machine: Machine, _parameter: str) -> Said:
        rows = self._device_rows(machine)
        status = self._status(machine, "S", 9, f"{len(rows)} {_program(machine).kind}(s)")
        return Said(status=status, name="DEVS", rows=rows)

    def _device(self, machine: Machine, parameter: str) -> Said:
        """Answer for one device, by its number."""
        program, rows = _program(machine), self._device_rows(machine)
        refusal = self._no_device(machine, parameter, len(rows) - 1)
        if refusal is not None:
            return refusal
        status = self._status(machine, "S", program.one, f"{program.kind}{int(parameter)}")
        return Said(status=status, name=program.kind, rows=[rows[int(parameter)]])

    def _no_device(self, machine: Machine, parameter: str, last: int) -> Said | None:
        program = _program(machine)
        if not (parameter.isascii() and parameter.isdigit()):
            return self._refusal(machine, 15, "Missing device id parameter")
        if int(parameter) <= last:
            return None
        said = f"Invalid {program.kind} id {int(parameter)} - range is 0 - {last}"
        return self._refusal(machine, program.no_such, said)

    def _device_rows(self, machine: Machine) -> list[Row]:
        physics, at, kind = self._physics, machine.index, _program(machine).kind
        boards, accepted, errors = int(physics.boards[at]), self._shares(machine), int(physics.hardware_errors[at])
        on, well = physics.board_on[at].tolist(), physics.board_well[at].tolist()
        working = [on[board] and well[board] for board in range(boards)]
        rates, none = self._rates(machine, 1 / max(sum(working), 1)), self._rates(machine, 0.0)
        temperature_c, elapsed = physics.board_c[at].item(), int(physics.elapsed_s[at])
        mean_mhs = physics.terahashes[at].item() * 1e6 / max(elapsed, 1) / boards
        counted = cgminer_counters.of_device(_program(machine), accepted // boards, elapsed, mean_mhs)
        return [
            {
                kind: board,
                "Name": machine.model,
                "ID": board,
                "Enabled": "Y" if on[board] else "N",
                "Status": "Alive" if well[board] else "Dead",
                "Temperature": round(temperature_c + board, 2),
                **(rates if working[board] else none),
                "Accepted": accepted // boards,
                "Rejected": accepted // 400 // boards,
                "Hardware Errors": errors // boards,
                "Utility": 0.3,
                "Device Elapsed": elapsed,
                **counted,
            }
            for board in range(boards)
        ]

    def _devdetails(self, machine: Machine, _parameter: str) -> Said:
        limits: Row = {"Processors": 1, "Target Temperature": 80, "Cutoff Temperature": 95}
        known = limits if _program(machine) is BFGMINER else {}
        rows: list[Row] = [
            {
                "DEVDETAILS": board,
                "Name": machine.model,
                "ID": board,
                "Driver": "bitmicro",
                "Kernel": "",
                "Model": machine.model,
                "Device Path": f"/dev/hash{board}",
                **known,
            }
            for board in range(int(self._physics.boards[machine.index]))
        ]
        name = "DEVDETAILS" if _program(machine) is CGMINER else "DEVS"
        return Said(status=self._status(machine, "S", 69, "Device Details"), name=name, rows=rows)

    def _pools(self, machine: Machine, _parameter: str) -> Said:
        alive, accepted = bool(self._physics.pool_alive[machine.index]), self._shares(machine)
        rows = [_pool(machine, number, accepted if number == 0 else 0, alive=alive) for number in range(2)]
        return Said(status=self._status(machine, "S", 7, f"{len(rows)} Pool(s)"), name="POOLS", rows=rows)

    def _stats(self, machine: Machine, _parameter: str) -> Said:
        physics, at, program = self._physics, machine.index, _program(machine)
        elapsed, rpm, chip_c = int(physics.elapsed_s[at]), int(physics.fan_rpm[at]), physics.chip_c[at].item()
        rows: list[Row] = [
            {
                "STATS": board,
                "ID": f"{program.kind}{board}",
                "Elapsed": elapsed,
                "Calls": 0,
                "Wait": 0.0,
                "Max": 0.0,
                "Min": 99999999.0,
                "chip_num": machine.row.chips,
                "temp_chip": round(chip_c, 1),
                "fan_in": rpm,
                "fan_out": int(rpm * 0.97),
            }
            for board in range(int(physics.boards[at]))
        ]
        return Said(status=self._status(machine, "S", 70, f"{program.name} stats"), name="STATS", rows=rows)

    def _notify(self, machine: Machine, _parameter: str) -> Said:
        well = self._physics.board_well[machine.index].tolist()
        rows: list[Row] = [
            {
                "NOTIFY": board,
                "Name": machine.model,
                "ID": board,
                "Last Not Well": 0 if well[board] else int(time.time()),
                "Reason Not Well": "None" if well[board] else "Device comms error",
                **dict.fromkeys(cgminer_counters.NOTICES, 0),
                "*Dev Over Heat": 0,
                "*Dev Comms Error": 0 if well[board] else 1,
            }
            for board in range(int(self._physics.boards[machine.index]))
        ]
        return Said(status=self._status(machine, "S", 60, "Notify"), name="NOTIFY", rows=rows)

    def _coin(self, machine: Machine, _parameter: str) -> Said:
        row: Row = {
            "Hash Method": "sha256",
            "Current Block Time": time.time(),
            "Current Block Hash": f"{machine.index:064x}",
        }
        row |= {"LP": True, "Network Difficulty": 1.0e14}
        if _program(machine) is BFGMINER:
            row |= {"Current Block Time": int(time.time()), "Difficulty Accepted": self._shares(machine)}
        return Said(status=self._status(machine, "S", 78, f"{_program(machine).name} coin"), name="COIN", rows=[row])

    def _config(self, machine: Machine, _parameter: str) -> Said:
        program, boards = _program(machine), int(self._physics.boards[machine.index])
        row: Row = {f"{program.kind} Count": boards, "Pool Count": 2, "Strategy": "Failover", "OS": "Linux"}
        row = cgminer_counters.configuration(program) | row
        return Said(status=self._status(machine, "S", 33, f"{program.name} config"), name="CONFIG", rows=[row])

    def _check(self, machine: Machine, command: str) -> Said:
        exists = command in self._commands[_program(machine).name]
        allowed = exists and (command not in WRITES or machine.access == "W")
        row = {"Exists": "Y" if exists else "N", "Access": "Y" if allowed else "N"}
        return Said(status=self._status(machine, "S", 72, "Check command"), name="CHECK", rows=[row])

    def _count(self, machine: Machine, _parameter: str, *, kind: str) -> Said:
        count = int(self._physics.boards[machine.index]) if _program(machine).kind == kind else 0
        status = self._status(machine, "S", 104 if kind == "ASC" else 59, f"{kind} count")
        return Said(status=status, name=f"{kind}S", rows=[{"Count": count}])

    def _privileged(self, machine: Machine, _parameter: str) -> Said:
        return Said(status=self._status(machine, "S", 46, "Privileged access OK"))

    # --- writes -----------------------------------------------------------------------------------------------

    def _switch(self, machine: Machine, parameter: str, *, on: bool) -> Said:
        at, program = machine.index, _program(machine)
        refusal = self._no_device(machine, parameter, int(self._physics.boards[at]) - 1)
        if refusal is not None:
            return refusal
        board = int(parameter)
        named, word = f"{program.kind} {board}", "enable" if on else "disable"
        if bool(self._physics.board_on[at, board]) is on:
            return Said(status=self._status(machine, "I", program.already[on], f"{named} already {word}d"))
        if on and not self._physics.board_well[at, board]:
            return self._refusal(machine, program.unwell, f"{named} is not flagged WELL, cannot enable")
        self._wrote(at, f"{program.kind.lower()}{word} {board}")
        if self._obeys(at):
            self._physics.enable_board(at, board, on=on)
        done = f"{named} sent enable message" if on else f"{named} set disable flag"
        return Said(status=self._status(machine, "I", program.done[on], done))

    def _restart(self, machine: Machine, _parameter: str, *, word: str) -> Said:
        """Start the program anew, every board enabled; after a quit the machine's own watchdog does."""
        at, physics = machine.index, self._physics
        self._wrote(at, "restart" if word == "RESTART" else "quit")
        if self._obeys(at):
            for board in range(int(physics.boards[at])):
                physics.enable_board(at, board, on=True)
            physics.order_level(at, Level.FULL, 0.0)
        if _program(machine) is BFGMINER:
            return Said(status=self._status(machine, "S", 257, word))
        return Said(status={"STATUS": word})


def _program(machine: Machine) -> Program:
    return PROGRAMS[machine.firmware]


def _pool(machine: Machine, number: int, accepted: int, *, alive: bool) -> Row:
    used = alive and number == 0
    return {
        "POOL": number,
        "URL": f"stratum+tcp://pool{number}.invalid:3333",
        "Status": "Alive" if alive else "Dead",
        "Priority": number,
        "Quota": 1,
        "Long Poll": "N",
        "Getworks": 20,
        "Accepted": accepted,
        "Rejected": accepted // 400,
        "Works": 4000,
        "Discarded": 400,
        "Stale": accepted // 900,
        "User": f"farm.{machine.index}",
        "Has Stratum": True,
        "Stratum Active": used,
        "Stratum URL": f"pool{number}.invalid" if used else "",
        "Best Share": 524_288 * (1 + accepted),
        **cgminer_counters.of_pool(_program(machine), accepted),
    }
