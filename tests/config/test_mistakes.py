"""One mistake a file, one sentence a mistake; and every mistake of a file at once."""

from pathlib import Path

import pytest

from agent.config import ConfigError, load, parse

BAD = Path(__file__).parent / "bad"
SAYS = "# says: "
SITE = '[site]\nid = "hill"\ntimezone = "Asia/Almaty"\ncurrency = "KZT"\nconnection_kw = 1200\n'


def said(error):
    return [str(problem).removeprefix(f"{problem.file}: ") for problem in error.problems]


@pytest.mark.parametrize("path", sorted(BAD.glob("*.toml")), ids=lambda path: path.stem)
def test_each_mistake_has_its_sentence(path):
    expected = path.read_text(encoding="utf-8").splitlines()[0].removeprefix(SAYS)
    with pytest.raises(ConfigError) as caught:
        load(path)
    lines = [line.removeprefix(f"{path.name}: ") for line in str(caught.value).splitlines()]
    assert lines == [expected]


def test_a_mistake_names_its_file():
    with pytest.raises(ConfigError, match=r"^mistyped_key\.toml: site\.conection_kw: "):
        load(BAD / "mistyped_key.toml")


def test_every_mistake_is_listed_whether_it_takes_one_key_to_see_or_two():
    text = SITE + (
        'freeze = 3\n[polling]\ninterval_s = 0\n[control]\nmode = "on"\n'
        '[[feeder]]\nid = "T1"\nparent = "hall"\n[[miners]]\nhosts = ["10.7.0.300", "10.7.0.1"]\nfeeder = "T9"\n'
    )
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert sorted(said(caught.value)) == [
        "control.mode: must be 'observe' or 'enforce'",
        "feeder.0.parent: hall is no feeder",
        "miners.0.feeder: T9 is no feeder",
        "miners.0.hosts.0: 10.7.0.300: '10.7.0.300' is no IPv4 address",
        "polling.interval_s: must be above 0",
        "site.freeze: is no known key; did you mean freeze_c?",
    ]


def test_mistakes_of_two_items_of_a_list_are_both_listed():
    text = SITE + '[discovery]\nnetworks = ["x", "10.0.0.0/8", "y"]\n'
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert [problem.key for problem in caught.value.problems] == ["discovery.networks.0", "discovery.networks.2"]


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(ConfigError, match=r"^farm\.toml: cannot be read: No such file"):
        load(tmp_path / "farm.toml")


def test_a_file_that_is_no_text_is_said(tmp_path):
    (tmp_path / "farm.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"^farm\.toml: cannot be read: "):
        load(tmp_path / "farm.toml")


def test_no_sentence_shows_a_password():
    for name in ("password_in_the_open", "login_in_the_url"):
        with pytest.raises(ConfigError) as caught:
            load(BAD / f"{name}.toml")
        assert "letmein" in (BAD / f"{name}.toml").read_text()
        assert "letmein" not in f"{caught.value!r} {caught.value} {caught.value.problems}"
