"""HTTP/1.1 as bytes: a request, where its reply ends, what the reply says. Framing is h11's; no socket here."""

from __future__ import annotations

import re
import zlib

import h11

from drivers.errors import Garbled, Unreachable
from drivers.interface import Http, HttpReply

MOST_HEAD_BYTES = 65_536
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,10})[ \t]*\r\n", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[^\r\n]*chunked", re.IGNORECASE)
_HEADS_END = re.compile(rb"\n\r?\n")
_LAST_CHUNK = b"0\r\n\r\n"
_EITHER = 32 + zlib.MAX_WBITS  # zlib's word for: gzip or zlib, as the data says


class HttpWire:
    """One request and its reply. Raises ValueError, h11.LocalProtocolError for what no request can hold."""

    def __init__(self, exchange: Http, host: str, authorization: str | None) -> None:
        self._exchange = exchange
        self._connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=MOST_HEAD_BYTES)
        self._at_end = False
        self.request = self._request(host, authorization)

    def _request(self, host: str, authorization: str | None) -> bytes:
        body = self._exchange.body
        headers = {"Host": host, "Accept": "*/*", "User-Agent": "hashwatt", "Connection": "close"}
        if self._exchange.content_type is not None:
            headers["Content-Type"] = self._exchange.content_type
        if body is not None:
            headers["Content-Length"] = str(len(body))
        if authorization is not None:
            headers["Authorization"] = authorization
        headers |= dict(self._exchange.headers)
        told = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        request = h11.Request(method=self._exchange.method, target=self._exchange.path, headers=told)
        events = (request, *((h11.Data(data=body),) if body else ()), h11.EndOfMessage())
        return b"".join(self._connection.send(event) or b"" for event in events)

    def reply(self, got: bytes) -> tuple[HttpReply, tuple[str, ...]]:
        """Return the reply and its challenges. Raises Garbled, and Unreachable for one that was cut off."""
        if len(got) > MOST_HEAD_BYTES and not _HEADS_END.search(got, 0, MOST_HEAD_BYTES):
            raise Garbled(f"{self._exchange.path}: the head does not end", got[:1024])
        try:
            head, body = self._read(got)
        except h11.RemoteProtocolError as error:
            if self._at_end:
                raise Unreachable(f"{self._exchange.path}: the connection was dropped") from error
            raise Garbled(f"{self._exchange.path}: {error}", got[:1024]) from error
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
        challenges = tuple(value.decode("latin-1") for name, value in head.headers if name == b"www-authenticate")
        plain = self._plain(body, headers.get("content-encoding", "identity"))
        return HttpReply(status=head.status_code, headers=headers, body=plain), challenges

    def _read(self, got: bytes) -> tuple[h11.Response, bytes]:
        self._connection.receive_data(got)
        head, body = None, bytearray()
        while True:
            event = self._connection.next_event()
            if isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                body += event.data
                self._bound(len(body))
            elif event is h11.NEED_DATA:
                self._at_end = True
                self._connection.receive_data(b"")
            elif head is not None and isinstance(event, h11.EndOfMessage):
                return head, bytes(body)
            elif not isinstance(event, h11.InformationalResponse):
                raise Garbled(f"{self._exchange.path}: no reply", got[:1024])

    def _plain(self, body: bytes, encoding: str) -> bytes:
        if encoding.lower() not in {"gzip", "x-gzip", "deflate"}:
            return body
        inflate = zlib.decompressobj(_EITHER)
        try:
            plain = inflate.decompress(body, self._exchange.most_bytes + 1)
        except zlib.error as error:
            raise Garbled(f"{self._exchange.path}: {error}", body[:1024]) from error
        self._bound(len(plain))
        return plain

    def _bound(self, size: int) -> None:
        if size > self._exchange.most_bytes:
            raise Garbled(f"more than {self._exchange.most_bytes} bytes")


def is_whole(got: bytearray) -> bool:
    """Whether a reply has come to the end that its head promises; one without a promise ends with the connection."""
    end = got.find(b"\r\n\r\n", 0, MOST_HEAD_BYTES)
    if end < 0:
        return False
    head = bytes(got[: end + 2])
    if _CHUNKED.search(head):
        return got.endswith(_LAST_CHUNK)
    length = _LENGTH.search(head)
    return length is not None and len(got) >= end + 4 + int(length[1])
