"""md5-crypt against hashes that others computed: known pairs of WhatsMiners, and what `openssl passwd -1` says."""

import pytest

from drivers.md5crypt import md5_crypt

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    ("password", "salt", "hashed"),
    [
        ("admin", "BQ5hoXV9", "RxmaDUO33TS7O26yeMHZ81"),
        ("RxmaDUO33TS7O26yeMHZ815626", "jbzkfQls", "w.BNbkCV6n1aNWgiBWLzT/"),
        ("Fleet_01", "abcdefgh", "8q9MrrJDfWQdjumTlcZY60"),
        ("8q9MrrJDfWQdjumTlcZY601741500000", "12345678", "jQNzNZT1iQ6K0c7jvfuCl1"),
        ("admin", "5QAHiKMb", "x5JSSQzqF0lEACIGSL0Ld1"),
        ("x5JSSQzqF0lEACIGSL0Ld10000", "kowEj187", "FuAsr25h02Hee7J8zszS71"),
        ("", "abcd", "CwbBDotm4UoKv5fATTtzT."),
        ("a", "abcd", "PW3wSi4KQlwQXwfAbb9UA/"),
        ("x" * 17, "abcd", "m0xg707VF73hiYn/zD.Ho1"),
        ("pä" * 20, "abcd", "kQPoDlEmYZGVGb4fwzczb1"),
    ],
)
def test_a_password_and_a_salt_give_the_known_hash(password, salt, hashed):
    assert md5_crypt(password, salt) == hashed


def test_of_a_salt_eight_characters_count():
    assert md5_crypt("admin", "BQ5hoXV9longer") == md5_crypt("admin", "BQ5hoXV9")
