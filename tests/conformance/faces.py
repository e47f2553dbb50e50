"""The simulated cgminer and bfgminer against what the real ones answered to the same requests: form, verdicts, rows.

Figures are not compared, they are of other machines: what a row has, of which kind, is. Of several recordings of one
program that counts which all of them have. What a device tells of itself in STATS is its own.
"""

import asyncio
import json
import re

from simulators.cgminer_words import PROGRAMS
from simulators.farm import Farm, FarmOptions
from simulators.machines import MixRow
from tests.transports.servers import HOST

NO_DEVICES = {10, 105}
UNKNOWN = 14
OWN = {"STATS", "STATUS"}
WAIT_S = 5.0
TOLD = "verdict"
READ_ONLY = {
    "readonly_summary": b'{"command":"summary"}',
    "readonly_privileged": b'{"command":"privileged"}',
    "readonly_text_privileged": b"privileged",
}
"""Requests of a folder without an index, recorded from a program that gives no write access."""


async def judge_faces(programs, root, tally):
    """Ask each simulated program what the recorded ones were asked; returns how many requests it does not know."""
    unknown = 0
    for firmware, program in PROGRAMS.items():
        folders = [folder for folder in programs if program.description.encode() in b"".join(_versions(folder))]
        if folders:
            unknown += await _judge(firmware, folders, tally)
    access = [path for path in root.rglob("readonly_*.bin") if path.stem in READ_ONLY]
    if access:
        async with _farm("cgminer", "R") as farm:
            for path in access:
                got = await _said(farm, READ_ONLY[path.stem])
                _compare(f"simulated, {path.name}", path.read_bytes(), got, None, tally)
    return unknown


def _versions(folder):
    return [exchange.reply for exchange in folder.exchanges if exchange.name == "json_version"]


async def _judge(firmware, folders, tally):
    common, unknown = _common_rows(folders), 0
    async with _farm(firmware, "W") as farm:
        for folder in folders:
            for exchange in folder.exchanges:
                if not exchange.name.startswith(("json_", "text_", "err_")):
                    continue  # a program in a state that was brought about
                got = await _said(farm, exchange.request)
                name = f"simulated, {folder.name}/{exchange.name}"
                unknown += not _compare(name, exchange.reply, got, common.get(exchange.name), tally)
    return unknown


def _farm(firmware, access):
    row = MixRow(make="WhatsMiner", model="M50", share=1, firmware=firmware, access=access)
    return Farm(FarmOptions(miners=1, mix=(row,), own_ports=True))


async def _said(farm, request):
    """Return every byte until the end of the connection."""
    reader, writer = await asyncio.open_connection(HOST, farm.machines[0].port)
    writer.write(request)
    try:
        async with asyncio.timeout(WAIT_S):
            return await reader.read()
    finally:
        writer.close()


def _compare(name, recorded, got, common, tally):
    """Count what is alike; returns whether the simulated program knows the request at all."""
    right, told = _verdicts(recorded), _verdicts(got)
    pairs = {part: (right[part], told.get(part)) for part in right if right[part] and right[part][1] not in NO_DEVICES}
    known = {part: pair for part, pair in pairs.items() if pair[1] != ("E", UNKNOWN) or pair[0][1] == UNKNOWN}
    tally.judge(name, "parts", list(right), list(told), right=list(right) == list(told))
    tally.judge(name, "ending", _ending(recorded), _ending(got), right=_ending(recorded) == _ending(got))
    for part, (expected, seen) in known.items():
        tally.judge(name, f"{TOLD} {part}".strip(), expected, seen, right=expected == seen)
    if known and common is not None and "" in right:
        seen = _kinds(_document(got))
        for section, kinds in common.items():
            there = seen.get(section, {})
            lacking = {key: kind for key, kind in sorted(kinds.items()) if there.get(key) != kind}
            tally.judge(name, section, "all keys", f"without {lacking}" if lacking else "all keys", right=not lacking)
    return len(known) == len(pairs)


def _ending(reply):
    return f"{len(reply) - len(reply.rstrip(bytes(1)))} NUL"


def _verdicts(reply):
    """Return letter and code by the command of a joined reply, under "" for a plain one; None where it has no code."""
    document = _document(reply)
    if document is None:
        text = reply.rstrip(b"\0").decode("utf-8", "replace")
        parts = re.split(r"^CMD=|(?<=\|)CMD=", text)
        if len(parts) == 1:
            return {"": _text_verdict(text)}
        return {part.partition("|")[0]: _text_verdict(part.partition("|")[2]) for part in parts if part}
    if "STATUS" in document:
        return {"": _verdict(document)}
    return {part: _verdict(told[0]) for part, told in document.items() if isinstance(told, list) and told}


def _verdict(document):
    match document.get("STATUS"):
        case [{"STATUS": letter, "Code": code}, *_]:
            return letter, code
        case _:
            return None


def _text_verdict(text):
    found = re.match(r"STATUS=(\w+),When=\d+,Code=(\d+)", text)
    return None if found is None else (found[1], int(found[2]))


def _document(reply):
    try:
        document = json.loads(reply.rstrip(b"\0"))
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _common_rows(folders):
    """Return by exchange and section the keys, with their kinds, that the first row has in every recording."""
    found = {}
    for folder in folders:
        for exchange in folder.exchanges:
            kinds = _kinds(_document(exchange.reply))
            before = found.setdefault(exchange.name, kinds)
            found[exchange.name] = {
                section: dict(before[section].items() & kinds[section].items())
                for section in before.keys() & kinds.keys()
            }
    return found


def _kinds(document):
    """Return the kinds of the first row of each section but the devices' own."""
    rows = {} if document is None else document
    return {
        section: {key: _kind(value) for key, value in told[0].items()}
        for section, told in rows.items()
        if section not in OWN and isinstance(told, list) and told and isinstance(told[0], dict)
    }


def _kind(value):
    match value:
        case bool():
            return "truth"
        case int() | float():
            return "number"
        case _:
            return type(value).__name__
