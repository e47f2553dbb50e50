"""Bitmain's web pages: logins, the configuration with the work mode in it, and what a change of mode must send.

A configuration is sent back whole, as it was read: what a page leaves out may be lost, pools and passwords first.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import msgspec

from drivers.errors import Garbled, NotPermitted, Refused, Unreachable, Unsupported
from drivers.figures import number, words
from drivers.interface import Exchange, Http, HttpReply, Login, Reply
from drivers.tolerant import decode, plain_decoder

CGI = "/cgi-bin/"
DEFAULT_LOGIN = Login(user="root", password="root")  # noqa: S106 - as every machine leaves the maker
READ_S, WRITE_S = 8.0, 30.0
"""These servers are slow: a configuration took 21 s to be saved."""
NORMAL = "0"

_NUMBERED = re.compile(r"(?:antminer\s*)?[rst](\d+)", re.IGNORECASE)
_ANY = plain_decoder()
Document = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """How one generation of firmware names its work modes, None where it has no such mode, and is written to."""

    sleep: str | None = None
    low: str | None = None
    asleep: frozenset[str] = frozenset()  # every mode in which it does not hash
    form: bool = True  # the configuration is written as a form, else as JSON
    pages: bool = False  # statistics are there as JSON pages
    blinks: bool = True

    def sleeps_in(self, mode: str | None) -> bool:
        """Whether a work mode is known, and one in which it does not hash."""
        return mode is not None and mode in self.asleep

    def wakes_in(self, mode: str) -> bool:
        """Whether it hashes in a work mode."""
        return mode not in self.asleep


X9 = Generation(blinks=False)
X17 = Generation(sleep="254", asleep=frozenset({"254"}))
X19 = Generation(sleep="1", low="3", asleep=frozenset({"1", "5"}), form=False, pages=True)


def generation_of(model: str | None) -> Generation:
    """Return the generation of a model by its number; that of the S19 and S21 where the name has none."""
    numbered = _NUMBERED.match(model or "")
    if numbered is None or int(numbered[1]) > 17:
        return X19
    return X17 if int(numbered[1]) >= 15 else X9


class Web:
    """The pages of one machine, asked with the first login that it accepts."""

    def __init__(self, logins: tuple[Login, ...], base: str = CGI) -> None:
        self._logins = logins or (DEFAULT_LOGIN,)
        self._base = base

    def get(self, page: str, deadline_s: float = READ_S) -> Generator[Exchange, Reply, HttpReply]:
        """Ask for a page; raises NotPermitted where no login is accepted, Unsupported where it has no such page."""
        return (yield from self._ask(Http(method="GET", path=self._base + page, deadline_s=deadline_s)))

    def post(
        self, page: str, body: bytes, content_type: str, deadline_s: float = WRITE_S
    ) -> Generator[Exchange, Reply, HttpReply]:
        """Send a body to a page; raises as `get` does."""
        path = self._base + page
        asked = Http(method="POST", path=path, body=body, content_type=content_type, deadline_s=deadline_s)
        return (yield from self._ask(asked))

    def _ask(self, asked: Http) -> Generator[Exchange, Reply, HttpReply]:
        for login in self._logins:
            reply = yield _with(asked, login)
            assert isinstance(reply, HttpReply)
            if reply.status not in {401, 403}:
                self._logins = (login, *(other for other in self._logins if other != login))
                return _accepted(reply, asked.path)
        raise NotPermitted(f"{asked.path}: no login is accepted")

    def configuration(self, deadline_s: float = READ_S) -> Generator[Exchange, Reply, Configuration]:
        """Read the configuration; raises Garbled for anything else."""
        return Configuration(told=document((yield from self.get("get_miner_conf.cgi", deadline_s))))


def _with(asked: Http, login: Login) -> Http:
    return Http(
        method=asked.method,
        path=asked.path,
        body=asked.body,
        content_type=asked.content_type,
        user=login.user,
        password=login.password,
        deadline_s=asked.deadline_s,
    )


def _accepted(reply: HttpReply, path: str) -> HttpReply:
    if reply.status in {404, 405, 501}:
        raise Unsupported(f"{path}: status {reply.status}")
    if reply.status >= 500:
        raise Unreachable(f"{path}: status {reply.status}")
    if reply.status >= 300:
        raise Refused(f"{path}: status {reply.status}")
    return reply


def document(reply: HttpReply) -> Document:
    """Read a page as a JSON object; raises Garbled."""
    told = decode(reply.body, _ANY)
    if not isinstance(told, dict):
        raise Garbled("not an object", reply.body)
    return told


def rows(told: object) -> list[Document]:
    """Return the objects of a list, nothing where it is none."""
    return [row for row in told if isinstance(row, dict)] if isinstance(told, list) else []


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What a machine is set to, as it wrote it."""

    told: Document

    @property
    def has_modes(self) -> bool:
        """Whether this firmware has work modes at all."""
        return "bitmain-work-mode" in self.told

    @property
    def mode(self) -> str:
        """The work mode, as a text of its number; NORMAL where there is none, or an empty one."""
        told = number(self.told.get("bitmain-work-mode"))
        return NORMAL if told is None else str(int(told))

    @property
    def pools(self) -> list[Document]:
        """The pools as written, passwords included."""
        return rows(self.told.get("pools"))

    def body(self, mode: str, generation: Generation) -> tuple[bytes, str]:
        """Return the body that changes the mode and nothing else, and its type; raises Refused without a pool."""
        if not any(words(pool.get("url")) for pool in self.pools):
            raise Refused("its configuration reads back without a pool: it is not written")
        if generation.form:
            return urlencode(self._fields(mode)).encode(), "application/x-www-form-urlencoded"
        return msgspec.json.encode(self._page(mode)), "application/json"

    def _page(self, mode: str) -> Document:
        """Return what the page sends. Each key of the mode is heeded by some builds and ignored by others."""
        return {
            "bitmain-fan-ctrl": self.told.get("bitmain-fan-ctrl", False),
            "bitmain-fan-pwm": self.told.get("bitmain-fan-pwm", "100"),
            "miner-mode": int(mode),
            "bitmain-work-mode": int(mode),
            "freq-level": self.told.get("bitmain-freq-level", "100"),
            "pools": self.told["pools"],
        }

    def _fields(self, mode: str) -> list[tuple[str, str]]:
        """Return the form's fields, all of them: it is read by position, names do not count."""
        fields = []
        pools = [*self.pools, {}, {}, {}][:3]
        for place, pool in enumerate(pools, start=1):
            for field, key in (("url", "url"), ("user", "user"), ("pw", "pass")):
                fields.append((f"_ant_pool{place}{field}", _plain(pool.get(key))))
        fans = self.told.get("bitmain-fan-ctrl")
        return [
            *fields,
            ("_ant_nobeeper", _plain(self.told.get("bitmain-nobeeper", False))),
            ("_ant_notempoverctrl", _plain(self.told.get("bitmain-notempoverctrl", False))),
            ("_ant_fan_customize_switch", _plain(fans if fans is not None else False)),
            ("_ant_fan_customize_value", _plain(self.told.get("bitmain-fan-pwm"))),
            ("_ant_freq", _plain(self.told.get("bitmain-freq"))),
            ("_ant_voltage", _plain(self.told.get("bitmain-voltage"))),
            ("_ant_work_mode", mode),
        ]


def _plain(told: object) -> str:
    """Print a value as a form does."""
    if isinstance(told, bool):
        return "true" if told else "false"
    return "" if told is None else str(told)
