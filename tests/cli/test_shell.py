"""The shell itself: help, usage, and what a running agent loads."""

import subprocess
import sys

import pytest

from agent.cli.main import shell

COMMANDS = [
    ["run"], ["demo"], ["check"], ["status"], ["miners"], ["miners", "list"], ["miners", "sleep"], ["miners", "wake"],
    ["miners", "full"], ["miners", "limit"], ["miners", "reboot"], ["miners", "locate"], ["hold"], ["unhold"],
    ["seal"], ["unseal"], ["seals"],
    ["orders"], ["orders", "list"], ["orders", "send"], ["orders", "cancel"], ["orders", "release"], ["plan"],
    ["drill"], ["probe"], ["simulate"], ["bench"], ["bench", "agent"],
]  # fmt: skip
WRONG = [
    ["frobnicate"],
    ["status", "--no-such-option"],
    ["plan", "--fleet", "fleet.json"],
    ["plan", "--max-import-kw", "-1"],
    ["plan", "--max-import-kw", "many"],
    ["plan", "--max-import-kw", "nan"],
    ["plan", "--max-import-kw", "inf"],
    ["orders", "send", "--max-import-kw", "nan"],
    ["orders", "send", "--max-import-kw", "inf"],
    ["miners", "sleep"],
    ["miners", "limit", "m-1"],
    ["miners", "limit", "m-1", "0"],
    ["miners", "reboot"],
    ["miners", "locate", "m-1", "--on"],
    ["hold", "m-1", "--by", "Aigul"],
    ["hold", "m-1", "--kind", "lunch", "--by", "Aigul"],
    ["hold", "m-1", "--kind", "bench", "--by", "Aigul", "--until", "tomorrow"],
    ["hold", "m-1", "--kind", "bench", "--by", "Aigul", "--until", "2027-01-15T18:00:00"],
    ["unhold", "m-1"],
    ["seal", "m-1", "--number", "17", "--by", "Aigul"],
    ["unseal", "m-1", "--by", "Aigul"],
    ["orders", "send"],
    ["orders", "send", "--stop", "--max-import-kw", "5"],
    ["orders", "send", "--stop", "--class", "royal"],
    ["orders", "send", "--file", "no-such-file.json"],
    ["orders", "send", "--file", "-", "--note", "x"],
    ["orders", "send", "--stop", "--mqtt", "mqtt://127.0.0.1"],
    ["orders", "send", "--stop", "--mqtt", "http://127.0.0.1", "--site", "kg-1"],
    ["orders", "release", "stop-1"],
    ["demo", "--for", "10"],
    ["probe"],
    ["simulate", "--no-such-option"],
    ["simulate", "--miners", "0"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_shows_examples_in_its_help(say, command):
    helped = say(*command, "--help")
    assert helped.exit_code == 0
    assert "Examples:\n" in helped.stdout
    assert f"  hashwatt {command[0]}" in helped.stdout


def test_the_help_names_every_command(say):
    helped = say("--help").stdout
    assert all(f"\n  {command[0]} " in helped for command in COMMANDS)


@pytest.mark.parametrize("told", WRONG, ids=" ".join)
def test_bad_usage_exits_2_says_why_on_stderr_and_asks_nobody(farm, say, told):
    wrong = say(*told)
    assert (wrong.exit_code, wrong.stdout) == (2, "")
    assert wrong.stderr
    assert farm.changes() == []


def test_what_a_locale_cannot_write_is_replaced_and_a_full_disk_is_one_sentence(farm, process):
    told = ("miners", "--url", farm.url, "--token", "x")
    said = process(*told, PYTHONIOENCODING="ascii")
    assert (said.returncode, said.stderr) == (0, "")
    assert "m-1" in said.stdout
    for words in (told, ["--help"], ["--version"]):
        with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
            said = process(*words, stdout=full)
        full_disk = "hashwatt: what it says cannot be written: No space left on device\n"
        assert (said.returncode, said.stderr) == (3, full_disk), words


def test_whoever_closed_its_output_is_answered_by_the_exit_code_alone(farm, monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(SystemExit) as left:
        shell(["miners", "--url", farm.url, "--token", "x", "--json"])
    assert left.value.code == 0


def test_the_version_is_said(process):
    said = process("--version")
    assert said.returncode == 0
    assert said.stdout.startswith("hashwatt ")


def test_run_is_called_without_the_shells_libraries(tmp_path):
    watch = (
        "import sys; sys.argv[1:] = ['run', '--config', sys.argv[1]]\n"
        "from agent.cli import main\n"
        "code = main()\n"
        "print(code, [name for name in ('typer', 'rich') if sys.modules.get(name)], 'agent.cli.run' in sys.modules)"
    )
    watched = subprocess.run(
        [sys.executable, "-c", watch, str(tmp_path / "none.toml")],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert watched.stdout == "2 [] True\n", watched.stderr


def test_help_and_version_load_nothing_heavy():
    watch = (
        "import sys; sys.argv[1:] = ['--help']\n"
        "from agent.cli import main\n"
        "try:\n    main()\n"
        "except SystemExit:\n"
        "    heavy = {'asyncio', 'pydantic', 'numpy', 'aiohttp', 'aiomqtt', 'rich', 'simulators', 'drivers'}\n"
        "    print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    watched = subprocess.run([sys.executable, "-c", watch], capture_output=True, text=True, timeout=30, check=False)
    assert watched.stderr == "[]\n"
