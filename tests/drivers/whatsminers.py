"""A WhatsMiner as its firmware answers: figures in plain words, commands behind a known token, and states to be in.

It knows one password by its hashes alone, so that nothing here derives what the driver must derive.
"""

import json
from base64 import b64decode, b64encode

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from drivers.errors import Unreachable
from drivers.interface import Pause

POOL = "stratum+tcp://pool.test:3333"
AES = bytes.fromhex("199e0a202039bb7b558db7a54697dca29cb278055b7e659a127fb844d5a2fbf6")
SIGN = "w.BNbkCV6n1aNWgiBWLzT/"
GRAIN = {"time": "5626", "salt": "BQ5hoXV9", "newsalt": "jbzkfQls"}
WHEN = 1_700_000_001


def said(message, code=131, letter="S", described=""):
    return {"STATUS": letter, "When": WHEN, "Code": code, "Msg": message, "Description": described}


def section(name, rows, code=11):
    return {"STATUS": [{"STATUS": "S", "When": WHEN, "Code": code, "Msg": name}], name: rows, "id": 1}


def sealed(text, key=AES):
    data = text.encode()
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return b64encode(encryptor.update(data + b"\0" * (-len(data) % 16)) + encryptor.finalize()).decode()


def opened(data, key=AES):
    decryptor = Cipher(algorithms.AES(key), modes.ECB()).decryptor()
    return decryptor.update(b64decode(data)) + decryptor.finalize()


class Whatsminer:
    """An M30S++ of 112 TH/s and 3472 W that can be told; change its attributes to put it elsewhere."""

    def __init__(self, **changes):
        self.summary = {
            "Elapsed": 90_000,
            "MHS 5s": 111_000_000.5,
            "MHS 1m": 112_000_000.25,
            "MHS 15m": 112_500_000.0,
            "MHS av": 112_300_000.0,
            "HS RT": 111_500_000.0,
            "Accepted": 4321,
            "Rejected": 7,
            "Stale": 2,
            "Hardware Errors": 11,
            "Temperature": 71.0,
            "Fan Speed In": 4200,
            "Fan Speed Out": 4260,
            "Power": 3410,
            "Power Limit": 3600,
            "Power Mode": "Normal",
            "Factory GHS": 112_100,
            "Env Temp": 21.5,
            "Upfreq Complete": 1,
            "MAC": "02:00:5E:20:00:07",
            "Firmware Version": "'20230803.11.REL'",
        }
        self.devices = [
            {
                "ASC": slot,
                "Slot": slot,
                "Status": "Alive",
                "Temperature": 70.0 + slot,
                "Chip Temp Max": 88.5 + slot,
                "Chip Frequency": 600 + slot,
                "MHS 5s": 37_000_000.0 + slot,
                "MHS av": 37_400_000.0,
                "Effective Chips": 111,
                "Upfreq Complete": 1,
            }
            for slot in range(3)
        ]
        self.pools = [
            {"POOL": 1, "URL": POOL, "User": "farm.7", "Status": "Alive", "Priority": 0, "Stratum Active": True},
            {"POOL": 2, "URL": "", "User": "", "Status": "Dead", "Priority": 1, "Stratum Active": False},
        ]
        self.version = {"api_ver": "2.0.5", "fw_ver": "20230803.11.REL", "platform": "H616", "chip": "K26J001"}
        self.info = {"ip": "192.0.2.7", "mac": "02:00:5E:20:00:07", "minersn": "HWTEST000007"}
        self.status = {"mineroff": "false", "mineroff_reason": "", "FirmwareVersion": "20230803.11.REL"}
        self.faults = []
        self.model = "M30S++_VG33"
        self.joins = True
        self.token = said(GRAIN, 134)
        self.signs = [SIGN]
        self.replies = {}  # by command: what the machine says instead of OK
        self.told = []
        for name, value in changes.items():
            assert hasattr(self, name), name
            setattr(self, name, value)

    def __call__(self, exchange):
        if isinstance(exchange, Pause):
            return None
        request = json.loads(exchange.request)
        if "enc" in request:
            return as_bytes(self._obey(opened(request["data"])))
        return as_bytes(self._say(request["command"]))

    def _say(self, command):
        parts = command.split("+")
        if len(parts) > 1:
            joined = {part: [self._say(part)] for part in parts}
            return joined | {"id": 1} if self.joins else said("invalid cmd", 14, "E")
        if command == "get_token":
            return self.token
        sections = {
            "summary": None if self.summary is None else section("SUMMARY", [self.summary]),
            "devs": section("DEVS", self.devices, 9),
            "pools": section("POOLS", self.pools, 7),
            "devdetails": section("DEVDETAILS", [{"Name": "SM", "Driver": "bitmicro", "Model": self.model}], 69),
        }
        messages = {
            "get_version": self.version,
            "get_miner_info": self.info,
            "status": self.status,
            "get_error_code": None if self.faults is None else {"error_code": self.faults},
        }
        if sections.get(command) is not None:
            return sections[command]
        if messages.get(command) is not None:
            return said(messages[command])
        return said("invalid cmd", 14, "E")

    def _obey(self, text):
        try:
            command = json.loads(text.rstrip(b"\0"))
        except ValueError:
            return said("enc json load err", 23, "E")
        if command.pop("token") not in self.signs:
            return self._sealed(said("check token err", 135, "E"))
        self.told.append(command)
        reply = self.replies.get(command["cmd"], said("API command OK"))
        return reply if isinstance(reply, Unreachable) else self._sealed(reply)

    @staticmethod
    def _sealed(reply):
        return {"enc": sealed(json.dumps(reply))}


def as_bytes(reply):
    return reply if isinstance(reply, bytes | Unreachable) else json.dumps(reply).encode() + b"\n"


def stopped(**changes):
    """Return one that was switched off: no rate, few watts, its mode and limit as they were."""
    machine = Whatsminer(status={"mineroff": "true"})
    machine.summary |= {
        "MHS 5s": 0.0,
        "MHS 1m": 40_000_000.0,
        "HS RT": 0.0,
        "Power": 13,
        "Upfreq Complete": 0,
    } | changes
    return machine
