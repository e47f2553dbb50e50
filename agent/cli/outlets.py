"""`outlets`: PDUs, contactors, breakers: which are on, what they cut, which we have cut."""

from __future__ import annotations

from typing import Any

from agent.cli.options import Json, Reach, spread
from agent.cli.show import as_json, figure, kw, table


@spread
def outlets(reach: Reach, as_json_: Json = False) -> None:
    """List the outlets: which are seen on, what each cuts, which the agent has cut and why it is not given back."""
    found = reach.agent().get("/api/v1/site").get("outlets", [])
    if as_json_:
        as_json({"items": found, "next": None})
        return
    table(("outlet", "feeders", "is", "age ", "power ", "", "waits"), map(_row, found))
    print(f"{sum(item['cut'] for item in found)} of {len(found)} outlets are cut")


def _row(item: dict[str, Any]) -> tuple[object, ...]:
    is_on = {None: None, True: "on", False: "OFF"}[item["on"]]
    cut = "CUT" if item["cut"] else ""
    age = figure(item["age_s"], "s", 1)
    return item["id"], ", ".join(item["feeders"]), is_on, age, kw(item["power_w"]), cut, item["waits"]
