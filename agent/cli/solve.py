"""A linear programme with whole numbers, solved in a process of its own: `python -m agent.cli.solve` reads and writes.

HiGHS is large, may take all of a core for a while and may be killed: the one who asks stays small and alive.
"""

from __future__ import annotations

import importlib
import io
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from agent.planning.day_programme import Programme

if TYPE_CHECKING:
    from agent.fleet.view import Floats

LONGEST_S = 60.0
GAP = 1e-4
"""A plan so near to the bound, as a share of it, is good enough."""
MISSING = 3
"""What the child ends with where there is no HiGHS."""


class Unsolved(Exception):
    """There is no plan; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """The columns, and how far from the best they may be at most, as a share."""

    columns: Floats
    gap: float


def solved(programme: Programme, longest_s: float = LONGEST_S) -> Solution:
    """Return the best columns that a child process finds in time. Raises Unsolved."""
    sent = io.BytesIO()
    np.savez(sent, longest_s=np.array(longest_s), **asdict(programme))
    command = [sys.executable, "-m", __name__]
    try:
        done = subprocess.run(  # noqa: S603 - our own module, our own interpreter
            command, input=sent.getvalue(), capture_output=True, timeout=longest_s * 2 + 10, check=False
        )
    except subprocess.TimeoutExpired:
        raise Unsolved(f"no plan was found within {longest_s:.0f} s") from None
    if done.returncode == MISSING:
        raise Unsolved("the plan of a day needs HiGHS: pip install 'hashwatt[plan]'")
    if done.returncode != 0:
        raise Unsolved("the solver failed: " + done.stderr.decode(errors="replace").strip()[-400:])
    told = np.load(io.BytesIO(done.stdout))
    if not bool(told["found"]):
        raise Unsolved(f"the caps cannot be met: {told['status']}")
    return Solution(columns=told["columns"], gap=float(told["gap"]))


def main() -> int:
    """Solve what stands on standard input."""
    try:
        importlib.import_module("highspy")
    except ImportError:
        return MISSING
    told = np.load(io.BytesIO(sys.stdin.buffer.read()))
    with quietly():
        status, columns, gap = answer(told, float(told["longest_s"]))
    made = io.BytesIO()
    np.savez(made, found=len(columns) > 0, columns=columns, gap=gap, status=status)
    sys.stdout.buffer.write(made.getvalue())
    return 0


@contextmanager
def quietly() -> Iterator[None]:
    """Have what the library says of itself on standard error: standard output is the answer's."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def answer(told: Mapping[str, Any], longest_s: float) -> tuple[str, Floats, float]:
    """Return how a programme ended in HiGHS's words, its columns, none where there are none, and the gap."""
    highspy = importlib.import_module("highspy")
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = len(told["cost"]), len(told["row_lower"])
    model.col_cost_, model.col_lower_ = told["cost"], np.zeros(model.num_col_)
    model.col_upper_, model.row_lower_, model.row_upper_ = told["upper"], told["row_lower"], told["row_upper"]
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_, model.a_matrix_.index_ = told["start"], told["index"]
    model.a_matrix_.value_ = told["value"]
    kinds = highspy.HighsVarType
    model.integrality_ = [kinds.kInteger if one else kinds.kContinuous for one in told["whole"]]
    solver = highspy.Highs()
    for name, value in (("output_flag", False), ("threads", 1), ("time_limit", longest_s), ("mip_rel_gap", GAP)):
        solver.setOptionValue(name, value)
    solver.passModel(model)
    solver.run()
    info = solver.getInfo()
    found = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    columns = np.array(solver.getSolution().col_value, float) if found else np.zeros(0)
    gap = float(info.mip_gap) if np.isfinite(info.mip_gap) else 0.0
    return solver.modelStatusToString(solver.getModelStatus()), columns, gap


if __name__ == "__main__":
    raise SystemExit(main())
