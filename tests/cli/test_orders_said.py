"""`orders send` says every field of an order's document, and names the option where one is wrong."""

import json
from pathlib import Path

import pytest

from agent.inputs.order_shape import DocumentShape


@pytest.fixture
def dry(say):
    """Return a function that says an order without sending it: the document, or the sentence that refuses it."""

    def told(*options):
        said = say("orders", "send", *options, "--dry-run")
        if said.exit_code == 0:
            return json.loads(said.stdout)
        assert said.exit_code == 2, said.output
        return said.stderr

    return told


WHOLE = (
    "--fraction", "0.5", "--of", "12.5", "--id", "a", "--revision", "3", "--issuer", "grid", "--class", "contract",
    "--starts", "2027-01-15T12:00:00Z", "--ends", "2027-01-15T14:00:00Z", "--tz", "Asia/Bishkek",
    "--local-starts", "2027-01-15T18:00", "--local-ends", "2027-01-15T20:00", "--resume", "operator", "--note", "n",
    "--feeder", "T1", "--exempt-feeder", "T2", "--exempt-tag", "heat", "--exempt-miner", "m-1", "--exempt-source", "pv",
    "--quantity", "consumption", "--measure-at", "T1", "--over-s", "900", "--aligned", "--tolerance-pct", "2",
    "--comply-by-s", "60", "--ramp-kw-per-min", "100", "--restore-kw-per-min", "50", "--lead", "forbidden",
    "--randomize-s", "30", "--offer", "--test", "--priority", "5", "--supersedes", "b", "--program", "DR",
    "--excess-price", "12.50 KGS", "--ext", "lot=7", "--ext", "zone=north", "--silence-s", "90", "--failsafe-kw", "0",
    "--failsafe-min-s", "600", "--failsafe-then", "release", "--number", "14", "--dated", "2027-01-14",
    "--issued-by", "Grid", "--taken-by", "Aigul", "--via", "letter", "--paper-url", "https://grid/14",
)  # fmt: skip


def test_every_field_of_a_document_can_be_said(dry):
    told = dry(*WHOLE)
    fields = {field.alias or name for name, field in DocumentShape.model_fields.items()}
    assert fields - set(told) == {"site"}  # of --site
    assert told["limit"] == {"fraction": 0.5, "of": {"kw": 12.5}}
    assert told["measure"] == {
        "quantity": "consumption", "at": "T1", "over_s": 900, "aligned": True, "tolerance_pct": 2.0,
    }  # fmt: skip
    assert told["exempt"] == {"feeders": ["T2"], "tags": ["heat"], "miners": ["m-1"], "sources": ["pv"]}
    assert (told["mandatory"], told["test"], told["lead"]) == (False, True, "forbidden")
    assert told["on_silence"] == {"timeout_s": 90, "failsafe_kw": 0.0, "min_s": 600, "then": "release"}
    assert (told["excess_price"], told["ext"]) == (
        {"amount": "12.50", "currency": "KGS"},
        {"lot": 7, "zone": "north"},
    )
    assert told["local"] == {"starts": "2027-01-15T18:00", "ends": "2027-01-15T20:00"}


def test_bases_and_shapes_of_limits_are_said(dry, tmp_path):
    points = tmp_path / "t.csv"
    points.write_text("2027-01-15T12:00:00Z,4000\n2027-01-15T13:00:00Z,\n")
    assert dry("--reduce-kw", "8", "--baseline", "peak_12m")["limit"] == {"reduce_kw": 8.0, "baseline": "peak_12m"}
    assert dry("--trajectory", points, "--linear")["limit"]["interpolate"] == "linear"


@pytest.mark.parametrize(
    ("options", "option"),
    [
        (("--stop", "--tz", "Asia/Nowhere", "--local-starts", "2027-01-15T18:00"), "--tz:"),
        (("--stop", "--local-starts", "2027-01-15T18:00"), "--tz: --local-starts needs it"),
        (("--stop", "--tz", "Asia/Bishkek", "--local-ends", "2027-02-30T18:00"), "--local-ends:"),
        (("--stop", "--starts", "+4h", "--ends", "+2h"), "--ends: must be after --starts"),
        (("--stop", "--class", "law", "--silence-s", "9", "--failsafe-kw", "0", "--failsafe-then", "release"),
         "--failsafe-then: a law"),
        (("--stop", "--failsafe-kw", "0"), "--silence-s and --failsafe-kw"),
        (("--stop", "--exempt-tag", "a", "--exempt-tag", "a"), "--exempt-tag: must not repeat"),
        (("--stop", "--id", "x/y"), "--id:"),
        (("--stop", "--ramp-kw-per-min", "0"), "--ramp-kw-per-min: must be greater than 0"),
        (("--stop", "--baseline", "before"), "--baseline goes with --reduce-kw"),
        (("--fraction", "0.5", "--of", "much"), "--of: much"),
        (("--stop", "--excess-price", "12.50"), "--excess-price:"),
        (("--stop", "--ext", "lot"), "--ext:"),
        (("--stop", "--read-back"), "--read-back goes with --by-phone"),
        (("--stop", "--number", "14", "--dated", "tomorrow"), "--dated:"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_by_its_option_before_anything_is_sent(dry, options, option):
    assert option in dry(*options)


def test_a_dry_run_of_a_file_says_what_an_agent_would_refuse(say, tmp_path):
    file = Path(tmp_path / "order.json")
    file.write_text('{"order_id": "a", "revision": 0, "issuer": "x", "class": "law", "status": "issued"}')
    said = say("orders", "send", "--file", file, "--dry-run")
    assert (said.exit_code, "--revision: must be" in said.stderr) == (2, True)
