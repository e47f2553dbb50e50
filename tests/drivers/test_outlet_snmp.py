"""Outlets over SNMP: each family's own codes, by what it is asked and told."""

import pytest

from drivers.errors import Garbled, NotPermitted, Refused
from drivers.interface import Login
from drivers.outlet_snmp import ENTERPRISES, PROFILES, SnmpOutlet
from drivers.snmp import FACTORY, Community, Get, Set, User, Wait, access_of

pytestmark = pytest.mark.pure


def talk(conversation, values, refused=()):
    """Return what was asked and set, and what was learned; `refused` holds what is refused as a whole."""
    asked, reply = [], None
    try:
        while True:
            told = conversation.send(reply)
            asked.append(told)
            match told:
                case Get(oids=oids) if oids in refused:
                    reply = Refused("noSuchName")
                case Get(oids=oids):
                    reply = {oid: values.get(oid.removeprefix(f"{ENTERPRISES}.")) for oid in oids}
                case Set(oid=oid) if oid in refused:
                    reply = Refused("notWritable")
                case _:
                    reply = {}
    except StopIteration as done:
        return asked, done.value


STATES = [
    ("apc-masterswitch", "318.1.1.4.4.2.1.3.3", 1, 2),
    ("apc-rpdu", "318.1.1.12.3.5.1.1.4.3", 1, 2),
    ("apc-rpdu2", "318.1.1.26.9.2.3.1.5.3", 2, 1),
    ("raritan-pdu2", "13742.6.4.1.2.1.3.2.3", 7, 8),
    ("sentry3", "1718.3.2.3.1.5.2.1.3", 1, 0),
    ("sentry4", "1718.4.1.8.3.1.1.2.1.3", 1, 2),
    ("vertiv-v5", "21239.5.2.3.5.1.4.3", 1, 2),
    ("eaton-epdu", "534.6.6.7.6.6.1.2.1.3", 1, 0),
    ("cyberpower", "3808.1.1.3.3.5.1.1.4.3", 1, 2),
    ("cyberpower-epdu2", "3808.1.1.6.6.1.4.1.5.3", 1, 2),
    ("tripplite", "850.1.1.3.2.3.3.1.1.4.1.3", 2, 1),
]


def test_every_family_is_looked_at():
    assert [name for name, *_ in STATES] == list(PROFILES)


@pytest.mark.parametrize(("profile", "oid", "on", "off"), STATES)
def test_each_family_reads_on_and_off_by_its_own_codes(profile, oid, on, off):
    for value, means in ((on, True), (off, False), (99, None)):
        _, found = talk(SnmpOutlet(profile, 3, 2).read(), {oid: value})
        assert found.on is means


TOLD = [
    ("apc-rpdu", "318.1.1.12.3.3.1.1.4.3", (1, 2)),
    ("apc-rpdu2", "318.1.1.26.9.2.4.1.5.3", (1, 2)),
    ("raritan-pdu2", "13742.6.4.1.2.1.2.1.3", (1, 0)),
    ("sentry3", "1718.3.2.3.1.11.1.1.3", (1, 2)),
    ("vertiv-v5", "21239.5.2.3.5.1.6.3", (2, 4)),
    ("tripplite", "850.1.1.3.2.3.3.1.1.6.1.3", (2, 1)),
]


@pytest.mark.parametrize(("profile", "oid", "values"), TOLD)
def test_each_family_is_told_by_its_own_codes_and_read_back(profile, oid, values):
    for on, value in zip((True, False), values, strict=True):
        outlet = SnmpOutlet(profile, 3)
        reads = next(outlet.read()).oids[0].removeprefix(f"{ENTERPRISES}.")
        asked, found = talk(outlet.switch(on=on), {reads: PROFILES[profile].on if on else PROFILES[profile].off})
        assert asked[:2] == [Set(oid=f"{ENTERPRISES}.{oid}", value=value), Wait(seconds=2.0)]
        assert isinstance(asked[2], Get)
        assert found.on is on


def test_an_eaton_is_told_on_and_off_by_two_objects_of_delays():
    root = f"{ENTERPRISES}.534.6.6.7.6.6.1"
    told = [next(SnmpOutlet("eaton-epdu", 3).switch(on=on)) for on in (True, False)]
    assert told == [Set(oid=f"{root}.4.0.3", value=0), Set(oid=f"{root}.3.0.3", value=0)]


def test_power_is_told_where_it_is_measured():
    root = "318.1.1.26.9"
    values = {f"{root}.2.3.1.5.1": 2, f"{root}.4.3.1.7.1": 3200}
    assert talk(SnmpOutlet("apc-rpdu2").read(), values)[1].power_w == 3200.0
    assert talk(SnmpOutlet("apc-rpdu2").read(), values | {f"{root}.4.3.1.7.1": -1})[1].power_w is None
    raritan = {"13742.6.4.1.2.1.3.1.1": 7, "13742.6.5.4.3.1.4.1.1.5": 32105, "13742.6.3.5.4.1.7.1.1.5": 1}
    assert talk(SnmpOutlet("raritan-pdu2").read(), raritan)[1].power_w == 3210.5


def test_one_that_refuses_for_want_of_power_is_asked_for_its_state_alone_from_then_on():
    outlet = SnmpOutlet("apc-rpdu2")
    both = next(outlet.read()).oids
    values = {both[0].removeprefix(f"{ENTERPRISES}."): 2}
    asked, found = talk(outlet.read(), values, refused={both})
    assert [len(one.oids) for one in asked] == [2, 1]
    assert (found.on, found.power_w) == (True, None)
    assert [len(one.oids) for one in talk(outlet.read(), values)[0]] == [1]


def test_an_outlet_that_is_not_there_and_a_login_that_may_not_write_are_named():
    with pytest.raises(Garbled, match="no such outlet"):
        talk(SnmpOutlet("apc-rpdu", 25).read(), {})
    with pytest.raises(NotPermitted, match="may write"):
        talk(SnmpOutlet("apc-rpdu").switch(on=False), {}, refused={f"{ENTERPRISES}.318.1.1.12.3.3.1.1.4.1"})


def test_what_logins_mean_to_snmp():
    assert access_of([]) == FACTORY
    assert access_of([Login(user="v1", password="ops")]) == Community(name="ops", version=1)
    assert access_of([Login(user="v2c", password="ops")]) == Community(name="ops", version=2)
    one, other = Login(user="hash", password="first-word"), Login(user="hash", password="other-word")
    assert access_of([one]) == User(name="hash", authentication="first-word", privacy="first-word")
    assert access_of([one, other]) == User(name="hash", authentication="first-word", privacy="other-word")
    assert "word" not in f"{access_of([one, other])} {access_of([Login(user='v1', password='a-word')])}"


@pytest.mark.parametrize(("digits", "power_w"), [(0, 35.0), (1, 3.5), (-400, None), (30_000_000, None), (None, None)])
def test_digits_that_no_figure_has_are_garbage_and_cost_nothing(digits, power_w):
    told = {"13742.6.4.1.2.1.3.2.3": 7, "13742.6.5.4.3.1.4.2.3.5": 35, "13742.6.3.5.4.1.7.2.3.5": digits}
    _, found = talk(SnmpOutlet("raritan-pdu2", 3, 2).read(), told)
    assert (found.on, found.power_w) == (True, power_w)
