"""Holds a conversation without a wire: a function answers its exchanges, and what was asked is kept.

said = converse(driver.read(Want.QUICK), answers)   # a result, or the DeviceError that it ended with is raised
talk = Talk(answers); talk.hold(conversation); talk.asked
"""

from collections.abc import Callable

import msgspec

from drivers.errors import DeviceError, Unreachable
from drivers.interface import Ask, Conversation, Exchange, Http, HttpReply, Pause, Reply, Work

Answer = Callable[[Exchange], Reply | DeviceError]
MOST = 200


class Talk:
    """One or more conversations with the same machine; `asked` lists every exchange of them."""

    def __init__(self, answer: Answer):
        self.answer = answer
        self.asked: list[Exchange] = []

    def hold(self, conversation: Conversation):
        """Return the conversation's result; raises the DeviceError that it ends with."""
        reply: Reply | DeviceError = None
        for _ in range(MOST):
            try:
                exchange = conversation.throw(reply) if isinstance(reply, DeviceError) else conversation.send(reply)
            except StopIteration as end:
                return end.value
            if isinstance(exchange, Work):
                reply = exchange.run()
                continue
            self.asked.append(exchange)
            reply = self.answer(exchange)
        raise AssertionError(f"no end after {MOST} exchanges")

    @property
    def names(self):
        """What was asked, in short: "summary", "GET /path", "pause"."""
        return [name_of(exchange) for exchange in self.asked]


def converse(conversation: Conversation, answer: Answer):
    """Hold one conversation and return its result; raises the DeviceError that it ends with."""
    return Talk(answer).hold(conversation)


def scripted(replies: dict[str, object]) -> Answer:
    """Answer by name: "stats", "ascset|0,help", "GET /path". What is not in the script is out of reach.

    A reply is bytes, a DeviceError, an HttpReply, any other document (sent as JSON), or Turns of these.
    Pauses take no reply.
    """
    taken: dict[str, int] = {}

    def answer(exchange: Exchange) -> Reply | DeviceError:
        if isinstance(exchange, Pause):
            return None
        name = name_of(exchange)
        reply = replies.get(name, Unreachable(f"no answer to {name}"))
        if isinstance(reply, Turns):
            at = taken.get(name, 0)
            taken[name] = at + 1
            reply = reply[min(at, len(reply) - 1)]
        return as_reply(exchange, reply)

    return answer


class Turns(list):
    """Replies that are given one after the other; the last one stays."""


def as_reply(exchange: Exchange, told: object) -> Reply | DeviceError:
    """Return what was told in the form that this kind of exchange is answered in."""
    if isinstance(told, DeviceError | HttpReply):
        return told
    body = told if isinstance(told, bytes) else msgspec.json.encode(told)
    return ok(body) if isinstance(exchange, Http) else body


def ok(body: bytes = b"", status: int = 200, **headers: str) -> HttpReply:
    """Return an HTTP reply; header names are written with underscores."""
    named = {name.replace("_", "-").lower(): value for name, value in headers.items()}
    return HttpReply(status=status, headers=named, body=body)


def name_of(exchange: Exchange) -> str:
    """Name an exchange: the command and its parameter, also of a frame, the method and path, or "pause"."""
    match exchange:
        case Ask(request=request):
            document = msgspec.json.decode(request if request.startswith(b"{") else request[4:])
            command = document["command"] if "command" in document else document["cmd"]
            parameter = document.get("parameter", document.get("param"))
            return command if parameter is None else f"{command}|{parameter}"
        case Http(method=method, path=path):
            return f"{method} {path}"
        case Pause():
            return "pause"
