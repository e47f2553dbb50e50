"""Who answers here: one question on the API port tells the families apart, the web page where that port is shut.

Foreign firmware calls itself by its model too, so its own name goes first. What no driver speaks is named.
"""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from drivers import registry
from drivers.antminer_web import Web
from drivers.cgminer_wire import ask, parse
from drivers.errors import DeviceError, Garbled, NotListening, NotPermitted, Refused, Unreachable, Unsupported
from drivers.interface import Conversation, Http, HttpReply, Identity, Reply, Target
from drivers.mara import MARAS_PAGES
from drivers.whatsminer_v3_wire import asking, port_of
from drivers.whatsminer_v3_wire import parse as parse_v3

AUTO = "auto"
UNSURE = "unknown"
"""Named as the driver of a machine that is surely one, and of one of several families, where no login is taken."""

MARKS = (
    (b"BOSMINER", "braiins"),
    (b"BOSER", "braiins"),
    (b"LUXMINER", "luxos"),
    (b"VNISH", "vnish"),
    (b"ANTHILLOS", "vnish"),
    (b"HIVEON", "hiveon"),
    (b"KAONSU", "mara"),
    (b"MARAFW", "mara"),
    (b"RWGLR", "mskminer"),
    (b"BTMINER", "whatsminer"),
    (b"BITMICRO", "whatsminer"),
    (b"WHATSMINER", "whatsminer"),
    (b"FACTORY GHS", "whatsminer"),
    (b'MINEROFF"', "whatsminer"),
    (b"AVALON", "avalon"),
    (b'"AVA1', "avalon"),
    (b'"AVANANO', "avalon"),
    (b"GCMINER", "auradine"),
    (b"BDMINER", "sealminer"),
    (b"ANTMINER", "antminer-stock"),
    (b"CGMINER", "cgminer"),
    (b"BFGMINER", "cgminer"),
)
"""What upper-case replies hold, and the driver that it means; the first that is found decides."""

PAGES = (
    (Http(method="GET", path="/api/v1/info"), (b'"FW_NAME"',), "vnish"),
    (Http(method="GET", path="/api/system/info"), (b'"ASICMODEL"', b'"STRATUMURL"'), "axeos"),
    (Http(method="GET", path="/api/v1/version"), (b'"MAJOR"', b'"MINOR"'), "braiins"),
    (
        Http(
            method="POST",
            path="/graphql",
            body=b'{"query":"{ bos { info { version { full } } } }"}',
            content_type="application/json",
        ),
        (b'"BOS"',),
        "braiins",
    ),
    (Http(method="GET", path="/"), (b"MINER UI",), "auradine"),
)
"""What firmware with a shut API port shows to whoever asks: the request, what the upper-case page holds, the driver."""

API_PORT = 4028
API_PAGES = (("/summary", (b'"SESSION"', b'"HBS"'), "epic"),)
"""What firmware shows that serves pages on its API port: the path, what the upper-case page holds, the driver."""

SHARED = frozenset(("antminer-stock", "whatsminer-v3"))
"""What other firmware answers in these words too: they tell a family only where its API port has nothing to say."""

_PAGE = Http(method="GET", path="/cgi-bin/get_system_info.cgi")
_MARA = "brief"


def identify(target: Target, driver: str = AUTO) -> Conversation[Identity]:
    """Learn who answers and what it can, by the named driver or by what it says; changes nothing.

    What it failed to answer in time makes the identity `partial`. Raises Unsupported, with its name, for firmware that
    no driver speaks.
    """
    name, doubtful = (yield from _family(target)) if driver == AUTO else (driver, False)
    try:
        found = yield from _noting(registry.row(name).create(target, None).identify())
    except NotPermitted as denied:
        denied.driver = UNSURE if doubtful or name in SHARED else name
        raise
    return replace(found, partial=True) if doubtful else found


def _noting(asking: Conversation[Identity]) -> Conversation[Identity]:
    """Hold a conversation, and call partial what it comes to where an answer failed; a shut port is an answer."""
    missed, reply, error = False, cast("Reply", None), cast("DeviceError | None", None)
    while True:
        try:
            exchange = asking.send(reply) if error is None else asking.throw(error)
        except StopIteration as end:
            found: Identity = end.value
            return replace(found, partial=found.partial or missed)
        error = None
        try:
            reply = yield exchange
        except (Unreachable, Garbled) as silent:
            error, missed = silent, missed or not isinstance(silent, NotListening)
        else:
            missed = missed or (isinstance(reply, HttpReply) and reply.status >= 500)


def _family(target: Target) -> Conversation[tuple[str, bool]]:
    """Return the driver's name, and whether what failed to answer may have said another."""
    try:
        told, failed = yield from _told()
    except NotListening as silent:
        return (yield from _family_elsewhere(target, silent)), False
    except (Unreachable, Refused) as silent:
        if (name := (yield from _family_of_api_page(target))) is not None:
            return name, False
        name = yield from _family_elsewhere(target, silent)
        return name, name in SHARED and isinstance(silent, Unreachable)
    if told[0].startswith(b"HTTP/") and (name := (yield from _family_of_api_page(target, speaks=True))) is not None:
        return name, False
    try:
        return _family_of_replies(told), failed is not None
    except Unsupported:
        if failed is not None:
            raise failed from None
        raise


def _family_elsewhere(target: Target, silent: DeviceError) -> Conversation[str]:
    """Ask for web pages, and on the port of WhatsMiners' API version 3; raises what the pages, or else `silent` say."""
    unknown = silent
    try:
        return (yield from _family_of_page(target, silent))
    except (Unreachable, Unsupported) as error:
        unknown = error
    if (yield from _speaks_v3(target)):
        return "whatsminer-v3"
    raise unknown


def _speaks_v3(target: Target) -> Conversation[bool]:
    try:
        payload = yield asking(port_of(target), "get.device.info", "salt")
        assert isinstance(payload, bytes)
        parse_v3(payload)
    except DeviceError:
        return False
    return True


def _family_of_api_page(target: Target, *, speaks: bool = False) -> Conversation[str | None]:
    """Ask the API port for pages, in case that it speaks HTTP and had no word for another tongue.

    Raises Unreachable where it is known to speak it, and is late.
    """
    for path, marks, name in API_PAGES:
        try:
            page = yield Http(method="GET", path=path, port=target.port or API_PORT)
        except Unreachable:
            if speaks:
                raise
            return None
        except DeviceError:
            return None
        assert isinstance(page, HttpReply)
        if page.status == 200 and all(mark in page.body.upper() for mark in marks):
            return name
    return None


def _family_of_replies(told: list[bytes]) -> str:
    """Return who replies come from; a stranger who speaks the API is read too, as is a cgminer without a version."""
    name = _named(b"".join(told))
    if (name is None or (name == "cgminer" and len(told) > 1)) and any(_tells(reply) for reply in told):
        return "generic"
    return family_of(b"".join(told))


def _tells(payload: bytes) -> bool:
    """Whether a reply holds a section of the CGMiner API."""
    try:
        reply = parse(payload)
    except DeviceError:
        return False
    return any((reply.versions, reply.summary, reply.stats, reply.devices))


def family_of(told: bytes) -> str:
    """Return the driver's name that replies mean; raises Unsupported where no mark is in them."""
    if (name := _named(told)) is not None:
        return name
    raise Unsupported(f"unknown firmware: {told[:200].decode('utf-8', 'replace')}")


def _told() -> Conversation[tuple[list[bytes], DeviceError | None]]:
    """Ask for the version; who refuses that says who it is in its figures, a WhatsMiner in those of its devices.

    With what was told comes what went wrong before more was: a machine that is late may have had more to say.
    """
    try:
        version = yield ask("version")
    except Refused:
        version = b""
    assert isinstance(version, bytes)
    if version and not _is_refusal(version):
        return [version], None
    figures = yield ask("stats")
    assert isinstance(figures, bytes)
    return (yield from _told_more([figures, version]))


def _told_more(told: list[bytes]) -> Conversation[tuple[list[bytes], DeviceError | None]]:
    """Ask on while nothing but the program that all of them come from is named."""
    for command in ("devdetails", "summary", "devs", "status"):
        if _named(b"".join(told)) not in {None, "cgminer"}:
            break
        try:
            answer = yield ask(command)
        except Refused:
            break
        except Unreachable as silent:
            return told, silent
        assert isinstance(answer, bytes)
        told.append(answer)
    return told, None


def _named(told: bytes) -> str | None:
    upper = told.upper()
    return next((name for mark, name in MARKS if mark in upper), None)


def _is_refusal(payload: bytes) -> bool:
    try:
        verdict = parse(payload).verdict
    except DeviceError:
        return False
    return verdict is not None and verdict.letter in {"E", "F"}


def _family_of_page(target: Target, silent: DeviceError) -> Conversation[str]:
    """Tell an Antminer whose API is off or asleep by its web page; raises what the API port said for no page."""
    try:
        page = yield _PAGE
    except Unreachable:
        raise silent from None
    assert isinstance(page, HttpReply)
    if page.status == 200 and (known := _named(page.body)) is not None:
        return known
    if 'realm="antminer' not in page.headers.get("www-authenticate", "").lower():
        if (name := (yield from _family_of_pages())) is not None:
            return name
        if not isinstance(silent, NotListening):  # late, and it may say more than its page
            raise silent
        raise Unsupported(f"the API port is shut, and the web page is not known: status {page.status}")
    return "mara" if (yield from _is_mara(target)) else "antminer-stock"


def _family_of_pages() -> Conversation[str | None]:
    """Ask for the pages that firmware shows without a login, until one is known.

    Raises Unreachable where none is and one did not come: it may have been the one.
    """
    late: Unreachable | None = None
    for request, marks, name in PAGES:
        try:
            page = yield request
        except NotListening:
            continue
        except Unreachable as silent:
            late = silent
            continue
        except DeviceError:
            continue
        assert isinstance(page, HttpReply)
        if page.status == 200 and all(mark in page.body.upper() for mark in marks):
            return name
    if late is not None:
        raise late
    return None


def _is_mara(target: Target) -> Conversation[bool]:
    """Ask for a page that Mara's firmware alone has; it shows the realm of stock, and nothing without a login.

    Raises Unreachable: a machine that did not answer now is not taken for another firmware.
    """
    try:
        yield from Web(target.logins, MARAS_PAGES).get(_MARA)
    except (Refused, Garbled):
        return False
    return True
