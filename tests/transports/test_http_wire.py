import gzip

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import Garbled, Unreachable
from drivers.interface import Http
from drivers.transports.http_wire import HttpWire, is_whole

pytestmark = pytest.mark.pure


def wire(method="GET", authorization=None, **rest):
    return HttpWire(Http(method=method, path="/x", **rest), "127.0.0.1:80", authorization)


def test_a_request_is_one_line_its_headers_and_its_body():
    request = wire("POST", 'Digest response="1"', body=b"{}", content_type="application/json").request
    head, _, body = request.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /x HTTP/1.1\r\nHost: 127.0.0.1:80\r\n")
    for line in (b"Connection: close", b"Content-Length: 2", b"Content-Type: application/json"):
        assert line in head
    assert b'Authorization: Digest response="1"' in head
    assert body == b"{}"


def test_what_would_split_a_header_is_refused():
    with pytest.raises(h11.LocalProtocolError):
        wire(authorization="x\r\nHost: elsewhere")


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage",
        b"HTTP/1.0 200 OK\r\n\r\npage",
        b"HTTP/1.1 200 OK\nServer: x\n\npage",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\npa\r\n2\r\nge\r\n0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage",
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage and what nobody promised",
    ],
)
def test_a_body_ends_where_its_head_or_the_connection_says(reply):
    found, challenges = wire().reply(reply)
    assert (found.status, found.body, challenges) == (200, b"page", ())


def test_a_packed_body_is_unpacked_and_bounded():
    packed = gzip.compress(b"x" * 10_000)
    reply = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s" % (len(packed), packed)
    assert wire().reply(reply)[0].body == b"x" * 10_000
    with pytest.raises(Garbled, match="more than 9999 bytes"):
        wire(most_bytes=9999).reply(reply)


@given(st.binary(max_size=3000))
def test_a_whole_reply_is_known_by_its_last_byte_and_not_before(body):
    reply = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)
    assert is_whole(bytearray(reply))
    assert not is_whole(bytearray(reply[:-1]))
    assert wire().reply(reply)[0].body == body


@given(st.binary(max_size=300))
def test_whatever_comes_is_a_reply_or_a_device_error(noise):
    for got in (
        noise,
        b"HTTP/1.1 200 OK\r\n" + noise,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + noise,
    ):
        try:
            found, _ = wire().reply(got)
        except (Garbled, Unreachable):
            continue
        assert 200 <= found.status < 1000
