"""A log that cannot be written stops nothing, and says so when it can be."""

import io

import pytest

from agent.logs import Lines

pytestmark = pytest.mark.pure


class Disk(io.StringIO):
    """A file on a disk that may be full."""

    is_full = False

    def write(self, text):
        if self.is_full:
            raise OSError(28, "No space left on device")
        return super().write(text)


def test_lines_that_a_full_disk_did_not_take_are_counted_and_their_number_told_when_it_does():
    disk = Disk()
    lines = Lines(disk)
    disk.is_full = True
    lines.info("lost")
    lines.error("lost too")
    disk.is_full = False
    lines.warning("kept")
    lines.info("kept as well")
    assert disk.getvalue() == "2 lines could not be logged\nkept\nkept as well\n"
