"""`orders`: list, send, cancel and release orders."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from agent.cli.client import Agent, url_parts
from agent.cli.failure import NO, USAGE, Failure
from agent.cli.groups import Listing
from agent.cli.options import By, Json, Reach, examples, present, spread
from agent.cli.order_checked import check
from agent.cli.order_options import Demand, Paper, Sealing, Told, Upon, Way, Wording, worded
from agent.cli.order_terms import Measuring, Silence, Terms
from agent.cli.order_words import ack_line, cancelling, demand, next_change
from agent.cli.show import as_json, table
from agent.values import rfc3339

orders = typer.Typer(
    cls=Listing,
    help="List, send, cancel and release orders. Without a command: list.",
    epilog=examples(
        "hashwatt orders",
        "hashwatt orders send --stop --class law --issuer energo --note 'order 14 of the ministry'",
        "hashwatt orders send --max-import-kw 2500 --ends +4h",
        "hashwatt orders release stop-20270115T120000Z --by Aigul",
    ),
)
Second = Annotated[str | None, typer.Option("--and", metavar="NAME", help="The second person, for a law.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="The order's id.", show_default=False)]


@orders.command("list", epilog=examples("hashwatt orders list --json"))
@spread
def list_orders(reach: Reach, as_json_: Json = False) -> None:
    """List orders."""
    found = reach.agent().items("/api/v1/orders", {})
    if as_json_:
        as_json({"items": found, "next": None})
        return
    table(("order", "rev ", "class", "issuer", "state", "demand", "next", "last said"), map(_row, found))


def _row(order: dict[str, Any]) -> tuple[object, ...]:
    document = order["document"]
    said = (order.get("last_ack") or {}).get("reason")
    return (
        document["order_id"],
        order["revision"],
        order["class"],
        order["issuer"],
        order["state"],
        demand(document),
        next_change(order),
        said,
    )


@orders.command(
    "send",
    epilog=examples(
        "hashwatt orders send --stop --issuer energo --class law",
        "hashwatt orders send --max-import-kw 2500 --ends +4h --dry-run",
        "hashwatt orders send --reduce-kw 800 --baseline peak_12m --feeder T1 --class contract --issuer grid",
        "hashwatt orders send --max-import-kw 900 --over-s 900 --aligned --quantity consumption --tolerance-pct 2",
        "hashwatt orders send --stop --exempt-tag heating --exempt-source pv1 --tz Asia/Bishkek "
        "--local-starts 2027-01-15T18:00",
        "hashwatt orders send --fraction 0.5 --of connection --offer --randomize-s 120 --excess-price '12.50 KGS'",
        "hashwatt orders send --trajectory evening.csv --linear --lead forbidden --supersedes cap-1 --test",
        "hashwatt orders send --max-import-kw 3000 --silence-s 120 --failsafe-kw 500",
        "hashwatt orders send --stop --by-phone 'I. Petrov' --number 14 --taken-by Aigul --read-back",
        "hashwatt orders send --file order.json --mqtt mqtt://127.0.0.1 --site bishkek-1",
    ),
)
@spread
def send(  # noqa: PLR0913 - what a command is told
    demanded: Demand,
    wording: Wording,
    upon: Upon,
    paper: Paper,
    *,
    measuring: Measuring,
    terms: Terms,
    silence: Silence,
    sealing: Sealing,
    way: Way,
    reach: Reach,
    as_json_: Json = False,
) -> None:
    """Send an order: over the API, or with --mqtt over a broker; signed with --key.

    What is wrong with it is said by its option before anything is sent; --dry-run shows it and sends nothing. One that
    came by telephone is sent with who gave it, who took it, and that it was read back.
    """
    broker = None if way.mqtt is None else url_parts(way.mqtt, ("mqtt", "mqtts"), "mqtt://127.0.0.1:1883")
    if broker is not None and reach.site is None:
        raise Failure(USAGE, "--mqtt needs --site: its orders' topic has the site's id in it")
    told = Told(wording=wording, upon=upon, measuring=measuring, terms=terms, silence=silence, paper=paper)
    raw = _signed(_document(demanded, told, way, reach), sealing)
    if way.dry_run or not as_json_:
        print(raw.decode("utf-8", "replace"))
    if way.dry_run:
        check(raw)
        return
    if broker is None:
        _say(reach.agent().post("/api/v1/orders", raw), as_json_)
        return
    from agent.cli.publish import publish_order  # noqa: PLC0415 - no event loop for everybody else

    _say(publish_order(broker, reach.site or "", raw, way.wait_s), as_json_)


@orders.command(
    "cancel",
    epilog=examples(
        "hashwatt orders cancel cap-20270115T120000Z",
        "hashwatt orders cancel stop-20270115T120000Z --by Aigul --and Bek",
        "hashwatt orders cancel stop-20270115T120000Z --by-phone 'I. Petrov' --number 15 --taken-by Aigul --read-back",
        "hashwatt orders cancel stop-20270115T120000Z --key energo.pem --kid k1 --site bishkek-1",
    ),
)
@spread
def cancel(  # noqa: PLR0913 - what a command is told
    order_id: Id,
    sealing: Sealing,
    reach: Reach,
    paper: Paper,
    *,
    by: Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who takes it back.")] = None,
    second: Second = None,
    as_json_: Json = False,
) -> None:
    """Take an order back, as its issuer; signed with --key.

    What is a law and was not given in here as one's own word, two persons take back: --by and --and.
    """
    source = _stood_for(paper, by, second)
    agent = reach.agent()
    order = _known(agent, order_id)
    if order is None:
        raise Failure(NO, f"no order {order_id} is known here")
    told = cancelling(order["document"], order["revision"] + 1) | ({} if source is None else {"source_ref": source})
    if sealing.key is not None:
        told |= {"issued_at": rfc3339(present()), "site": told.get("site") or reach.site}
    raw = json.dumps(told, ensure_ascii=False).encode()
    _say(agent.post("/api/v1/orders", _signed(raw, sealing)), as_json_)


@orders.command("release", epilog=examples("hashwatt orders release stop-20270115T120000Z --by Aigul --and Bek"))
@spread
def release(order_id: Id, by: By, reach: Reach, second: Second = None, as_json_: Json = False) -> None:
    """Release an order by hand, where its end waits for that; what a law bound by two persons."""
    told = {"by": by} if second is None else {"by": by, "and": second}
    _say(reach.agent().post(f"/api/v1/orders/{quote(order_id, safe='')}/release", told), as_json_)


@orders.command("accept", epilog=examples("hashwatt orders accept dr-20270115 --by Aigul"))
@spread
def accept(order_id: Id, by: By, reach: Reach, as_json_: Json = False) -> None:
    """Accept an offer: from then on it binds."""
    _say(reach.agent().post(f"/api/v1/orders/{quote(order_id, safe='')}/accept", {"by": by}), as_json_)


@orders.command("decline", epilog=examples("hashwatt orders decline dr-20270115 --by Aigul"))
@spread
def decline(order_id: Id, by: By, reach: Reach, as_json_: Json = False) -> None:
    """Decline an offer."""
    answer = reach.agent().post(f"/api/v1/orders/{quote(order_id, safe='')}/decline", {"by": by})
    as_json(answer) if as_json_ else print(ack_line(answer))


def _stood_for(paper: Paper, by: str | None, second: str | None) -> dict[str, Any] | None:
    """Return who stands for a cancel, and its paper, as a document has them. Raises Failure."""
    source = paper.source(present())
    if by is None and second is None:
        return source
    if paper.issued_by or paper.taken_by or paper.by_phone:
        raise Failure(USAGE, "--by and --and say who stands for it: leave --by-phone, --issued-by and --taken-by out")
    told = {"issued_by": by, "taken_by": second, "received_via": "by hand"}
    return {key: value for key, value in told.items() if value is not None} | (source or {})


def _signed(raw: bytes, sealing: Sealing) -> bytes:
    """Return a document as it is sent: sealed, where a key is named. Raises Failure."""
    if sealing.key is None:
        return raw
    from agent.cli.orders_signed import seal  # noqa: PLC0415 - no cryptography for everybody else

    return seal(raw, key=sealing.key, kid=sealing.kid)


def _document(demanded: Demand, told: Told, way: Way, reach: Reach) -> bytes:
    """Return the document that is meant; one that is made of options is one that an agent could take in."""
    if demanded.said != 1:
        raise Failure(USAGE, "say one of --file, --stop, --max-import-kw, --reduce-kw, --fraction and --trajectory")
    if demanded.file is not None:
        if not told.is_empty:
            raise Failure(USAGE, "a document of --file is sent as it is: leave the other options out")
        return _read(demanded.file)
    words = worded(demanded, told, present())
    words |= {"site": reach.site, "revision": told.wording.revision or 1}
    check(_written(words))
    words["revision"] = told.wording.revision or _next_revision(told.wording, way, reach)
    return _written(words)


def _written(words: dict[str, Any]) -> bytes:
    said = {key: value for key, value in words.items() if value is not None}
    return json.dumps(said, ensure_ascii=False, indent=2).encode()


def _read(file: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise Failure(USAGE, f"{file} cannot be read: {error.strerror}") from None


def _next_revision(wording: Wording, way: Way, reach: Reach) -> int:
    """Return the revision after the one that the agent knows; over a broker nobody is asked."""
    if wording.order_id is None or way.mqtt is not None:
        return 1
    known = _known(reach.agent(), wording.order_id)
    return 1 if known is None else int(known["revision"]) + 1


def _known(agent: Agent, order_id: str) -> dict[str, Any] | None:
    """Return an order as the agent knows it, None where it does not."""
    found = agent.find(f"/api/v1/orders/{quote(order_id, safe='')}")
    return None if found is None else dict(found)


def _say(ack: dict[str, Any], whole: bool) -> None:
    """Print an ack; one that rejects is a no."""
    if whole:
        as_json(ack)
    else:
        print(ack_line(ack))
    if ack.get("state") == "rejected":
        raise typer.Exit(NO)
