"""What a configuration says is understood: defaults, every key, texts that say none, exact decimals, secrets."""

from dataclasses import fields, is_dataclass
from decimal import Decimal
from pathlib import Path

import pytest

from agent.config import ConfigError, Secret, load, parse, schema

HERE = Path(__file__).parent
SITE = '[site]\nid = "hill"\ntimezone = "Asia/Almaty"\ncurrency = "KZT"\nconnection_kw = 1200\n'
DEFAULTS = {
    "Site": {"jurisdiction": None, "house_w": 0, "house_max_w": None, "freeze_c": 5},
    "Connection": {"meter": None},
    "Feeder": {
        "parent": "site", "max_kw": None, "max_kva": None, "phase": None, "essential": False, "ramp_kw_per_min": None,
        "outlet": None,
    },
    "Miners": {
        "hosts": [], "csv": None, "feeder": "site", "tags": [], "driver": "auto", "ports": {}, "credentials": None,
        "intended": "full", "priority": 0, "model": None,
    },
    "Login": {},
    "Credentials": {"lockout_after": 3},
    "Polling": {"interval_s": 10, "timeout_s": 3, "full_every": 6, "source_address": None},
    "Discovery": {"networks": [], "every_s": None, "adopt": False},
    "Meter": {
        "role": "billing", "feeder": "site", "address": None, "topic": None, "unit": 1, "map": None,
        "credentials": None, "sign": 1, "multiplier": 1, "rolls_over_kwh": None, "period_s": 2, "delay_s": 0,
        "window_s": 15, "stale_s": 30, "error_pct": 1,
    },
    "Outlet": {
        "address": None, "topic": None, "unit": 1, "point": None, "output": 1, "profile": None, "credentials": None,
        "period_s": 5,
    },
    "SafetyInput": {
        "topic": None, "address": None, "unit": 1, "point": None, "period_s": 1, "when": "true", "silence_s": None,
    },
    "Metering": {
        "interval_min": 15, "multiplier": 1, "no_load_kwh_per_month": 0, "loss_pct": 0, "billing_day": 1,
        "billing_hour": 0,
    },
    "Tariff": {"file": None, "class_": None, "vat_recoverable": False, "metering": schema.Metering()},
    "FxRate": {"from_": None, "until": None},
    "Revenue": {
        "source": "fixed", "hashprice_per_ph_day": Decimal(0), "currency": "USD", "pool_fee_pct": 1,
        "revenue_tax_pct": 0, "pue": 1, "uptime_pct": 100, "fx": {}, "fx_rate": [],
        "file": None, "url": None, "topic": None, "payout_btc_per_th_day": None,
        "every_s": 300, "stale_s": 86_400, "difficulty": None, "btc_price": None, "fees_btc": None, "height": None,
    },
    "Price": {"act": False, "min_on_s": 1800, "min_off_s": 1800, "hysteresis_pct": 5, "restart_cost": Decimal(0)},
    "Mqtt": {
        "url": None, "username": None, "password": None, "ca": None, "certificate": None, "key": None,
        "prefix": "hashwatt", "client_id": None,
    },
    "Issuer": {
        "classes": [], "keys": [], "unsigned": False, "transports": ["mqtt"], "feeders": None, "max_shed_kw": None,
        "offers": "ask", "heartbeat_timeout_s": None, "failsafe_kw": None, "failsafe_min_s": 7200,
        "failsafe_then": "hold", "on_reject": "alarm",
    },
    "Signal": {"format": "target", "silence_s": 240},
    "Orders": {"max_age_s": 86_400, "schedule": None, "issuers": {}, "signals": {}},
    "Control": {
        "mode": "observe", "restore_kw_per_min": 500, "shed_kw_per_min": None, "max_step_kw": None, "respond_s": 300,
        "margin_pct": 1, "reserve_unreachable": 1, "blind_s": 120, "min_on_s": 300, "min_off_s": 300,
        "switches_per_hour": 4, "allow_hard_cut": False, "wake_settle_s": 600,
    },
    "Remedies": {
        "restart": False, "reboot": False, "outlet_cycle": False, "per_machine_per_day": 3, "farm_per_hour": 20,
    },
    "Store": {
        "url": "sqlite:///hashwatt.db", "miner_history_days": 30, "site_history_days": 400, "evidence_years": 6,
    },
    "Evidence": {"key": None},
    "Http": {"bind": "127.0.0.1:8700", "public_read": True, "tokens": None},
    "Notify": {"webhooks": []},
    "Logging": {"level": "info", "format": "auto"},
}  # fmt: skip
REQUIRED = {
    "Site": {"id": "a", "timezone": "UTC", "currency": "USD", "connection_kw": 1},
    "Connection": {"id": "a", "kw": 1},
    "Feeder": {"id": "a"},
    "Login": {"user": "a", "password": "env:A"},
    "Credentials": {"logins": [{"user": "a", "password": "env:A"}]},
    "Meter": {"id": "a", "kind": "mqtt"},
    "Outlet": {"id": "a", "kind": "mqtt"},
    "SafetyInput": {"id": "a", "feeder": "site", "kind": "mqtt"},
    "Signal": {"topic": "a", "issuer": "b"},
    "FxRate": {"pair": "USD/KGS", "value": Decimal(1)},
}
TABLES = [name for name, one in vars(schema).items() if is_dataclass(one) and name != "Schema"]


@pytest.mark.parametrize("name", TABLES)
def test_each_table_needs_what_is_required_and_has_the_agreed_defaults(name):
    required = REQUIRED.get(name, {})
    table = getattr(schema, name)(**required)
    found = {part.name: getattr(table, part.name) for part in fields(table)}
    assert {key: value for key, value in found.items() if key not in required} == DEFAULTS[name]


def every(table):
    """Each key of a table and of those in it, with its value."""
    if isinstance(table, list | dict):
        for item in table.values() if isinstance(table, dict) else table:
            yield from every(item)
    elif is_dataclass(table):
        for part in fields(table):
            value = getattr(table, part.name)
            yield (type(table).__name__, part.name), value
            yield from every(value)


def test_every_key_away_from_its_default_is_understood():
    understood = load(HERE / "every_key.toml").schema
    seen = {}
    for key, value in every(understood):
        seen.setdefault(key, []).append(value)
    missing = [
        (name, key)
        for name, defaults in DEFAULTS.items()
        for key, default in defaults.items()
        if all(value == default for value in seen[name, key])
    ]
    assert missing == []


def test_some_keys_mean_what_they_say():
    site = load(HERE / "every_key.toml").schema
    assert site.site.connection_kw == 7000.5
    assert site.tariff.class_ == "large"
    assert site.orders.issuers["grid"].classes == ["grid_emergency", "contract"]
    assert site.orders.issuers["grid"].transports == ["http", "signal"]
    assert site.orders.issuers["grid"].failsafe_kw == 0
    assert [login.password for login in site.credentials["workshop"].logins] == ["env:WORKSHOP", "file:second"]


def test_money_is_exact():
    revenue = load(HERE / "every_key.toml").schema.revenue
    assert (revenue.hashprice_per_ph_day, revenue.fx) == (Decimal("51.203"), {"EUR/USD": Decimal("1.0835")})
    bare = parse(SITE + "[revenue]\nhashprice_per_ph_day = 0.1\n").schema.revenue
    assert bare.hashprice_per_ph_day == Decimal("0.1")


def test_ten_lines_are_a_working_farm():
    farm = load(HERE / "farm_small.toml")
    assert len((HERE / "farm_small.toml").read_text().splitlines()) == 10
    assert [miner.id for miner in farm.miners][:2] == ["10.9.0.1", "10.9.0.2"]
    assert len(farm.miners) == 126
    assert farm.schema.control.mode == "observe"


def test_an_empty_text_is_a_key_left_out():
    text = SITE + (
        'jurisdiction = ""\n[mqtt]\nurl = ""\nprefix = ""\n[[feeder]]\nid = "T1"\nparent = ""\nphase = ""\n'
        '[orders.issuers.grid]\noffers = ""\n[evidence]\nkey = ""\n[revenue]\nhashprice_per_ph_day = ""\n'
    )
    spare = SITE + '[[feeder]]\nid = "T1"\n[orders.issuers.grid]\n'
    assert parse(text).schema == parse(spare).schema


@pytest.mark.parametrize("key", ["max_shed_kw", "unsigned", "classes", "no_such_key"])
def test_an_empty_text_is_a_mistake_where_no_text_belongs(key):
    with pytest.raises(ConfigError, match=rf"orders\.issuers\.grid\.{key}: "):
        parse(SITE + f'[orders.issuers.grid]\n{key} = ""\n')


def test_a_secret_is_found_by_its_reference_and_never_shown(tmp_path, monkeypatch):
    config = parse(SITE, folder=tmp_path)
    (tmp_path / "second").write_text("from a file\n")
    monkeypatch.setenv("HILL_PASSWORD", "from the environment")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    found = [config.secret(told, "k") for told in ("file:second", "env:HILL_PASSWORD", "credential:second")]
    assert [one.reveal() for one in found] == ["from a file", "from the environment", "from a file"]
    assert f"{found[0]} {found[0]!r} {found}" == "*** *** [***, ***, ***]"
    assert not hasattr(Secret("x"), "__dict__")


@pytest.mark.parametrize("reference", ["env:NOT_SET_ANYWHERE", "file:nowhere", "credential:nowhere", "file:a\x00b"])
def test_a_secret_that_leads_nowhere_names_its_key(tmp_path, monkeypatch, reference):
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(ConfigError, match=r"farm\.toml: mqtt\.password: .+ cannot be read"):
        parse(SITE, folder=tmp_path).secret(reference, "mqtt.password")


def not_yet(text):
    return {left.key: left.loosens for left in parse(SITE + text).not_yet()}


def test_a_plain_farm_waits_for_nothing():
    assert not_yet("[[miners]]\nhosts = ['10.7.0.1']\n[[meter]]\nid = 'main'\nkind = 'mqtt'\n") == {}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[store]\nurl = 'postgresql://db/hashwatt'\n", "store.url"),
    ],
)
def test_what_is_not_built_and_would_loosen_control_says_so(text, key):
    assert not_yet(text)[key] is True


def test_what_is_not_built_and_loosens_nothing_says_so():
    text = "[[miners]]\nhosts = ['10.7.0.1']\ndriver = 'cgminer'\n[notify]\nwebhooks = ['https://a.example']\n"
    assert not_yet(text) == {"miners.driver": False}


def test_what_is_not_built_is_found_in_inventory_files_too(tmp_path):
    (tmp_path / "i.csv").write_text("host,driver,intended\n10.7.0.1,cgminer,low\n10.7.0.2,cgminer,limit:2000\n")
    config = parse(SITE + '[[miners]]\ncsv = "i.csv"\n', folder=tmp_path)
    assert [left.key for left in config.not_yet()] == ["miners.driver"]


def warned(text):
    return {warning.key: warning.reason for warning in parse(SITE + text).warnings()}


def test_two_keys_of_an_issuer_have_two_ids():
    key = "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    with pytest.raises(ConfigError, match=r"orders\.issuers\.g\.keys\.1.*earlier key"):
        parse(SITE + f"[orders.issuers.g]\nkeys = ['{key}', '{key}']\n")


@pytest.mark.parametrize(
    ("text", "key", "part"),
    [
        ("", "control.mode", "nothing is sent"),
        ("", "meter", "no billing meter"),
        ("", "miners", "no machines"),
        ("[orders.issuers.g]\nclasses = ['law']\n", "orders.issuers.g", "no key and is not unsigned"),
        ("[orders.issuers.g]\nunsigned = true\n", "orders.issuers.g.classes", "no class"),
        ("[orders.issuers.g]\ntransports = []\n", "orders.issuers.g.transports", "no transport"),
        ("[orders.issuers.g]\nfailsafe_kw = 0\n", "orders.issuers.g.failsafe_kw", "does nothing"),
        ("[[meter]]\nid = 'main'\nkind = 'mqtt'\n", "mqtt.url", "meter main needs one"),
        ("[orders.issuers.g]\n", "mqtt.url", "issuer g needs one"),
        ("[orders.issuers.g]\n[orders.signals.d]\ntopic = 't'\nissuer = 'g'\n", "orders.signals.d.issuer", "may not"),
        ("[http]\nbind = '0.0.0.0:8700'\n", "http.public_read", "loopback only"),
    ],
)
def test_what_is_probably_not_meant_is_a_warning(text, key, part):
    assert part in warned(text)[key]


def test_a_farm_that_enforces_with_meter_and_broker_warns_of_nothing():
    text = (
        "[[miners]]\nhosts = ['10.7.0.1']\n[[meter]]\nid = 'main'\nkind = 'mqtt'\n[mqtt]\nurl = 'mqtt://broker'\n"
        "[control]\nmode = 'enforce'\n[orders.issuers.g]\nclasses = ['law']\nunsigned = true\n"
    )
    assert warned(text) == {}
