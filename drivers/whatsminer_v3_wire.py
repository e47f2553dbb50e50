"""The WhatsMiner wire of API version 3: frames of JSON, and their figures in the words of version 2, which reads them.

A frame is its length, a little-endian u32, and as much JSON. Rates are TH/s, names lower case with dashes, truths and
many numbers are texts.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import msgspec

from drivers.cgminer_wire import PoolRow
from drivers.errors import Garbled, NotPermitted, Refused, Unreachable, Unsupported
from drivers.figures import number, whole, words
from drivers.interface import Ask, Ends, Login, Target
from drivers.tolerant import decode
from drivers.whatsminer_wire import Device, Summary

PORT, OLD_PORT = 4433, 4028
HEAD = 4
NOT_KNOWN, NO_PERMISSION = -2, -4
TOKEN_LENGTH = 8
_MODES = {0: "low", 1: "normal", 2: "high"}
_RATES = {"mhs_1m": "hash-1min", "mhs_15m": "hash-15min", "mhs_av": "hash-average", "hs_rt": "hash-realtime"}


class Reply(msgspec.Struct, gc=False):
    """One reply; code 0 is success."""

    code: float | str | None = None
    when: float | str | None = None
    message: Any = msgspec.field(default=None, name="msg")

    @property
    def document(self) -> dict[str, Any]:
        """The message where it is a document, else an empty one."""
        return self.message if isinstance(self.message, dict) else {}


_REPLIES = msgspec.json.Decoder(Reply)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grain:
    """What a token is made of beside its password: the machine's salt, and what its clock shows."""

    salt: str
    ts: int


def port_of(target: Target) -> int:
    """Return where a machine speaks version 3: its own port, unless it was placed at another on purpose."""
    return PORT if target.port is None or target.port == OLD_PORT else target.port


def asking(port: int, command: str, param: str | None = None) -> Ask:
    """Build the request of a read."""
    return _framed(port, {"cmd": command} if param is None else {"cmd": command, "param": param})


def telling(port: int, command: str, param: object, grain: Grain, login: Login) -> Ask:
    """Build the request of a write; its token holds for this command, and as long as the machine's clock is near."""
    token = token_of(command, grain, login)
    return _framed(port, {"cmd": command, "param": param, "ts": grain.ts, "account": login.user, "token": token})


def token_of(command: str, grain: Grain, login: Login) -> str:
    """Return the first characters of the SHA-256 over command, password, salt and time, in base64."""
    text = f"{command}{login.password}{grain.salt}{grain.ts}"
    return b64encode(sha256(text.encode()).digest()).decode()[:TOKEN_LENGTH]


def _framed(port: int, document: Mapping[str, object]) -> Ask:
    text = msgspec.json.encode(document)
    return Ask(request=len(text).to_bytes(HEAD, "little") + text, ends=Ends.LENGTH, port=port)


def parse(payload: bytes) -> Reply:
    """Read one frame. Raises Unreachable for one that was cut, Garbled."""
    size, text = int.from_bytes(payload[:HEAD], "little"), payload[HEAD:]
    if not text.startswith(b"{"):
        raise Garbled("no frame of a document", payload)
    if len(text) < size:
        raise Unreachable(f"{len(text)} of {size} bytes came")
    reply = decode(text[:size], _REPLIES)
    if reply.code is None and reply.message is None:
        raise Garbled("neither a code nor a message", payload)
    return reply


def must(reply: Reply) -> Reply:
    """Return the reply where it is a success; raises the Refused that it means."""
    code = whole(reply.code)
    if not code:
        return reply
    said = words(reply.message) or f"code {code}"
    if code == NOT_KNOWN:
        raise Unsupported(said)
    raise (NotPermitted if code == NO_PERMISSION else Refused)(said)


def refuses_token(reply: Reply) -> bool:
    """Whether the machine takes no word of this account, or none at all."""
    return whole(reply.code) == NO_PERMISSION


def mode_of(told: object) -> str | None:
    """Return a power mode, 0 to 2 as the machine numbers it, by version 2's name."""
    numbered = whole(told)
    return None if numbered is None else _MODES.get(numbered)


def section(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return a section of a message, an empty one for none."""
    found = document.get(name)
    return found if isinstance(found, dict) else {}


def rows(document: Mapping[str, Any], name: str) -> list[dict[str, Any]] | None:
    """Return the rows of a section; None where it is not there."""
    found = document.get(name)
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else None


def summary_of(row: Mapping[str, Any], mode: str | None) -> Summary | None:
    """Return the figures of the whole machine in version 2's units; None for no figures."""
    if not row:
        return None
    factory_ths = number(row.get("factory-hash"))
    return Summary(
        **{name: _mhs(row.get(key)) for name, key in _RATES.items()},
        elapsed=_figure(row.get("elapsed")),
        fan_in=_figure(row.get("fan-speed-in")),
        fan_out=_figure(row.get("fan-speed-out")),
        power=_figure(row.get("power-realtime")) or _figure(row.get("power-5min")),
        power_limit=_figure(row.get("power-limit")),
        power_mode=mode,
        factory_ghs=factory_ths * 1e3 if factory_ths is not None and factory_ths > 0 else None,
        env_temp=_figure(row.get("environment-temperature")),
        upfreq_complete=_figure(row.get("up-freq-finish")),
    )


def _figure(told: object) -> float | str | None:
    return told if isinstance(told, float | int | str) and not isinstance(told, bool) else None


def _mhs(told: object) -> float | None:
    rate_ths = number(told)
    return None if rate_ths is None else rate_ths * 1e6


def devices_of(told: Iterable[Mapping[str, Any]], summary: Mapping[str, Any]) -> list[Device]:
    """Return the hashboards; their temperatures stand in the summary, in their order. Rates stay TH/s."""
    listed = summary.get("board-temperature")
    temperatures = listed if isinstance(listed, list) else []
    return [
        Device(
            slot=_figure(row.get("slot")) if "slot" in row else _figure(row.get("id")),
            status=(words(row.get("status")) or "").capitalize() or None,
            temperature=_figure(temperatures[at]) if at < len(temperatures) else None,
            chip_temp_max=_figure(row.get("chip-temp-max")),
            frequency=_figure(row.get("freq")),
            mhs_av=_figure(row.get("hash-average")),
            hs_rt=_figure(row.get("hash-realtime")),
            effective_chips=_figure(row.get("effective-chips")),
        )
        for at, row in enumerate(told)
    ]


def pools_of(told: Iterable[Mapping[str, Any]]) -> list[PoolRow]:
    """Return the pools; most firmware counts no shares of them."""
    return [
        PoolRow(
            url=words(row.get("url")),
            user=words(row.get("account")),
            status=(words(row.get("status")) or "").capitalize() or None,
            priority=_figure(row.get("pool-priority")) if "pool-priority" in row else _figure(row.get("id")),
            stratum_active=row.get("stratum-active"),
            accepted=_figure(row.get("accepted")),
            rejected=_figure(row.get("rejected")),
        )
        for row in told
    ]


def faults_of(told: object) -> tuple[str, ...]:
    """Return the codes of an error list, in their order: texts, numbers, or keys of their times; all else is noise."""
    found: list[str] = []
    for one in told if isinstance(told, list) else ():
        named = list(one) if isinstance(one, dict) else [one]
        found += [str(code) for code in named if not isinstance(code, bool) and str(code).isdecimal()]
    return tuple(dict.fromkeys(found))
