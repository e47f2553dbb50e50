import pytest

from agent.config import parse
from simulators.farm_config import MetersAt, config_toml
from simulators.faults import Scheduled, read_schedule
from simulators.firmwares import FIRMWARES
from simulators.machines import BadInput, MixRow, Place
from simulators.meter import MeterOptions
from simulators.mix import DEFAULT_MIX, MAKERS, allot, every_mix, machine, read_mix
from simulators.places import hosts_of

pytestmark = pytest.mark.pure


def machines(*places):
    rows = allot(DEFAULT_MIX, len(places))
    return [
        machine(at, row, Place(host=host, port=port, http_port=web), 1)
        for at, (row, (host, port, web)) in enumerate(zip(rows, places, strict=True))
    ]


def test_a_mix_file_is_read():
    (row,) = read_mix('[[mix]]\nmake = "WhatsMiner"\nmodel = "M50"\nshare = 1\nfirmware = "bfgminer"\n')
    assert (row.model, row.firmware, row.access) == ("M50", "bfgminer", "W")


@pytest.mark.parametrize(
    ("make", "told", "model"),
    [
        ("Antminer", "S19j Pro", "Antminer S19j Pro"),
        ("Antminer", "Antminer S19j Pro", "Antminer S19j Pro"),
        ("WhatsMiner", "M50", "M50"),
        ("WhatsMiner", "WhatsMiner M50", "M50"),
        ("MicroBT", "WhatsMiner M50", "M50"),
        ("Bitmain", "S19j Pro", "Antminer S19j Pro"),
    ],
)
def test_a_model_is_known_with_or_without_its_make_before_it(make, told, model):
    (row,) = read_mix(f'[[mix]]\nmake = "{make}"\nmodel = "{told}"')
    assert (row.make, row.model) == (MAKERS.get(make, make), model)


def test_shares_are_kept_to_the_machine():
    mix = read_mix('[[mix]]\nmodel = "Antminer S19"\nshare = 2\n[[mix]]\nmodel = "M50"\nshare = 1')
    assert [row.model for row in allot(mix, 7)] == ["Antminer S19"] * 5 + ["M50"] * 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[mix", "no TOML"),
        ("", r"\[\[mix\]\]"),
        ("mix = 3", r"\[\[mix\]\]"),
        ('[[mix]]\nmake = "Antminer"\nmodel = "S99"\nshare = 1', "mix 1: no Antminer model 'S99'"),
        ('[[mix]]\nmake = "WhatsMiner"\nmodel = "Antminer S19"', "mix 1: no WhatsMiner model 'Antminer S19'"),
        ('[[mix]]\nmake = "WhatsMiner"\nmodel = ["M50"]\nshare = 1', "mix 1: no WhatsMiner model"),
        ('[[mix]]\nmake = "WhatsMiner"\nmodel = "M50"\nshare = 0', "mix 1: share"),
        ('[[mix]]\nmake = "WhatsMiner"\nmodel = "M50"\nshare = true', "mix 1: share"),
        ('[[mix]]\nmake = "WhatsMiner"\nmodel = "M50"\nfirmware = "stock"', "mix 1: WhatsMiner has firmware"),
        ('[[mix]]\nmake = "WhatsMiner"\nmodel = "M50"\naccess = "X"', "mix 1: access"),
        ('[[mix]]\nmodel = "M50"\ncolour = 1', "mix 1: the keys are"),
    ],
)
def test_each_mistake_of_a_mix_has_its_sentence(text, said):
    with pytest.raises(BadInput, match=said):
        read_mix(text)


def test_a_faults_file_is_read_in_the_order_of_time():
    text = (
        '[[fault]]\nat_s = 20\nselect = "*"\nfault = "rst"\n'
        '[[fault]]\nat_s = 5\nselect = "50%"\nfault = "pool"\nfor_s = 60'
    )
    assert read_schedule(text) == (
        Scheduled(at_s=5, select="50%", fault="pool", for_s=60),
        Scheduled(at_s=20, select="*", fault="rst", for_s=None),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[fault", "no TOML"),
        ("fault = 3", r"\[\[fault\]\]"),
        ('[[faults]]\nselect = "*"', r"\[\[fault\]\]"),
        ('[[fault]]\nselect = "*"\nfault = "rst"', "fault 1: at_s"),
        ('[[fault]]\nat_s = "1"\nselect = "*"\nfault = "rst"', "fault 1: at_s"),
        ('[[fault]]\nat_s = 1\nselect = "*"\nfault = "fire"', "fault 1: fault: 'fire' is none of dead"),
        ('[[fault]]\nat_s = 1\nselect = "*"\nfault = ["rst"]', "fault 1: fault"),
        ('[[fault]]\nat_s = 1\nselect = 7\nfault = "rst"', "fault 1: select"),
        ('[[fault]]\nat_s = 1\nselect = "*"\nfault = "rst"\nfor_s = nan', "fault 1: for_s"),
        ('[[fault]]\nat_s = 1\nselect = "*"\nfault = "rst"\nfor = 1', "fault 1: for: is unknown"),
    ],
)
def test_each_mistake_of_a_faults_file_has_its_sentence(text, said):
    with pytest.raises(BadInput, match=said):
        read_schedule(text)


@pytest.mark.parametrize(
    ("places", "hosts"),
    [
        ([("127.10.0.1", 4028, 80), ("127.10.0.2", 4028, None)], ["127.10.0.1-127.10.0.2"]),
        ([("127.10.0.255", 4028, 80), ("127.10.1.0", 4028, 80)], ["127.10.0.255-127.10.1.0"]),
        ([("127.10.0.1", 4028, 80), ("127.10.0.3", 4028, 80)], ["127.10.0.1", "127.10.0.3"]),
        (
            [("127.0.0.1", 20_000, 20_003), ("127.0.0.1", 20_001, 20_004), ("127.0.0.1", 20_002, None)],
            ["127.0.0.1:20000-20001/20003-20004", "127.0.0.1:20002"],
        ),
    ],
)
def test_hosts_are_as_few_ranges_as_there_are(places, hosts):
    assert hosts_of(machines(*places)) == hosts


@pytest.mark.parametrize(("broker", "kind"), [("mqtt://127.0.0.1:1883", "mqtt"), (None, "modbus")])
def test_the_configuration_is_one_that_the_agent_takes(broker, kind):
    made = machines(*[("127.10.0.1", 4028, 80), ("127.10.0.2", 4028, None)])
    meters = MetersAt(options=MeterOptions(), port=5020)
    text = config_toml(made, site="s1", house_w=1500, meters=meters, mqtt_url=broker)
    config = parse(text)
    assert [meter.kind for meter in config.schema.meter] == [kind]
    site = config.schema.site
    assert len(config.miners) == 2
    assert (site.id, site.house_w) == ("s1", 1500)
    assert site.connection_kw == pytest.approx(1.3 * sum(one.nameplate_w for one in made) / 1000, abs=0.1)
    assert tuple(config.schema.orders.issuers["dispatcher"].classes) == config_classes(config)
    assert not config.not_yet()


def test_with_feeders_each_has_its_machines_and_its_meter():
    made = machines(*[("127.0.0.1", 20_000 + at, None) for at in range(5)])
    meters = MetersAt(options=MeterOptions(), port=5020, feeders=2)
    config = parse(config_toml(made, site="s1", house_w=1500, meters=meters, mqtt_url="mqtt://127.0.0.1"))
    assert [(one.id, one.role, one.feeder, one.kind, one.unit) for one in config.schema.meter] == [
        ("main", "billing", "site", "mqtt", 1),
        ("house", "house", "site", "modbus", 10),
        ("t1", "feeder", "T1", "modbus", 11),
        ("t2", "feeder", "T2", "modbus", 12),
    ]
    assert [miner.feeder for miner in config.miners] == ["T1", "T1", "T1", "T2", "T2"]
    assert not config.not_yet()


def config_classes(config):
    """Every class that an issuer of its own may order."""
    return tuple(name for name, issuer in config.schema.orders.issuers.items() if tuple(issuer.classes) == (name,))


def test_a_mix_of_every_firmware_has_one_of_each_before_it_has_two_of_any():
    named = {(row.make, row.name) for row in FIRMWARES}
    for count in (len(FIRMWARES), 1000):
        rows = list(allot(every_mix(), count))
        assert {(row.make, row.firmware) for row in rows} == named
        assert len(rows) == count


def test_machines_that_nobody_can_tell_to_sleep_are_told_apart():
    rows = [MixRow(make="Antminer", model="Antminer S19", share=1, firmware=name) for name in ("stock", "hiveon")]
    places = [Place(host="127.0.0.1", port=20_000 + at, http_port=None) for at in range(2)]
    made = [machine(at, row, place, 1) for at, (row, place) in enumerate(zip(rows, places, strict=True))]
    meters = MetersAt(options=MeterOptions(), port=0)
    config = parse(config_toml(made, site="s1", house_w=1500, meters=meters, mqtt_url="mqtt://127.0.0.1"))
    assert [entry.tags for entry in config.miners] == [("told",), ()]
