"""The wire's crypto against golden vectors: the bytes of encrypted commands and replies, computed by others."""

import json

import pytest

from drivers.errors import Garbled
from drivers.interface import Login
from drivers.whatsminer_token import Token, Tokens
from tests.drivers.conversations import Talk
from tests.drivers.whatsminers import opened, said, sealed

pytestmark = pytest.mark.pure

LOGIN = Login(user="admin", password="admin")
TOKEN = Token(login=LOGIN, key="RxmaDUO33TS7O26yeMHZ81", sign="w.BNbkCV6n1aNWgiBWLzT/")
DONE = (
    "C/UGIQ8LwD66stwLyOOcM/+USliCGPMUSLVdKHcA9R13lluOVpsOSpBcGhtOpg0QfXzqoVOPWCksKSnoq5FdlDzf1zswfpjLBG0UghjHFmJyj0Iw94hY"
    "+ImJc0aQQ3bU"
)
FOREIGN = (
    "u0m6Scm8fcwchtYzrI+Lqv+USliCGPMUSLVdKHcA9R2MWItn7sJ7y0VaQmWS8ATceOl0xDc/hi0wZ+ANxQJ3MtxjJ8cL55+zWF7thdjMU2yfNvUHsiXX"
    "BNEawcMWOc5e"
)


@pytest.mark.parametrize(
    ("command", "data"),
    [
        (
            {"cmd": "power_off", "respbefore": "true"},
            "p/QzYk8jszmQrR9dnOEVtXIRGg7DTmk9EUY2Z5AGabmXE9uaOgah2+aEOFK/+YqMLm9r+794UBuENliIrZU34RMDsIvMmXNaR4TnfXjrtNQ=",
        ),
        (
            {"cmd": "power_on"},
            "WVz5U209eNn5F0vAECDsXvdTMCkkTwM5rcSXxsJKt2ZilMuWHdwG4167X10OiWCL06NhUKKDCJpGZkZeScEoOg==",
        ),
        (
            {"cmd": "adjust_power_limit", "power_limit": "3000"},
            (
                "APszrWSxSV2tQF6fMgI4ZaF773GCayhn3Xq4G82GrrDGlbGWrO69ysCUXLw2BUSBNu8SDxCuRjTywNA6MsCdSZmN9lmZbn718Sv0yvT4EP/A"
                "hZ6e2cCC3oX03jqlzb/u"
            ),
        ),
    ],
)
def test_a_command_is_encrypted_to_the_known_bytes(command, data):
    assert json.loads(TOKEN.sealed(command).request) == {"enc": 1, "data": data}


def test_a_reply_is_decrypted_whatever_its_padding():
    reply = TOKEN.opened(json.dumps({"enc": DONE}).encode())
    assert (reply.letter, reply.number, reply.message) == ("S", 131, "API command OK")
    foreign = TOKEN.opened(json.dumps({"enc": FOREIGN}).encode())
    assert (foreign.letter, foreign.number) == ("E", 135)


def test_a_plain_reply_to_a_command_is_read_as_it_stands():
    assert TOKEN.opened(json.dumps(said("enc json load err", 23, "E")).encode()).refuses


def test_a_document_that_was_written_twice_is_read():
    twice = json.dumps(json.dumps(said("over max connect", 136, "E")))
    assert TOKEN.opened(json.dumps({"enc": sealed(twice)}).encode()).number == 136


def test_a_reply_of_another_key_is_garbled_and_kept():
    payload = json.dumps({"enc": DONE}).encode()
    with pytest.raises(Garbled) as caught:
        Token(login=LOGIN, key="another", sign="x").opened(payload)
    assert caught.value.payload == payload


def test_a_long_time_is_used_whole_as_the_machine_gave_it():
    grain = {"time": "1741500000", "salt": "abcdefgh", "newsalt": "12345678"}
    aes = bytes.fromhex("41443504d47d1fe920797d022ae8392c5d4e52d1c4f5da399a0972f85254e2a2")
    heard = []

    def answer(exchange):
        request = json.loads(exchange.request)
        if "enc" not in request:
            return json.dumps(said(grain, 134)).encode()
        heard.append(json.loads(opened(request["data"], aes).rstrip(b"\0")))
        return json.dumps(said("API command OK")).encode()

    talk = Talk(answer)
    talk.hold(Tokens((Login(user="admin", password="Fleet_01"),)).tell({"cmd": "power_on"}))
    assert heard == [{"cmd": "power_on", "token": "jQNzNZT1iQ6K0c7jvfuCl1"}]


def test_secrets_do_not_show():
    assert "RxmaDUO" not in repr(TOKEN)
    assert "w.BNbk" not in repr(TOKEN)
    assert "password" not in repr(TOKEN)
