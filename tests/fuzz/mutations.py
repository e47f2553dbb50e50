"""Ways in which a reply comes out wrong: bytes lost, doubled, turned, figures and words that nobody has, other replies.

Deterministic: all chance is drawn from the generator that is handed in.
"""

import re
from dataclasses import replace

from drivers.errors import DeviceError, Garbled, NotListening, Unreachable
from drivers.interface import HttpReply

NUMBERS = (
    *(b"0 -0 -1 1 255 65535 65536 2147483648 -2147483649 9223372036854775808 1e308 -1e308 1e309 1e-320 0.1e1".split()),
    *(b"NaN nan Infinity -inf 99999999 -273 -83 4e9 00017 0x10 1_000 +5 .5 5. 1e5 --1".split()),
    *(b'"" " " "-" "0" "-1" "1e400" "NaN" "inf" "12.5.7" "99999999999999999999" "1,2,3" "3250 W" "50 %"'.split(b" ")),
    '"\u0664\u0662"'.encode(),
    *(b'null true false [] {} [[]] [null] {"a":1} "\\ud800"'.split()),
    b"9" * 400,
    b'"' + b"9" * 400 + b'"',
    b'"' + b"9" * 5000 + b'"',
    b'"' + b"1e" * 200 + b'"',
)
WORDS = (
    *(b'"" " " null 0 -1 true [] {} [{}] {"a":{"b":[]}} "\\ud800" "\\udfff\\ud800" "\\u0000"'.split()),
    *(b'"S" "E" "F" "W" "I" "OK" "ok" "error" "Alive" "Dead" "true" "false"'.split()),
    *(b'"N" "Y" "RESTART" "BYE" "None" "mining" "stopped"'.split()),
    b'"' + b"a" * 5000 + b'"',
    b'"' + b"<script>" * 20 + b'"',
    b'"a,b=c|d;e"',
    b"'x'",
    b'"\xff\xfe"',
)
STATUSES = (0, 100, 199, 200, 201, 204, 301, 302, 400, 401, 403, 404, 405, 418, 429, 500, 501, 503, 999)
_NUMBER = re.compile(rb"(?<![\w.\"-])-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])")
_TEXT = re.compile(rb'"(?:[^"\\\x00-\x1f]|\\.){0,80}"')
_PAIR = re.compile(rb'"[^"\\]{1,40}":(?:"[^"\\]{0,80}"|-?[\d.]+|true|false|null),?')
DEEP, SELDOM = 5000, 0.005
MOST_BYTES = 262_144


def mutated(reply, others, chance):
    """Return a reply with one to four things wrong; `others` are those that may come in its place."""
    if isinstance(reply, DeviceError) or chance.random() < 0.04:
        reply = chance.choice(others)
    if isinstance(reply, DeviceError) or chance.random() < 0.01:
        return chance.choice((Unreachable("lost"), NotListening("refused"), Garbled("no end", b"\xff")))
    if isinstance(reply, HttpReply):
        return _page(reply, chance)
    return _framed(reply, chance)


def _page(reply, chance):
    headers = dict(reply.headers)
    if chance.random() < 0.05:
        reply = replace(reply, status=chance.choice(STATUSES))
    if headers and chance.random() < 0.05:
        name = chance.choice(sorted(headers))
        headers[name] = chance.choice(("", "x" * 3000, "\xff", headers[name][::-1], headers[name] * 2, ";=,"))
    elif headers and chance.random() < 0.05:
        del headers[chance.choice(sorted(headers))]
    return replace(reply, headers=headers, body=damaged(reply.body, chance))


def _framed(reply, chance):
    """Damage what is in a frame more often than the frame."""
    if len(reply) > 4 and int.from_bytes(reply[:4], "little") == len(reply) - 4 and chance.random() < 0.8:
        inside = damaged(reply[4:], chance)
        return len(inside).to_bytes(4, "little") + inside
    return damaged(reply, chance)


def damaged(raw, chance):
    """Return bytes with one to four things wrong with them."""
    for _ in range(chance.choice((1, 1, 1, 2, 3, 4))):
        raw = (_deep if chance.random() < SELDOM else chance.choice(WAYS))(raw, chance)
    return raw[:MOST_BYTES]


def _other_number(raw, chance):
    return _swapped(raw, _NUMBER, NUMBERS, chance)


def _other_word(raw, chance):
    return _swapped(raw, _TEXT, WORDS, chance)


def _many_numbers(raw, chance):
    """Put the same figure everywhere in a stretch."""
    start, end = _stretch(raw, chance)
    figure = chance.choice(NUMBERS)
    return raw[:start] + _NUMBER.sub(lambda _: figure, raw[start:end]) + raw[end:]


def _swapped(raw, pattern, values, chance):
    found = _near(raw, pattern, chance)
    return raw if found is None else raw[: found.start()] + chance.choice(values) + raw[found.end() :]


def _near(raw, pattern, chance):
    """Return a match behind a place that chance names: looking for all of them takes long."""
    return pattern.search(raw, chance.randrange(len(raw) + 1)) or pattern.search(raw)


def _without_pair(raw, chance):
    found = _near(raw, _PAIR, chance)
    return raw if found is None else raw[: found.start()] + raw[found.end() :]


def _pair_twice(raw, chance):
    found = _near(raw, _PAIR, chance)
    return raw if found is None else raw[: found.end()] + found[0] + raw[found.end() :]


def _pairs_exchanged(raw, chance):
    one, other = sorted((_near(raw, _TEXT, chance), _near(raw, _TEXT, chance)), key=lambda m: m.start() if m else -1)
    if one is None or other is None or one.end() > other.start():
        return raw
    return raw[: one.start()] + other[0] + raw[one.end() : other.start()] + one[0] + raw[other.end() :]


def _cut(raw, chance):
    return raw[: chance.randrange(len(raw) + 1)]


def _lost(raw, chance):
    start, end = _stretch(raw, chance)
    return raw[:start] + raw[end:]


def _doubled(raw, chance):
    start, end = _stretch(raw, chance)
    return raw[:end] + raw[start:]


def _noise(raw, chance):
    at = chance.randrange(len(raw) + 1)
    return raw[:at] + chance.randbytes(chance.randrange(1, 20)) + raw[at + chance.randrange(2) :]


def _turned(raw, chance):
    if not raw:
        return raw
    at = chance.randrange(len(raw))
    return raw[:at] + bytes([raw[at] ^ 1 << chance.randrange(8)]) + raw[at + 1 :]


def _deep(raw, chance):
    at = chance.randrange(len(raw) + 1)
    return raw[:at] + chance.choice((b"[", b'{"a":', b"[{")) * DEEP + raw[at:]


def _stretch(raw, chance):
    start = chance.randrange(len(raw) + 1)
    return start, min(len(raw), start + chance.choice((1, 8, 64, 512)))


WAYS = (
    *((_other_number,) * 8),
    *((_other_word,) * 6),
    *((_many_numbers,) * 3),
    *((_without_pair,) * 3),
    _pair_twice,
    *((_pairs_exchanged,) * 2),
    _cut,
    _lost,
    _doubled,
    _noise,
    *((_turned,) * 3),
)
