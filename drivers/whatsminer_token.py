"""How a WhatsMiner is told: a token by two password hashes, and commands encrypted by the first of them.

A machine hands out 32 tokens, for half an hour each: one is kept until the machine no longer takes it.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Generator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from json import JSONDecoder

import msgspec
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from drivers.cgminer_wire import ask
from drivers.errors import Garbled, NotListening, NotPermitted, Unreachable, Unsupported
from drivers.figures import words
from drivers.interface import Ask, Exchange, Login, Work
from drivers.interface import Reply as Answer
from drivers.md5crypt import md5_crypt
from drivers.whatsminer_wire import NOT_DECRYPTED, TOKEN_REFUSED, Reply, must, parse

DEFAULT_LOGIN = Login(user="admin", password="admin")  # noqa: S106 - as every machine leaves the maker
BLOCK = 16

_TOKEN = ask("get_token")
_ANY = JSONDecoder(strict=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grain:
    """What a machine gives for a token: the salt of its password, one of this token, and digits of its clock."""

    salt: str
    token_salt: str
    time: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What lets one login write, until the machine forgets it."""

    login: Login
    key: str = field(repr=False)
    sign: str = field(repr=False)

    def sealed(self, command: Mapping[str, object]) -> Ask:
        """Return the request of a command, encrypted."""
        text = msgspec.json.encode({**command, "token": self.sign})
        data = b64encode(_encrypted(text, self.key)).decode()
        return Ask(request=msgspec.json.encode({"enc": 1, "data": data}))

    def opened(self, payload: bytes) -> Reply:
        """Read a reply, encrypted or, for what the machine found before it could decrypt, plain; raises Garbled."""
        reply = parse(payload)
        return reply if reply.sealed is None else parse(_opened(reply.sealed, self.key, payload))


class Tokens:
    """The tokens of one machine: its logins in order, the one that was taken last first."""

    def __init__(self, logins: tuple[Login, ...]) -> None:
        self._logins = logins or (DEFAULT_LOGIN,)
        self._keys: dict[tuple[str, str], str] = {}
        self._held: Token | None = None

    def tell(self, command: Mapping[str, object], *, mute: bool = False) -> Generator[Exchange, Answer, Reply]:
        """Give a command; raises what the machine refuses it by, NotPermitted where no login is taken.

        A mute command may never be answered: once it was sent, silence is no refusal.
        """
        if self._held is not None:
            reply = yield from _tell(self._held, command, mute=mute)
            if not _is_foreign(reply):
                return must(reply)
            self._held = None
        grain = yield from _grain()
        for login in self._logins:
            token = yield from self._token(login, grain)
            reply = yield from _tell(token, command, mute=mute)
            if not _is_foreign(reply):
                self._held = token
                self._logins = (login, *(other for other in self._logins if other != login))
                return must(reply)
        raise NotPermitted(f"no login is accepted, tried {', '.join(login.user for login in self._logins)}")

    def renew(self) -> Generator[Exchange, Answer, None]:
        """Get a new token and see it taken by a read, which changes nothing; raises as `tell` does.

        Firmware that encrypts no reads has taken the token when it says so.
        """
        self._held = None
        with suppress(Unsupported):
            yield from self.tell({"cmd": "status"})

    def _token(self, login: Login, grain: Grain) -> Generator[Exchange, Answer, Token]:
        """Derive a login's token; its key hangs on the password's own salt alone, and is kept."""
        if not any(salt == grain.salt for salt, _ in self._keys):
            self._keys.clear()
        at = (grain.salt, login.password)
        if at not in self._keys:
            self._keys[at] = yield from _hash(login.password, grain.salt)
        key = self._keys[at]
        return Token(login=login, key=key, sign=(yield from _hash(key + grain.time, grain.token_salt)))


def _hash(password: str, salt: str) -> Generator[Exchange, Answer, str]:
    text = yield Work(run=partial(md5_crypt, password, salt))
    assert isinstance(text, str)
    return text


def _grain() -> Generator[Exchange, Answer, Grain]:
    payload = yield _TOKEN
    assert isinstance(payload, bytes)
    told = must(parse(payload)).document
    salt, token_salt, time = (words(told.get(key)) for key in ("salt", "newsalt", "time"))
    if salt is None or token_salt is None or time is None:
        raise Garbled("no salts for a token", payload)
    return Grain(salt=salt, token_salt=token_salt, time=time)


def _tell(token: Token, command: Mapping[str, object], *, mute: bool) -> Generator[Exchange, Answer, Reply]:
    try:
        payload = yield token.sealed(command)
    except NotListening:
        raise
    except Unreachable as error:
        if not mute:
            raise
        return Reply(status="S", message=f"no answer: {error}")
    assert isinstance(payload, bytes)
    return token.opened(payload)


def _is_foreign(reply: Reply) -> bool:
    """Whether the machine does not know the token, or could not decrypt: it ran out, or the password is another."""
    return reply.refuses and (reply.number == TOKEN_REFUSED or NOT_DECRYPTED in reply.said)


def _cipher(key: str) -> Cipher[ECB]:
    return Cipher(AES(sha256(key.encode()).digest()), ECB())  # noqa: S305 - the wire's own mode


def _encrypted(text: bytes, key: str) -> bytes:
    encryptor = _cipher(key).encryptor()
    return encryptor.update(text + b"\0" * (-len(text) % BLOCK)) + encryptor.finalize()


def _opened(sealed: str, key: str, payload: bytes) -> bytes:
    """Decrypt a reply; whatever padding follows its document is left out."""
    try:
        data = b64decode(sealed, validate=False)
        decryptor = _cipher(key).decryptor()
        text = (decryptor.update(data) + decryptor.finalize()).decode("utf-8").lstrip()
        document = _ANY.raw_decode(text)[0]
        told = _ANY.raw_decode(document)[0] if isinstance(document, str) else document
    except (ValueError, RecursionError) as error:
        raise Garbled(f"cannot be decrypted: {error}", payload) from error
    return msgspec.json.encode(told)
