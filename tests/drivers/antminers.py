"""Antminers as their stock firmware answers: figures in each generation's dialect, and a machine that can be told."""

from collections import Counter
from urllib.parse import parse_qsl

import msgspec

from drivers.errors import NotListening, Unreachable
from drivers.interface import Ask, Http, Pause
from tests.drivers.conversations import name_of, ok

POOL = "stratum+tcp://pool.test:3333"


def status(code, message, letter="S"):
    return [{"STATUS": letter, "When": 1_700_000_000, "Code": code, "Msg": message, "Description": "cgminer 1.0.0"}]


def refusal(command, code=14):
    return {"STATUS": status(code, f"Access denied to '{command}' command" if code == 45 else "Invalid command", "E")}


def stats(type_, figures, compiled="Wed Mar  1 08:00:00 CST 2023"):
    header = {"BMMiner": "1.0.0", "Miner": "1.2.3.4", "CompileTime": compiled, "Type": type_}
    return {"STATUS": status(70, "CGMiner stats"), "STATS": [header, {"STATS": 0} | figures], "id": 1}


def x9(rate_ghs=13_500.5, elapsed=4000):
    """S9: boards in slots 6 to 8, fans 3 and 6, the present rate a text, no comma between header and figures."""
    figures = {"ID": "BC50", "Elapsed": elapsed, "GHS 5s": f"{rate_ghs:.2f}", "GHS av": 13_400.0, "frequency": "650"}
    for slot in range(1, 17):
        here = slot in {6, 7, 8}
        figures |= {
            f"fan{slot}": {3: 5880, 6: 4320}.get(slot, 0),
            f"temp{slot}": 60 + slot if here else 0,
            f"temp2_{slot}": 80 + slot if here else 0,
            f"temp3_{slot}": 0,
            f"freq_avg{slot}": 643.75 if here else 0.0,
            f"chain_rateideal{slot}": 4500.0 if slot >= 4 else 0.0,
            f"chain_acn{slot}": 63 if here else 0,
            f"chain_acs{slot}": " oooooooo ooooooo" if here else "",
            f"chain_rate{slot}": "4500.17" if here else "",
        }
    figures |= {"total_rateideal": 13_500.0, "total_rate": 13_500.5}
    whole = msgspec.json.encode(stats("Antminer S9", figures))
    return whole.replace(b'},{"STATS"', b'}{"STATS"') + b"\0"


def x17(rate_ghs=53_000.25, elapsed=4000, mode=1):
    """S17 Pro: boards in 1 to 3 of 16 slots, the present rate a text, sensors as texts."""
    figures = {"ID": "BTM_SOC0", "Elapsed": elapsed, "GHS 5s": f"{rate_ghs:.2f}", "GHS av": 52_000.5, "Mode": mode}
    for slot in range(1, 17):
        here = slot <= 3
        figures |= {
            f"fan{slot}": 3000 + slot if slot <= 4 else 0,
            f"temp_pcb{slot}": "25-55-24-52" if here else "0-0-0-0",
            f"temp_chip{slot}": "45-78-44-71" if here else "0-0-0-0",
            f"chain_acn{slot}": 48 if here else 0,
            f"chain_rate{slot}": "17666.75" if here else "",
            f"freq{slot}": 560 + slot if here else 0,
        }
    return stats("Antminer S17 Pro", figures | {"frequency": "", "total_rateideal": 53_100.0, "total_rate": rate_ghs})


def x19(rate_ghs=109_000.5, elapsed=4000, type_="Antminer S19 Pro", boards=3, **more):
    """S19 Pro: four slots printed for three boards, `total rate` with a blank, an average of 30 minutes."""
    figures = {"ID": "BTM_SOC0", "Elapsed": elapsed, "GHS 5s": rate_ghs, "GHS av": 110_100.0, "rate_30m": 110_250.5}
    figures |= {"Mode": 2, "total rate": 110_100.0, "total_rateideal": 110_000.0, "frequency": 525}
    for slot in range(1, 5):
        here = slot <= boards
        figures |= {
            f"fan{slot}": 5000 + slot,
            f"temp_pcb{slot}": "41-62--3-60" if here else "0-0-0-0",
            f"temp_chip{slot}": "50-71-52-69" if here else "0-0-0-0",
            f"chain_acn{slot}": 114 if here else 0,
            f"chain_rate{slot}": f"{rate_ghs / 3:.2f}" if here else "",
            f"freq{slot}": 525 if here else 0,
        }
    return stats(type_, figures | more)


def x21(rate_ghs=201_000.0, elapsed=4000):
    """S21: rates of boards as numbers, sensors as single numbers."""
    figures = {"Elapsed": elapsed, "GHS 5s": rate_ghs, "GHS av": 200_100.0, "rate_30m": 200_500.0, "frequency": 490}
    for slot in range(1, 5):
        figures |= {f"chain_acn{slot}": 108 if slot <= 3 else 0, f"chain_rate{slot}": rate_ghs / 3 if slot <= 3 else 0}
        figures |= {f"temp_out_pcb_{slot}": 58.5 if slot <= 3 else 0, f"fan{slot}": 4200}
    return stats("Antminer S21", figures | {"total rate": 200_100.0})


def pools(*states):
    rows = [
        {"POOL": place, "URL": POOL, "Status": state, "Priority": place, "User": "farm.1", "Accepted": 7, "Rejected": 1}
        | {
            "Stale": 0,
            "Stratum Active": place == 0 and state == "Alive",
            "Last Share Time": "0:00:03",
            "Pool Stale%%": 0,
        }
        for place, state in enumerate(states)
    ]
    unused = {"POOL": len(rows), "URL": "", "Status": "Deed", "Priority": len(rows), "User": ""}
    return {"STATUS": status(7, "3 Pool(s)"), "POOLS": [*rows, unused], "id": 1}


def summary():
    row = {"Elapsed": 4000, "GHS 5s": 1.0, "GHS av": 1.0, "Accepted": 90, "Rejected": 2, "Stale": 1}
    return {"STATUS": status(11, "Summary"), "SUMMARY": [row | {"Hardware Errors": 33, "Best Share": 123_456_789}]}


def version(type_="Antminer S19 Pro", **more):
    row = {"BMMiner": "1.0.0", "API": "3.1", "Miner": "49.0.1.3", "CompileTime": "Wed Mar  1 2023", "Type": type_}
    return {"STATUS": status(22, "CGMiner versions"), "VERSION": [row | more], "id": 1}


def system_info(type_="Antminer S19 Pro", **more):
    return {"minertype": type_, "macaddr": "02:00:5E:10:00:07", "hostname": "Antminer"} | more


def page_stats(**more):
    """stats.cgi of S19 and S21, sensors and rates as numbers."""
    chains = [
        {"index": index, "freq_avg": 525, "rate_real": 36_000.0 + index, "asic_num": 114, "hw": 0}
        | {"temp_pcb": [40, 42, 61, 60], "temp_chip": [50, 52, 71, 70], "sn": f"SN{index}"}
        for index in range(3)
    ]
    row = {"elapsed": 4000, "rate_5s": 109_000.0, "rate_30m": 110_250.0, "rate_avg": 110_100.0, "rate_ideal": 110_000.0}
    row |= {"rate_unit": "GH/s", "fan_num": 4, "fan": [5001, 0, 5003, 5004], "miner-mode": 0, "chain": chains}
    return {"STATUS": {"STATUS": "S", "when": 1, "Msg": "stats"}, "INFO": {}, "STATS": [row | more]}


THREE_POOLS = [{"url": POOL, "user": f"farm.{place}", "pass": f"secret{place}"} for place in (1, 2, 3)]


class Antminer:
    """A machine with state: what it is set to, what it was asked to write, and how it misbehaves."""

    def __init__(self, stats_=None, *, form=False, mode="0", password="root", pools_=THREE_POOLS):
        self.stats = stats_ if stats_ is not None else x19()
        self.pools = pools("Alive", "Alive")
        self.api = True
        self.joins = form
        self.form = form
        self.password = password
        self.conf = {"pools": pools_, "api-listen": True, "bitmain-fan-ctrl": True, "bitmain-fan-pwm": "80"}
        self.conf |= {"bitmain-freq": "675", "bitmain-voltage": "1400", "bitmain-freq-level": "100"}
        if mode is not None:
            self.conf["bitmain-work-mode"] = mode
        self.pages = {"get_system_info.cgi": system_info()}
        self.written = []
        self.asked = Counter()
        self.obeys = True
        self.answer_to_write = {"stats": "success", "code": "M000", "msg": "OK!"}
        self.away_for = 0  # requests that its web server drops after a write
        self._away = 0

    def __call__(self, exchange):
        self.asked[name_of(exchange)] += 1
        match exchange:
            case Ask():
                return self._api(name_of(exchange))
            case Http():
                return self._web(exchange)
            case Pause():
                return None

    def _api(self, command):
        if not self.api:
            return NotListening("connection refused")
        if "+" in command:
            return self._joined(command)
        told = {"stats": self.stats, "pools": self.pools, "summary": summary(), "version": version()}
        return encoded(told.get(command, refusal(command, 45)))

    def _joined(self, command):
        if not self.joins:
            return encoded(refusal(command))
        parts = [f'"{part}":[{self._api(part).rstrip(bytes(1)).decode()}]' for part in command.split("+")]
        return ("{" + ",".join(parts) + ',"id":1}').encode()

    def _web(self, exchange):
        if self._away > 0:
            self._away -= 1
            return Unreachable("reset")
        if exchange.user != "root" or exchange.password != self.password:
            return ok(status=401, WWW_Authenticate='Digest realm="antMiner Configuration", qop="auth"')
        page = exchange.path.rpartition("/")[2]
        if page == "get_miner_conf.cgi":
            return ok(encoded(self.conf))
        if page == "set_miner_conf.cgi":
            return self._write(exchange)
        told = self.pages.get(page)
        return ok(status=404) if told is None else told if not isinstance(told, dict) else ok(encoded(told))

    def _write(self, exchange):
        if self.form:
            body = dict(parse_qsl(exchange.body.decode(), keep_blank_values=True))
            mode = body["_ant_work_mode"]
        else:
            body = msgspec.json.decode(exchange.body)
            mode = str(body["miner-mode"])
        self.written.append(body)
        if self.obeys:
            self.conf["bitmain-work-mode"] = mode
        if self.away_for:
            self._away = self.away_for - 1
            return Unreachable("the connection was reset")
        return ok(b"ok" if self.form else encoded(self.answer_to_write))


def encoded(told):
    return told if isinstance(told, bytes) else msgspec.json.encode(told)
