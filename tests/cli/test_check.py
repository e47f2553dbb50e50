"""`check`: words or every mistake."""

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
