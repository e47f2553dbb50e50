"""`evidence`: an order's record as a file that proves itself, and whether such a file holds."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.cli.evidence_from import exported, key_of, listed
from agent.cli.failure import NO, UNREACHABLE, USAGE, Failure
from agent.cli.groups import Listing
from agent.cli.options import Json, Reach, examples, spread
from agent.cli.show import as_json, figure, kw, plain, table
from agent.values import rfc3339

if TYPE_CHECKING:
    from agent.proof.evidence import BrokenAt, Proven
    from agent.proof.signature import PublicKey

evidence = typer.Typer(
    cls=Listing,
    help="The record of each order: export it, and verify such a file, also offline on another machine.",
    epilog=examples(
        "hashwatt evidence export stop-1 -o stop-1.jsonl",
        "hashwatt evidence verify stop-1.jsonl --key 0f3a…:base64=",
        "hashwatt evidence show stop-1.jsonl",
        "hashwatt evidence key",
    ),
)
ConfigFile = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="Read the store itself, by this configuration.")
]
File = Annotated[str, typer.Argument(metavar="FILE|-", help="What was exported; - reads standard input.")]
Keys = Annotated[
    list[str] | None,
    typer.Option("--key", metavar="PUB", help="The site's public key as text, or its file; may be repeated."),
]
Partial = Annotated[
    bool, typer.Option("--partial", help="Take a file whose end is not signed: it proves what its heads cover.")
]


@evidence.command("list", epilog=examples("hashwatt evidence list", "hashwatt evidence list --json"))
@spread
def list_(reach: Reach, config: ConfigFile = None, as_json_: Json = False) -> None:
    """List the orders that there is a record of, and whether a signed head has all of it."""
    found = listed(reach, config)
    if as_json_:
        as_json({"items": found, "next": None})
        return
    rows = ((item["order"], item["links"], item["since"], item["until"], _signed(item)) for item in found)
    table(("order", "links ", "since", "until", "signed"), rows)


def _signed(item: dict[str, Any]) -> str:
    return "whole" if item["covered"] else "not its end yet"


@evidence.command(
    "export",
    epilog=examples(
        "hashwatt evidence export stop-1 -o stop-1.jsonl", "hashwatt evidence export stop-1 --config farm.toml"
    ),
)
@spread
def export(
    reach: Reach,
    order: Annotated[str, typer.Argument(metavar="ORDER", help="The order's id.", show_default=False)],
    out: Annotated[Path | None, typer.Option("-o", "--out", metavar="FILE", help="Left out: standard output.")] = None,
    config: ConfigFile = None,
) -> None:
    """Write an order's record as lines of JSON that prove themselves: from a running agent, else from its store."""
    from agent.proof.evidence import BrokenAt, check  # noqa: PLC0415 - quick help needs it not

    raw = exported(reach, config, order)
    try:
        proven, broken = check(raw, partial=True), None
    except BrokenAt as error:
        if error.line == 1:
            raise Failure(UNREACHABLE, "what answers is no evidence") from None
        proven, broken = None, error
    _write(raw, out)
    if broken is not None:
        raise Failure(NO, f"the record itself is broken: {_where(broken)}")
    if proven is not None and not proven.closed:
        print(f"the key is not at hand: {_covered(proven)}, and the end is not signed", file=sys.stderr)


def _write(raw: bytes, out: Path | None) -> None:
    if out is None:
        sys.stdout.buffer.write(raw)
        sys.stdout.buffer.flush()
        return
    try:
        out.write_bytes(raw)
    except OSError as error:
        raise Failure(USAGE, f"{out}: {error.strerror}") from None


@evidence.command(
    "verify",
    epilog=examples(
        "hashwatt evidence verify stop-1.jsonl --key evidence.pub",
        "ssh farm hashwatt evidence export stop-1 | hashwatt evidence verify -",
    ),
)
def verify(
    file: File,
    key: Keys = None,
    head: Annotated[
        list[str] | None,
        typer.Option("--head", metavar="HASH", help="A head of the site that you kept: the file must hold it."),
    ] = None,
    partial: Partial = False,
    as_json_: Json = False,
) -> None:
    """Read a file of evidence from its first line on; exit 1 at the first that does not hold. Needs no agent."""
    from agent.proof.evidence import BrokenAt, check  # noqa: PLC0415 - quick help needs it not

    keys = [_key(told) for told in key or ()]
    try:
        proven = check(_read(file), keys, partial=partial)
    except BrokenAt as error:
        if as_json_:
            as_json({"holds": False, "line": error.line, "number": error.number, "why": str(error)})
        raise Failure(NO, f"{file}: {_where(error)}") from None
    if missing := set(head or ()) - proven.head_hashes:
        raise Failure(NO, f"{file}: it holds, and is not what was signed then: head {min(missing)} is not in it")
    if as_json_:
        as_json({"holds": True, "by_given_key": bool(keys), **_shown(proven)})
    else:
        _say(proven)
    if not keys:
        print(
            "WARNING: checked by the key that the file names itself. Whoever changed the file may have named his own: "
            "give --key with what `hashwatt evidence key` says at the site.",
            file=sys.stderr,
        )


def _where(error: BrokenAt) -> str:
    number = "" if error.number is None else f" (number {error.number})"
    return f"line {error.line}{number} does not hold: {error}"


def _say(proven: Proven) -> None:
    print(f"Order {plain(proven.order_id)} of site {plain(proven.site)}: all {proven.links} links hold.")
    print(f"Exported at {rfc3339(proven.exported_at)}, signed by {', '.join(key.text for key in proven.keys)}.")
    print(f"{_covered(proven)[:1].upper()}{_covered(proven)[1:]}.")
    if not proven.closed:
        print("Its end is not signed: what came last may have been left out.")


def _covered(proven: Proven) -> str:
    if proven.covered_at is None:
        return "no head of the site's chain covers it yet"
    return f"heads of the site's chain until {rfc3339(proven.covered_at)} cover links 1 to {proven.covered}"


def _shown(proven: Proven) -> dict[str, Any]:
    return {
        "site": proven.site,
        "order": proven.order_id,
        "links": proven.links,
        "heads": proven.heads,
        "covered": proven.covered,
        "covered_at": None if proven.covered_at is None else rfc3339(proven.covered_at),
        "exported_at": rfc3339(proven.exported_at),
        "keys": [key.text for key in proven.keys],
        "end_signed": proven.closed,
    }


def _read(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise Failure(USAGE, f"{file}: {error.strerror}") from None


def _key(told: str) -> PublicKey:
    """Return a key that was given as text, or by its file. Raises Failure."""
    from agent.proof.signature import PublicKey  # noqa: PLC0415 - quick help needs it not

    try:
        text = Path(told).read_text(encoding="ascii") if Path(told).is_file() else told
        return PublicKey.read(text)
    except (OSError, ValueError) as error:
        raise Failure(USAGE, f"--key {told}: {getattr(error, 'strerror', None) or error}") from None


@evidence.command("show", epilog=examples("hashwatt evidence show stop-1.jsonl", "hashwatt evidence show - --json"))
def show(
    file: File,
    key: Keys = None,
    partial: Partial = False,
    over: Annotated[bool, typer.Option("--over", help="Only minutes above the cap, or that nobody saw.")] = False,
    as_json_: Json = False,
) -> None:
    """Tell every minute of an order's life from its file alone: what was drawn against the cap. Times are UTC."""
    from agent.outputs.minutes import facts_of, minute_json, rebuild  # noqa: PLC0415 - likewise
    from agent.proof.evidence import BrokenAt, check, links_of  # noqa: PLC0415 - quick help needs it not

    raw, keys = _read(file), [_key(told) for told in key or ()]
    try:
        check(raw, keys, partial=partial)
    except BrokenAt as error:
        raise Failure(NO, f"{file}: {_where(error)}") from None
    minutes = [minute_json(minute) for minute in rebuild(facts_of(links_of(raw)))]
    shown = [minute for minute in minutes if not over or minute["over_s"] or minute["mean_w"] is None]
    if as_json_:
        as_json({"items": shown, "next": None})
    else:
        table(
            ("minute", "state", "draw ", "peak ", "cap ", "over ", "seen ", "by", "hashing ", "unread "),
            map(_row, shown),
        )


def _row(minute: dict[str, Any]) -> tuple[object, ...]:
    by = "away" if minute["away"] else None
    if minute["looked_s"]:
        by = (
            "meter"
            if minute["metered_s"] >= minute["looked_s"]
            else "meter, beliefs"
            if minute["metered_s"]
            else "beliefs"
        )
    return (
        minute["at"].removesuffix(":00.000Z").replace("T", " "),
        minute["state"],
        kw(minute["mean_w"]),
        kw(minute["peak_w"]),
        kw(minute["cap_w"]),
        figure(minute["over_s"] or None, "s"),
        figure(minute["looked_s"], "s"),
        by,
        minute["hashing"],
        minute["unread"],
    )


@evidence.command("key", epilog=examples("hashwatt evidence key", "hashwatt evidence key --pem > evidence.pub"))
@spread
def key(
    reach: Reach,
    config: ConfigFile = None,
    pem: Annotated[bool, typer.Option("--pem", help="As openssl reads it.")] = False,
) -> None:
    """Print the public key that the site's evidence is verified by."""
    found = key_of(reach, config)
    print(found.pem.strip() if pem else found.text)
