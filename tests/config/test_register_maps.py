"""A register map of one's own: a file beside the configuration, and every mistake in it with file, key and reason."""

import pytest

from agent.config import ConfigError, load
from agent.register_maps import register_map

SITE = '[site]\nid = "hill"\ntimezone = "Asia/Almaty"\ncurrency = "KZT"\nconnection_kw = 1200\n'
METER = '[[meter]]\nid = "main"\nkind = "modbus"\naddress = "10.7.9.1"\nmap = "own.toml"\n'
HEAD = 'name = "own"\nvendor = "Nobody"\nmodels = ["One"]\nsource = "its paper"\n'
POWER = '[[register]]\nquantity = "power"\naddress = 10\ntype = "f32"\nunit = "kW"\n'


def farm(folder, text):
    (folder / "own.toml").write_text(text)
    (folder / "farm.toml").write_text(SITE + METER)
    return folder / "farm.toml"


def test_a_map_of_ones_own_is_a_file_beside_the_configuration(tmp_path):
    config = load(farm(tmp_path, HEAD + POWER))
    made = register_map(config.schema.meter[0].map, config.folder)
    assert [(one.quantity, one.address, one.factor) for one in made.register] == [("power", 10, 1000.0)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = ", "own.toml: is no TOML: "),
        (POWER, "own.toml: name: is required"),
        (HEAD, "own.toml: register: is required"),
        (HEAD + "[[register]]\n" + POWER, "own.toml: register.0.quantity: is required"),
        (HEAD + POWER + "sacle = 2\n", "own.toml: register.0.sacle: is no known key"),
        (HEAD + POWER.replace("10", '"10"'), "own.toml: register.0.address: expected `int`, got `str`"),
        (HEAD + POWER.replace("10", "65535"), "own.toml: register.0.address: must be 0 to 65535: the address"),
        (HEAD + POWER.replace("10", "-1"), "own.toml: register.0.address: must be 0 to 65535: the address"),
        (HEAD + POWER.replace("f32", "f16"), "own.toml: register.0.type: must be one of i16, u16"),
        (HEAD + POWER.replace("kW", "hp"), "own.toml: register.0.unit: of power must be one of W, kW, MW"),
        (HEAD + POWER.replace('"power"', '"heat"'), "own.toml: register.0.quantity: must be one of power"),
        (HEAD + POWER + "scale = 0\n", "own.toml: register.0.scale: must be a number other than 0"),
        (HEAD + POWER + "scale = nan\n", "own.toml: register.0.scale: must be a number other than 0"),
        (HEAD + POWER + "function = 6\n", "own.toml: register.0.function: must be 3 (holding registers) or 4"),
        (HEAD + POWER + 'words = "middle"\n', "own.toml: register.0.words: must be big (high word first) or little"),
        (HEAD + "function = 1\n" + POWER, "own.toml: function: must be 3 (holding registers) or 4"),
        (HEAD + "most_registers = 200\n" + POWER, "own.toml: most_registers: must be 4 to 125"),
        (HEAD + "most_gap = 61\n" + POWER, "own.toml: most_gap: must be 0 to most_registers"),
        (HEAD + POWER + POWER, "own.toml: register.1.quantity: power stands here again; to sum them: add = true"),
        (HEAD + POWER.replace("power", "voltage").replace("kW", "V"), "own.toml: register: no register is the power"),
    ],
)
def test_a_mistake_in_a_map_is_said_by_file_key_and_reason(tmp_path, text, said):
    with pytest.raises(ConfigError) as caught:
        load(farm(tmp_path, text))
    assert str(caught.value).startswith(said)
    assert len(caught.value.problems) == 1


def test_a_map_that_is_no_text_is_said(tmp_path):
    config = farm(tmp_path, "")
    (tmp_path / "own.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"^own\.toml: cannot be read: is no text"):
        load(config)
