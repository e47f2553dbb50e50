"""The witness's judgement: what a client saw beside what is true. The client itself is run by `make witness`."""

import subprocess
import sys
from pathlib import Path

import pytest

from simulators.farm import Farm, FarmOptions
from simulators.machines import MixRow
from tests.witness.comparing import compared
from tests.witness.reasons import PYASIC_RS
from tests.witness.told import page

ROOT = Path(__file__).parent.parent


@pytest.fixture
async def true():
    row = MixRow(make="WhatsMiner", model="M50", share=1, firmware="whatsminer")
    async with Farm(FarmOptions(miners=1, mix=(row,), own_ports=True)) as farm:
        return farm.state()["miners"][0]


def faithful(true, **changes):
    """Return what a client sees that is right, but for what pyasic never sees."""
    board = {"hashrate_ths": true["hashrate_ths"] / 3, "chips": true["chips"]}
    return {
        "make": "WhatsMiner",
        "model": "M50 VH50",
        "mac": true["mac"],
        "serial": true["serial"],
        "api_version": None,
        "firmware_version": true["firmware_version"],
        "is_mining": True,
        "power_w": round(true["power_w"]),
        "hashrate_ths": true["hashrate_ths"] * 1.01,
        "inlet_c": 25.0,
        "fans_rpm": [true["fan_rpm"], true["fan_rpm"] * 1.02],
        "boards": [board] * 3,
        "pools": [{"url": url, "user": "farm.0", "alive": True} for url in true["pools"]],
        "errors": [],
    } | changes


async def test_what_is_seen_rightly_is_right_and_what_the_client_cannot_see_has_its_reason(true):
    rows = compared(faithful(true), true)
    assert [row.line() for row in rows if not row.ok] == []
    assert [row.field for row in rows if row.why] == ["api version"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"mac": None}, "mac"),
        ({"model": "M60 VH50"}, "model"),
        ({"power_w": None}, "power"),
        ({"power_w": 100}, "power"),
        ({"hashrate_ths": 1.0}, "hashrate"),
        ({"fans_rpm": []}, "fans"),
        ({"fans_rpm": [0, 0]}, "fan speed"),
        ({"pools": []}, "pools"),
        ({"api_version": "1.4.0"}, "api version"),
        ({"is_mining": False}, "mining"),
        ({"errors": ["530"]}, "errors"),
    ],
)
async def test_what_is_seen_wrongly_is_told(true, changes, field):
    wrong = [row for row in compared(faithful(true, **changes), true) if not row.ok]
    assert field in [row.field for row in wrong]
    assert all("WRONG" in row.line() for row in wrong)


async def test_a_machine_that_nobody_identified_is_one_wrong_row(true):
    (row,) = compared(None, true)
    assert not row.ok


def test_without_a_client_it_says_what_it_needs():
    command = [sys.executable, "-m", "tests.witness", "/nowhere/python"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert (ended.returncode, "pyasic" in ended.stderr) == (2, True)


def test_the_lock_holds_hashes_and_no_address():
    text = (ROOT / "requirements-witness.txt").read_text()
    assert "--hash=sha256:" in text
    assert "://" not in text


async def test_a_client_that_failed_at_a_machine_is_one_wrong_row_with_its_word(true):
    (row,) = compared({"failed": "reset"}, true, PYASIC_RS)
    assert (row.ok, row.seen) == (False, "reset")


@pytest.mark.parametrize(("model", "why"), [("SealMiner A2", "pyasic knows none of this make"), ("M50", "")])
async def test_a_model_that_the_client_has_not_is_named_and_no_wrong_row(true, model, why):
    (row,) = compared(None, true | {"model": model})
    assert (row.ok, row.why) == (why != "", why)


async def test_of_a_firmware_that_says_less_that_alone_may_be_missing(true):
    unseen = faithful(true, make="Antminer", model="M50", api_version=None)
    for firmware, wrong in (("mara", []), ("stock", ["api version"])):
        rows = compared(unseen, true | {"make": "Antminer", "model": "Antminer M50", "firmware": firmware})
        assert [row.field for row in rows if not row.ok] == wrong


def test_the_page_of_differences_is_of_the_reasons_in_force():
    assert (ROOT / "docs" / "witness.md").read_text() == page()
