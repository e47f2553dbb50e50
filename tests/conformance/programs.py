"""Real cgminer and bfgminer: each recorded reply gives a reading or the right error, and the whole program is read.

What is right is worked out here from the bytes alone, by other means than the driver's.
"""

import json
import re

from drivers.cgminer_reading import reading_of
from drivers.cgminer_wire import Report, must, parse
from drivers.errors import DeviceError
from drivers.interface import Ask, Target
from tests.conformance.devices import read
from tests.conformance.judging import is_right
from tests.conformance.wires import UNKNOWN, asked, serving_bytes
from tests.transports.servers import HOST

ERRORS = {14: "Unsupported", 45: "NotPermitted"}


async def judge_program(folder, lanes, tally):
    """Serve each recorded exchange byte for byte, then the program as a whole, in JSON and in text."""
    recorded = {exchange.request: exchange.reply for exchange in folder.exchanges}
    async with serving_bytes(recorded.__getitem__) as port:
        for exchange in folder.exchanges:
            got = await outcome(lanes, Target(host=HOST, port=port), exchange)
            right = outcome_of(exchange.reply.partition(b"\0")[0])
            tally.judge(f"{folder.name}/{exchange.name}.bin", "outcome", right, got, right=got == right)
    for form in ("json", "text"):
        await judge_whole(folder, form, lanes, tally)


async def outcome(lanes, target, exchange):
    """Return "reading" or the name of the error that one exchange ends with."""

    def conversation():
        reply = yield Ask(request=exchange.request)
        if reply != exchange.reply.partition(b"\0")[0]:
            return "other bytes than were served"
        report = Report()
        report.add(must(parse(reply)))
        return type(reading_of(report, None)).__name__.lower()

    try:
        return await lanes.run(target, conversation())
    except DeviceError as error:
        return type(error).__name__


def outcome_of(reply):
    """Say what a reply means, by its first status; a joined one is a reading whatever its parts."""
    if reply.startswith(b"CMD="):
        return "reading"
    if (told := re.match(rb"STATUS=(\w),When=\d+,Code=(\d+)", reply)) is not None:
        return meaning(told[1].decode(), int(told[2]))
    try:
        document = json.loads(reply)
    except ValueError:
        return "Garbled"
    match document:
        case {"STATUS": [{"STATUS": str(letter), "Code": int(code)}, *_]}:
            return meaning(letter, code)
        case {"STATUS": "BYE" | "RESTART"}:
            return "Unreachable"
        case {"STATUS": _}:
            return "Garbled"
        case dict():
            return "reading"
        case _:
            return "Garbled"


def meaning(letter, code):
    """Say what a status means."""
    return "reading" if letter in "SIW" else ERRORS.get(code, "Refused")


async def judge_whole(folder, form, lanes, tally):
    """Read the program that answers in one form, and compare what its JSON replies say."""
    served = {asked(e.request): e.reply for e in folder.exchanges if e.name.startswith(f"{form}_")}
    plain = {asked(e.request): e.reply for e in folder.exchanges if e.name.startswith("json_")}
    async with serving_bytes(lambda request: served.get(asked(request), UNKNOWN)) as port:
        try:
            got = await read(lanes, Target(host=HOST, port=port))
        except DeviceError as error:
            got = {"hashrate_ths": f"{type(error).__name__}: {error}"}
    for field, expected in expected_of(plain).items():
        right = is_right(field, expected, got.get(field))
        tally.judge(f"{folder.name} ({form})", field, expected, got.get(field), right=right)


def expected_of(plain):
    """Return the figures that a program's own JSON replies hold."""
    expected = {}
    for summary in rows(plain, "summary", "SUMMARY"):
        expected |= {"hashrate_ths": rate_ths(summary), "uptime_s": summary["Elapsed"]}
    if "devs" in plain:
        rates = [rate_ths(device) for device in rows(plain, "devs", "DEVS")]
        expected |= {"board_count": len(rates), "board_hashrates_ths": rates}
    if "pools" in plain:
        expected["pools_urls"] = [pool["URL"] for pool in rows(plain, "pools", "POOLS")]
    return expected


def rate_ths(row):
    """Return the shortest average of a minute or more, else of seconds."""
    return next(row[key] for key in ("MHS 1m", "MHS 20s", "MHS 5s", "MHS av") if key in row) / 1e6


def rows(plain, command, section):
    """Return the rows of a recorded reply, none where it has no such section."""
    return json.loads(plain.get(command, b"{}").partition(b"\0")[0]).get(section, [])
