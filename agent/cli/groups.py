"""Two kinds of command groups: the shell, which says failures, and a group that lists when it is told nothing else."""

from __future__ import annotations

import sys
from typing import Any

import typer
from typer.core import TyperGroup

from agent.cli.failure import Failure
from agent.cli.show import plain


class Shell(TyperGroup):
    """The outermost group: a Failure becomes its sentence on standard error and its exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was named."""
        try:
            return super().invoke(ctx)
        except Failure as failure:
            print(f"hashwatt: {plain(failure)}", file=sys.stderr)
            raise typer.Exit(failure.code) from None


class Listing(TyperGroup):
    """A group whose command `list` may go unnamed: `hashwatt miners feeder:T1`."""

    usual = "list"

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put in the usual command where no other command of the group is named."""
        named = bool(args) and (args[0] in self.commands or args[0] == "--help")
        return super().parse_args(ctx, args if named else [self.usual, *args])


class Billing(TyperGroup):
    """A group whose command `show` may go unnamed, its help too: all options are there."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put in `show` where no other command of the group is named."""
        return super().parse_args(ctx, args if args and args[0] in self.commands else ["show", *args])


class Standing(Listing):
    """A group whose command `status` may go unnamed."""

    usual = "status"
