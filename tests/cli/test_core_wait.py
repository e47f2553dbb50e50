"""Whether a host is too busy to be judged on, by what its kernel tells of processes that waited for a core."""

import os

import pytest

from agent.cli.core_wait import CoreWait, too_busy
from agent.cli.demo import Outcome


def _told(folder, pid, waited_s):
    (folder / str(pid)).mkdir(exist_ok=True)
    (folder / str(pid) / "schedstat").write_text(f"5000000000 {round(waited_s * 1e9)} 100\n")


def test_the_process_that_waited_longest_counts_since_the_beginning(tmp_path, monkeypatch):
    now = iter((100.0, 110.0))
    monkeypatch.setattr("agent.cli.core_wait.time.monotonic", lambda: next(now))
    _told(tmp_path, 1, 7)
    _told(tmp_path, 2, 50)
    waited = CoreWait([1, 2, 3], proc=tmp_path)
    _told(tmp_path, 1, 11)
    _told(tmp_path, 2, 51)
    assert waited.share() == pytest.approx(0.4)


def test_where_the_kernel_tells_nothing_nobody_waited(tmp_path):
    assert CoreWait([1], proc=tmp_path).share() == 0.0
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "schedstat").write_text("none\n")
    assert CoreWait([1], proc=tmp_path).share() == 0.0
    assert CoreWait([os.getpid()]).share() >= 0.0


def test_a_failed_demo_names_a_busy_host_and_one_that_was_done_does_not():
    assert too_busy(0.1) is None
    late = Outcome(before_w=1000.0, back_w=1000.0, complied_s=70.0, core_wait=0.4)
    assert late.failures(60.0) == [
        "the stop was not complied with within 60 s",
        "the host was too busy to judge it: for 40% of the time agent or farm waited for a core",
    ]
    done = Outcome(before_w=1000.0, back_w=1000.0, complied_s=10.0, core_wait=0.4)
    assert done.failures(60.0) == []
    broken = Outcome(before_w=1000.0, back_w=1000.0, complied_s=10.0, broken=("demo-stop",), core_wait=0.4)
    assert broken.failures(60.0) == ["evidence is broken: demo-stop"]
