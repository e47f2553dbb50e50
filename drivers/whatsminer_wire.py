"""The WhatsMiner wire, API versions 1 and 2: replies as typed structs, their two envelopes, and their broken JSON.

A figure stands in a section, `SUMMARY`, or, on newer firmware, in the message of the vendor's own envelope. Keys that
end in a number are found in the text. Truths are texts, "true" and "false".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import msgspec

from drivers.cgminer_wire import Figure, PoolRow, Status
from drivers.errors import Garbled, NotPermitted, Refused, Unsupported
from drivers.figures import whole, words
from drivers.tolerant import convert, decode

ACCESS_SHUT = "can't access write cmd"
NOT_DECRYPTED = "enc json load err"
TOKEN_REFUSED = 135


def _key(name: str) -> Any:
    return msgspec.field(default=None, name=name)


class Summary(msgspec.Struct, gc=False):
    """The figures of the whole machine; rates in MH/s, but see `hs_rt`."""

    elapsed: Figure = _key("Elapsed")
    mhs_5s: Figure = _key("MHS 5s")
    mhs_1m: Figure = _key("MHS 1m")
    mhs_5m: Figure = _key("MHS 5m")
    mhs_15m: Figure = _key("MHS 15m")
    mhs_av: Figure = _key("MHS av")
    hs_rt: Figure = _key("HS RT")
    accepted: Figure = _key("Accepted")
    rejected: Figure = _key("Rejected")
    stale: Figure = _key("Stale")
    hardware_errors: Figure = _key("Hardware Errors")
    best_share: Figure = _key("Best Share")
    fan_in: Figure = _key("Fan Speed In")
    fan_out: Figure = _key("Fan Speed Out")
    power: Figure = _key("Power")
    power_limit: Figure = _key("Power Limit")
    power_mode: Figure = _key("Power Mode")
    factory_ghs: Figure = _key("Factory GHS")
    env_temp: Figure = _key("Env Temp")
    upfreq_complete: Figure = _key("Upfreq Complete")
    mac: Figure = _key("MAC")
    firmware_version: Figure = _key("Firmware Version")
    error_code_count: Figure = _key("Error Code Count")


class Device(msgspec.Struct, gc=False):
    """One hashboard of `devs`, `edevs` or `devdetails`; newer firmware leaves `ASC` out and says TH/s."""

    asc: Figure = _key("ASC")
    slot: Figure = _key("Slot")
    status: Figure = _key("Status")
    temperature: Figure = _key("Temperature")
    chip_temp_max: Figure = _key("Chip Temp Max")
    chip_frequency: Figure = _key("Chip Frequency")
    frequency: Figure = _key("Frequency")
    mhs_5s: Figure = _key("MHS 5s")
    mhs_1m: Figure = _key("MHS 1m")
    mhs_av: Figure = _key("MHS av")
    hs_rt: Figure = _key("HS RT")
    effective_chips: Figure = _key("Effective Chips")
    upfreq_complete: Figure = _key("Upfreq Complete")
    model: Figure = _key("Model")


class Reply(msgspec.Struct, gc=False):
    """One reply of either envelope, plain or joined, or one that is encrypted and holds such a reply."""

    status: list[Status] | Status | str | None = _key("STATUS")
    code: Figure = _key("Code")
    message: Any = _key("Msg")
    summary: list[Summary] | None = _key("SUMMARY")
    devices: list[Device] | None = _key("DEVS")
    pools: list[PoolRow] | None = _key("POOLS")
    details: list[Device] | None = _key("DEVDETAILS")
    of_summary: list[Reply] | None = _key("summary")
    of_devices: list[Reply] | None = _key("devs")
    of_pools: list[Reply] | None = _key("pools")
    sealed: str | None = _key("enc")

    @property
    def letter(self) -> str | None:
        """S, I and W are success, E and F are not; None where it does not say."""
        match self.status:
            case [Status(letter=letter), *_] | Status(letter=letter):
                return letter
            case str(letter):
                return letter
            case _:
                return None

    @property
    def number(self) -> int | None:
        """The code of a refusal; on success it says nothing."""
        told = self.status[0].code if isinstance(self.status, list) and self.status else self.code
        return whole(told)

    @property
    def said(self) -> str:
        """What it says in words."""
        told = self.status[0].message if isinstance(self.status, list) and self.status else self.message
        return words(told) or f"code {self.number}"

    @property
    def refuses(self) -> bool:
        """Whether the machine declined."""
        return self.letter in {"E", "F"}

    @property
    def document(self) -> dict[str, Any]:
        """The message where it is a document, else an empty one."""
        return self.message if isinstance(self.message, dict) else {}


@dataclass(slots=True, kw_only=True)
class Told:
    """What several replies told together; None is what was refused, or not asked for."""

    summary: Summary | None = None
    devices: list[Device] | None = None
    pools: list[PoolRow] | None = None
    is_off: bool | None = None
    is_off_surely: bool = False  # older firmware says "off" of a machine that hashes
    faults: tuple[str, ...] | None = None


_REPLIES = msgspec.json.Decoder(Reply)
_NUMBERED = re.compile(rb'"Error Code (\d+)"\s*:\s*"?(\d+)')
_LISTED = re.compile(rb'[\[{,]\s*"?(\d{3,6})"?\s*(?=[:,\]}])')


def parse(payload: bytes) -> Reply:
    """Read one reply; raises Garbled."""
    reply = decode(payload, _REPLIES)
    if reply.letter is None and reply.sealed is None and reply.of_summary is None:
        raise Garbled("neither a status nor a known section", payload)
    return reply


def must(reply: Reply) -> Reply:
    """Return the reply where it is a success; raises the Refused that it means."""
    if not reply.refuses:
        return reply
    if reply.number == 14:
        raise Unsupported(reply.said)
    if ACCESS_SHUT in reply.said:
        raise NotPermitted(f"{reply.said}: the owner must open the machine's API for writing")
    if reply.number == 45:
        raise NotPermitted(reply.said)
    raise Refused(reply.said)


def summary_of(reply: Reply, payload: bytes) -> Summary | None:
    """Return the summary of either envelope; raises Garbled."""
    if reply.summary:
        return reply.summary[0]
    return convert(reply.document, Summary, payload) if reply.document and not reply.refuses else None


def faults_of_summary(payload: bytes) -> tuple[str, ...]:
    """Return the codes that a summary counts up, in their order."""
    numbered = sorted((int(at), code.decode()) for at, code in _NUMBERED.findall(payload))
    return tuple(code for _, code in numbered)


def faults_of_list(payload: bytes) -> tuple[str, ...] | None:
    """Return the codes of `get_error_code`, None where it has no such list.

    They are bare, or keys of their times; some builds set pairs in brackets, which is no JSON, or cut a long list.
    """
    _, found, listed = payload.partition(b'"error_code"')
    return tuple(dict.fromkeys(code.decode() for code in _LISTED.findall(listed))) if found else None
