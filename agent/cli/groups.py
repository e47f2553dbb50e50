"""Two kinds of command groups: the shell, which says failures, and a group that lists when it is told nothing else."""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from agent.cli.failure import NO, UNREACHABLE, Failure
from agent.cli.show import plain


class Shell(TyperGroup):
    """The outermost group: a Failure becomes its sentence on standard error and its exit code."""

    def main(self, *args: Any, **named: Any) -> Any:
        """Run the command line; what help and version say, too, is written out before it is left."""
        try:
            try:
                return super().main(*args, **named)
            finally:
                if sys.stdout is not None:  # closed by whoever started it
                    sys.stdout.flush()
        except OSError as error:
            if error.errno not in {errno.ENOSPC, errno.EPIPE}:
                raise
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else leaving would try to write the rest
            if error.errno == errno.EPIPE:
                sys.exit(NO)
            print(f"hashwatt: what it says cannot be written: {error.strerror}", file=sys.stderr)
            sys.exit(UNREACHABLE)

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was named."""
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")  # of locales without a degree sign or a table's lines
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
