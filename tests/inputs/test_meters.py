"""A meter's messages on MQTT."""

from datetime import UTC, datetime

import pytest

from agent.inputs.meters import BadSample, MeterSample, parse_sample

pytestmark = pytest.mark.pure


def test_a_sample_says_what_the_meter_said():
    found = parse_sample(
        b'{"power_w":1500,"energy_wh":7,"kvar":-0.5,"export_w":0,"at":"2026-03-01T12:00:00Z","model":"x"}'
    )
    assert found == MeterSample(
        power_w=1500.0, energy_wh=7.0, kvar=-0.5, export_w=0.0, at=datetime(2026, 3, 1, 12, tzinfo=UTC)
    )


def test_what_a_meter_does_not_say_is_unknown_and_never_zero():
    assert parse_sample(b'{"power_w":0}') == MeterSample(power_w=0.0)
    nulls = b'{"power_w":1,"energy_wh":null,"kvar":null,"export_w":null,"at":null}'
    assert parse_sample(nulls) == MeterSample(power_w=1.0)


def test_sign_turns_the_power_and_the_multiplier_scales_every_figure():
    found = parse_sample(b'{"power_w":-2,"energy_wh":3,"kvar":4,"export_w":5}', sign=-1, multiplier=100)
    assert found == MeterSample(power_w=200.0, energy_wh=300.0, kvar=400.0, export_w=500.0)


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        (b"", "payload"),
        (b"{", "payload"),
        (b"[]", "payload"),
        (b"\xff", "payload"),
        (b"{}", "power_w"),
        (b'{"power_w":null}', "power_w"),
        (b'{"power_w":"1"}', "power_w"),
        (b'{"power_w":true}', "power_w"),
        (b'{"power_w":NaN}', "power_w"),
        (b'{"power_w":Infinity}', "power_w"),
        (b'{"power_w":1e999}', "power_w"),
        (b'{"power_w":3e9}', "power_w"),
        (b'{"power_w":-3e9}', "power_w"),
        (b'{"power_w":1,"energy_wh":-1}', "energy_wh"),
        (b'{"power_w":1,"kvar":"0"}', "kvar"),
        (b'{"power_w":1,"export_w":false}', "export_w"),
        (b'{"power_w":1,"at":"2026-03-01T12:00:00"}', "at"),
        (b'{"power_w":1,"at":5}', "at"),
        (b'{"power_w":1}' + b" " * 5000, "payload"),
    ],
)
def test_what_is_no_sample_is_refused_by_its_field(payload, field):
    with pytest.raises(BadSample, match=rf"^{field}: "):
        parse_sample(payload)
