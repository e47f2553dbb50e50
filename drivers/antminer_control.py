"""Telling an Antminer: one conversation each, and a change of mode counts when the machine reads it back.

The page answers "M000 OK!" to what it then ignores, and its connection often drops after it obeyed. Each write
restarts the mining process, so nothing is written that is so already.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from urllib.parse import urlencode

import msgspec

from drivers.antminer_web import Configuration, Generation, Web, document
from drivers.errors import Garbled, NotListening, Refused, Unreachable, Unsupported
from drivers.figures import words
from drivers.interface import Conversation, Exchange, HttpReply, Pause, Receipt, Reply

REREAD_AFTER_S = (1.0, 2.0, 3.0, 4.0, 5.0, 5.0)
"""Its web server may be away for so long after a write, one step after the other."""
REREAD_S = 5.0
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A work mode to set, and which modes serve as well, so that nothing is written."""

    wanted: str
    served: Callable[[str], bool]


def change_mode(web: Web, generation: Generation, change: Change) -> Conversation[Receipt]:
    """Set the work mode and see it set; raises Refused where the machine says it did and did not."""
    configuration = yield from web.configuration()
    if not configuration.has_modes:
        raise Unsupported("this firmware has no work modes")
    wanted, before = change.wanted, configuration.mode
    if change.served(before):
        return Receipt(already=True)
    dropped = yield from _write(web, configuration, wanted, generation)
    after = yield from _reread(web, wanted)
    if after == wanted:
        return Receipt(before=before)
    if after is None or dropped is not None:
        raise Unreachable(f"told mode {wanted}, and not seen to have taken it") from dropped
    raise Refused(f"took mode {wanted} and is in mode {after} still")


def _write(
    web: Web, configuration: Configuration, mode: str, generation: Generation
) -> Generator[Exchange, Reply, Unreachable | None]:
    """Send the configuration; returns what a lost connection said, which proves nothing. Raises Refused."""
    body, content_type = configuration.body(mode, generation)
    try:
        reply = yield from web.post("set_miner_conf.cgi", body, content_type)
    except Unreachable as error:
        return error
    if not generation.form:
        _must(reply, "M000")
    return None


def _reread(web: Web, wanted: str) -> Generator[Exchange, Reply, str | None]:
    """Return the mode that is read back, None where nothing is; waits for its web server and for the wanted one."""
    mode = None
    for wait_s in REREAD_AFTER_S:
        yield Pause(seconds=wait_s)
        try:
            mode = (yield from web.configuration(REREAD_S)).mode
        except (Unreachable, Garbled):
            continue
        if mode == wanted:
            break
    return mode


def _must(reply: HttpReply, *codes: str) -> None:
    """Raise the Refused that a page's answer means; an answer without a code says nothing."""
    try:
        told = document(reply)
    except Garbled:
        return
    code = words(told.get("code"))
    if (code is not None and code not in codes) or told.get("stats") == "error":
        raise Refused(f"{code}: {words(told.get('msg')) or 'refused'}"[:200])


def reboot(web: Web) -> Conversation[Receipt]:
    """Restart the machine."""
    yield from web.get("get_system_info.cgi")
    return (yield from _tell(web.get("reboot.cgi")))


def locate(web: Web, generation: Generation, *, on: bool) -> Conversation[Receipt]:
    """Blink, or stop blinking; raises Unsupported where this generation has no such page."""
    if not generation.blinks:
        raise Unsupported("this generation does not blink")
    yield from web.get("get_system_info.cgi")
    if generation.form:
        body, kind = urlencode({"action": "startBlink" if on else "stopBlink"}).encode(), FORM
    else:
        body, kind = msgspec.json.encode({"blink": on}), "application/json"
    return (yield from _tell(web.post("blink.cgi", body, kind, REREAD_S), "B000", "B100"))


def _tell(asking: Generator[Exchange, Reply, HttpReply], *codes: str) -> Conversation[Receipt]:
    """Tell a machine that was just reached; these pages may never answer, so that silence is no refusal."""
    try:
        reply = yield from asking
    except NotListening:
        raise
    except Unreachable as error:
        return Receipt(message=f"no answer: {error}")
    if codes:
        _must(reply, *codes)
    return Receipt()
