"""A farm that answers, its state directory, and the shell called in-process or as a process of its own."""

import functools
import subprocess
import sys

import pytest
import typer.testing

from agent.cli.main import shell
from tests.cli.farm import TOKEN, Farm, serving

typer.testing._get_command = functools.cache(typer.testing._get_command)  # the shell's tree is the same each time

FORGET = ("HASHWATT_URL", "HASHWATT_TOKEN", "STATE_DIRECTORY")


@pytest.fixture
def farm(tmp_path, monkeypatch):
    """A farm whose address and token lie where the shell looks for them."""
    for name in FORGET:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    for running in serving(Farm()):
        left_by(running, tmp_path / "hashwatt" / "kg-1")
        yield running


def left_by(farm, folder):
    folder.mkdir(parents=True)
    (folder / "address").write_text(farm.url.removeprefix("http://") + "\n")
    (folder / "token").write_text(TOKEN)


@pytest.fixture
def say():
    """Return a function that calls a command and returns its result: exit_code, stdout, stderr."""
    runner = typer.testing.CliRunner()
    return lambda *told, typed=None: runner.invoke(shell, [str(word) for word in told], input=typed)


@pytest.fixture
def process(tmp_path):
    """Return a function that runs the shell as a process."""

    def run(*told, stdout=subprocess.PIPE, **environ):
        return subprocess.run(
            [sys.executable, "-c", "import sys; from agent.cli import main; sys.exit(main())", *map(str, told)],
            stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=30, check=False, stdin=subprocess.DEVNULL,
            env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **environ},
        )  # fmt: skip

    return run
