"""The table of what is supported, docs/support.md, made of three things: the registry, what each driver says that its
simulated machine can be told, and what real machines' replies proved (`proof.json`, by a conformance run).

`python -m tests.conformance.support` prints it.
"""

import json
import sys
from dataclasses import dataclass, field

from drivers import registry
from drivers.interface import Ask, Http
from tests.conformance.__main__ import PROOF
from tests.fuzz.faces import recorded

HEAD = """# What is supported

Made by `make support`, never by hand. A row is a driver of the registry. *Read over* and *can be told* are what the
driver does with, and says of, the simulated machines named; a unit with other firmware or rights can do less, and
`hashwatt probe --commands` says what. *Sleep outlasts* says whether a sleeping machine sleeps on after a new start and
a power cut; ? is not known.

Proven by, from the strongest down: **real captures**, recorded replies of so many real machines, and how many of the
figures that must be found were; **made-up captures**, replies in a real machine's form with made-up figures; **the
simulated machine alone**, written from the maker's documents a second time. Commands were tried on simulated machines
alone.

| driver | simulated | read over | can be told | sleep outlasts | proven by |
|---|---|---|---|---|---|
"""


@dataclass(slots=True)
class Shown:
    """What the simulated machines of one driver showed."""

    firmwares: set = field(default_factory=set)
    over: set = field(default_factory=set)
    told: set = field(default_factory=set)
    outlasts: set = field(default_factory=set)


def page(tapes=None):
    """Return the whole page."""
    shown = {name: Shown() for name in registry.names()}
    for tape in recorded() if tapes is None else tapes:
        _see(shown[tape.driver], tape)
    proofs = json.loads(PROOF.read_text(encoding="utf-8"))
    return HEAD + "".join(_row(name, one, proofs.get(name)) for name, one in shown.items())


def _see(shown, tape):
    shown.firmwares.add(tape.firmware)
    if tape.identity is None:
        return
    shown.over |= {_way(exchange) for exchange, reply in tape.said if not isinstance(reply, Exception)}
    abilities = tape.identity.abilities
    shown.told |= set(abilities.names()) | ({"profiles"} if abilities.profiles else set())
    if (sleep := abilities.sleep) is not None:
        shown.outlasts.add((sleep.survives_reboot, sleep.survives_power_cut))


def _way(exchange):
    match exchange:
        case Ask(port=port):
            return "API port" if port is None else f"port {port}"
        case Http(port=port):
            return "pages" if port is None else f"pages on port {port}"


def _row(name, shown, proof):
    order = ("sleep", "low", "power_limit", "profiles", "reboot", "locate", "pools")
    told = [word.replace("_", " ") for word in order if word in shown.told]
    cells = (
        f"`{name}`",
        ", ".join(sorted(shown.firmwares)) or "none",
        ", ".join(sorted(shown.over)) or "nothing",
        ", ".join(told) or "nothing",
        "; ".join(sorted(_lasting(*one) for one in shown.outlasts)) or "-",
        _proven(shown, proof),
    )
    return f"| {' | '.join(cells)} |\n"


def _lasting(reboot, power_cut):
    words = {True: "yes", False: "no", None: "?"}
    return f"new start {words[reboot]}, power cut {words[power_cut]}"


def _proven(shown, proof):
    if proof is None or not proof["compared"]:
        return "the simulated machine alone" if shown.firmwares else "not at all"
    kinds = {"real captures": proof["recorded"], "made-up captures": proof["made_up"]}
    machines = ", ".join(f"{kind} ({count})" for kind, count in kinds.items() if count)
    return f"{machines}: {proof['right']} of {proof['compared']} figures"


if __name__ == "__main__":
    sys.stdout.write(page())
