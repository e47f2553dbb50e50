"""What a client sees of a simulated machine beside what is true of it, field by field."""

from dataclasses import dataclass

from tests.witness.reasons import PYASIC, WHOLE

RATE, POWER, FAN = 0.03, 0.02, 0.05
"""By how much a figure may differ: rates are averages and rounded, fans round up to the next tooth."""


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


def compared(seen, true, client=PYASIC):
    """Return the rows of one machine: what the client saw, None for nothing, beside the farm's own word."""
    name = f"{true['model']} {true['firmware']}"
    if seen is None or "failed" in seen:
        why, saw = client.why(true, "identity", unseen=True), "nobody" if seen is None else seen["failed"]
        return [Row(machine=name, field="identity", seen=saw, expected=true["model"], ok=why != "", why=why)]
    return [_row(name, true, client, field, *told) for field, told in _told(seen, true, client).items()]


def _told(seen, true, client):
    """Return by field what was seen, what is true, and by which share they may differ: None for not at all."""
    boards, rpm, count = seen["boards"], true["fan_rpm"], true["boards_well"]
    rates = [board["hashrate_ths"] or 0.0 for board in boards]
    return {
        "model": (client.model_of(seen), client.name_of(true["model"]), None),
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


def _row(machine, true, client, field, seen, expected, share):
    """Return one row; what the client reads of another thing, or of a model that it has not, is not compared."""
    if share is not None and seen is not None:
        ok = abs(seen - expected) <= max(share * abs(expected), WHOLE.get(field, 0.0))
    else:
        ok = seen == expected
    why = "" if ok else client.why(true, field, unseen=not seen)
    return Row(machine=machine, field=field, seen=_short(seen), expected=_short(expected), ok=ok or why != "", why=why)


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
