"""Who answers: by one question on the API port, else by the web page; foreign firmware by its own name."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import registry
from drivers.errors import DeviceError, NotListening, NotPermitted, Unreachable, Unsupported
from drivers.identify import API_PAGES, MARKS, PAGES, family_of, identify
from drivers.interface import Ask, Http, Target
from tests.drivers.antminers import Antminer, encoded, refusal, stats, status, version
from tests.drivers.conversations import Talk, converse, name_of, ok, scripted

pytestmark = pytest.mark.pure

HERE = Target(host="127.0.0.1")
PAGE, MARA = "GET /cgi-bin/get_system_info.cgi", "GET /kaonsu/v1/brief"
EPIC = "GET /summary"


def speaks(description, **row):
    told = status(22, "versions")
    told[0]["Description"] = description
    return {"STATUS": told, "VERSION": [{"API": "3.7"} | row], "id": 1}


@pytest.mark.parametrize(
    ("told", "driver"),
    [
        (version("Antminer S9", BMMiner="2.0.0"), "antminer-stock"),
        (version("Antminer S21"), "antminer-stock"),
        (speaks("cgminer 4.11.1", CGMiner="4.11.1"), "cgminer"),
        (speaks("bfgminer 5.5.0", CGMiner="5.5.0"), "cgminer"),
        (speaks("BOSer boser-x 0.1.0"), "braiins"),
        (speaks("BOSminer+ 0.2.0", **{"BOSminer+": "0.2.0"}), "braiins"),
        (speaks("LUXminer 2024.1", Type="Antminer S19k Pro"), "luxos"),
        (speaks("cgminer 4.11.1", CGMiner="4.11.1", Type="Antminer S19 (vnish 1.2)"), "vnish"),
        (speaks("bmminer 1.0.0", BMMiner="2.0.0 rwglr", Type="Antminer S9 Hiveon"), "hiveon"),
        (speaks("bmminer 1.0.0", BMMiner="4.11.1 rwglr", Type="S19-88 v.2"), "mskminer"),
        (speaks("kaonsu 24.1", Type="Antminer S21"), "mara"),
        ({"STATUS": "S", "Msg": {"fw_ver": "2024"}, "Description": "btminer"}, "whatsminer"),
        ({"STATUS": "S", "Code": 131, "Msg": {"mineroff": "false"}}, "whatsminer"),
        (speaks("cgminer 4.11.1", CGMiner="4.11.1", PROD="AvalonMiner 1246"), "avalon"),
        (speaks("GCMiner-0.5", GCMiner="0.5"), "auradine"),
        (speaks("bdminer 4.11.1", BDMiner="4.11.1"), "sealminer"),
    ],
)
def test_a_version_tells_the_family_and_foreign_firmware_goes_before_the_model(told, driver):
    assert family_of(encoded(told)) == driver


def test_an_antminer_is_identified_by_its_own_driver():
    identity = converse(identify(HERE), Antminer())
    assert (identity.driver, identity.model, identity.mac) == (
        "antminer-stock",
        "Antminer S19 Pro",
        "02:00:5E:10:00:07",
    )


def test_every_mark_and_every_page_means_a_driver():
    meant = {name for _, name in MARKS} | {name for *_, name in (*PAGES, *API_PAGES)}
    assert meant <= set(registry.names())


def test_what_nobody_knows_is_shown():
    with pytest.raises(Unsupported, match="toaster"):
        converse(identify(HERE), scripted({"version": {"toaster": "1.0"}}))


def test_a_stranger_who_speaks_the_api_is_read_all_the_same():
    summary = {"STATUS": status(11, "Summary"), "SUMMARY": [{"Elapsed": 1}], "id": 1}
    unknown = refusal("version", 14)
    mute = dict.fromkeys(("stats", "devdetails", "devs", "status", "version"), unknown)
    for answers in ({"version": speaks("toaster 1.0"), "summary": summary}, {"summary": summary} | mute):
        assert converse(identify(HERE), scripted(answers)).driver == "generic"


def test_who_refuses_his_version_tells_who_he_is_in_his_figures():
    figures = stats("Antminer S9 (Vnish 3.8.6)", {"Elapsed": 1})
    answers = {"version": refusal("version"), "stats": figures, "GET /api/v1/info": NotListening("refused")}
    assert converse(identify(HERE), scripted(answers)).driver == "vnish-old"


@pytest.mark.parametrize(("silent", "error"), [(Unreachable("late"), Unreachable), (NotListening("shut"), Unsupported)])
def test_whose_pages_are_not_known_is_a_stranger_only_where_its_api_port_is_shut(silent, error):
    with pytest.raises(error) as told:
        converse(identify(HERE), lambda asked: silent if isinstance(asked, Ask) else ok(status=404))
    assert type(told.value) is error


def test_an_antminer_that_shuts_its_api_port_is_known_by_its_page():
    for error in (NotListening("connection refused"), Unreachable("no answer in time")):
        machine = Antminer()

        def answer(exchange, machine=machine, error=error):
            return machine(exchange) if isinstance(exchange, Http) else error

        talk = Talk(answer)
        identity = talk.hold(identify(HERE))
        assert (identity.driver, identity.abilities.names()) == ("antminer-stock", ("sleep", "low", "reboot", "locate"))
        assert [name for name in talk.names if name != EPIC][:3] == ["version", PAGE, MARA]
        assert (EPIC in talk.names) is not isinstance(error, NotListening)


def test_the_first_look_at_a_page_shows_no_password():
    talk = Talk(lambda exchange: ok(status=404) if isinstance(exchange, Http) else NotListening("refused"))
    with pytest.raises(Unsupported, match="status 404"):
        talk.hold(identify(HERE))
    pages = [exchange for exchange in talk.asked if isinstance(exchange, Http)]
    assert len(pages) > 1
    assert not any(exchange.password or exchange.headers for exchange in pages)


def test_maras_firmware_shows_the_same_realm_and_is_known_by_a_page_of_its_own():
    realm = ok(status=401, WWW_Authenticate='Digest realm="antMiner Configuration", qop="auth"')
    overview = {"model": "Antminer S21", "mac": "02:00:5E:10:00:08"}
    answers = {"version": NotListening("refused"), PAGE: realm, MARA: {"status": "Mining"}}
    identity = converse(identify(HERE), scripted(answers | {"GET /kaonsu/v1/overview": overview}))
    assert (identity.driver, identity.model) == ("mara", "Antminer S21")


def test_maras_firmware_that_is_silent_now_is_not_taken_for_bitmains():
    realm = ok(status=401, WWW_Authenticate='Digest realm="antMiner Configuration", qop="auth"')
    with pytest.raises(Unreachable, match="too late"):
        converse(identify(HERE), scripted({"version": NotListening("x"), PAGE: realm, MARA: Unreachable("too late")}))


def test_a_page_without_a_login_is_taken_by_its_words():
    machine = Antminer()
    machine.api = False

    def answer(exchange):
        is_open = isinstance(exchange, Http) and exchange.user is None
        return ok(encoded(machine.pages["get_system_info.cgi"])) if is_open else machine(exchange)

    assert converse(identify(HERE), answer).driver == "antminer-stock"


def test_a_foreign_realm_is_not_taken_for_an_antminer():
    realm = ok(status=401, WWW_Authenticate='Digest realm="blackMiner Configuration"')
    nothing = {f"{one.method} {one.path}": ok(status=404) for one, _, _ in PAGES}
    with pytest.raises(Unsupported):
        converse(identify(HERE), scripted({"version": NotListening("refused"), PAGE: realm, **nothing}))
    late = {**nothing, "GET /api/v1/info": Unreachable("no complete answer in time")}
    with pytest.raises(Unreachable):  # the page that is late may have been the one
        converse(identify(HERE), scripted({"version": NotListening("refused"), PAGE: realm, **late}))


def test_who_is_half_read_says_so():
    machine = Antminer()
    whole = converse(identify(HERE), machine)
    assert not whole.partial
    late = Unreachable("no complete answer in time")
    for name in ("stats", PAGE, "GET /cgi-bin/get_miner_conf.cgi"):
        found = converse(identify(HERE), lambda asked, name=name: late if name_of(asked) == name else machine(asked))
        assert found.partial
        assert found.firmware_version in {whole.firmware_version, None}
    shut = NotListening("refused")
    asleep = converse(identify(HERE), lambda asked: shut if isinstance(asked, Ask) else machine(asked))
    assert (asleep.driver, asleep.partial, asleep.firmware_version) == ("antminer-stock", False, None)
    silent = converse(identify(HERE), lambda asked: late if isinstance(asked, Ask) else machine(asked))
    assert silent.partial  # other firmware shows the same page


def test_who_is_late_with_the_answer_that_names_him_is_no_stranger():
    refusal = {"STATUS": [{"STATUS": "E", "Code": 14, "Msg": "invalid cmd"}], "id": 1}
    with pytest.raises(Unreachable):
        converse(identify(HERE), scripted({"version": refusal, "stats": refusal}))


def test_who_says_nothing_without_a_login_is_a_machine_for_sure_and_of_a_family_where_that_is():
    realm = ok(status=401, WWW_Authenticate='Digest realm="antMiner Configuration"')
    with pytest.raises(NotPermitted) as denied:
        converse(identify(HERE), scripted({"version": NotListening("refused"), PAGE: realm, MARA: realm}))
    assert denied.value.driver == "unknown"  # Bitmain's firmware, or Mara's
    with pytest.raises(NotPermitted) as denied:
        converse(identify(HERE, "epic"), lambda asked: NotListening("shut") if isinstance(asked, Ask) else realm)
    assert denied.value.driver == "epic"


def test_who_speaks_http_on_the_api_port_and_is_late_is_no_stranger():
    with pytest.raises(Unreachable):
        converse(identify(HERE), scripted({"version": b"HTTP/1.1 400 Bad Request\r\n\r\n"}))
    other = {"version": b"HTTP/1.1 400 Bad Request\r\n\r\n", EPIC: ok(b"<html>a printer</html>")}
    with pytest.raises(Unsupported):
        converse(identify(HERE), scripted(other))


def test_nobody_there_is_out_of_reach_by_what_the_api_port_said():
    with pytest.raises(Unreachable, match="no answer to version"):
        converse(identify(HERE), scripted({}))


def test_a_named_driver_is_not_guessed():
    talk = Talk(Antminer())
    assert talk.hold(identify(HERE, "antminer-stock")).model == "Antminer S19 Pro"
    assert talk.names[0] == "stats"
    with pytest.raises(Unsupported, match="nosuch"):
        converse(identify(HERE, "nosuch"), scripted({}))


@given(st.data())
def test_whatever_answers_only_device_errors_come_out(data):
    def answer(exchange):
        body = data.draw(st.binary(max_size=40) | st.sampled_from([encoded(version()), encoded(refusal("version"))]))
        return ok(body, data.draw(st.sampled_from([200, 401, 404]))) if isinstance(exchange, Http) else body

    with contextlib.suppress(DeviceError):
        assert converse(identify(HERE), answer).driver in registry.names()
