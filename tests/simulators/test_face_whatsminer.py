"""The simulated WhatsMiner: its figures, its tokens and their limits, its encryption, and what it then does."""

import hashlib
import json
from base64 import b64decode, b64encode

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from simulators import whatsminer_crypt
from simulators.faults import Scheduled
from simulators.machines import MixRow
from simulators.whatsminer_crypt import NotBase64, Secrets, Undecryptable, md5_crypt
from tests.simulators.farms import ask, farm, talk, until

WHATSMINER = MixRow(make="WhatsMiner", model="M30S++", share=1, firmware="whatsminer")
READ_ONLY = MixRow(make="WhatsMiner", model="M60S", share=1, firmware="whatsminer", access="R")


@pytest.fixture
async def small():
    async with farm(WHATSMINER, READ_ONLY, time_scale=200) as made:
        yield made


@pytest.fixture
def miner(small):
    return small.machines[0]


def cipher(key):
    return Cipher(algorithms.AES(hashlib.sha256(key.encode()).digest()), modes.ECB())


class Client:
    """One that knows the password and keeps its token."""

    def __init__(self, miner, password=b"admin"):
        self.miner, self.password = miner, password
        self.key = self.sign = None

    async def admit(self):
        grain = (await ask(self.miner, "get_token"))["Msg"]
        self.key = md5_crypt(self.password, grain["salt"].encode())
        self.sign = md5_crypt((self.key + grain["time"]).encode(), grain["newsalt"].encode())
        return self

    async def tell(self, *, padded=lambda text: text + bytes(-len(text) % 16), **command):
        text = padded(json.dumps({**command, "token": self.sign}).encode())
        encryptor = cipher(self.key).encryptor()
        data = b64encode(encryptor.update(text) + encryptor.finalize()).decode()
        reply = await talk(self.miner, json.dumps({"enc": 1, "data": data}).encode())
        return self.opened(json.loads(reply.rstrip(b"\0"))) if reply else None

    def opened(self, reply):
        if not isinstance(reply.get("enc"), str):
            return reply
        decryptor = cipher(self.key).decryptor()
        return json.loads(decryptor.update(b64decode(reply["enc"])).rstrip(b"\0"))


# figures ---------------------------------------------------------------------------------------------------------


async def test_a_summary_tells_rate_and_power_of_the_machine(small, miner):
    (row,) = (await ask(miner, "summary"))["SUMMARY"]
    assert row["HS RT"] == pytest.approx(small.physics.hashrate_ths[0] * 1e6, rel=0.02)
    assert row["Power"] == pytest.approx(small.physics.power_w[0], rel=0.02)
    assert (row["Power Mode"], row["Power Limit"], row["MAC"]) == ("Normal", 3611, miner.mac)


async def test_boards_share_the_rate_and_one_that_breaks_is_dead_and_an_error(small, miner):
    assert len((await ask(miner, "edevs"))["DEVS"]) == 3
    small.inject(Scheduled(at_s=0, select="*", fault="board"))
    rows = (await ask(miner, "devs"))["DEVS"]
    assert [(row["Status"], row["Effective Chips"]) for row in rows] == [("Alive", 111), ("Alive", 111), ("Dead", 0)]
    (errors,) = (await ask(miner, "get_error_code"))["Msg"]["error_code"]
    assert list(errors) == ["532"]


async def test_heat_is_an_error(small, miner):
    small.physics.ambient_c = 130.0
    await until(lambda: small.state()["miners"][0]["state"] == "fault")
    assert [list(error) for error in (await ask(miner, "get_error_code"))["Msg"]["error_code"]] == [["350"]]


async def test_the_vendors_own_answers_are_texts(miner):
    assert (await ask(miner, "status"))["Msg"]["mineroff"] == "false"
    assert (await ask(miner, "get_version"))["Msg"]["api_ver"] == "2.0.5"
    supply = (await ask(miner, "get_psu"))["Msg"]
    assert all(isinstance(figure, str) for figure in supply.values())
    assert {"vender", "pin"} <= set(supply)
    assert (await ask(miner, "get_miner_info"))["Msg"]["minersn"] == miner.serial


async def test_sections_may_be_joined_and_the_vendors_own_may_not(miner):
    reply = await ask(miner, "summary+devs+pools+devdetails+status")
    assert reply["summary"][0]["SUMMARY"]
    assert reply["pools"][0]["POOLS"][0]["POOL"] == 1
    assert reply["devdetails"][0]["DEVDETAILS"][0]["Model"] == "M30S++_VG30"
    assert reply["status"][0]["Code"] == 14


@pytest.mark.parametrize(
    ("request_", "code", "said"),
    [
        (b'{"command":"version"}', 14, "invalid cmd"),
        (b'{"cmd":"nonesuch"}', 14, "invalid cmd"),
        (b"version", 23, "json cmd err"),
        (b"[1]", 23, "json cmd err"),
        (b'{"cmd":}', 23, "json cmd err"),
        (b'{"cmd":"power_off"}', 45, "permission denied"),
        (b'{"enc":1,"data":"!!"}', 137, "base64 decode err"),
        (b'{"enc":1,"data":"AAAA"}', 23, "enc json load err"),
        (b'{"cmd":"power_off","token":"made up"}', 135, "check token err"),
    ],
)
async def test_what_cannot_be_has_its_code(miner, request_, code, said):
    reply = json.loads((await talk(miner, request_)).rstrip(b"\0"))
    assert (reply["STATUS"], reply["Code"], reply["Msg"]) == ("E", code, said)


# tokens ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("password", "salt", "hashed"),
    [
        (b"admin", b"BQ5hoXV9", "RxmaDUO33TS7O26yeMHZ81"),
        (b"RxmaDUO33TS7O26yeMHZ815626", b"jbzkfQls", "w.BNbkCV6n1aNWgiBWLzT/"),
        (b"Fleet_01", b"abcdefgh", "8q9MrrJDfWQdjumTlcZY60"),
    ],
)
def test_the_simulators_own_hash_gives_the_known_ones(password, salt, hashed):
    assert md5_crypt(password, salt) == hashed


async def test_a_token_has_four_digits_and_a_salt_of_its_own(miner):
    one, two = [(await ask(miner, "get_token")) for _ in range(2)]
    assert (one["STATUS"], one["Code"], len(one["Msg"]["time"])) == ("S", 134, 4)
    assert one["Msg"]["salt"] == two["Msg"]["salt"]
    assert one["Msg"]["newsalt"] != two["Msg"]["newsalt"]


def test_thirty_two_tokens_hold_for_half_an_hour():
    secrets = Secrets("X1")
    grains = [secrets.give(1_700_005_626, 100.0) for _ in range(32)]
    assert grains[0]["time"] == "5626"
    assert secrets.give(1_700_005_626, 1800.0) is None
    sign = md5_crypt((secrets.key + "5626").encode(), grains[0]["newsalt"].encode())
    assert secrets.knows(sign, 1899.0)
    assert not secrets.knows(sign, 1901.0)
    assert not secrets.knows(None, 0.0)
    assert secrets.give(1_700_005_626, 1901.0) is not None


async def test_too_many_tokens_are_code_136(miner, monkeypatch):
    monkeypatch.setattr(whatsminer_crypt, "MOST_TOKENS", 1)
    await ask(miner, "get_token")
    reply = await ask(miner, "get_token")
    assert (reply["Code"], reply["Msg"]) == (136, "over max connect")


async def test_a_wrong_password_cannot_be_decrypted(miner):
    reply = await (await Client(miner, b"guess").admit()).tell(cmd="power_off", respbefore="true")
    assert (reply["Code"], reply["Msg"]) == (23, "enc json load err")


async def test_padding_by_its_length_is_taken_as_well(miner):
    def padded(text):
        return text + bytes([16 - len(text) % 16]) * (16 - len(text) % 16)

    reply = await (await Client(miner).admit()).tell(padded=padded, command="get_version")
    assert reply["Msg"]["api_ver"] == "2.0.5"


@pytest.mark.parametrize("data", ["", "AAAA", b64encode(bytes(16)).decode()])
def test_what_is_not_encrypted_with_its_key_is_undecryptable(data):
    with pytest.raises(Undecryptable):
        Secrets("X1").open(data)
    with pytest.raises(NotBase64):
        Secrets("X1").open("!")


def test_an_encrypted_word_is_no_command():
    secrets = Secrets("X1")
    with pytest.raises(Undecryptable, match="no document"):
        secrets.open(secrets.seal('"word"'))


# what it does ----------------------------------------------------------------------------------------------------


async def test_power_off_stops_it_and_power_on_starts_it(small, miner):
    client = await Client(miner).admit()
    assert (await client.tell(cmd="power_off", respbefore="true"))["Code"] == 131
    await until(lambda: small.state()["miners"][0]["state"] == "sleeping")
    assert (await ask(miner, "status"))["Msg"]["mineroff"] == "true"
    await until(lambda: small.physics.power_w[0] < 60)
    assert (await client.tell(cmd="power_on"))["Code"] == 131
    await until(lambda: small.state()["miners"][0]["state"] == "hashing")
    assert [(write.command, write.wakes) for write in small.writes] == [("power_off", False), ("power_on", True)]


async def test_power_off_without_an_answer_before_closes_without_a_word(miner):
    client = await Client(miner).admit()
    assert await client.tell(cmd="power_off", respbefore="false") is None


async def test_a_mode_is_changed_without_a_word_and_outlasts_a_stop(small, miner):
    client = await Client(miner).admit()
    assert await client.tell(cmd="set_low_power") is None
    await until(lambda: small.state()["miners"][0]["level"] == "low")
    assert (await ask(miner, "summary"))["SUMMARY"][0]["Power Mode"] == "Low"
    await client.tell(cmd="power_off", respbefore="true")
    await until(lambda: small.state()["miners"][0]["level"] == "sleep")
    await client.tell(cmd="power_on")
    await until(lambda: small.state()["miners"][0]["state"] == "hashing")
    assert small.physics.power_w[0] == pytest.approx(0.8 * miner.nameplate_w, rel=0.06)
    assert await client.tell(cmd="set_normal_power") is None
    await until(lambda: small.state()["miners"][0]["level"] == "full")


async def test_a_mode_is_kept_by_one_that_is_stopped_and_does_not_wake_it(small, miner):
    client = await Client(miner).admit()
    await client.tell(cmd="power_off", respbefore="true")
    await until(lambda: small.state()["miners"][0]["level"] == "sleep")
    await client.tell(cmd="set_low_power")
    assert small.physics.next_level[0] < 0
    assert (await ask(miner, "summary"))["SUMMARY"][0]["Power Mode"] == "Low"


async def test_a_limit_holds_power_and_costs_less_rate_than_watts(small, miner):
    client = await Client(miner).admit()
    assert (await client.tell(cmd="adjust_power_limit", power_limit="2500"))["Code"] == 131
    await until(lambda: small.physics.elapsed_s[0] < 3600)
    await until(lambda: small.state()["miners"][0]["state"] == "hashing")
    await until(lambda: small.physics.power_w[0] == pytest.approx(2500, rel=0.03))
    physics = small.physics
    assert physics.hashrate_ths[0] / physics.full_ths[0] > 1.02 * 2500 / physics.full_w[0]
    assert (await ask(miner, "status"))["Msg"]["power_limit_set"] == "2500"
    assert (await ask(miner, "summary"))["SUMMARY"][0]["Power Limit"] == 2500
    assert small.state()["miners"][0]["level"] == "limit:2500"
    await client.tell(cmd="adjust_power_limit", power_limit="99999")
    assert (await ask(miner, "status"))["Msg"]["power_limit_set"] == ""


async def test_a_limit_that_is_no_text_of_watts_is_code_132(small, miner):
    client = await Client(miner).admit()
    for power_limit in (2500, "lots", "100000"):
        assert (await client.tell(cmd="adjust_power_limit", power_limit=power_limit))["Code"] == 132
    assert not small.writes


async def test_a_new_start_ends_a_stop_and_keeps_the_mode(small, miner):
    client = await Client(miner).admit()
    await client.tell(cmd="set_low_power")
    await client.tell(cmd="power_off", respbefore="true")
    await until(lambda: small.state()["miners"][0]["level"] == "sleep")
    assert await client.tell(cmd="reboot") is None
    await until(lambda: small.state()["miners"][0]["state"] == "hashing")
    assert small.state()["miners"][0]["level"] == "low"


async def test_a_restart_of_the_miner_starts_one_that_was_stopped(small, miner):
    client = await Client(miner).admit()
    await client.tell(cmd="power_off", respbefore="true")
    await until(lambda: small.state()["miners"][0]["level"] == "sleep")
    assert await client.tell(cmd="restart_btminer") is None
    await until(lambda: small.state()["miners"][0]["state"] == "hashing")
    assert small.writes[-1].wakes


async def test_the_lamp_is_noted(small, miner):
    client = await Client(miner).admit()
    await client.tell(cmd="set_led", color="red", period=200, duration=100, start=0)
    await client.tell(cmd="set_led", param="auto")
    assert [write.command for write in small.writes] == ["blink on", "blink off"]


async def test_one_that_lies_acknowledges_and_goes_on(small, miner):
    small.inject(Scheduled(at_s=0, select="*", fault="lie"))
    client = await Client(miner).admit()
    assert (await client.tell(cmd="power_off", respbefore="true"))["Code"] == 131
    assert small.physics.next_level[0] < 0
    assert len(small.writes) == 1


async def test_an_api_that_the_owner_did_not_open_takes_no_command(small):
    client = await Client(small.machines[1]).admit()
    reply = await client.tell(cmd="power_off", respbefore="true")
    assert (reply["Code"], reply["Msg"]) == (45, "can't access write cmd")
    assert not small.writes
