"""A small cgminer or bfgminer for tests: keeps its devices and answers as the programs do, in JSON or in text."""

import msgspec

from drivers.errors import Unreachable
from drivers.interface import Ask

NOW = 1_790_000_000


class Program:
    """Attributes say how it is; `answer` takes exchanges. Devices are rows of `devs`, pools rows of `pools`."""

    def __init__(self, *, name="cgminer", boards=3, ghs=4500.0):
        self.name = name
        self.kind = "ASC" if name == "cgminer" else "PGA"
        self.text = False
        self.joins = True
        self.writable = True
        self.checks = True
        self.denied = set()
        self.broken = set()
        self.elapsed = 7200
        self.ghs = ghs
        self.average_ghs = ghs
        self.devices = [self.device(slot, boards) for slot in range(boards)]
        self.pools = [pool(0), pool(1, active=False)]
        self.unwell = {}
        self.gone = False
        self.asked = []

    def device(self, slot, boards):
        share = self.ghs / boards
        window = "MHS 5s" if self.name == "cgminer" else "MHS 20s"
        return {
            self.kind: slot,
            "Name": "TST",
            "ID": slot,
            "Enabled": "Y",
            "Status": "Alive",
            "Temperature": 61.5 + slot,
            "MHS av": share * 1e3,
            window: share * 1e3,
            "Accepted": 5,
        }

    def answer(self, exchange):
        assert isinstance(exchange, Ask)
        asked = msgspec.json.decode(exchange.request)
        command, parameter = asked["command"], asked.get("parameter")
        self.asked.append(command if parameter is None else f"{command}|{parameter}")
        if self.gone:
            return Unreachable("gone")
        if "+" in command and self.joins:
            return self.written_joined({part: self.one(part, None, joined=True) for part in command.split("+")})
        return self.written(*self.one(command, parameter))

    def one(self, command, parameter, *, joined=False):
        writes = command.endswith(("able", "privileged"))
        if command in self.denied or (writes and (joined or not self.writable)):
            return self.status("E", 45, f"Access denied to '{command}' command"), {}
        find = getattr(self, f"do_{command}", None)
        if find is None or (command == "check" and not self.checks):
            return self.status("E", 14, "Invalid command"), {}
        return find() if parameter is None else find(parameter)

    def status(self, letter, code, message):
        described = {} if code == 14 and self.name == "cgminer" else {"Description": f"{self.name} 4.9.9"}
        return {"STATUS": letter, "When": NOW, "Code": code, "Msg": message, **described}

    def do_version(self):
        own = {} if self.name == "cgminer" else {"Miner": f"{self.name} 4.9.9"}
        return self.status("S", 22, "versions"), {"VERSION": [{**own, "CGMiner": "4.9.9", "API": "3.7"}]}

    def do_summary(self):
        rates = {"MHS av": self.average_ghs * 1e3, "MHS 5s": self.ghs * 1e3, "MHS 1m": self.average_ghs * 1e3 * 0.99}
        if self.name != "cgminer":
            rates = {"MHS av": self.average_ghs * 1e3, "MHS 20s": self.ghs * 1e3}
        counts = {"Accepted": 40, "Rejected": 2, "Stale": 1, "Hardware Errors": 7, "Best Share": 81234}
        return self.status("S", 11, "Summary"), {"SUMMARY": [{"Elapsed": self.elapsed, **rates, **counts}]}

    def do_devs(self):
        if not self.devices:
            return self.status("E", 10, f"No {self.kind}s"), {}
        return self.status("S", 9, f"{len(self.devices)} {self.kind}(s)"), {"DEVS": self.devices}

    def do_pools(self):
        return self.status("S", 7, f"{len(self.pools)} Pool(s)"), {"POOLS": self.pools}

    def do_notify(self):
        if not self.devices:
            return self.status("E", 10, f"No {self.kind}s"), {}
        rows = [
            {
                "NOTIFY": slot,
                "Name": "TST",
                "ID": slot,
                "Last Not Well": self.unwell.get(slot, 0),
                "Reason Not Well": "Device comms error" if slot in self.unwell else "None",
            }
            for slot in range(len(self.devices))
        ]
        return self.status("S", 60, "Notify"), {"NOTIFY": rows}

    def do_devdetails(self):
        rows = [{"DEVDETAILS": slot, "Name": "TST", "ID": slot, "Model": ""} for slot in range(len(self.devices))]
        section = "DEVDETAILS" if self.name == "cgminer" else "DEVS"
        return self.status("S", 69, "Device Details"), {section: rows}

    def do_check(self, command):
        exists = command.startswith(self.kind.lower())
        row = {"Exists": "Y" if exists else "N", "Access": "Y" if exists and self.writable else "N"}
        return self.status("S", 72, "Check command"), {"CHECK": [row]}

    def do_privileged(self):
        return self.status("S", 46, "Privileged access OK"), {}

    def do_ascdisable(self, slot):
        return self.switch("ASC", slot, "N")

    def do_ascenable(self, slot):
        return self.switch("ASC", slot, "Y")

    def do_pgadisable(self, slot):
        return self.switch("PGA", slot, "N")

    def do_pgaenable(self, slot):
        return self.switch("PGA", slot, "Y")

    def switch(self, kind, slot, enabled):
        if kind != self.kind:
            return self.status("E", 14, "Invalid command"), {}
        if int(slot) in self.broken:
            return self.status("E", 115, f"{kind} {slot} is not flagged WELL"), {}
        self.devices[int(slot)]["Enabled"] = enabled
        return self.status("I", 110, f"{kind} {slot} set flag"), {}

    def written(self, status, sections):
        if self.text:
            return (row("STATUS", status) + "".join(rows(name, found) for name, found in sections.items())).encode()
        return msgspec.json.encode({"STATUS": [status], **sections, "id": 1})

    def written_joined(self, parts):
        if self.text:
            return b"".join(f"CMD={name}|".encode() + self.written(*part) for name, part in parts.items())
        joined = {name: [{"STATUS": [status], **sections, "id": 1}] for name, (status, sections) in parts.items()}
        return msgspec.json.encode({**joined, "id": 1})


def pool(number, *, status="Alive", active=True):
    """Return a row of `pools`."""
    return {
        "POOL": number,
        "URL": f"stratum+tcp://pool{number}.example:3333",
        "Status": status,
        "Priority": number,
        "User": "farm.one",
        "Accepted": 20,
        "Rejected": 1,
        "Stale": 0,
        "Stratum Active": active,
    }


def row(name, figures):
    """Return one section of a text reply; a section is named by its first figure, or by a word of its own."""
    words = ",".join(f"{key}={escaped(value)}" for key, value in figures.items())
    return (words if next(iter(figures)) == name else f"{name},{words}") + "|"


def rows(name, found):
    """Return a section's rows; `devs` and `pools` name each by its number."""
    return "".join(
        row(next(iter(figures)) if name not in {"SUMMARY", "VERSION", "CHECK"} else name, figures) for figures in found
    )


def escaped(value):
    """Write a figure as the text form does."""
    if isinstance(value, bool):
        return str(value).lower()
    return "".join(f"\\{letter}" if letter in "\\|,=" else letter for letter in str(value))
