"""`check`: words or every mistake."""

import pytest

GOOD = """
[site]
id = "kg-1"
timezone = "Asia/Bishkek"
currency = "KGS"
connection_kw = 500

[[miners]]
hosts = ["10.20.1.1-10.20.1.12"]
"""


def test_a_sound_configuration_is_told_in_words(say, tmp_path):
    (tmp_path / "farm.toml").write_text(GOOD)
    said = say("check", "--config", tmp_path / "farm.toml")
    assert said.exit_code == 0
    assert "500" in said.stdout
    assert "12" in said.stdout


def test_every_mistake_is_named_with_file_key_and_reason(say, tmp_path):
    (tmp_path / "farm.toml").write_text(GOOD.replace("500", "0") + "[poling]\nintervall_s = 1\n")
    said = say("check", "--config", tmp_path / "farm.toml")
    assert (said.exit_code, said.stdout) == (2, "")
    assert "farm.toml: site.connection_kw: " in said.stderr
    assert "farm.toml: poling: " in said.stderr


def test_a_configuration_that_is_not_there_is_bad_input(say, tmp_path):
    said = say("check", "--config", tmp_path / "none.toml")
    assert (said.exit_code, said.stdout) == (2, "")
    assert said.stderr.startswith("none.toml: cannot be read")


@pytest.mark.parametrize(
    ("user", "secret", "reason"),
    [
        ("farm", "short", "a passphrase of SNMP version 3 has at least 8 characters"),
        ("farm", "", "a passphrase of SNMP version 3 has at least 8 characters"),
        ("v2c", "", "a community is not empty"),
        ("v2c", "private", None),
        ("farm", "long enough", None),
    ],
)
def test_logins_that_snmp_cannot_be_spoken_with_are_mistakes(say, tmp_path, user, secret, reason):
    (tmp_path / "pdu").write_text(secret)
    login = f'[credentials.pdu]\nlogins = [{{ user = "{user}", password = "file:pdu" }}]\n'
    outlet = '[[outlet]]\nid = "q"\nkind = "snmp"\naddress = "10.7.0.1"\nprofile = "sentry4"\ncredentials = "pdu"\n'
    (tmp_path / "farm.toml").write_text(GOOD + login + outlet)
    said = say("check", "--config", tmp_path / "farm.toml")
    assert said.exit_code == (0 if reason is None else 2)
    assert reason is None or f"farm.toml: credentials.pdu.logins.0.password: {reason}" in said.stderr


def test_what_run_would_not_start_by_is_a_warning_with_key_and_reason(say, tmp_path):
    more = (
        '[http]\ntokens = "file:none.toml"\n[mqtt]\nurl = "mqtts://broker"\nca = "none.pem"\n'
        '[evidence]\nkey = "env:NONE_SUCH"\n'
        '[credentials.farm]\nlogins = [{ user = "root", password = "env:NONE_SUCH" }]\n'
        '[notify]\nwebhooks = ["http://127.0.0.1:9/x", "file:none"]\n'
    )
    (tmp_path / "farm.toml").write_text(GOOD + more)
    said = say("check", "--config", tmp_path / "farm.toml")
    assert said.exit_code == 0
    for key, reason in (
        ("http.tokens", "file:none.toml cannot be read: No such file"),
        ("mqtt.ca", "none.pem cannot be used: No such file"),
        ("evidence.key", "env:NONE_SUCH cannot be read: it is not set"),
        ("credentials.farm.logins.0.password", "env:NONE_SUCH cannot be read: it is not set"),
        ("notify.webhooks.1", "file:none cannot be read: No such file"),
    ):
        assert f"warning: {key}: {reason}" in said.stdout


def test_mistakes_of_the_tariff_and_of_the_schedule_are_told_together(say, tmp_path):
    (tmp_path / "farm.toml").write_text(GOOD + '[tariff]\nfile = "t.toml"\n[orders]\nschedule = "o.toml"\n')
    said = say("check", "--config", tmp_path / "farm.toml")
    assert (said.exit_code, said.stdout) == (2, "")
    assert "t.toml" in said.stderr
    assert "orders.schedule: o.toml" in said.stderr
