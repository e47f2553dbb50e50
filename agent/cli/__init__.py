"""The commands read arguments and print. A running agent loads neither typer nor rich, so `run` goes its own way."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line and return the exit code."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["run"]:
        sys.modules["rich"] = None  # type: ignore[assignment]  # else structlog loads it, for 5 MB and tracebacks in colour
        from agent.cli.run import main as run  # noqa: PLC0415 - each way loads only what it needs

        return run(arguments[1:])
    from agent.cli.main import shell  # noqa: PLC0415

    shell(prog_name="hashwatt")
    return 0
