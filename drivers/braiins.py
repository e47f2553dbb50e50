"""Braiins OS by whichever of its three surfaces a version has: REST, GraphQL, the API port.

Paused by a command of its own, limited by its tuner's power target. Nothing says that a pause outlasts a new start.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from enum import Enum
from typing import Any

import msgspec

from drivers import braiins_graphql as graphql
from drivers import braiins_reading as page
from drivers import braiins_socket as socket
from drivers.braiins_reading import PAUSED, Told, at, reading_of
from drivers.cgminer_wire import ask
from drivers.errors import DeviceError, Garbled, NotListening, NotPermitted, Refused, Unreachable, Unsupported
from drivers.figures import number, watts, words
from drivers.interface import (
    Abilities,
    Command,
    Conversation,
    Exchange,
    Http,
    HttpReply,
    Identity,
    LimitPower,
    Locate,
    Login,
    PowerRange,
    Reading,
    Reboot,
    Receipt,
    Restart,
    SetMode,
    Sleep,
    SleepAbility,
    Target,
    Want,
)
from drivers.interface import Reply as Answer
from drivers.models import Model, find
from drivers.tolerant import decode, plain_decoder
from drivers.web_json import JSON, Headers, WebSession, anything

LOGIN = Login(user="root", password="root")  # noqa: S106 - the vendor's
STANDBY_W, SETTLE_S, WAKE_S, BOOT_S = 150.0, 30.0, 300.0, 120.0
"""Boards may stay powered while it is paused, and draw up to some hundred watts: the meter tells."""
_V1 = "/api/v1"
_ANY = plain_decoder()
_LUCI = "/cgi-bin/luci/admin/network/iface_status/lan"


class Surface(Enum):
    """By what a machine is spoken to, beside its API port."""

    REST = "rest"
    GRAPHQL = "graphql"
    SOCKET = "socket"


class Braiins:
    """One machine with Braiins OS."""

    def __init__(self, target: Target, identity: Identity | None = None) -> None:
        self.target = target
        self._identity = identity
        self._surface: Surface | None = None
        self._rest = WebSession(self._log_in)
        self._graphql = WebSession(self._log_in_by_mutation)
        self._target_w: float | None = None  # the power target, as last read in full or set by us
        self._tuner: int | None = None
        self._paused = False  # by us, where its surface does not tell

    # who it is -----------------------------------------------------------------------------------------------

    def identify(self) -> Conversation[Identity]:
        """Learn model, MAC, version and abilities; changes nothing."""
        self._surface, told = yield from self._found()
        match self._surface:
            case Surface.REST:
                self._identity = yield from self._identify_by_rest(told)
            case Surface.GRAPHQL:
                self._identity = yield from self._identify_by_graphql(told)
            case Surface.SOCKET:
                self._identity = yield from self._identify_by_socket()
        return self._identity

    def _found(self) -> Generator[Exchange, Answer, tuple[Surface, Any]]:
        """Try REST, then GraphQL; a page that wants a login is there. Raises NotPermitted where none is taken.

        A page that is late is not one that is not there: a machine that was known to have one is out of reach then.
        """
        try:
            told = anything((yield from self._rest.ask("GET", f"{_V1}/miner/details", open_to_all=True)))
        except (Unsupported, Garbled, Unreachable) as error:
            self._must_have_been(error)
            told = {}
        if "bos_version" in told:
            return Surface.REST, told
        try:
            told = yield from self._query(graphql.SYSTEM)
        except (Refused, Garbled, Unreachable) as error:
            self._must_have_been(error)
            told = {}
        return (Surface.GRAPHQL, told) if told.get("bos") else (Surface.SOCKET, None)

    def _must_have_been(self, error: DeviceError) -> None:
        late = isinstance(error, Unreachable) and not isinstance(error, NotListening)
        if late and self._identity is not None and self._identity.abilities.reboot:
            raise error

    def _identify_by_rest(self, told: object) -> Generator[Exchange, Answer, Identity]:
        sticker = number(at(told, "sticker_hashrate.gigahash_per_second"))
        name = words(at(told, "miner_identity.miner_model")) or words(at(told, "miner_identity.name"))
        limits = yield from self._maybe(f"{_V1}/configuration/constraints")
        targets = at(limits, "tuner_constraints.power_target")
        spans = {key: watts(at(targets, f"{key}.watt")) for key in ("min", "max", "default")}
        model = find(self.target.model or name, None if sticker is None else sticker / 1e3)
        mac, serial = words(at(told, "mac_address")), words(at(told, "serial_number"))
        version = words(at(told, "bos_version.current"))
        return self._identified(name, model, spans, version=version, mac=mac, serial=serial)

    def _identify_by_graphql(self, told: object) -> Generator[Exchange, Answer, Identity]:
        name = words(at(told, "bosminer.info.modelName"))
        try:
            targets = at((yield from self._query(graphql.TARGETS)), graphql.TARGET)
        except DeviceError:
            targets = None
        spans = {key: watts(at(targets, key)) for key in ("min", "max", "default")}
        mac = None
        try:
            rows = decode((yield from self._graphql.ask("GET", _LUCI, open_to_all=True)).body, _ANY)
            mac = words(at(rows[0], "macaddr")) if isinstance(rows, list) and rows else None
        except DeviceError:
            pass
        model, version = find(self.target.model or name), words(at(told, "bos.info.version.full"))
        return self._identified(name, model, spans, version=version, mac=mac, serial=None)

    def _identify_by_socket(self) -> Generator[Exchange, Answer, Identity]:
        version, name = yield from socket.who()
        return self._identified(name, find(self.target.model or name), {}, version=version, mac=None, serial=None)

    def _identified(
        self,
        name: str | None,
        model: Model | None,
        spans: dict[str, float | None],
        *,
        version: str | None,
        mac: str | None,
        serial: str | None,
    ) -> Identity:
        sold_w = spans.get("default") or (None if model is None else model.power_w)
        least_w, most_w = spans.get("min"), spans.get("max")
        has_limits = least_w is not None and most_w is not None and self._surface is not Surface.SOCKET
        web = self._surface is not Surface.SOCKET
        return Identity(
            driver="braiins",
            make=None if model is None else model.make,
            model=self.target.model or (name if model is None else model.model),
            firmware="Braiins OS",
            firmware_version=version,
            mac=mac,
            serial=serial,
            nominal_ths=None if model is None else model.hashrate_ths,
            nominal_w=sold_w,
            abilities=Abilities(
                sleep=_sleep(model),
                power_limit=PowerRange(least_w=least_w or 0.0, most_w=most_w or 0.0) if has_limits else None,
                reboot=web,
                locate=web,
                boot_s=BOOT_S,
            ),
        )

    # what it does --------------------------------------------------------------------------------------------

    def read(self, want: Want) -> Conversation[Reading]:
        """Learn what it does now."""
        if self._surface is None or self._identity is None:
            yield from self.identify()
        match self._surface:
            case Surface.REST:
                told = yield from self._read_rest(want)
            case Surface.GRAPHQL:
                told = yield from self._read_graphql(want)
            case _:
                told = yield from socket.hear(socket.QUICK if want is Want.QUICK else socket.FULL)
                if told.pools is None and page.stands(told):
                    told = yield from socket.hear((*socket.QUICK, "pools"))
        told.was_paused = self._paused
        return reading_of(told, None if self._identity is None else self._identity.nominal_w)

    def _read_rest(self, want: Want) -> Generator[Exchange, Answer, Told]:
        told = Told()
        for path, add in ((f"{_V1}/miner/details", page.add_details), (f"{_V1}/miner/stats", page.add_stats)):
            add(told, anything((yield from self._rest.ask("GET", path, open_to_all=True))))
        if want is Want.FULL or self._target_w is None:
            yield from self._add(told, f"{_V1}/configuration/miner", page.add_configuration)
            yield from self._add(told, f"{_V1}/performance/tuner-state", page.add_tuner)
            self._target_w, self._tuner = told.target_w, told.tuner
        told.target_w, told.tuner = self._target_w, self._tuner
        if want is Want.FULL:
            yield from self._add(told, f"{_V1}/miner/hw/hashboards", page.add_boards)
            yield from self._add(told, f"{_V1}/cooling/state", page.add_cooling)
            yield from self._add(told, f"{_V1}/miner/errors", page.add_errors)
        stands = page.stands(told)
        if want is Want.FULL or (stands and told.status != PAUSED):
            yield from self._add(told, f"{_V1}/pools", page.add_groups)
        return told

    def _add(self, told: Told, path: str, add: Callable[[Told, object], None]) -> Generator[Exchange, Answer, None]:
        """Take in a page that may be missing."""
        found = yield from self._maybe(path)
        if found is not None:
            add(told, found)

    def _maybe(self, path: str) -> Generator[Exchange, Answer, object]:
        try:
            return decode((yield from self._rest.ask("GET", path, open_to_all=True)).body, _ANY)
        except (Unsupported, NotPermitted):
            return None

    def _read_graphql(self, want: Want) -> Generator[Exchange, Answer, Told]:
        told = Told()
        page.add_system(told, (yield from self._query(graphql.SYSTEM)))
        stands = page.stands(told)
        if want is Want.FULL or stands:
            page.add_solvers(told, (yield from self._query(graphql.BOARDS)))
            page.add_pool_groups(told, (yield from self._query(graphql.POOLS)))
        if want is Want.FULL:
            page.add_appeals(told, (yield from self._query(graphql.EVENTS)))
        return told

    def _query(self, query: str, *, login: bool = False) -> Generator[Exchange, Answer, dict[str, Any]]:
        """Ask a question, or do with a login what changes something; raises Refused for an answer of errors."""
        reply = yield from self._graphql.ask("POST", "/graphql", {"query": query}, open_to_all=not login)
        told = anything(reply)
        data = told.get("data")
        if not isinstance(data, dict):
            raise Refused(str(told.get("errors") or "no data")[:200])
        if login and (said := graphql.complaint(data)) is not None:
            raise Refused(said)
        return data

    # what it is told -----------------------------------------------------------------------------------------

    def send(self, command: Command) -> Conversation[Receipt]:
        """Tell it; raises Unsupported before any exchange where it has no such ability."""
        if self._surface is None or self._identity is None:
            yield from self.identify()
        assert self._identity is not None
        if isinstance(command, Restart):
            raise Unsupported("Braiins OS is started anew by a reboot alone")
        wish = _wish(command, self._identity)
        match self._surface:
            case Surface.REST:
                return (yield from self._send_rest(wish))
            case Surface.GRAPHQL:
                return (yield from self._send_graphql(wish))
            case _:
                return (yield from self._send_socket(wish))

    def _send_rest(self, command: Command) -> Generator[Exchange, Answer, Receipt]:
        match command:
            case Reboot():
                yield from self._rest.ask("PUT", f"{_V1}/actions/reboot")
                return Receipt()
            case Locate(on=on):
                yield from self._rest.ask("PUT", f"{_V1}/actions/locate", on)
                return Receipt()
            case LimitPower(limit_w=limit_w):
                return (yield from self._limit_by_rest(limit_w))
            case _:
                action = "pause" if isinstance(command, Sleep) else "resume"
                was = yield from self._rest.ask("PUT", f"{_V1}/actions/{action}")
                return Receipt(already=was.body.strip() == b"true")

    def _limit_by_rest(self, limit_w: float) -> Generator[Exchange, Answer, Receipt]:
        """Set the target, compare the echo; one that is paused is resumed after it: else it ran at the old one."""
        told = Told()
        details = anything((yield from self._rest.ask("GET", f"{_V1}/miner/details")))
        page.add_configuration(told, anything((yield from self._rest.ask("GET", f"{_V1}/configuration/miner"))))
        before_w, wanted_w, paused = told.target_w, round(limit_w), at(details, "status") == PAUSED
        if before_w != wanted_w:
            done = anything((yield from self._rest.ask("PUT", f"{_V1}/performance/power-target", {"watt": wanted_w})))
            if watts(at(done, "watt")) != wanted_w:
                raise Refused(f"a target of {wanted_w} W was answered by {at(done, 'watt')!r}")
            self._target_w = float(wanted_w)
        if paused:
            yield from self._rest.ask("PUT", f"{_V1}/actions/resume")
        return Receipt(already=not paused) if before_w == wanted_w else self._receipt(before_w)

    def _send_graphql(self, command: Command) -> Generator[Exchange, Answer, Receipt]:
        match command:
            case Reboot():
                yield from self._query(graphql.REBOOT, login=True)
            case Locate(on=on):
                flag = "true" if on else "false"
                yield from self._query(
                    f"mutation {{ bos {{ setFaultLight(enable: {flag}) {{ enabled }} }} }}", login=True
                )
            case LimitPower(limit_w=limit_w):
                told = Told()
                page.add_system(told, (yield from self._query(graphql.SYSTEM)))
                stood, stands = self._paused or not told.present_ths, told.target_w == round(limit_w)
                if not stands:
                    yield from self._query(graphql.targeting(round(limit_w)), login=True)
                if stood:
                    yield from self._start()
                return Receipt(already=not stood) if stands else self._receipt(told.target_w)
            case _:
                pauses = isinstance(command, Sleep)
                told = Told()
                page.add_system(told, (yield from self._query(graphql.SYSTEM)))
                if (not told.present_ths) is pauses is self._paused:
                    return Receipt(already=True)
                yield from self._query(graphql.switching("stop" if pauses else "start"), login=True)
                self._paused = pauses
        return Receipt()

    def _start(self) -> Generator[Exchange, Answer, None]:
        """Start it; one that waits for a pool was started before, and says so. Raises NotPermitted."""
        try:
            yield from self._query(graphql.switching("start"), login=True)
        except NotPermitted:
            raise
        except Refused:
            pass
        self._paused = False

    def _send_socket(self, command: Command) -> Generator[Exchange, Answer, Receipt]:
        """Pause or resume, unless its rate says that it is so; the answer is the same whether or not it was."""
        pauses = isinstance(command, Sleep)
        stands = not (yield from socket.hear(socket.QUICK)).present_ths
        if stands is pauses is self._paused:
            return Receipt(already=True)
        done = socket.must((yield from socket.asked(ask("pause" if pauses else "resume"))))
        self._paused = pauses
        return Receipt(message=words(done.status[0].message) if done.status else None)

    def _receipt(self, before_w: float | None) -> Receipt:
        full_w = None if self._identity is None else self._identity.nominal_w
        whole = before_w is None or (full_w is not None and before_w == full_w)
        return Receipt(before=None if whole else f"limit:{before_w:.0f}")

    # who may -------------------------------------------------------------------------------------------------

    def _log_in(self) -> Generator[Exchange, Answer, Headers]:
        for login in self.target.logins or (LOGIN,):
            body = msgspec.json.encode({"username": login.user, "password": login.password})
            reply = yield Http(method="POST", path=f"{_V1}/auth/login", body=body, content_type=JSON)
            assert isinstance(reply, HttpReply)
            if reply.status == 200 and (token := words(anything(reply).get("token"))) is not None:
                return (("Authorization", token),)
            if reply.status in {404, 405}:
                raise Unsupported("it has no login")
        raise NotPermitted(f"no login is accepted, tried {self._tried()}")

    def _log_in_by_mutation(self) -> Generator[Exchange, Answer, Headers]:
        for login in self.target.logins or (LOGIN,):
            told = {"query": graphql.LOGIN, "variables": {"username": login.user, "password": login.password}}
            reply = yield Http(method="POST", path="/graphql", body=msgspec.json.encode(told), content_type=JSON)
            assert isinstance(reply, HttpReply)
            cookie = reply.headers.get("set-cookie", "").partition(";")[0]
            if cookie.startswith("session_id=") and graphql.complaint(anything(reply).get("data")) is None:
                return (("Cookie", cookie),)
        raise NotPermitted(f"no login is accepted, tried {self._tried()}")

    def _tried(self) -> str:
        return ", ".join(login.user for login in self.target.logins or (LOGIN,))


def _sleep(model: Model | None) -> SleepAbility:
    standby_w = STANDBY_W if model is None or model.sleep_w is None else model.sleep_w
    return SleepAbility(
        standby_w=standby_w, settle_s=SETTLE_S, wake_s=WAKE_S, survives_reboot=False, survives_power_cut=False
    )


def _wish(command: Command, identity: Identity) -> Command:
    """Return the command that this machine is told: full is the target that it was sold with. Raises Unsupported."""
    limits = identity.abilities.power_limit
    if isinstance(command, SetMode):
        if command.mode != "full" or limits is None or identity.nominal_w is None:
            raise Unsupported(f"this machine has no mode {command.mode}")
        return LimitPower(limit_w=min(identity.nominal_w, limits.most_w))
    if isinstance(command, LimitPower) and (limits is None or not limits.least_w <= command.limit_w <= limits.most_w):
        raise Unsupported(f"this machine cannot be limited to {command.limit_w:.0f} W")
    if isinstance(command, Reboot | Locate) and not identity.abilities.reboot:
        raise Unsupported("its API port takes neither a reboot nor a light")
    return command
