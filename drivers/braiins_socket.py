"""Braiins OS on the API port, which every version has and which wants no login: cgminer's form, rates in MH/s.

Boards are counted from 6 on the S9, from 1 elsewhere.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import msgspec

from drivers.braiins_reading import Told
from drivers.cgminer_reading import averaged_ths, pool_of, present_ths
from drivers.cgminer_wire import Device, Figure, PoolRow, Status, Summary, Verdict, ask, verdicts
from drivers.errors import Garbled, Refused, Unsupported
from drivers.figures import hottest, number, watts, whole, words
from drivers.interface import Ask, Board, Exchange, Fan
from drivers.interface import Reply as Answer
from drivers.tolerant import decode

QUICK = ("summary", "devs", "tunerstatus")
FULL = (*QUICK, "devdetails", "temps", "fans", "pools")


def _key(name: str) -> Any:
    return msgspec.field(default=None, name=name)


class BoardRow(Device, gc=False):
    """A row of `devs`."""

    id: Figure = _key("ID")
    nominal_mhs: Figure = _key("Nominal MHS")
    elapsed: Figure = _key("Device Elapsed")


class Detail(msgspec.Struct, gc=False):
    """A row of `devdetails`."""

    id: Figure = _key("ID")
    chips: Figure = _key("Chips")
    frequency: Figure = _key("Frequency")
    voltage: Figure = _key("Voltage")
    model: str | None = _key("Model")


class Temperatures(msgspec.Struct, gc=False):
    """A row of `temps`; 0 is none."""

    id: Figure = _key("ID")
    board_c: Figure = _key("Board")
    chip_c: Figure = _key("Chip")


class FanRow(msgspec.Struct, gc=False):
    """A row of `fans`; four are listed, whether they are there or not."""

    id: Figure = _key("ID")
    rpm: Figure = _key("RPM")


class Tuner(msgspec.Struct, gc=False):
    """The row of `tunerstatus`."""

    power_w: Figure = _key("ApproximateMinerPowerConsumption")
    target_w: Figure = _key("PowerLimit")


class Part(msgspec.Struct, gc=False):
    """One command's whole reply."""

    verdict: Verdict | None = _key("STATUS")
    summary: list[Summary] | None = _key("SUMMARY")
    boards: list[BoardRow] | None = _key("DEVS")
    details: list[Detail] | None = _key("DEVDETAILS")
    temperatures: list[Temperatures] | None = _key("TEMPS")
    fans: list[FanRow] | None = _key("FANS")
    pools: list[PoolRow] | None = _key("POOLS")
    tuner: list[Tuner] | None = _key("TUNERSTATUS")
    versions: list[dict[str, Any]] | None = _key("VERSION")

    @property
    def status(self) -> list[Status]:
        """How the command went."""
        return verdicts(self.verdict)


class Joined(Part, gc=False):
    """The reply to one command, or to several, each with its own below its name."""

    of_summary: list[Part] | None = _key("summary")
    of_devs: list[Part] | None = _key("devs")
    of_tuner: list[Part] | None = _key("tunerstatus")
    of_details: list[Part] | None = _key("devdetails")
    of_temps: list[Part] | None = _key("temps")
    of_fans: list[Part] | None = _key("fans")
    of_pools: list[Part] | None = _key("pools")

    @property
    def parts(self) -> tuple[Part, ...]:
        """The replies inside; none where one command was asked."""
        named = (
            self.of_summary, self.of_devs, self.of_tuner, self.of_details, self.of_temps, self.of_fans, self.of_pools,
        )  # fmt: skip
        return tuple(part[0] for part in named if part)


_REPLIES = msgspec.json.Decoder(Joined)


def asked(exchange: Ask) -> Generator[Exchange, Answer, Joined]:
    """Ask, and read the reply; raises Garbled for one without a status."""
    payload = yield exchange
    assert isinstance(payload, bytes)
    reply = decode(payload, _REPLIES)
    if not reply.status and not reply.parts:
        raise Garbled("neither a status nor a known section", payload)
    return reply


def must(reply: Part) -> Part:
    """Return the reply where it is a success; raises the Refused that its status means."""
    status = reply.status[0] if reply.status else None
    if status is None or status.letter in {None, "S", "I", "W"}:
        return reply
    said = status.message or f"status {status.letter}"
    raise Unsupported(said) if whole(status.code) == 14 else Refused(said)


def who() -> Generator[Exchange, Answer, tuple[str | None, str | None]]:
    """Return the version that it tells of itself and the model of its boards, None for what it does not."""
    told: list[Part] = []
    for command in ("version", "devdetails"):
        try:
            told.append(must((yield from asked(ask(command)))))
        except Refused:
            told.append(Part())
    own = (value for row in told[0].versions or () for key, value in row.items() if key.upper().startswith("BOS"))
    return words(next(own, None)), next((row.model for row in told[1].details or () if row.model), None)


def hear(commands: tuple[str, ...]) -> Generator[Exchange, Answer, Told]:
    """Ask for all at once, or one by one where the firmware does not join; raises what it refuses its figures by."""
    told, parts = Told(), (yield from asked(ask("+".join(commands)))).parts
    if not parts:
        parts = ()
        refusal: Refused | None = None
        for command in commands:
            try:
                parts = (*parts, must((yield from asked(ask(command)))))
            except Refused as error:
                refusal = refusal or error
        if not any(part.summary or part.boards for part in parts):
            raise refusal or Garbled("no figures", b"")
    sections = Part()
    for part in parts:
        for name in ("summary", "boards", "details", "temperatures", "fans", "pools", "tuner"):
            if (found := getattr(part, name)) is not None:
                setattr(sections, name, found)
    _fill(told, sections)
    return told


def _fill(told: Told, sections: Part) -> None:
    rows = sections.boards or []
    if sections.summary:
        row = sections.summary[0]
        told.present_ths, told.averaged_ths, told.uptime_s = present_ths(row), averaged_ths(row), whole(row.elapsed)
        told.accepted, told.rejected = whole(row.accepted), whole(row.rejected)
        told.stale, told.best_share = whole(row.stale), number(row.best_share)
    elif rows:
        told.present_ths = sum(present_ths(row) or 0.0 for row in rows)
        told.uptime_s = max((whole(row.elapsed) or 0 for row in rows), default=None)
    told.nominal_ths = sum(number(row.nominal_mhs) or 0.0 for row in rows) / 1e6 or None
    if sections.tuner:
        told.power_w, told.target_w = watts(sections.tuner[0].power_w), watts(sections.tuner[0].target_w)
    if sections.fans is not None:
        fans = ((whole(row.id), whole(row.rpm)) for row in sections.fans)
        told.fans = tuple(Fan(slot=slot or 0, rpm=rpm) for slot, rpm in fans if rpm)
    if sections.pools is not None:
        told.pools = tuple(pool_of(row) for row in sections.pools if row.url)
    if sections.boards is not None or sections.temperatures is not None:
        told.boards = _boards(sections)


def _boards(sections: Part) -> tuple[Board, ...]:
    rows = {whole(row.id): row for row in sections.boards or ()}
    temps = {whole(row.id): row for row in sections.temperatures or ()}
    details = {whole(row.id): row for row in sections.details or ()}
    ids = sorted(number for number in {*rows, *temps} if number is not None)
    return tuple(_board(slot, rows.get(at), temps.get(at), details.get(at)) for slot, at in enumerate(ids))


def _board(slot: int, row: BoardRow | None, temps: Temperatures | None, detail: Detail | None) -> Board:
    board_c = None if temps is None else number(temps.board_c) or None
    return Board(
        slot=slot,
        hashrate_ths=None if row is None else present_ths(row),
        chip_temp_c=None if temps is None else hottest((number(temps.chip_c) or 0.0,)),
        board_temp_c=board_c,
        board_temps_c=() if board_c is None else (board_c,),
        chips=None if detail is None else whole(detail.chips),
        frequency_mhz=None if detail is None else number(detail.frequency) or None,
        voltage_v=None if detail is None else number(detail.voltage) or None,
        state=None if row is None else (words(row.status) or "").lower() or None,
    )
