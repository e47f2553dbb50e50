"""Logs for people: one line a decision, on standard error; the ledger is the record.

A log that cannot be written, as on a full disk, stops nothing: how much was lost is said when there is room again.
"""

from __future__ import annotations

import logging
import sys
from typing import TextIO

import structlog
from structlog.typing import Processor


class Lines(structlog.PrintLogger):
    """Prints lines; those that could not be printed are counted, and their number told with the next that can."""

    def __init__(self, file: TextIO) -> None:
        super().__init__(file)
        self._lost = 0

    def msg(self, message: str) -> None:
        """Print a line, or count it as lost."""
        try:
            if self._lost:
                super().msg(f"{self._lost} lines could not be logged")
                self._lost = 0
            super().msg(message)
        except OSError:
            self._lost += 1

    log = debug = info = warn = warning = msg
    fatal = failure = err = error = critical = exception = msg


def configure(*, level: str = "info", form: str = "auto") -> None:
    """Set up structlog; `form` is auto (console on a terminal, else json), console or json."""
    as_console = form == "console" or (form == "auto" and sys.stderr.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Processor] = (
        [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)]
        if as_console
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    lines = Lines(sys.stderr)
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=lambda *_args: lines,
        cache_logger_on_first_use=False,
    )
