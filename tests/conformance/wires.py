"""Serves recorded bytes on loopback: the API port, in lines or in frames, and the web page behind a digest login.

A request without a recorded reply fails as unsupported; a wire of which nothing was recorded is not there.
"""

import json
from contextlib import asynccontextmanager
from functools import reduce

from drivers.interface import Target
from tests.transports.servers import HOST, Web, closed_port, response, serving

UNKNOWN = b'{"STATUS":[{"STATUS":"E","When":0,"Code":14,"Msg":"Invalid command"}],"id":1}\0'
LOGIN = ("root", "root")
METHODS = ("GET ", "POST ", "PUT ")
QUESTIONS = "POST /graphql "
"""A GraphQL machine answers what is asked for; here with all that it was ever recorded to say."""
HEAD = 4
NO_COMMAND = {"code": -2, "when": 0, "msg": "no such command", "desc": ""}


def written(reply):
    """Return a recorded reply as it was on the wire: a text as it stands, a document as JSON."""
    return (reply if isinstance(reply, str) else json.dumps(reply)).encode()


def parted(replies):
    """Return replies with those that a joined one holds beside it: the machine would give them singly too."""
    inner = {
        name: told[name][0]
        for key, told in replies.items()
        if "+" in key and isinstance(told, dict)
        for name in key.split("+")
        if told.get(name)
    }
    return inner | replies


def both(one, other):
    """Return two documents as one."""
    if not isinstance(one, dict) or not isinstance(other, dict):
        return other
    return one | {key: both(one[key], value) if key in one else value for key, value in other.items()}


def asked(request):
    """Return the key of a socket request: the command, and its parameter after a bar."""
    try:
        told = json.loads(request)
        parameter = told.get("parameter")
        return told["command"] if parameter is None else f"{told['command']}|{parameter}"
    except (ValueError, KeyError, TypeError, AttributeError):
        return request.decode("utf-8", "replace").strip()


@asynccontextmanager
async def serving_bytes(reply_to):
    """Serve what `reply_to(request)` returns to each connection's one request; yields the port."""

    async def behave(reader, writer):
        writer.write(reply_to(await reader.read(16_384)))
        await writer.drain()

    async with serving(behave) as port:
        yield port


def framed(replies):
    """Return who answers frames: a length, and as many bytes of JSON; what is no frame gets no answer."""

    def reply_to(request):
        size, text = int.from_bytes(request[:HEAD], "little"), request[HEAD:]
        if size != len(text):
            return b""
        told = json.loads(text)
        reply = written(replied(replies, told["cmd"], told.get("param")))
        return len(reply).to_bytes(HEAD, "little") + reply

    return reply_to


def replied(replies, command, param):
    """Return what was recorded of a command: of its parts, which the machine joins at a plus, or all for no parts."""
    if command in replies:
        return replies[command]
    asked = None if param is None else set(param.split("+"))
    recorded = {key.removeprefix(f"{command}:"): told for key, told in replies.items() if key.startswith(f"{command}:")}
    parts = [told for key, told in recorded.items() if asked is None or asked & set(key.split("+"))]
    return reduce(both, parts, {}) or NO_COMMAND


@asynccontextmanager
async def serving_device(device):
    """Serve one machine's wires; yields the target at which it answers."""
    if device.in_frames:
        async with serving_bytes(framed(device.replies)) as port:
            yield Target(host=HOST, port=port, http_port=closed_port())
        return
    plain = parted({key: reply for key, reply in device.replies.items() if not key.startswith(METHODS)})
    sockets = {key: written(reply) + b"\0" for key, reply in plain.items()}
    pages = {key: response(body=written(reply)) for key, reply in device.replies.items() if key.startswith(METHODS)}
    answers = [reply for key, reply in device.replies.items() if key.startswith(QUESTIONS)]
    if answers:
        pages[QUESTIONS.strip()] = response(body=written(reduce(both, answers)))
    web = Web(
        login=LOGIN if device.behind_login else None,
        answer=lambda first: pages.get(first.rpartition(" ")[0], response(404)),
    )
    async with (
        serving_bytes(lambda request: sockets.get(asked(request), UNKNOWN)) as port,
        serving(web) as http_port,
    ):
        if device.on_api_port:
            yield Target(host=HOST, port=http_port, http_port=closed_port())
            return
        yield Target(
            host=HOST,
            port=port if sockets else closed_port(),
            http_port=http_port if pages else closed_port(),
        )
