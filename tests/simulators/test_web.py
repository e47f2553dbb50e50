import hashlib
import re

import pytest

from simulators.web import MAX_BODY, MAX_HEAD, BadRequest, Digest, Request, json_response, parse_request, response

pytestmark = pytest.mark.pure

POST = b'POST /cgi-bin/x.cgi?a=1&b=&a=2 HTTP/1.1\r\nHost: m\r\nContent-Length: 7\r\n\r\n{"a":1}'


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


def proof(refusal, *, user="root", password="root", method="GET", uri="/", **changed):
    realm, nonce = re.search(rb'realm="([^"]*)", nonce="([^"]*)"', refusal).groups()
    told = {
        "username": user, "realm": realm.decode(), "nonce": nonce.decode(), "uri": uri, "qop": "auth",
        "nc": "00000001", "cnonce": "c",
    } | changed  # fmt: skip
    secret = md5(f"{told['username']}:{told['realm']}:{password}")
    parts = (secret, told["nonce"], told["nc"], told["cnonce"], told["qop"], md5(f"{method}:{told['uri']}"))
    told.setdefault("response", md5(":".join(parts)))
    header = "Digest " + ", ".join(f'{key}="{value}"' for key, value in told.items())
    return Request(method=method, target=uri, headers={"authorization": header})


def bare(target="/"):
    return Request(method="GET", target=target, headers={})


def test_a_request_is_none_until_its_last_byte_and_whole_then():
    assert [parse_request(POST[:at]) for at in range(len(POST))] == [None] * len(POST)
    request = parse_request(POST)
    assert (request.method, request.path, request.query) == ("POST", "/cgi-bin/x.cgi", {"a": "2", "b": ""})
    assert (request.headers["host"], request.body, request.json()) == ("m", b'{"a":1}', {"a": 1})


def test_what_follows_a_whole_request_is_left_out():
    assert parse_request(POST + b"GET / HTTP/1.1\r\n\r\n") == parse_request(POST)


@pytest.mark.parametrize(
    "received",
    [
        b"hello\r\n\r\n",
        b'{"command":"summary"}\r\n\r\n',
        b"GET / HTTP/2\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nbad name: 1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY + 1),
        b"POST / HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: " + b"x" * MAX_HEAD,
    ],
)
def test_what_is_no_request_or_too_much_is_a_bad_request(received):
    with pytest.raises(BadRequest):
        parse_request(received)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_document_is_a_bad_request(body):
    with pytest.raises(BadRequest):
        Request(method="POST", target="/", headers={}, body=body).json()


def test_a_response_says_its_length_in_bytes_and_that_it_is_the_last():
    head, _, body = response(404, "für", "text/html", {"X-A": "1"}).partition(b"\r\n\r\n")
    assert body.decode() == "für"
    assert head.decode().split("\r\n") == [
        "HTTP/1.1 404 Not Found",
        "Content-Type: text/html",
        "Content-Length: 4",
        "Connection: close",
        "X-A: 1",
    ]


def test_a_document_goes_out_as_json():
    assert json_response({"a": [1]}, 201).startswith(b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n")
    assert json_response({"a": [1]}).endswith(b'\r\n\r\n{"a":[1]}')


def test_the_right_password_is_admitted_and_its_nonce_serves_again():
    digest = Digest("a realm", {"root": "secret"})
    refusal = digest.refusal(bare())
    assert refusal.startswith(b"HTTP/1.1 401 Unauthorized\r\n")
    assert digest.admits(proof(refusal, password="secret"))
    assert digest.admits(proof(refusal, password="secret"))
    assert digest.admits(proof(refusal, password="secret", method="POST", uri="/x?y=1", nc="0000000a"))


@pytest.mark.parametrize(
    "changed",
    [
        {"password": "wrong"}, {"user": "nobody"}, {"realm": "another"}, {"qop": "auth-int"}, {"algorithm": "SHA-256"},
        {"nc": "1"}, {"nonce": "f" * 32}, {"nonce": ""}, {"response": ""}, {"response": "0" * 32}, {"response": "ü"},
    ],
)  # fmt: skip
def test_each_wrong_part_of_a_proof_is_refused(changed):
    digest = Digest("a realm", {"root": "secret"})
    assert not digest.admits(proof(digest.refusal(bare()), **{"password": "secret"} | changed))


def test_a_proof_for_one_page_or_method_opens_no_other():
    digest = Digest("a realm", {"root": "secret"})
    made = proof(digest.refusal(bare()), password="secret")
    assert not digest.admits(Request(method="GET", target="/other", headers=made.headers))
    assert not digest.admits(Request(method="POST", target="/", headers=made.headers))


@pytest.mark.parametrize("header", ["", "Basic cm9vdDpyb290", "Digest", "Digest username=", 'Digest username="root'])
def test_without_a_digest_nobody_is_admitted(header):
    digest = Digest("a realm", {"root": "secret"})
    assert not digest.admits(Request(method="GET", target="/", headers={"authorization": header}))


def test_a_nonce_of_another_server_is_called_stale_and_none_is_not():
    digest, other = Digest("a realm", {"root": "root"}), Digest("a realm", {"root": "root"})
    foreign = proof(other.refusal(bare()))
    assert not digest.admits(foreign)
    assert b"stale=true" in digest.refusal(foreign)
    assert b"stale" not in digest.refusal(bare())
    assert b"stale" not in digest.refusal(proof(digest.refusal(bare()), password="wrong"))
