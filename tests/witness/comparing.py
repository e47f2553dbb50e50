"""What a client sees of a simulated machine beside what is true of it, field by field."""

from dataclasses import dataclass

RATE, POWER, FAN = 0.03, 0.02, 0.05
"""By how much a figure may differ: rates are averages and rounded, fans round up to the next tooth."""

UNSEEN = None
PLAIN = "pyasic asks it for none"
FLAWS = {
    ("Antminer S9", "mac"): (UNSEEN, "pyasic asks an S9's API port alone, which has no MAC"),
    ("Antminer S17 Pro", "firmware"): (UNSEEN, "pyasic knows the program as CGMiner alone, later ones are BMMiner"),
    ("Antminer S17 Pro", "fan speed"): (0.5, "pyasic reads fans 3 to 6 of an S17, the machines number them 1 to 4"),
}
"""Where pyasic itself is wrong, how much of the truth it sees then (a share of it, or nothing), and why."""

UNTOLD = {
    ("Antminer", "power"): "Bitmain's firmware says no watts",
    ("Antminer", "inlet"): "Bitmain's firmware has no sensor there",
    ("Antminer", "serial"): "older pages have no serial number",
    ("whatsminer", "api version"): "pyasic takes rpc_ver from the answer, the machine says api_ver",
    **{(firmware, "api version"): PLAIN for firmware in ("mara", "epic")},
    **{("whatsminer-v3", field): "pyasic looks for them in the summary" for field in ("pools", "worker")},
    ("Auradine", "inlet"): "which of its sensors the air meets first is not told",
    **{("Auradine", field): PLAIN for field in ("serial", "api version", "chips", "pools", "worker")},
    **{("Bitaxe", field): "AxeOS has none" for field in ("serial", "inlet")},
    **{("Bitaxe", field): PLAIN for field in ("pools", "worker")},
}
"""What a make, or a firmware, does not say, or not in each generation; where it is told it must be right."""

STRANGE = {
    **dict.fromkeys(("1346", "1466"), "pyasic has no such Avalon, and reads what cgminer alone tells, kH/s for H/s"),
    **dict.fromkeys(("NerdQAxe++", "SealMiner A2"), "pyasic knows none of this make"),
}
"""Models that pyasic has not, and what it makes of them."""
READ_OF_STRANGERS = {"mac", "api version", "mining", "inlet", "pools", "worker", "errors"}
MISREAD = {
    ("Bitaxe", "api version"): "pyasic takes the firmware's version for the API's",
    ("epic", "pools"): "pyasic takes the pool in use for all of them",
}
"""What pyasic says something else of."""
NAMES = ("Antminer ", "Bitaxe ", "Teraflux ")
"""What it leaves out of a model's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One field of one machine; `why` says what a row that is right all the same lacks."""

    machine: str
    field: str
    seen: object
    expected: object
    ok: bool
    why: str = ""

    def line(self):
        """Return the row as a line of a table."""
        verdict = "ok" if self.ok else "WRONG"
        line = f"{self.machine:30} {self.field:12} {self.seen!s:>24} {self.expected!s:>24}  {verdict:5}  {self.why}"
        return line.rstrip()


def compared(seen, true):
    """Return the rows of one machine: what the client saw, None for nothing, beside the farm's own word."""
    name = f"{true['host']} {true['model']}"
    if seen is None:
        why = STRANGE.get(true["model"], "")
        return [Row(machine=name, field="identity", seen="nobody", expected=true["model"], ok=why != "", why=why)]
    return [_row(name, true, field, *told) for field, told in _told(seen, true).items()]


def _told(seen, true):
    """Return by field what was seen, what is true, and by which share they may differ: None for not at all."""
    boards, rpm, count = seen["boards"], true["fan_rpm"], true["boards_well"]
    rates = [board["hashrate_ths"] or 0.0 for board in boards]
    return {
        "model": (_model(seen), _bare(true["model"]), None),
        "mac": (seen["mac"], true["mac"], None),
        "serial": (seen["serial"], true["serial"], None),
        "api version": (seen["api_version"], true["api_version"], None),
        "firmware": (seen["firmware_version"], true["firmware_version"], None),
        "mining": (seen["is_mining"], true["state"] == "hashing", None),
        "power": (seen["power_w"], true["power_w"], POWER),
        "hashrate": (seen["hashrate_ths"], true["hashrate_ths"], RATE),
        "boards": (sum(rate > 0 for rate in rates), count, None),
        "board rates": (sum(rates), true["hashrate_ths"], RATE),
        "chips": (sum(board["chips"] or 0 for board in boards), count * true["chips"], None),
        "inlet": (seen["inlet_c"], true["inlet_c"], 0.0),
        "fans": (len(seen["fans_rpm"]), true["fans"], None),
        "fan speed": (sum(seen["fans_rpm"]) / max(len(seen["fans_rpm"]), 1), rpm, FAN),
        "pools": (
            [pool["url"] for pool in seen["pools"] if pool["alive"]],
            true["pools"] if true["pool_alive"] else [],
            None,
        ),
        "worker": (sorted({pool["user"] for pool in seen["pools"] if pool["user"]}), [true["pool_user"]], None),
        "errors": (seen["errors"], [], None),
    }


def _model(seen):
    """Return the model alone: pyasic appends a WhatsMiner's hardware version."""
    name, _, version = (seen["model"] or "").rpartition(" ")
    return name if seen["make"] == "WhatsMiner" and version.startswith("V") else seen["model"]


def _bare(model):
    return next((model.removeprefix(name) for name in NAMES if model.startswith(name)), model)


def _row(machine, true, field, seen, expected, share):
    """Return one row; what pyasic reads of another thing, or of a model that it has not, is not compared."""
    strange = STRANGE.get(true["model"], "") if field not in READ_OF_STRANGERS else ""
    misread = strange or MISREAD.get((true["make"], field)) or MISREAD.get((true["firmware"], field), "")
    if misread and seen != expected:
        return Row(machine=machine, field=field, seen=_short(seen), expected=_short(expected), ok=True, why=misread)
    least, why = FLAWS.get((true["model"], field), (1.0, ""))
    if why == "" and (seen in (None, []) or (field == "chips" and seen == 0)):
        least, why = UNSEEN, UNTOLD.get((true["make"], field)) or UNTOLD.get((true["firmware"], field), "")
    if share is None or seen is None or least is UNSEEN:
        ok = seen == expected if why == "" else not seen
    else:
        ok = abs(seen - least * expected) <= share * abs(expected)
    return Row(machine=machine, field=field, seen=_short(seen), expected=_short(expected), ok=ok, why=why)


def _short(told):
    match told:
        case float():
            return round(told, 2)
        case [_, _, *_]:
            return f"{told[0]} +{len(told) - 1}"
        case [one]:
            return one
        case _:
            return told
