"""What the page on evidence tells a stranger is true: its program verifies an export and refuses a changed one."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.proof.test_evidence import KEY, LINES, RAW

PAGE = (Path(__file__).parent.parent.parent / "docs" / "evidence.md").read_text(encoding="utf-8")


@pytest.fixture
def verified(tmp_path):
    """Return a function that runs the page's program on a file."""
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "verify.py").write_text(program, encoding="utf-8")

    def run(raw, key=KEY.public.text):
        (tmp_path / "file").write_bytes(raw)
        told = [sys.executable, tmp_path / "verify.py", tmp_path / "file", key]
        return subprocess.run(told, capture_output=True, text=True, timeout=60, check=False)

    return run


@pytest.mark.skipif(shutil.which("openssl") is None, reason="it needs openssl")
def test_its_program_verifies_an_export(verified):
    said = verified(RAW)
    assert said.stdout == "7 links of o1 hold\n", said.stderr


@pytest.mark.skipif(shutil.which("openssl") is None, reason="it needs openssl")
@pytest.mark.parametrize(
    "changed",
    [
        RAW.replace(b'"state":"active"', b'"state":"closed"', 1),
        b"".join([*LINES[:3], *LINES[4:]]),
        b"".join([*LINES[:3], LINES[4], LINES[3], *LINES[5:]]),
        b"".join(LINES[:-1]),
        RAW.replace(b'"sig":"', b'"sig":"0', 1),
        RAW + LINES[-1],
    ],
    ids=["changed", "removed", "swapped", "cut off", "another signature", "doubled"],
)
def test_its_program_refuses_what_was_changed(verified, changed):
    said = verified(changed)
    assert said.returncode == 1
    assert said.stdout == ""


def test_every_member_of_a_line_is_on_the_page():
    for line in (LINES[0], LINES[1], LINES[8], LINES[-1]):
        for member in re.findall(rb'[{,]"(\w+)":', re.sub(rb'"fact":\{.*\}', b'"fact":0', line)):
            assert f"`{member.decode()}`" in PAGE
