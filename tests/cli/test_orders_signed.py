"""`orders keygen`, `sign` and `verify`: from a new key to a document that another hand can check."""

import json

import pytest

from tests.orders.site import at, document

ORDER = document(site="here", issued_at=at(0))


@pytest.fixture
def made(say, tmp_path):
    key, file = tmp_path / "energo.pem", tmp_path / "order.json"
    public = say("orders", "keygen", "k1", "-o", str(key)).stdout.strip()
    file.write_text(json.dumps(ORDER), encoding="utf-8")
    return key, file, public


def test_what_a_key_signs_its_public_half_verifies(say, made, tmp_path):
    key, file, public = made
    assert key.stat().st_mode & 0o777 == 0o600
    out = tmp_path / "order.jws"
    assert say("orders", "sign", str(file), "--key", str(key), "--kid", "k1", "-o", str(out)).exit_code == 0
    said = say("orders", "verify", str(out), "--key", public)
    assert (said.exit_code, json.loads(said.stdout)) == (0, ORDER)

    other = say("orders", "keygen", "k1", "-o", str(tmp_path / "other.pem")).stdout.strip()
    assert say("orders", "verify", str(out), "--key", other).exit_code == 1
    assert say("orders", "verify", str(out), "--key", "k2" + public[2:]).exit_code == 1
    assert say("orders", "verify", str(file), "--key", public).exit_code == 1


def test_a_key_is_never_overwritten_and_what_is_no_order_is_not_signed(say, made):
    key, file, _ = made
    before = key.read_bytes()
    assert say("orders", "keygen", "k1", "-o", str(key)).exit_code == 2
    assert key.read_bytes() == before
    file.write_text(json.dumps({**ORDER, "site": None}), encoding="utf-8")
    refused = say("orders", "sign", str(file), "--key", str(key), "--kid", "k1")
    assert (refused.exit_code, "site: a signed document says it" in refused.stderr) == (2, True)
    assert say("orders", "verify", str(file), "--key", "k1:short").exit_code == 2
