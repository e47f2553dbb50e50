"""The page that says what outside clients see otherwise: `python -m tests.witness.told > docs/witness.md`."""

import sys

from tests.witness.reasons import PYASIC, PYASIC_RS

HEAD = """# What outside clients see

Made from `tests/witness/reasons.py`, never by hand. `make witness` lets pyasic and pyasic-rs identify and read one
simulated machine of each model and firmware, and compares what they see with what is true. What is named here they do
not see, or see otherwise; everything else of every machine they must see as it is. *all* stands for all fields but who
it is.
"""


def page():
    """Return the page."""
    return "\n".join([HEAD, *(line for client in (PYASIC, PYASIC_RS) for line in _table(client))])


def _table(client):
    grouped = {}
    for kind, reasons in (("not seen", client.untold), ("otherwise", client.misread)):
        for (key, what), why in reasons.items():
            grouped.setdefault((key, why, kind), []).append("all" if what == "*" else what)
    yield f"## {client.name}\n"
    yield "| machine or firmware | what | | why |\n|---|---|---|---|"
    yield from (f"| {key} | {', '.join(what)} | {kind} | {why} |" for (key, why, kind), what in grouped.items())
    yield ""


if __name__ == "__main__":
    sys.stdout.write(page())
